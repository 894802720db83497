//! How the daemons are: the two halves of `guestward status`, schema `guestward.status/1`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Counts;
use super::record::{Hash, Id};
use super::rfc3339_millis;
use crate::baseline::diff::{Depth, Report};
use crate::finding::{Severity, Summary};
use crate::sys::sandbox::Applied;

#[derive(Debug, Clone, Serialize)]
pub struct Sensor {
    pub pid: u32,
    pub version: &'static str,
    pub up_s: u64,
    /// Bytes.
    pub rss: Option<u64>,
    pub cpu_s: Option<f64>,
    pub agent: Id,
    pub epoch: Id,
    pub instance: Option<String>,
    /// The digest of the policy in force.
    pub policy: Hash,
    pub policy_sources: Vec<String>,
    pub last_seq: u64,
    pub last_record: Option<String>,
    pub journal_bytes: u64,
    pub backlog: Vec<ShipperBacklog>,
    /// Records in memory that the disk has not taken.
    pub waiting: usize,
    pub gaps: u64,
    pub dropped: u64,
    #[serde(serialize_with = "counts")]
    pub posture: Summary,
    pub last_look: Option<Looked>,
    /// Whether a look is under way.
    pub looking: bool,
    pub files: Files,
    /// Which state of the key seals the next checkpoint; null where there is no key.
    pub key: Option<u64>,
    /// What is wrong, in words.
    pub trouble: Vec<String>,
    pub confinement: Option<Confinement>,
}

/// File integrity.
#[derive(Debug, Clone, Serialize)]
pub struct Files {
    /// Null where there is none, or none was seen yet.
    pub baseline: Option<Baseline>,
    /// What is wrong with it, or with the last comparison.
    pub trouble: Vec<String>,
    /// Whether a comparison is under way.
    pub comparing: bool,
    /// Since the sensor started.
    pub last: Option<Compared>,
    /// How many objects differ that no package explains, and how bad the worst of it is.
    pub open: usize,
    pub worst: Option<Severity>,
    /// How many packages explain what differs besides.
    pub packages: usize,
    /// How many changes wait for the next comparison to be told.
    pub untold: u64,
    /// How many objects had no room, and are not told.
    pub left_out: u64,
    /// How often the clock was set, since the sensor started.
    pub clock_steps: u64,
    pub live: Live,
}

/// Changes of files as they happen. The counts are those since the sensor was started.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Live {
    pub state: LiveState,
    /// How many file systems are watched as a whole.
    pub watched: u64,
    /// What the kernel told.
    pub events: u64,
    /// How many paths somebody had to look at because of it.
    pub touched: u64,
    /// How many records came of that.
    pub told: u64,
    /// How often something was lost, and had to be looked at as a whole.
    pub lost: u64,
    /// Touched paths of which it is known who touched them, and of which it is not.
    pub actors_known: u64,
    pub actors_unknown: u64,
    /// How many touched paths wait to be looked at.
    pub queue: u64,
    /// What it does without; empty where it has everything.
    pub without: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LiveState {
    /// Whole file systems are watched.
    Watching,
    /// Directories only, by inotify: not all of them, and not who did it.
    Fallback,
    /// The policy says so, or there is no baseline.
    #[default]
    Off,
    /// It should watch, and cannot.
    Blind,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Baseline {
    pub version: u64,
    pub root: Hash,
    pub state: Hash,
}

/// A comparison that came to its end.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    pub time: String,
    pub took_s: f64,
    /// `full`, or `metadata` where contents were read only if something else had changed.
    pub depth: &'static str,
    pub objects: u64,
    pub by_hash: u64,
    pub by_metadata: u64,
    /// When the content was read that was longest taken to be as agreed.
    pub oldest_hash: Option<String>,
    pub bytes: u64,
    pub differ: u64,
    pub explained: u64,
    pub unseen: u64,
    /// The policy's rules are not those by which the baseline was made.
    pub other_rules: bool,
}

impl Compared {
    pub fn of(report: &Report) -> Self {
        let counts = report.counts;
        Self {
            time: rfc3339_millis(report.began),
            took_s: report.took.as_secs_f64(),
            depth: match report.depth {
                Depth::Full => "full",
                Depth::Metadata { .. } => "metadata",
            },
            objects: counts.objects,
            by_hash: counts.by_hash,
            by_metadata: counts.by_metadata,
            oldest_hash: report.oldest_hash.map(rfc3339_millis),
            bytes: counts.bytes,
            differ: counts.drifts(),
            explained: counts.explained,
            unseen: counts.unseen,
            other_rules: report.has_other_rules,
        }
    }
}

/// What a daemon may still do.
#[derive(Debug, Clone, Serialize)]
pub struct Confinement {
    pub capabilities: Vec<String>,
    pub no_new_privs: bool,
    /// System calls are filtered.
    #[serde(rename = "seccomp")]
    pub filtered: bool,
    /// The version of Landlock that holds it; null where none does.
    pub landlock: Option<u32>,
    /// What could not be given up.
    pub trouble: Vec<String>,
}

/// What a shipper has yet to deliver.
#[derive(Debug, Clone, Serialize)]
pub struct ShipperBacklog {
    pub shipper: &'static str,
    pub records: u64,
    pub bytes: u64,
    /// No undelivered record is older.
    pub oldest: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Looked {
    pub time: String,
    pub took_s: f64,
    /// Everything, or some topics only.
    #[serde(rename = "whole")]
    pub is_whole: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct Shipper {
    pub pid: u32,
    pub version: &'static str,
    pub up_s: u64,
    /// Bytes.
    pub rss: Option<u64>,
    pub cpu_s: Option<f64>,
    pub shippers: Vec<Destination>,
    pub confinement: Option<Confinement>,
}

/// One shipper. The counts are those since the process was started.
#[derive(Debug, Clone, Serialize)]
pub struct Destination {
    pub name: &'static str,
    /// Everything up to here is delivered.
    pub position: Option<Reached>,
    pub delivered_records: u64,
    pub delivered_bytes: u64,
    pub last_delivery: Option<String>,
    /// What is in the way now.
    pub last_error: Option<String>,
    pub retries: u64,
    /// What the destination will never take, by kind.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Bytes of the journal that were no records any more.
    pub damaged: u64,
    pub backlog: Option<Behind>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Reached {
    pub epoch: Id,
    pub seq: u64,
}

/// What is left to deliver.
#[derive(Debug, Clone, Serialize)]
pub struct Behind {
    pub records: u64,
    pub bytes: u64,
    /// There is more: the records are a lower bound.
    pub is_estimate: bool,
    pub oldest: Option<String>,
}

impl From<Applied> for Confinement {
    fn from(applied: Applied) -> Self {
        let Applied { capabilities, no_new_privs, filtered, landlock, troubles: trouble } = applied;
        Self { capabilities, no_new_privs, filtered, landlock, trouble }
    }
}

impl Shipper {
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Sensor {
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn counts<S: serde::Serializer>(summary: &Summary, out: S) -> Result<S::Ok, S::Error> {
    Counts::from(*summary).serialize(out)
}
