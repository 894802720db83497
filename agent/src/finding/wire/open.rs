//! What is open, as it is kept between two runs: schema `guestward.open/1`, one JSON document and its hash.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::body::{Told, moment};
use super::hashed;
pub use super::hashed::Damaged;
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
        hashed::to_bytes(self)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let document: Self = hashed::from_bytes(bytes)?;
        if document.schema != OPEN_SCHEMA {
            return Err(Damaged::NotUnderstood(format!("it is not {OPEN_SCHEMA}")));
        }
        Ok(document)
    }
}
