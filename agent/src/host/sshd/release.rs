//! What an sshd binary says of itself: its release, and the algorithms that it was compiled to offer.
//!
//! Distributions patch the lists (Red Hat's 7.4 kept CBC and group1), so the binary is believed before any table.

use std::fmt;

use memchr::memmem;

use super::Version;

#[derive(Clone, PartialEq, Eq)]
pub struct Release {
    pub version: Version,
    /// By keyword.
    lists: Vec<(&'static str, Vec<String>)>,
    /// The binary itself, as long as the configuration is being read.
    binary: Vec<u8>,
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Release")
            .field("version", &self.version)
            .field("lists", &self.lists)
            .finish_non_exhaustive()
    }
}

impl Release {
    /// `None`: the binary does not say which OpenSSH it is.
    pub fn in_binary(binary: Vec<u8>) -> Option<Self> {
        let bytes = binary.as_slice();
        let version = Version::in_binary(bytes)?;
        let mut lists = Vec::new();
        for (keywords, marks) in MARKS {
            if let Some(list) = the_only_list(bytes, marks) {
                lists.extend(keywords.iter().map(|&keyword| (keyword, list.clone())));
            }
        }
        Some(Self { version, lists, binary })
    }

    /// A release as upstream made it.
    pub fn plain(version: Version) -> Self {
        Self { version, lists: Vec::new(), binary: Vec::new() }
    }

    /// Whether the binary has this word: if it is no keyword of the release, it may be one of a patch.
    pub(super) fn has_word(&self, word: &[u8]) -> bool {
        let word = [b"\0", word.to_ascii_lowercase().as_slice(), b"\0"].concat();
        memmem::find(&self.binary, &word).is_some()
    }

    pub(super) fn forget_binary(&mut self) {
        self.binary = Vec::new();
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
        let release = Release::in_binary(binary.to_vec()).unwrap();
        assert_eq!(release.list("Ciphers").unwrap().last().unwrap(), "3des-cbc");
        assert_eq!(release.list("MACs"), None);
    }

    #[test]
    fn two_lists_that_differ_decide_nothing() {
        let binary = b"OpenSSH_7.4p1\0chacha20-poly1305@openssh.com,aes256-ctr,aes128-gcm@openssh.com\0\
            chacha20-poly1305@openssh.com,aes256-ctr,aes128-gcm@openssh.com,3des-cbc\0";
        assert_eq!(Release::in_binary(binary.to_vec()).unwrap().list("Ciphers"), None);
    }
}
