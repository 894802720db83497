//! `guestward baseline diff --format json`: schema `guestward.drift/1`.

use serde::Serialize;
use serde::ser::{SerializeSeq as _, Serializer};

use super::body::Told;
use super::object::{Described, exact, hex, text};
use super::rfc3339_millis;
use crate::baseline::diff::{Counts, Depth, Identity, Report};
use crate::baseline::drift::{self, Accounted, Drift, Unseen};
use crate::finding::Severity;

/// The whole answer. Entries are written one by one: there may be a hundred thousand.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    schema: &'static str,
    time: String,
    took_s: f64,
    baseline: Agreed,
    /// The policy's rules are not those by which the baseline was made.
    other_rules: bool,
    #[serde(serialize_with = "entries")]
    entries: &'a [Drift],
    /// So many more differ and are not told one by one.
    more: u64,
    unseen: Vec<Hidden>,
    summary: Summary,
}

#[derive(Debug, Serialize)]
pub struct Agreed {
    version: u64,
    root: String,
    state: String,
}

#[derive(Debug, Serialize)]
struct Hidden {
    path: Told,
    path_b64: Option<String>,
    reason: Told,
}

#[derive(Debug, Serialize)]
struct Summary {
    objects: u64,
    added: u64,
    removed: u64,
    modified: u64,
    unstable: u64,
    explained: u64,
    unseen: u64,
    verified: Verified,
    bytes: u64,
}

/// How the contents that are as agreed were found to be so.
#[derive(Debug, Serialize)]
struct Verified {
    by_hash: u64,
    by_metadata: u64,
    /// When the content was read that was longest taken to be as agreed.
    oldest_hash: Option<String>,
    depth: &'static str,
    /// Whether the clock was set since the baseline was made, as far as can be told: metadata prove nothing then.
    clock: &'static str,
}

#[derive(Debug, Serialize)]
struct Entry {
    path: Told,
    path_b64: Option<String>,
    change: &'static str,
    fields: Vec<&'static str>,
    severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    matter: Option<&'static str>,
    before: Option<Described>,
    after: Option<Described>,
    explained: Option<Package>,
    package: Option<Package>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Debug, Serialize)]
struct Package {
    name: Told,
    records: &'static str,
}

impl<'a> Document<'a> {
    pub fn new(report: &'a Report) -> Self {
        let Report { began, took, drifts, unseen, identity, has_other_rules, counts, .. } = report;
        Self {
            schema: "guestward.drift/1",
            time: rfc3339_millis(*began),
            took_s: (took.as_secs_f64() * 1_000.0).round() / 1_000.0,
            baseline: Agreed::from(identity),
            other_rules: *has_other_rules,
            entries: drifts,
            more: counts.drifts().saturating_sub(drifts.len() as u64),
            unseen: unseen.iter().map(Hidden::from).collect(),
            summary: Summary::of(report),
        }
    }
}

impl From<&Identity> for Agreed {
    fn from(identity: &Identity) -> Self {
        Self { version: identity.version, root: hex(&identity.root), state: hex(&identity.state) }
    }
}

impl From<&Unseen> for Hidden {
    fn from(unseen: &Unseen) -> Self {
        Self { path: text(&unseen.path), path_b64: exact(&unseen.path), reason: Told::new(&unseen.why) }
    }
}

impl Summary {
    fn of(report: &Report) -> Self {
        let depth = match report.depth {
            Depth::Full => "full",
            Depth::Metadata { .. } => "metadata",
        };
        let Counts {
            objects,
            by_hash,
            by_metadata,
            bytes,
            added,
            removed,
            modified,
            unstable,
            explained,
            unseen,
        } = report.counts;
        let oldest_hash = report.oldest_hash.map(rfc3339_millis);
        let verified = Verified { by_hash, by_metadata, oldest_hash, depth, clock: report.clock.name() };
        Self { objects, added, removed, modified, unstable, explained, unseen, verified, bytes }
    }
}

impl From<&Drift> for Entry {
    fn from(drift: &Drift) -> Self {
        let package = |accounted: &Accounted| Package {
            name: Told::new(&accounted.package),
            records: accounted.records.name(),
        };
        Self {
            path: text(&drift.path),
            path_b64: exact(&drift.path),
            change: drift.change.name(),
            fields: drift.fields.names().collect(),
            severity: drift.severity,
            matter: drift.matter.map(drift::Matter::name),
            before: drift.before.as_ref().map(Described::of),
            after: drift.after.as_ref().map(Described::of),
            explained: drift.package.as_ref().filter(|_| drift.is_explained()).map(package),
            package: drift.package.as_ref().map(package),
            text: drift.text.clone(),
        }
    }
}

fn entries<S: Serializer>(drifts: &&[Drift], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(drifts.len()))?;
    for drift in *drifts {
        list.serialize_element(&Entry::from(drift))?;
    }
    list.end()
}
