//! The journal: what the agent found, on the disk before anybody is told that it was found.
//!
//! - Segments are only ever appended to (`journal/segment.rs`), in frames that know when they are damaged
//!   (`journal/frame.rs`). There is no ledger beside them: everything is derived by reading them (`journal/open.rs`).
//! - A record is accepted when the sync of its batch has succeeded. Then a marker is appended, and only what a marker
//!   or the header of a later segment covers is ever delivered (`journal/reader.rs`).
//! - A write or sync that failed is never repeated in the same file: that segment is left as it is, and the very
//!   same bytes go to a new one (LWN 752063 tells why asking the same file again proves nothing).
//! - What must go for want of room goes by what it is worth, and leaves a gap that names it (`journal/room.rs`).

pub mod cursor;
mod frame;
pub mod handover;
pub mod heir;
pub mod key;
pub mod lock;
mod open;
pub mod places;
mod reader;
mod recover;
mod room;
pub mod seal;
pub mod segment;
mod slots;
pub mod storage;
pub mod verify;
mod walk;
mod write;

use std::fmt;
use std::io;

use jiff::Timestamp;

use crate::finding::Severity;
use crate::finding::wire::record::{self, Hash, Kind, Speaker};
pub use cursor::{Cursor, Position};
use frame::Content;
pub use open::Claim;
pub use reader::{Batch, Entry, Reader};
pub use room::Backlog;
use segment::{Machine, Name};
pub use storage::{Directory, Storage};

/// Something to be recorded: a record without its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub time: Timestamp,
    pub kind: Kind,
    pub severity: Severity,
    /// A JSON object on one line.
    pub body: String,
}

/// How much the journal may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub max_bytes: u64,
    /// Seconds after which what was delivered is freed.
    pub max_age: u64,
    /// When the next segment is begun.
    pub segment_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 256 * 1024 * 1024, max_age: 30 * 86_400, segment_bytes: SEGMENT_BYTES }
    }
}

/// The journal, to write. One process has it at a time; the caller sees to that.
#[derive(Debug)]
pub struct Journal<S: Storage> {
    storage: S,
    limits: Limits,
    speaker: Speaker,
    machine: Machine,
    /// Oldest first.
    segments: Vec<Segment>,
    /// The last segment's file; `None` when the next record must begin a new one.
    active: Option<S::File>,
    next_number: u64,
    head: Head,
    totals: Totals,
    /// Which key sealed the epoch's last checkpoint.
    sealed: Option<u64>,
    delivered: Option<Position>,
    /// Spools of the machine that this one is a copy of.
    quarantined: Vec<(String, u64)>,
    /// What the journal itself has to say, with the next batch.
    notes: Vec<Draft>,
}

/// The last record that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub seq: u64,
    pub hash: Hash,
}

/// What a checkpoint vouches for beside the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Digests {
    pub baseline: Option<Hash>,
    /// Of the very files that it is kept in.
    pub baseline_state: Option<Hash>,
    pub policy: Option<Hash>,
}

/// A key that seals checkpoints and forgets how it did.
pub trait Sealing {
    /// Which state of the key is next.
    fn index(&self) -> u64;
    fn mac(&self, covered: &[u8]) -> Hash;
    /// Moves on, so that nobody can seal the past again. It is on the disk when it returns.
    fn advance(&mut self) -> io::Result<()>;
}

/// What the epoch has lost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    pub dropped: u64,
    pub gaps: u64,
}

/// What is known of a segment without reading it again.
#[derive(Debug)]
struct Segment {
    name: Name,
    epoch: record::Id,
    first: u64,
    /// One less than `first` while it is empty.
    last: u64,
    bytes: u64,
    /// When it was begun, in milliseconds since 1970.
    begun: i64,
    weights: [Weight; Severity::ALL.len()],
    /// Frames stand behind its end that were never accepted there.
    is_ragged: bool,
}

/// How many records of a severity a segment holds, and what they take.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    records: u64,
    bytes: u64,
}

/// Records in the order in which they will stand, not yet on the disk.
#[derive(Debug)]
struct Rendered {
    bytes: Vec<u8>,
    head: Head,
    weights: [Weight; Severity::ALL.len()],
    /// How much of what was dropped, and how many gaps, these records tell of.
    totals: Totals,
}

/// The disk did not take all of it.
#[derive(Debug)]
pub struct Refused {
    /// So many of the drafts were accepted; the others were not and may be handed over again.
    pub accepted: usize,
    pub cause: io::Error,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the journal takes no records: {}", self.cause)
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

impl<S: Storage> Journal<S> {
    pub fn head(&self) -> Head {
        self.head
    }

    pub fn totals(&self) -> Totals {
        self.totals
    }

    pub fn speaker(&self) -> &Speaker {
        &self.speaker
    }

    /// Who speaks from here on, once that is known for certain: records before it said less, and nothing else. `Err` is
    /// the instance whose journal this is, if it is another one's.
    pub fn identify(&mut self, instance: &str, account: &str, region: &str) -> Result<(), String> {
        if let Some(other) = self.machine.instance.as_ref().filter(|&known| known != instance) {
            return Err(other.clone());
        }
        if self.machine.instance.is_none() {
            self.machine.instance = Some(instance.to_owned());
            // The next segment's header remembers whose journal this is.
            self.active = None;
        }
        let speaker = &mut self.speaker;
        speaker.instance = Some(instance.to_owned());
        speaker.account = Some(account.to_owned());
        speaker.region = Some(region.to_owned());
        Ok(())
    }
}

impl Rendered {
    fn after(head: Head) -> Self {
        let weights = Default::default();
        Self { bytes: Vec::new(), head, weights, totals: Totals::default() }
    }

    fn push(&mut self, kind: Kind, severity: Severity, line: &[u8]) {
        // Without these nobody could tell what is missing, so they are the last to go.
        let severity = if kind.is_about_the_journal() { Severity::Critical } else { severity };
        let before = self.bytes.len();
        self.head = Head { seq: self.head.seq + 1, hash: Hash::of(line) };
        frame::push(&mut self.bytes, Content::Record(kind, severity), self.head.seq, line);
        self.totals.gaps += u64::from(kind == Kind::Gap);
        add(&mut self.weights, severity, (self.bytes.len() - before) as u64);
    }
}

fn add(weights: &mut [Weight; Severity::ALL.len()], severity: Severity, bytes: u64) {
    for (weight, known) in weights.iter_mut().zip(Severity::ALL) {
        if known == severity {
            weight.records += 1;
            weight.bytes += bytes;
        }
    }
}

const SEGMENT_BYTES: u64 = 4 * 1024 * 1024;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests;
