//! What differs, as it is kept between two runs: schema `guestward.open-drift/1`, one JSON document and its hash.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::body::{Accounted, BaselineChange, Told, moment};
use super::hashed;
pub use super::hashed::Damaged;
use super::record::Hash;
use crate::finding::Severity;

pub const OPEN_DRIFT_SCHEMA: &str = "guestward.open-drift/1";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub schema: String,
    pub epoch: String,
    /// The last record that is in here.
    pub seq: u64,
    /// The state of the baseline that was compared with last.
    pub compared: Option<Hash>,
    pub baseline: Option<Known>,
    pub seal: Option<Told>,
    pub trouble: Option<Trouble>,
    pub left_out: u64,
    pub open: Vec<Entry>,
    pub packages: Vec<Package>,
    /// What updates made, and no package records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounted: Vec<Accounted>,
}

/// The baseline that was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub version: u64,
    pub root: Hash,
    pub state: Hash,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub change: BaselineChange,
    pub reason: Told,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub path: Told,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
    pub severity: Severity,
    #[serde(with = "moment")]
    pub since: Timestamp,
    pub digest: Told,
    /// It is as a package records it, and no package manager wrote it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disputed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    pub package: Told,
    pub count: u64,
    #[serde(with = "moment")]
    pub since: Timestamp,
    pub digest: Told,
}

impl Document {
    pub fn new(epoch: String) -> Self {
        Self {
            schema: OPEN_DRIFT_SCHEMA.to_owned(),
            epoch,
            seq: 0,
            compared: None,
            baseline: None,
            seal: None,
            trouble: None,
            left_out: 0,
            open: Vec::new(),
            packages: Vec::new(),
            accounted: Vec::new(),
        }
    }

    /// The document in one line, and its hash in another.
    pub fn to_bytes(&self) -> Vec<u8> {
        hashed::to_bytes(self)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let document: Self = hashed::from_bytes(bytes)?;
        if document.schema != OPEN_DRIFT_SCHEMA {
            return Err(Damaged::NotUnderstood(format!("it is not {OPEN_DRIFT_SCHEMA}")));
        }
        Ok(document)
    }
}
