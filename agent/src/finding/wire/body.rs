//! What the records say, kind by kind: the bodies, pinned by the literal texts in the tests.
//!
//! Whatever a machine, a user or a file name put into a finding, a body stays below [`MAX_BODY`]: every text is
//! [`Told`], and every list has an end that says how much it leaves out.

mod actor;
mod detection;
mod differs;
mod drift;
mod finding;
mod inventory;
mod lifecycle;
mod noticed;
pub mod patches;
mod update;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::base64url;
use crate::finding::{Finding, Severity, Summary, Verdict};
pub use actor::{ActorBody, AncestorBody, HandBody, OtherActor, ProgramBody};
pub use detection::{DecoyOpened, Detection, MountOver};
pub use differs::{digest, digest_of_all};
pub use drift::{
    Acceptance, Accepted, BaselineChange, BaselineEvent, DriftBody, DriftChange, Explained, ObjectDrift,
    OfPackage, PackageDrift, first,
};
pub use finding::{Change, Decision, FindingBody, Malformed, Observation, subject};
pub use inventory::InventoryBody;
pub use lifecycle::{EpochCause, Former, Lifecycle};
pub use noticed::{Claims, Noticed, Seen};
pub use patches::PatchesBody;
pub use update::{Accounted, Applied, Byproduct, Recheck, Rechecked, UpdateDrift, Updated};
pub use words::Told;
pub(super) use words::moment;

/// What the agent says of itself at regular times, so that silence means something.
#[derive(Debug, Clone, PartialEq)]
pub struct Heartbeat {
    pub posture: Summary,
    pub version: &'static str,
    /// The policy's digest.
    pub policy: [u8; 32],
    /// What the journal holds that nobody took delivery of yet.
    pub backlog_records: u64,
    pub backlog_bytes: u64,
    pub gaps: u64,
    pub dropped: u64,
    pub cpu: Duration,
    /// Resident memory in bytes.
    pub rss: u64,
    pub up: Duration,
}

impl Heartbeat {
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Wire {
            counts: Counts,
            worst: Option<Severity>,
            version: &'static str,
            policy: String,
            backlog: Backlog,
            gaps: u64,
            dropped: u64,
            cpu_s: f64,
            rss: u64,
            up_s: u64,
        }
        let mut policy = base64url(&self.policy);
        policy.truncate(SHOWN_OF_DIGEST);
        json(&Wire {
            counts: Counts::from(&self.posture),
            worst: self.posture.worst,
            version: self.version,
            policy,
            backlog: Backlog { records: self.backlog_records, bytes: self.backlog_bytes },
            gaps: self.gaps,
            dropped: self.dropped,
            cpu_s: (self.cpu.as_secs_f64() * 10.0).round() / 10.0,
            rss: self.rss,
            up_s: self.up.as_secs(),
        })
    }
}

#[derive(Debug, Serialize)]
struct Counts {
    pass: usize,
    fail: usize,
    unknown: usize,
    not_applicable: usize,
    suppressed: usize,
}

impl From<&Summary> for Counts {
    fn from(summary: &Summary) -> Self {
        let Summary { pass, fail, unknown, not_applicable, suppressed, worst: _ } = *summary;
        Self { pass, fail, unknown, not_applicable, suppressed }
    }
}

#[derive(Debug, Serialize)]
struct Backlog {
    records: u64,
    bytes: u64,
}

/// Every verdict of a posture, so that a reader who missed a change comes to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// SHA-256 over the sorted lines `check TAB subject TAB verdict`.
    digest: String,
    verdicts: Verdicts,
}

/// The checks by the worst of their verdicts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
struct Verdicts {
    fail: Vec<&'static str>,
    unknown: Vec<&'static str>,
    pass: Vec<&'static str>,
    not_applicable: Vec<&'static str>,
}

impl Inventory {
    /// `findings` are those of a full posture.
    pub fn of(findings: &[Finding]) -> Self {
        let mut lines = BTreeSet::new();
        let mut worst: BTreeMap<&'static str, Verdict> = BTreeMap::new();
        for finding in findings {
            lines.insert(format!("{}\t{}\t{}\n", finding.check, finding.subject, finding.verdict));
            let entry = worst.entry(finding.check).or_insert(finding.verdict);
            if badness(finding.verdict) > badness(*entry) {
                *entry = finding.verdict;
            }
        }
        let mut hash = Sha256::new();
        lines.iter().for_each(|line| hash.update(line));
        let mut verdicts = Verdicts::default();
        for (check, verdict) in worst {
            match verdict {
                Verdict::Fail => verdicts.fail.push(check),
                Verdict::Unknown => verdicts.unknown.push(check),
                Verdict::Pass => verdicts.pass.push(check),
                Verdict::NotApplicable => verdicts.not_applicable.push(check),
            }
        }
        Self { digest: base64url(&hash.finalize()), verdicts }
    }

    pub fn to_json(&self) -> String {
        json(self)
    }
}

/// The order in which one verdict stands for several: what fails is told, whatever passes beside it.
pub fn badness(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 3,
        Verdict::Unknown => 2,
        Verdict::Pass => 1,
        Verdict::NotApplicable => 0,
    }
}

/// Texts, numbers and lists of them: nothing here can fail to be written.
fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_else(|_| "{}".to_owned())
}

/// No body is longer, so that a record with its envelope stays below 256 KiB.
pub const MAX_BODY: usize = 200 * 1024;
/// Enough to tell a policy from the one before.
const SHOWN_OF_DIGEST: usize = 12;

#[cfg(test)]
mod drift_tests;
#[cfg(test)]
mod noticed_tests;
#[cfg(test)]
mod tests;
