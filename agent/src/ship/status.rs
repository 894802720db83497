//! How a shipper stands: written by its thread, read by whoever asks for the status.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::Refusal;
use crate::finding::Text;
use crate::finding::wire::record::{self, Kind};
use crate::journal::segment::Name;
use crate::journal::{Entry, Position, Reader, Storage};

/// Shared by the shipper's thread and whoever asks.
#[derive(Debug)]
pub struct Standing(Mutex<Status>);

/// How one shipper stands. The counts are those since the process was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub name: &'static str,
    /// Everything up to here is delivered, and the cursor says so.
    pub position: Option<Position>,
    pub delivered: Amount,
    pub last_delivery: Option<Timestamp>,
    pub last_error: Option<Problem>,
    /// Whether that error is still in the way.
    pub failing: bool,
    /// How often something was tried again.
    pub retries: u64,
    /// What the destination will never take, by kind.
    pub refused: BTreeMap<Kind, u64>,
    /// The last of them, oldest first.
    pub refusals: Vec<(Kind, Refusal)>,
    /// Bytes in the journal that were no records any more. The sensor tells of them as a gap.
    pub damaged: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    pub records: u64,
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub time: Timestamp,
    pub text: Text,
}

impl Standing {
    pub(super) fn new(name: &'static str) -> Self {
        Self(Mutex::new(Status {
            name,
            position: None,
            delivered: Amount::default(),
            last_delivery: None,
            last_error: None,
            failing: false,
            retries: 0,
            refused: BTreeMap::new(),
            refusals: Vec::new(),
            damaged: 0,
        }))
    }

    pub fn now(&self) -> Status {
        self.lock().clone()
    }

    pub(super) fn at(&self, position: Option<Position>) {
        self.lock().position = position;
    }

    pub(super) fn delivered<'e>(&self, entries: impl Iterator<Item = &'e Entry>, now: Timestamp) {
        let mut status = self.lock();
        for entry in entries {
            status.delivered.records += 1;
            status.delivered.bytes += entry.line.len() as u64;
        }
        status.last_delivery = Some(now);
    }

    /// The answer is whether this is news: another error than the one before, or the first after a success.
    pub(super) fn failed(&self, text: &str, now: Timestamp) -> bool {
        let mut status = self.lock();
        let text = Text::new(text);
        let is_news = !status.failing || status.last_error.as_ref().is_none_or(|last| last.text != text);
        status.last_error = Some(Problem { time: now, text });
        status.failing = true;
        status.retries += 1;
        is_news
    }

    /// The answer is whether something was in the way before.
    pub(super) fn works(&self) -> bool {
        std::mem::take(&mut self.lock().failing)
    }

    pub(super) fn refused(&self, kind: Kind, refusal: Refusal) {
        let mut status = self.lock();
        *status.refused.entry(kind).or_insert(0) += 1;
        if status.refusals.len() == MAX_REFUSALS {
            status.refusals.remove(0);
        }
        status.refusals.push((kind, refusal));
    }

    pub(super) fn damaged(&self, bytes: u64) {
        self.lock().damaged += bytes;
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        // Numbers for people: one that is half told is better than none.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a shipper has yet to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backlog {
    pub amount: Amount,
    /// There is more than was counted: then the records are a lower bound, and the bytes an upper one.
    pub is_estimate: bool,
    /// The oldest record's own time.
    pub oldest: Option<String>,
}

/// What is in the journal behind a position. Reads no more than a few MiB, however much there is.
pub fn backlog<S: Storage>(storage: &S, after: Option<Position>) -> io::Result<Backlog> {
    let mut reader = Reader::new(storage, after);
    let mut backlog = Backlog::default();
    loop {
        let batch = reader.next_batch(MAX_STEP, MAX_STEP)?;
        let Some(first) = batch.entries.first() else { return Ok(backlog) };
        if backlog.oldest.is_none() {
            backlog.oldest = record::parse(&first.line).ok().map(|record| record.time.to_owned());
        }
        backlog.amount.records += batch.entries.len() as u64;
        backlog.amount.bytes += batch.entries.iter().map(|entry| entry.line.len() as u64).sum::<u64>();
        if backlog.amount.bytes > MAX_COUNTED {
            backlog.is_estimate = true;
            backlog.amount.bytes = backlog.amount.bytes.max(bytes_from(storage, after)?);
            return Ok(backlog);
        }
    }
}

/// The size of all segments that may hold something behind a position.
fn bytes_from<S: Storage>(storage: &S, after: Option<Position>) -> io::Result<u64> {
    let first = after.map_or(0, |after| after.segment);
    let names = storage.names()?.into_iter();
    let later = names.filter(|name| name.parse::<Name>().is_ok_and(|name| name.number >= first));
    // One that is freed meanwhile counts for nothing.
    Ok(later.map(|name| storage.size(&name).unwrap_or(0)).sum())
}

/// Enough to see what kind of thing is refused.
const MAX_REFUSALS: usize = 100;
/// Both records and bytes of a step.
const MAX_STEP: usize = 1024 * 1024;
/// About 20,000 records; further than that nobody needs the exact number.
const MAX_COUNTED: u64 = 8 * 1024 * 1024;
