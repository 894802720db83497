//! The bodies of `drift` records: how one object differs from what was agreed, what a package accounts for, what somebody
//! accepted, and what became of the baseline itself. `about` says which.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::object::{Described, bytes_of, exact, text};
use super::super::record::Hash;
use super::finding::Malformed;
use super::noticed::Noticed;
use super::update::{Recheck, UpdateDrift};
use super::words::{Told, moment};
use crate::baseline::drift::{self, Drift};
use crate::finding::Severity;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub enum DriftBody {
    Object(Box<ObjectDrift>),
    Package(PackageDrift),
    Acceptance(Acceptance),
    Baseline(BaselineEvent),
    Update(UpdateDrift),
    Recheck(Recheck),
}

/// What became of it since the comparison before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftChange {
    New,
    Changed,
    /// It is as agreed again.
    Reverted,
    /// Another baseline agrees with it.
    Settled,
    /// It was another for a moment, and is as agreed.
    Passed,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectDrift {
    pub change: DriftChange,
    pub path: Told,
    /// The exact bytes, where the text is not all that there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
    /// `added`, `removed`, `modified` or `unstable`; null where nothing differs any more.
    pub drift: Option<Told>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Told>,
    pub severity: Severity,
    /// What it is to those who attack: `set-id`, `sudoers`…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matter: Option<Told>,
    /// By which package's update; what is explained is told by its package from then on.
    pub explained: Option<Explained>,
    pub package: Option<OfPackage>,
    pub before: Option<Described>,
    pub after: Option<Described>,
    /// Lines that went and came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When it was first seen.
    #[serde(with = "moment")]
    pub since: Timestamp,
    /// Of what was told.
    pub digest: Told,
    #[serde(flatten)]
    pub noticed: Noticed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    pub package: Told,
    pub records: Told,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfPackage {
    pub name: Told,
    pub records: Told,
}

/// Everything that one package explains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageDrift {
    pub change: DriftChange,
    pub package: Told,
    pub severity: Severity,
    pub count: u64,
    pub added: u64,
    pub removed: u64,
    pub modified: u64,
    /// The first of them.
    pub paths: Vec<Told>,
    #[serde(with = "moment")]
    pub since: Timestamp,
    pub digest: Told,
}

/// Somebody took what differs for what is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    pub change: Accepted,
    pub who: Told,
    pub why: Told,
    #[serde(with = "moment")]
    pub when: Timestamp,
    pub count: u64,
    pub paths: Vec<Told>,
    pub version: u64,
    pub root_before: Hash,
    pub root: Hash,
    pub state: Hash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accepted {
    Accepted,
}

/// The baseline itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineEvent {
    pub change: BaselineChange,
    /// Null where there is none, or none that can be read.
    pub version: Option<u64>,
    pub root: Option<Hash>,
    pub state: Option<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// Who, of a seal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Told>,
    /// What was expected, or what is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaselineChange {
    Created,
    /// Base and acceptances were made one; what is agreed is the same.
    Merged,
    Sealed,
    /// It cannot be trusted.
    Damaged,
    /// There was one.
    Missing,
    /// An older one, or another than the one that was last seen.
    RolledBack,
    /// What was damaged or missing is there again, as it was.
    Restored,
}

impl DriftBody {
    pub fn to_json(&self) -> String {
        super::json(self)
    }

    /// Reads a body back.
    pub fn parse(json: &str) -> Result<Self, Malformed> {
        serde_json::from_str(json).map_err(|error| Malformed(error.to_string()))
    }

    pub fn severity(&self) -> Severity {
        match self {
            Self::Object(object) => object.severity,
            Self::Package(package) => package.severity,
            // Whoever can accept can hide: it is for everybody to see.
            Self::Acceptance(_) => Severity::Medium,
            Self::Baseline(event) => event.change.severity(),
            Self::Update(update) => update.severity,
            Self::Recheck(recheck) => recheck.severity,
        }
    }
}

