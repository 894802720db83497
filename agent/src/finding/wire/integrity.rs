//! What the last comparison with the baseline came to, for whoever asks later: schema `guestward.integrity/1`.
//! `host/integrity.rs` reads it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::body::Told;
use super::object::{exact, text};
use super::record::Hash;
use super::rfc3339_millis;
use crate::baseline::diff::{Counts, Depth, Identity, Report};
use crate::baseline::drift::Drift;
use crate::finding::Severity;
use crate::host::integrity::SCHEMA;

#[derive(Debug, Clone, Serialize)]
pub struct Integrity {
    schema: &'static str,
    time: String,
    took_s: f64,
    depth: Option<&'static str>,
    version: Option<u64>,
    root: Option<Hash>,
    state: Option<Hash>,
    complete: bool,
    counts: CountsOf,
    unexplained: BTreeMap<&'static str, u64>,
    drifts: Vec<Differs>,
    damaged: Option<Told>,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct CountsOf {
    objects: u64,
    by_hash: u64,
    by_metadata: u64,
    bytes: u64,
    added: u64,
    removed: u64,
    modified: u64,
    unstable: u64,
    explained: u64,
    unseen: u64,
}

#[derive(Debug, Clone, Serialize)]
struct Differs {
    path: Told,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_b64: Option<String>,
    change: &'static str,
    fields: Vec<&'static str>,
    severity: Severity,
}

impl Integrity {
    /// Of a comparison that came to its end. `trouble` is why its baseline cannot be trusted all the same.
    pub fn of(report: &Report, trouble: Option<&str>) -> Self {
        let open: Vec<&Drift> = report.drifts.iter().filter(|drift| !drift.is_explained()).collect();
        let mut unexplained = BTreeMap::new();
        for drift in &open {
            *unexplained.entry(drift.severity.name()).or_default() += 1;
        }
        let mut worst = open;
        worst.sort_by_key(|drift| std::cmp::Reverse(drift.severity));
        let is_told = u64::try_from(report.drifts.len()).is_ok_and(|told| told >= report.counts.drifts());
        Self {
            took_s: report.took.as_secs_f64(),
            depth: Some(match report.depth {
                Depth::Full => "full",
                Depth::Metadata { .. } => "metadata",
            }),
            complete: is_told && report.counts.unseen == 0,
            counts: CountsOf::from(report.counts),
            unexplained,
            drifts: worst.into_iter().take(MOST).map(Differs::from).collect(),
            ..Self::without(report.began, Some(report.identity), trouble)
        }
    }

    /// There was nothing that could be compared with.
    pub fn damaged(time: Timestamp, identity: Option<Identity>, reason: &str) -> Self {
        Self::without(time, identity, Some(reason))
    }

    fn without(time: Timestamp, identity: Option<Identity>, trouble: Option<&str>) -> Self {
        Self {
            schema: SCHEMA,
            time: rfc3339_millis(time),
            took_s: Duration::ZERO.as_secs_f64(),
            depth: None,
            version: identity.map(|identity| identity.version),
            root: identity.map(|identity| Hash(identity.root)),
            state: identity.map(|identity| Hash(identity.state)),
            complete: false,
            counts: CountsOf::default(),
            unexplained: BTreeMap::new(),
            drifts: Vec::new(),
            damaged: trouble.map(Told::new),
        }
    }

    /// One line, with its end.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

impl From<Counts> for CountsOf {
    fn from(counts: Counts) -> Self {
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
        } = counts;
        Self { objects, by_hash, by_metadata, bytes, added, removed, modified, unstable, explained, unseen }
    }
}

impl From<&Drift> for Differs {
    fn from(drift: &Drift) -> Self {
        Self {
            path: text(&drift.path),
            path_b64: exact(&drift.path),
            change: drift.change.name(),
            fields: drift.fields.names().collect(),
            severity: drift.severity,
        }
    }
}

/// As many as a check has for evidence.
const MOST: usize = 20;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::baseline::diff::Steady;
    use crate::baseline::drift::{Accounted, Change, Fields, Records};
    use crate::host::integrity::Last;

    #[test]
    fn what_is_written_has_the_promised_members_and_is_read_back() {
        let report = report(vec![
            drift("/low", Severity::Low),
            Drift {
                package: Some(Accounted { package: "p".into(), records: Records::Same }),
                ..drift("/p", Severity::High)
            },
            drift("/\u{1b}", Severity::High),
        ]);
        let bytes = Integrity::of(&report, Some("rolled back")).to_bytes();
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            concat!(
                r#"{"schema":"guestward.integrity/1","time":"1970-01-01T00:00:00.000Z","took_s":1.5,"depth":"metadata","version":3,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","state":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","complete":true,"counts":{"objects":9,"by_hash":0,"by_metadata":0,"bytes":0,"added":0,"removed":0,"modified":3,"unstable":0,"explained":1,"unseen":0},"unexplained":{"high":1,"low":1},"drifts":[{"path":"/\\x1b","path_b64":"Lxs=","change":"modified","fields":["content"],"severity":"high"},{"path":"/low","change":"modified","fields":["content"],"severity":"low"}],"damaged":"rolled back"}"#,
                "\n"
            )
        );
        let last = Last::parse(Path::new("/x"), &bytes).unwrap();
        assert_eq!((last.is_complete, last.unexplained.len(), last.drifts.len()), (true, 2, 2));
        assert_eq!(last.drifts[0].path, b"/\x1b");
        assert!(last.damaged.is_some());
        let damaged = Integrity::damaged(Timestamp::UNIX_EPOCH, None, "torn").to_bytes();
        assert!(!Last::parse(Path::new("/x"), &damaged).unwrap().is_complete);
    }

    #[test]
    fn what_was_not_seen_or_not_told_makes_it_incomplete() {
        let whole = report(vec![drift("/a", Severity::Low); 3]);
        let mut unseen = whole.clone();
        unseen.counts.unseen = 1;
        let mut untold = whole.clone();
        untold.drifts.pop();
        for (report, complete) in [(whole, true), (unseen, false), (untold, false)] {
            assert_eq!(Integrity::of(&report, None).complete, complete);
        }
    }

    fn report(drifts: Vec<Drift>) -> Report {
        Report {
            began: Timestamp::UNIX_EPOCH,
            took: Duration::from_millis(1500),
            counts: Counts { objects: 9, modified: 3, explained: 1, ..Counts::default() },
            drifts,
            oldest_hash: None,
            unseen: Vec::new(),
            identity: Identity { version: 3, ..Identity::default() },
            clock: Steady::Unknown,
            depth: Depth::Metadata { rehash: None },
            has_other_rules: false,
        }
    }

    fn drift(path: &str, severity: Severity) -> Drift {
        Drift {
            path: path.into(),
            change: Change::Modified,
            fields: Fields::CONTENT,
            before: None,
            after: None,
            severity,
            matter: None,
            package: None,
            text: None,
        }
    }
}
