//! What an sshd binary says of itself: its release, and the algorithms that it was compiled to offer.
//!
//! Distributions patch the lists (Red Hat's 7.4 kept CBC and group1), so the binary is believed before any table.

use memchr::memmem;

use super::Version;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub version: Version,
    /// By keyword.
    lists: Vec<(&'static str, Vec<String>)>,
}

impl Release {
    /// `None`: the binary does not say which OpenSSH it is.
    pub fn in_binary(bytes: &[u8]) -> Option<Self> {
        let version = Version::in_binary(bytes)?;
        let mut lists = Vec::new();
        for (keywords, marks) in MARKS {
            if let Some(list) = the_only_list(bytes, marks) {
                lists.extend(keywords.iter().map(|&keyword| (keyword, list.clone())));
            }
        }
        Some(Self { version, lists })
    }

    /// A release as upstream made it.
    pub fn plain(version: Version) -> Self {
        Self { version, lists: Vec::new() }
    }

    /// The compiled-in list, where the binary has one and only one.
    pub(super) fn list(&self, keyword: &str) -> Option<&[String]> {
        self.lists.iter().find(|(known, _)| *known == keyword).map(|(_, list)| list.as_slice())
    }
}

/// The list that has all the marks, unless there are several that differ.
fn the_only_list(bytes: &[u8], marks: &[&str]) -> Option<Vec<String>> {
    let mut found: Option<&[u8]> = None;
    for at in memmem::find_iter(bytes, marks[0]).take(MOST_PLACES) {
        let begin = at - bytes[..at].iter().rev().take_while(|&&byte| is_of_list(byte)).take(LONGEST).count();
        let end = at + bytes[at..].iter().take_while(|&&byte| is_of_list(byte)).take(LONGEST).count();
        let list = &bytes[begin..end];
        let has = |mark: &&str| list.split(|&byte| byte == b',').any(|name| name == mark.as_bytes());
        if !marks.iter().all(has) {
            continue;
        }
        match found {
            Some(other) if other != list => return None,
            _ => found = Some(list),
        }
    }
    let text = std::str::from_utf8(found?).ok()?;
    Some(text.split(',').map(str::to_owned).collect())
}

fn is_of_list(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"@.,-".contains(&byte)
}

/// The keywords that share a list, and names that only a whole default list has together.
const MARKS: &[(&[&str], &[&str])] = &[
    (&["Ciphers"], &["chacha20-poly1305@openssh.com", "aes256-ctr", "aes128-gcm@openssh.com"]),
    (&["MACs"], &["umac-128-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"]),
    (&["KexAlgorithms"], &["curve25519-sha256@libssh.org", "ecdh-sha2-nistp256"]),
    (
        &["HostKeyAlgorithms", "PubkeyAcceptedAlgorithms", "HostbasedAcceptedAlgorithms"],
        &["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", "rsa-sha2-512"],
    ),
];
/// No list is as long as that.
const LONGEST: usize = 4096;
/// A binary names an algorithm a few times.
const MOST_PLACES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_binary_was_compiled_with_goes_before_what_upstream_did() {
        let binary = b"\0OpenSSH_7.4p1\0chacha20-poly1305@openssh.com\0\
            chacha20-poly1305@openssh.com,aes256-ctr,aes128-gcm@openssh.com,3des-cbc\0";
        let release = Release::in_binary(binary).unwrap();
        assert_eq!(release.list("Ciphers").unwrap().last().unwrap(), "3des-cbc");
        assert_eq!(release.list("MACs"), None);
    }

    #[test]
    fn two_lists_that_differ_decide_nothing() {
        let binary = b"OpenSSH_7.4p1\0chacha20-poly1305@openssh.com,aes256-ctr,aes128-gcm@openssh.com\0\
            chacha20-poly1305@openssh.com,aes256-ctr,aes128-gcm@openssh.com,3des-cbc\0";
        assert_eq!(Release::in_binary(binary).unwrap().list("Ciphers"), None);
    }
}
