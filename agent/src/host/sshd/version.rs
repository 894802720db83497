//! Which OpenSSH it is. Defaults, keywords and even quoting differ between releases.

use std::fmt;

use memchr::memmem;

/// A release of OpenSSH; the portable suffix (`p1`) changes nothing about its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    pub major: u16,
    pub minor: u16,
}

impl Version {
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// The release that an sshd binary names itself in its greeting, `OpenSSH_9.2p1`.
    ///
    /// The binary also holds the names of old peers that it works around; those never carry a `p`.
    pub fn in_binary(bytes: &[u8]) -> Option<Self> {
        memmem::find_iter(bytes, MARK)
            .filter_map(|at| bytes.get(at + MARK.len()..))
            .find_map(|rest| Self::portable(rest.get(..10).unwrap_or(rest)))
    }

    fn portable(rest: &[u8]) -> Option<Self> {
        let (major, rest) = number(rest)?;
        let (minor, rest) = number(rest.strip_prefix(b".")?)?;
        let (_, _) = number(rest.strip_prefix(b"p")?)?;
        Some(Self { major, minor })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len());
    let (digits, rest) = bytes.split_at(end);
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

const MARK: &[u8] = b"OpenSSH_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_is_told_from_the_peers_that_are_worked_around() {
        let binary = b"\0OpenSSH_7.4*\0OpenSSH_6.5*,OpenSSH_6.6*\0OpenSSH_9.2\0OpenSSH_9.2p1 Debian-2\0";
        assert_eq!(Version::in_binary(binary), Some(Version::new(9, 2)));
        assert_eq!(Version::in_binary(b"OpenSSH_10.0p2"), Some(Version::new(10, 0)));
        assert_eq!(Version::in_binary(b"no such thing"), None);
    }

    #[test]
    fn releases_are_ordered_by_number_and_not_by_text() {
        assert!(Version::new(9, 9) < Version::new(10, 0));
    }
}
