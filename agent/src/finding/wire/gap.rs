//! A gap's body: what is lost, exactly, and what a verifier needs to go on behind it.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::body::{Told, moment};
use super::record::{Hash, Id, Kind, Malformed};
use crate::finding::Severity;

/// Why records are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The journal had no room, and these were the least urgent.
    JournalFull,
    /// They were in the journal and cannot be read any more.
    Damaged,
    /// The disk took nothing while they waited in memory.
    Disk,
    /// One was longer than a record may be.
    Oversize,
    /// They came faster than they could be written, or read.
    Overload,
    /// Nobody watched.
    Unwatched,
    /// A destination does not take records of their age. Said by the shipper, in a note.
    TooOld,
    /// A destination refused them for good. Said by the shipper, in a note.
    Refused,
    /// What a later version knows.
    #[serde(other)]
    Other,
}

impl Cause {
    pub fn name(self) -> &'static str {
        match self {
            Self::JournalFull => "journal-full",
            Self::Damaged => "damaged",
            Self::Disk => "disk",
            Self::Oversize => "oversize",
            Self::Overload => "overload",
            Self::Unwatched => "unwatched",
            Self::TooOld => "too-old",
            Self::Refused => "refused",
            Self::Other => "other",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub cause: Cause,
    /// The epoch of the runs where it is not the gap's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Id>,
    #[serde(default)]
    pub lost: Vec<Lost>,
    /// The seqs that will not be found any more; none where the lost ones never had a seq.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
    /// Bytes that could not be read, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
    /// Changes of files that nobody saw happen, where the gap is of the watch and not of the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwatched: Option<Unwatched>,
}

/// From when to when changes of files went unseen, and why. What is there is looked at afterwards, and a `recheck` says when
/// that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwatched {
    pub why: Told,
    #[serde(with = "moment")]
    pub since: Timestamp,
    #[serde(with = "moment")]
    pub until: Timestamp,
}

/// How many of a kind and severity; null where that can no longer be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    pub kind: Option<Kind>,
    pub severity: Option<Severity>,
    pub count: u64,
}

/// Neighbouring seqs, both ends included, and the hash of the record before them where it is known:
/// `[from, to, "hash"]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(u64, u64, Option<Hash>)", try_from = "(u64, u64, Option<Hash>)")]
pub struct Run {
    pub from: u64,
    pub to: u64,
    pub before: Option<Hash>,
}

impl Run {
    pub fn covers(&self, seq: u64) -> bool {
        (self.from..=self.to).contains(&seq)
    }
}

impl From<Run> for (u64, u64, Option<Hash>) {
    fn from(run: Run) -> Self {
        (run.from, run.to, run.before)
    }
}

impl TryFrom<(u64, u64, Option<Hash>)> for Run {
    type Error = Malformed;

    fn try_from((from, to, before): (u64, u64, Option<Hash>)) -> Result<Self, Malformed> {
        match from > 0 && from <= to {
            true => Ok(Self { from, to, before }),
            false => Err(Malformed("no run of records ends before it begins")),
        }
    }
}

impl Gap {
    pub fn new(cause: Cause) -> Self {
        Self {
            cause,
            epoch: None,
            lost: Vec::new(),
            runs: Vec::new(),
            bytes: None,
            places: Vec::new(),
            unwatched: None,
        }
    }

    /// Changes of files went unseen there.
    pub fn of_watch(
        cause: Cause,
        why: &str,
        since: Timestamp,
        until: Timestamp,
        places: Vec<String>,
    ) -> Self {
        let unwatched = Some(Unwatched { why: Told::new(why), since, until });
        Self { unwatched, places, ..Self::new(cause) }
    }

    /// One more is lost.
    pub fn count(&mut self, kind: Option<Kind>, severity: Option<Severity>, count: u64) {
        match self.lost.iter_mut().find(|lost| lost.kind == kind && lost.severity == severity) {
            Some(lost) => lost.count += count,
            None => self.lost.push(Lost { kind, severity, count }),
        }
    }

    pub fn total(&self) -> u64 {
        self.lost.iter().fold(0, |total, lost| total.saturating_add(lost.count))
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From a gap's body. More than a record can hold is refused by its length before.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        serde_json::from_str(body).map_err(|_| Malformed("not a gap"))
    }
}

#[derive(Serialize, Deserialize)]
struct WrittenLost {
    kind: Option<String>,
    severity: Option<String>,
    count: u64,
}

impl Serialize for Lost {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let kind = self.kind.map(|kind| kind.name().to_owned());
        let severity = self.severity.map(|severity| severity.name().to_owned());
        WrittenLost { kind, severity, count: self.count }.serialize(out)
    }
}

impl<'de> Deserialize<'de> for Lost {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = WrittenLost::deserialize(from)?;
        Ok(Self {
            kind: written.kind.and_then(|name| Kind::from_name(&name)),
            severity: written.severity.and_then(|name| Severity::from_name(&name)),
            count: written.count,
        })
    }
}

/// So many runs fit well into a record.
pub const MAX_RUNS: usize = 500;
/// Places are for whoever looks at the disk; the runs are what counts.
pub const MAX_PLACES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_says_what_is_lost_and_is_read_back() {
        let mut gap = Gap::new(Cause::JournalFull);
        gap.count(Some(Kind::Finding), Some(Severity::Low), 2);
        gap.count(Some(Kind::Finding), Some(Severity::Low), 1);
        gap.count(None, None, 4);
        gap.runs =
            vec![Run { from: 7, to: 9, before: Some(Hash::NONE) }, Run { from: 11, to: 14, before: None }];
        let json = gap.to_json();
        assert_eq!(
            json,
            concat!(
                r#"{"cause":"journal-full","lost":[{"kind":"finding","severity":"low","count":3},"#,
                r#"{"kind":null,"severity":null,"count":4}],"#,
                r#""runs":[[7,9,"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],[11,14,null]]}"#
            )
        );
        assert_eq!(Gap::parse(&json), Ok(gap.clone()));
        assert_eq!(gap.total(), 7);
        let negative = r#"{"cause":"disk","lost":[{"kind":null,"severity":null,"count":-1}]}"#;
        assert!(Gap::parse("{}").is_err() && Gap::parse(negative).is_err());
    }

    #[test]
    fn a_run_that_ends_before_it_begins_is_refused() {
        for runs in [
            "[[5,4,null]]",
            "[[5,6,\"x\"]]",
            "[[0,4,null]]",
            "[[1,2]]",
            "[[1,2,null,3]]",
            "[[-1,2,null]]",
            "3",
        ] {
            assert!(Gap::parse(&format!(r#"{{"cause":"disk","runs":{runs}}}"#)).is_err(), "{runs}");
        }
    }

    #[test]
    fn a_cause_that_a_later_version_knows_is_no_error() {
        assert_eq!(Gap::parse(r#"{"cause":"moon","lost":[]}"#).map(|gap| gap.cause), Ok(Cause::Other));
    }
}
