//! What may be told of an access key: its id, its account, its fingerprint. Never its secret.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// A key that was recognised. The secret it was recognised by is not in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub id: KeyId,
    pub kind: Kind,
    pub fingerprint: Fingerprint,
    /// Where its id begins in what was looked at.
    pub at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `ASIA`: issued by STS, worth nothing without its session token and after hours.
    Temporary { has_token: bool },
    /// `AKIA`: valid until somebody deletes it.
    LongLived,
}

/// An access key's id. It is no secret: AWS prints it in logs and in every signed URL.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; ID_LENGTH]);

impl KeyId {
    /// The id that begins `bytes`, unless it is a placeholder or one from a manual.
    pub fn at_start_of(bytes: &[u8]) -> Option<Self> {
        let id: [u8; ID_LENGTH] = bytes.get(..ID_LENGTH)?.try_into().ok()?;
        let tail = id.strip_prefix(LONG_LIVED).or_else(|| id.strip_prefix(TEMPORARY))?;
        let is_id = tail.iter().all(|&byte| base32(byte).is_some()) && !is_placeholder(tail);
        is_id.then_some(Self(id))
    }

    pub fn is_temporary(&self) -> bool {
        self.0.starts_with(TEMPORARY)
    }

    /// The account that it belongs to: forty bits of the id, after the first. Ids of the oldest kind have none.
    pub fn account(&self) -> Option<Account> {
        if matches!(self.0[4], b'I' | b'J') {
            return None;
        }
        let head = self.0[4..14].iter().fold(0_u64, |sum, &byte| (sum << 5) | base32(byte).unwrap_or(0));
        // Ten characters are fifty bits, of which the first six bytes count.
        let number = ((head >> 2) & 0x7fff_ffff_ff80) >> 7;
        (number < 1_000_000_000_000).then_some(Account(number))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.0).unwrap_or("AKIA?"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// An AWS account: twelve digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account(u64);

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

/// Tells two places with the same key from two keys.
///
/// Half of a SHA-256 over id and secret together: over the secret alone, a list of leaked secrets could be compared
/// without knowing whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    pub(super) fn of(id: &KeyId, secret: &Secret) -> Self {
        let digest = Sha256::new().chain_update(id.bytes()).chain_update(secret.0).finalize();
        let mut half = [0; 8];
        half.copy_from_slice(&digest[..8]);
        Self(half)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A secret while it is looked at. It has no Debug, no Display and no Clone, and [`Fingerprint::of`] is all that
/// anybody can do with it.
pub(super) struct Secret([u8; SECRET_LENGTH]);

impl Secret {
    /// Whether forty characters look drawn by lot, as AWS draws them, and not like words, a path or a digest.
    pub(super) fn new(characters: [u8; SECRET_LENGTH]) -> Option<Self> {
        let has = |class: fn(&u8) -> bool| characters.iter().any(class);
        let is_drawn = has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && !characters.iter().all(u8::is_ascii_hexdigit)
            && changes_of_class(&characters) >= MIN_CHANGES
            && letters_in_words(&characters) < MAX_IN_WORDS
            && entropy(&characters) >= MIN_ENTROPY
            && !characters.windows(7).any(|part| part == b"EXAMPLE");
        is_drawn.then_some(Self(characters))
    }
}

fn changes_of_class(characters: &[u8]) -> usize {
    let class = |byte: u8| match byte {
        b'A'..=b'Z' => 0,
        b'a'..=b'z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    characters.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count()
}

fn letters_in_words(characters: &[u8]) -> usize {
    let words = characters.split(|byte| !byte.is_ascii_lowercase());
    words.map(<[u8]>::len).filter(|&length| length >= MIN_WORD).sum()
}

/// In bits a character, from how often each occurs.
fn entropy(characters: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    characters.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    let total = f64::from(u32::try_from(characters.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| f64::from(count) / total)
        .map(|p| -p * p.log2())
        .sum()
}

/// Manuals and templates: AKIAIOSFODNN7EXAMPLE, AKIAXXXXXXXXXXXXXXXX, AKIAABCDEFGHIJKLMNOP.
fn is_placeholder(tail: &[u8]) -> bool {
    let distinct = tail.iter().fold(0_u32, |seen, &byte| seen | 1 << base32(byte).unwrap_or(0)).count_ones();
    let steps = tail.windows(2).filter(|pair| pair[1] == pair[0].wrapping_add(1)).count();
    tail.windows(7).any(|part| part == b"EXAMPLE")
        || tail.windows(5).any(|part| part == b"XXXXX")
        || distinct < MIN_DISTINCT
        || steps > MAX_STEPS
}

fn base32(byte: u8) -> Option<u64> {
    match byte {
        b'A'..=b'Z' => Some(u64::from(byte - b'A')),
        b'2'..=b'7' => Some(u64::from(byte - b'2') + 26),
        _ => None,
    }
}

pub(super) const LONG_LIVED: &[u8] = b"AKIA";
pub(super) const TEMPORARY: &[u8] = b"ASIA";
pub(super) const ID_LENGTH: usize = 20;
pub(super) const SECRET_LENGTH: usize = 40;
/// Forty characters drawn from 64 change class 25 times, give or take 3; words in camel case about 12 times at most.
const MIN_CHANGES: usize = 13;
/// Of forty characters drawn by lot 6 stand in runs of three small letters or more, and 24 once in ten thousand draws;
/// of those in a path or a name in camel case, most do.
const MAX_IN_WORDS: usize = 24;
const MIN_WORD: usize = 3;
/// Forty characters drawn from 64 have about 4.9 bits each, and one draw in a million below 4.3.
const MIN_ENTROPY: f64 = 4.1;
/// Sixteen characters drawn from 32 have about 13 distinct ones; fewer than 6 is one draw in a billion.
const MIN_DISTINCT: u32 = 6;
/// Drawn by lot, a character follows its predecessor in the alphabet once in 33.
const MAX_STEPS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> Option<String> {
        KeyId::at_start_of(id.as_bytes()).and_then(|id| id.account()).map(|account| account.to_string())
    }

    #[test]
    fn the_account_is_in_the_id() {
        assert_eq!(account("ASIAQNZGKIQY56JQ7WML").as_deref(), Some("029608264753"));
    }

    #[test]
    fn the_oldest_ids_have_no_account() {
        assert_eq!(account("AKIAJQ2ZC4KD6TXBWYRA"), None);
        assert_eq!(account("AKIAIQ2ZC4KD6TXBWYRA"), None);
    }

    #[test]
    fn placeholders_are_no_ids() {
        for id in [
            "AKIAIOSFODNN7EXAMPLE",
            "AKIAI44QH8DHBEXAMPLE",
            "AKIAXXXXXXXXXXXXXXXX",
            "AKIAAAAAAAAAAAAAAAAA",
            "AKIAABCDEFGHIJKLMNOP",
            "AKIA1234567890ABCDEF",
            "AKIAYOURKEYXXXXXXXXX",
            "AROAQNZGKIQY56JQ7WML",
            "AIDAQNZGKIQY56JQ7WML",
            "AKIAQNZGKIQY56JQ7WM",
        ] {
            assert_eq!(KeyId::at_start_of(id.as_bytes()), None, "{id}");
        }
    }

    #[test]
    fn words_paths_and_digests_are_no_secrets() {
        for text in [
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            "SomeStackName/SomeBucketName/ResourcePol",
            "getResourceAsStreamFromClassLoaderFactor",
            "usr/lib/x86/python3/site/Packages/boto3x",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "aB1aB1aB1aB1aB1aB1aB1aB1aB1aB1aB1aB1aB1a",
        ] {
            let characters: [u8; SECRET_LENGTH] = text.as_bytes().try_into().expect(text);
            assert!(Secret::new(characters).is_none(), "{text}");
        }
    }
}
