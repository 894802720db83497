//! The body of a `finding` record: what became of one matter since the look before.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::BASE64;
use super::words::{MAX_CHARACTERS, Told, moment};
use crate::finding::{Evidence, Finding, Severity, Suppressed, Verdict};
use base64::Engine as _;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingBody {
    pub change: Change,
    pub check: Told,
    pub subject: Told,
    /// `None` when nobody asked: the subject is gone, or its check is turned off. `reason` says which.
    pub verdict: Option<Verdict>,
    pub severity: Severity,
    pub title: Told,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Observation>,
    /// How many pieces of evidence are left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression: Option<Decision>,
    /// When the matter was first seen; it stays so through every change, also after it was resolved for a time.
    #[serde(with = "moment")]
    pub since: Timestamp,
    /// A hash over all that the finding says, evidence that is left out included, but for what passes by itself.
    pub digest: Told,
}

/// What became of a matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    New,
    Changed,
    Resolved,
    Reopened,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    source: Told,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_b64: Option<String>,
    observed: Told,
    expected: Told,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    witness: Option<Told>,
}

/// An operator's decision that bears on the finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    who: Told,
    until: Told,
    /// It silences nothing any more.
    #[serde(default, skip_serializing_if = "is_false")]
    expired: bool,
}

impl Decision {
    /// Whether it silences anything still.
    pub fn is_in_force(&self) -> bool {
        !self.expired
    }
}

impl FindingBody {
    /// What a finding says. `evidence` may be that of several findings about the same subject.
    pub fn of<'a>(
        change: Change,
        finding: &Finding,
        evidence: impl IntoIterator<Item = &'a Evidence>,
        since: Timestamp,
        digest: &str,
    ) -> Self {
        let mut evidence: Vec<Observation> = evidence.into_iter().map(Observation::from).collect();
        let more = evidence.len().saturating_sub(MAX_EVIDENCE);
        evidence.truncate(MAX_EVIDENCE);
        Self {
            change,
            check: Told::new(finding.check),
            subject: subject(finding.subject.as_str()),
            verdict: Some(finding.verdict),
            severity: finding.severity,
            title: Told::from(&finding.title),
            evidence,
            more,
            reason: finding.reason.as_ref().map(Told::from),
            suppression: finding.suppressed.as_ref().map(Decision::from),
            since,
            digest: Told::new(digest),
        }
    }

    pub fn to_json(&self) -> String {
        super::json(self)
    }

    /// Reads a body back.
    pub fn parse(json: &str) -> Result<Self, Malformed> {
        serde_json::from_str(json).map_err(|error| Malformed(error.to_string()))
    }
}

/// A subject as records name it. Two that differ only after what fits stay two.
pub fn subject(raw: &str) -> Told {
    if raw.chars().nth(MAX_CHARACTERS).is_none() {
        return Told::new(raw);
    }
    let hash: String = Sha256::digest(raw).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let head: String = raw.chars().take(MAX_CHARACTERS - hash.len() - 1).collect();
    Told::new(&format!("{head}…{hash}"))
}

impl From<&Evidence> for Observation {
    fn from(evidence: &Evidence) -> Self {
        // A path that the kernel would not take is none, and half of its bytes would be another path's.
        let exact = evidence.source.exact_path().filter(|bytes| bytes.len() <= MAX_PATH);
        Self {
            source: Told::from(evidence.source.text()),
            path_b64: exact.map(|bytes| BASE64.encode(bytes)),
            observed: Told::from(&evidence.observed),
            expected: Told::from(&evidence.expected),
            witness: evidence.witness.as_ref().map(Told::from),
        }
    }
}

impl From<&Suppressed> for Decision {
    fn from(suppressed: &Suppressed) -> Self {
        Self {
            who: Told::from(&suppressed.who),
            until: Told::new(&suppressed.until),
            expired: suppressed.expired,
        }
    }
}

/// A body that cannot be read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub(super) String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read the record's body: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// What somebody reads before logging in; `guestward check` shows the rest.
const MAX_EVIDENCE: usize = 5;
/// `PATH_MAX` of Linux.
const MAX_PATH: usize = 4_096;
