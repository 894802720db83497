//! A document that is kept between two runs: one line of JSON, and its hash in another.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

pub(super) fn to_bytes(document: &impl Serialize) -> Vec<u8> {
    // Texts, numbers and lists of them: nothing here can fail to be written.
    let mut bytes = serde_json::to_vec(document).unwrap_or_default();
    let hash = hash(&bytes);
    bytes.push(b'\n');
    bytes.extend_from_slice(hash.as_bytes());
    bytes.push(b'\n');
    bytes
}

pub(super) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Damaged> {
    let body = bytes.strip_suffix(b"\n").ok_or(Damaged::Torn)?;
    let (document, kept) = body.split_at_checked(body.len().wrapping_sub(HASH)).ok_or(Damaged::Torn)?;
    let document = document.strip_suffix(b"\n").ok_or(Damaged::Torn)?;
    if hash(document).as_bytes() != kept {
        return Err(Damaged::Altered);
    }
    serde_json::from_slice(document).map_err(|error| Damaged::NotUnderstood(error.to_string()))
}

/// Why a document cannot be read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damaged {
    /// It ends before its hash does.
    Torn,
    /// The hash is another document's.
    Altered,
    /// Whole, and not in words of this version.
    NotUnderstood(String),
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn => write!(f, "the file ends too early"),
            Self::Altered => write!(f, "the file is not what was written"),
            Self::NotUnderstood(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for Damaged {}

fn hash(bytes: &[u8]) -> String {
    super::base64url(&Sha256::digest(bytes))
}

/// SHA-256 in base64url.
const HASH: usize = 43;