impl BaselineChange {
    pub fn severity(self) -> Severity {
        match self {
            Self::Damaged | Self::Missing | Self::RolledBack => Severity::Critical,
            Self::Created => Severity::Medium,
            Self::Sealed | Self::Restored => Severity::Low,
            Self::Merged => Severity::Informational,
        }
    }
}

impl ObjectDrift {
    pub fn of(change: DriftChange, drift: &Drift, since: Timestamp, digest: &str) -> Self {
        let explained = drift.package.as_ref().filter(|_| drift.is_explained()).map(|accounted| Explained {
            package: Told::new(&accounted.package),
            records: Told::new(accounted.records.name()),
        });
        Self {
            change,
            path: text(&drift.path),
            path_b64: exact(&drift.path),
            drift: Some(Told::new(drift.change.name())),
            fields: drift.fields.names().map(Told::new).collect(),
            severity: if explained.is_some() { Severity::Informational } else { drift.severity },
            matter: drift.matter.map(|matter| Told::new(matter.name())),
            explained,
            package: drift.package.as_ref().map(|accounted| OfPackage {
                name: Told::new(&accounted.package),
                records: Told::new(accounted.records.name()),
            }),
            before: drift.before.as_ref().map(Described::of),
            after: drift.after.as_ref().map(Described::of),
            text: drift.text.as_deref().map(shortened),
            since,
            digest: Told::new(digest),
            noticed: Noticed::default(),
        }
    }

    /// It differs no more; what it is now nobody needs to be told.
    pub fn ended(change: DriftChange, path: &[u8], since: Timestamp, digest: &str) -> Self {
        Self {
            change,
            path: text(path),
            path_b64: exact(path),
            drift: None,
            fields: Vec::new(),
            severity: Severity::Informational,
            matter: None,
            explained: None,
            package: None,
            before: None,
            after: None,
            text: None,
            since,
            digest: Told::new(digest),
            noticed: Noticed::default(),
        }
    }

    pub fn path_bytes(&self) -> Option<Vec<u8>> {
        bytes_of(&self.path, self.path_b64.as_deref())
    }

    /// Whether it stays open by itself.
    pub fn is_open(&self) -> bool {
        matches!(self.change, DriftChange::New | DriftChange::Changed) && self.explained.is_none()
    }
}

impl PackageDrift {
    /// `drifts` are all that the package explains, in the order of their paths.
    pub fn of(change: DriftChange, package: &str, drifts: &[&Drift], since: Timestamp, digest: &str) -> Self {
        let count = |wanted| drifts.iter().filter(|drift| drift.change == wanted).count() as u64;
        Self {
            change,
            package: Told::new(package),
            severity: Severity::Informational,
            count: drifts.len() as u64,
            added: count(drift::Change::Added),
            removed: count(drift::Change::Removed),
            modified: count(drift::Change::Modified) + count(drift::Change::Unstable),
            paths: first(drifts.iter().map(|drift| drift.path.as_slice())),
            since,
            digest: Told::new(digest),
        }
    }
}

/// The first paths of many.
pub fn first<'a>(paths: impl Iterator<Item = &'a [u8]>) -> Vec<Told> {
    paths.take(FIRST).map(text).collect()
}

/// Whole lines, and a last one that says that there were more.
fn shortened(difference: &str) -> String {
    let mut kept = String::new();
    for line in difference.lines() {
        // As safe as every other text, whatever was in the file.
        let line = Told::new(line);
        if kept.len() + line.as_str().len() > MAX_TEXT {
            kept.push_str("…\n");
            break;
        }
        kept.push_str(line.as_str());
        kept.push('\n');
    }
    kept
}

/// As many as somebody reads before he looks at the machine.
const FIRST: usize = 10;
/// A page of changed lines; the command shows the rest.
const MAX_TEXT: usize = 8 * 1024;
