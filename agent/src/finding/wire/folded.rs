//! A posture as whoever only sees the records knows it: schema `guestward.folded/1`, one JSON document and its hash.
//!
//! It is kept beside the cursor of the shipper that folds it, for the records before that cursor may be gone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::body::{PatchesBody, Told, moment};
use super::hashed::{self, Damaged};
use super::record::Id;
use crate::finding::{Severity, Verdict};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    schema: String,
    /// Whose records these were. `None` before the first.
    pub epoch: Option<Id>,
    /// The last record that is in here.
    pub seq: u64,
    #[serde(with = "moment")]
    pub time: Timestamp,
    /// Whether an inventory is among them: before it, nobody knows what is missing.
    pub is_whole: bool,
    pub checks: BTreeMap<Told, Standing>,
    /// What is outstanding, as the last record of that says. Earlier versions did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patches: Option<PatchesBody>,
    /// What was taken last of each kind, by its hash.
    pub accepted: BTreeMap<String, String>,
}

/// How one check stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// What it says where nothing is open: pass, or not applicable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Verdict>,
    /// What is open, by a hash of its subject.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub open: BTreeMap<String, Open>,
    /// What is open, too, and known no closer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    pub verdict: Verdict,
    pub severity: Severity,
    pub title: Told,
    #[serde(with = "moment")]
    pub since: Timestamp,
    /// An operator's decision that is in force silences it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_suppressed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    pub count: u64,
    /// The worst of them.
    pub verdict: Verdict,
}

impl Default for Folded {
    fn default() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            epoch: None,
            seq: 0,
            time: Timestamp::UNIX_EPOCH,
            is_whole: false,
            checks: BTreeMap::new(),
            patches: None,
            accepted: BTreeMap::new(),
        }
    }
}

impl Folded {
    /// The document in one line, and its hash in another.
    pub fn to_bytes(&self) -> Vec<u8> {
        hashed::to_bytes(self)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let folded: Self = hashed::from_bytes(bytes)?;
        if folded.schema != SCHEMA {
            return Err(Damaged::NotUnderstood(format!("it is not {SCHEMA}")));
        }
        Ok(folded)
    }
}

const SCHEMA: &str = "guestward.folded/1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back_and_nothing_else_is() {
        let mut folded = Folded { epoch: Some(Id::new([1; 8])), seq: 7, is_whole: true, ..Folded::default() };
        let open = Open {
            verdict: Verdict::Fail,
            severity: Severity::High,
            title: Told::new("Root can log in"),
            since: Timestamp::UNIX_EPOCH,
            is_suppressed: true,
        };
        let rest = Some(Rest { count: 2, verdict: Verdict::Unknown });
        let standing = Standing { settled: None, open: [("x".to_owned(), open)].into(), rest };
        folded.checks.insert(Told::new("ssh-root"), standing);
        let bytes = folded.to_bytes();
        assert_eq!(Folded::from_bytes(&bytes), Ok(folded));
        for end in 0..bytes.len() {
            assert!(Folded::from_bytes(&bytes[..end]).is_err(), "{end}");
        }
        let other = String::from_utf8(bytes).unwrap().replace("folded/1", "folded/2");
        assert_eq!(Folded::from_bytes(other.as_bytes()), Err(Damaged::Altered));
    }
}
