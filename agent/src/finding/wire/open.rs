//! What is open, as it is kept between two runs: schema `guestward.open/1`, one JSON document and its hash.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::body::{Told, moment};
use crate::finding::{Severity, Verdict};

pub const OPEN_SCHEMA: &str = "guestward.open/1";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    schema: String,
    pub epoch: String,
    /// The last record that is in here.
    pub seq: u64,
    /// How many open matters there was no room for.
    pub left_out: u64,
    pub open: Vec<Entry>,
    pub resolved: Vec<Past>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub check: Told,
    pub subject: Told,
    pub verdict: Verdict,
    pub severity: Severity,
    pub digest: Told,
    pub title: Told,
    #[serde(with = "moment")]
    pub since: Timestamp,
    #[serde(with = "moment")]
    pub changed: Timestamp,
}

/// A matter that was resolved, the longest ago first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    pub check: Told,
    pub subject: Told,
    #[serde(with = "moment")]
    pub since: Timestamp,
}

impl Document {
    pub fn new(epoch: String, seq: u64, left_out: u64, open: Vec<Entry>, resolved: Vec<Past>) -> Self {
        Self { schema: OPEN_SCHEMA.to_owned(), epoch, seq, left_out, open, resolved }
    }

    /// The document in one line, and its hash in another.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Texts, numbers and lists of them: nothing here can fail to be written.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        let hash = hash(&bytes);
        bytes.push(b'\n');
        bytes.extend_from_slice(hash.as_bytes());
        bytes.push(b'\n');
        bytes
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let body = bytes.strip_suffix(b"\n").ok_or(Damaged::Torn)?;
        let (document, kept) = body.split_at_checked(body.len().wrapping_sub(HASH)).ok_or(Damaged::Torn)?;
        let document = document.strip_suffix(b"\n").ok_or(Damaged::Torn)?;
        if hash(document).as_bytes() != kept {
            return Err(Damaged::Altered);
        }
        let document: Self =
            serde_json::from_slice(document).map_err(|error| Damaged::NotUnderstood(error.to_string()))?;
        if document.schema != OPEN_SCHEMA {
            return Err(Damaged::NotUnderstood(format!("it is not {OPEN_SCHEMA}")));
        }
        Ok(document)
    }
}

/// Why what was open cannot be told.
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
        write!(f, "cannot read what is open, so the next look tells everything anew: ")?;
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
