//! What a verification found, for people and programs to be told.

use std::fmt;
use std::sync::Arc;

use crate::finding::wire::record::{Hash, Id, Kind};
use crate::finding::{Severity, Text};

/// Everything that was found in what was read.
#[derive(Debug, Default)]
pub struct Report {
    /// Lines that were no records.
    pub malformed: u64,
    /// Records of agents that were not asked for.
    pub others: u64,
    /// Events for CloudWatch's metrics, which are no records.
    pub metrics: u64,
    /// Each epoch by itself, in the order in which they were met.
    pub parts: Vec<Part>,
    /// Worst first, then earliest.
    pub problems: Vec<Problem>,
    /// Problems of a kind and an epoch beyond the first thousand, which stand for them.
    pub more_problems: u64,
    pub remarks: Vec<Remark>,
}

impl Report {
    pub fn records(&self) -> u64 {
        self.parts.iter().map(|part| part.records).sum()
    }

    pub fn verdict(&self) -> Verdict {
        if self.records() == 0 {
            Verdict::Nothing
        } else if self.problems.is_empty() {
            Verdict::Clean
        } else {
            Verdict::Broken
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All that is there verifies.
    Clean,
    Broken,
    /// There was no record.
    Nothing,
}

/// One epoch of one agent: a chain of its own.
#[derive(Debug)]
pub struct Part {
    pub agent: Id,
    pub epoch: Id,
    /// As its records name it; more than one name is for the reader to wonder at.
    pub instances: Vec<Text>,
    /// The first and the last number that are here.
    pub first: u64,
    pub last: u64,
    /// By the clock of the machine, in milliseconds of Unix time; it may have been wrong.
    pub first_time: Option<i64>,
    pub last_time: Option<i64>,
    /// Different records.
    pub records: u64,
    /// Further copies of the same bytes.
    pub duplicates: u64,
    /// Records of which only the beginning is here.
    pub cut: u64,
    /// Numbers that are not here, and a gap says why.
    pub explained: u64,
    /// What its gaps say is lost, numbered or not.
    pub losses: Vec<Loss>,
    /// Numbers that are not here because the destination did not take them, as only the shipper says.
    pub untaken: u64,
    /// What the shipper says, note by note.
    pub told: Vec<Told>,
    /// Notes beyond the first thousand, which stand for them.
    pub more_told: u64,
    pub seals: Seals,
    /// Records after the last one that a seal vouches for: chained, and no more.
    pub unsealed: u64,
    /// Records before that, which stand between a seal and a loss that no sealed gap tells of.
    pub unvouched: u64,
    pub checkpoints: u64,
    /// The epoch that it says it came from.
    pub from: Option<Origin>,
}

/// So many records of a kind, lost for a cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    pub cause: &'static str,
    pub kind: Option<Kind>,
    pub severity: Option<Severity>,
    pub count: u64,
}

/// A shipper's note: a run of records that its destination did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub cause: &'static str,
    pub from: u64,
    pub to: u64,
    /// Of the first and the last of them, in milliseconds of Unix time.
    pub times: (Option<i64>, Option<i64>),
    pub lost: Vec<Loss>,
    pub digest: Hash,
    /// How many of them are here all the same.
    pub here: u64,
}

/// How far the seals of an epoch go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seals {
    /// No key was given; so many checkpoints carry a seal that nobody could open.
    NoKey { sealed: u64 },
    /// A key was given, and it opens the seals through this record.
    Through { seq: u64, index: u64 },
    /// A key was given, and no seal here is good.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    pub agent: Id,
    pub epoch: Id,
    /// Whether that epoch was among what was read.
    pub is_here: bool,
}

/// What cannot be, were the journal as it was written.
#[derive(Debug, Clone)]
pub struct Problem {
    pub kind: ProblemKind,
    /// None for a line that is no record.
    pub whose: Option<(Id, Id)>,
    /// The records that it concerns, the first bad one first.
    pub from: u64,
    pub to: u64,
    pub place: Place,
    /// The other place, where two contradict each other.
    pub other: Option<Place>,
    pub text: String,
}

/// Worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// A checkpoint is sealed with another key than its own.
    Seal,
    /// A checkpoint is sealed with a good key out of its turn.
    SealOrder,
    /// A checkpoint has no seal where it must have one.
    Unsealed,
    /// A record's bytes are not those that the next one chained.
    Altered,
    /// Two histories go on from one record.
    Rollback,
    /// Two different records have one number.
    Fork,
    /// The first record is not one that begins an epoch.
    FalseStart,
    /// What a shipper says of missing records does not fit those that are here.
    Note,
    /// Records are missing, and no gap says why.
    Hole,
    /// A checkpoint's numbers are not those of the records.
    Checkpoint,
    /// A line is no record.
    Malformed,
}

impl ProblemKind {
    pub const ALL: [Self; 11] = [
        Self::Seal,
        Self::SealOrder,
        Self::Unsealed,
        Self::Altered,
        Self::Rollback,
        Self::Fork,
        Self::FalseStart,
        Self::Note,
        Self::Hole,
        Self::Checkpoint,
        Self::Malformed,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::SealOrder => "seal-order",
            Self::Unsealed => "unsealed",
            Self::Altered => "altered",
            Self::Rollback => "rollback",
            Self::Fork => "fork",
            Self::FalseStart => "false-start",
            Self::Note => "note",
            Self::Hole => "hole",
            Self::Checkpoint => "checkpoint",
            Self::Malformed => "malformed",
        }
    }
}

/// Worth knowing, and nothing wrong by itself.
#[derive(Debug, Clone)]
pub struct Remark {
    pub kind: RemarkKind,
    pub whose: (Id, Id),
    pub from: u64,
    pub to: u64,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemarkKind {
    /// Hours went by without a checkpoint, by the machine's clock.
    Spacing,
    /// Seals are among what a gap says is lost, so a later one vouches alone.
    LostSeals,
    /// A loss that only a gap after the last seal explains.
    UnsealedGap,
    /// What stands before a loss that only a shipper tells of is sealed by nobody.
    UnsealedNote,
    /// The gap that would explain a loss is among what a destination did not take.
    LostGaps,
    /// A key opens nothing of what was read.
    UnusedKey,
}

impl RemarkKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Spacing => "spacing",
            Self::LostSeals => "lost-seals",
            Self::UnsealedGap => "unsealed-gap",
            Self::UnsealedNote => "unsealed-note",
            Self::LostGaps => "lost-gaps",
            Self::UnusedKey => "unused-key",
        }
    }
}

/// A line of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub source: Arc<str>,
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source, self.line)
    }
}
