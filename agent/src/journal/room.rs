//! Room: the journal never outgrows its bound, and says exactly what it gave up to stay within it.
//!
//! First what all shippers have delivered, oldest first. Then what is not delivered, the least urgent of the whole
//! journal first: a critical finding goes only when there is nothing else left.

use std::io;

use jiff::Timestamp;

use super::frame::{self, Content};
use super::open::MAX_SEGMENT;
use super::segment::{Contents, Name};
use super::storage::Storage;
use super::{Draft, Journal, Position, Segment, Weight, add};
use crate::finding::Severity;
use crate::finding::wire::gap::{Cause, Gap, MAX_RUNS, Run};
use crate::finding::wire::record::{Hash, Kind};

/// What a shipper has yet to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    pub records: u64,
    pub bytes: u64,
    /// When the oldest segment with something undelivered was begun: the record itself is not older.
    pub oldest: Option<Timestamp>,
}

impl<S: Storage> Journal<S> {
    pub fn bytes(&self) -> u64 {
        let quarantined: u64 = self.quarantined.iter().map(|(_, bytes)| bytes).sum();
        quarantined + self.segments.iter().map(|segment| segment.bytes).sum::<u64>()
    }

    /// What every shipper has delivered for certain. The journal frees nothing by it until it needs the room.
    pub fn set_delivered(&mut self, delivered: Option<Position>) {
        self.delivered = delivered;
    }

    /// Changes the bounds; they hold from the next record on.
    pub fn set_limits(&mut self, limits: super::Limits) {
        self.limits = limits;
    }

    pub fn backlog(&self, delivered: Option<Position>) -> Backlog {
        let mut backlog = Backlog::default();
        for (index, segment) in self.segments.iter().enumerate() {
            if self.is_delivered(index, delivered) {
                continue;
            }
            let (records, bytes) = segment
                .weights
                .iter()
                .fold((0, 0), |sum, weight| (sum.0 + weight.records, sum.1 + weight.bytes));
            // Within one segment records are of a size.
            let left = match delivered {
                Some(at) if at.epoch == segment.epoch => {
                    (segment.last - at.seq.min(segment.last)).min(records)
                }
                _ => records,
            };
            backlog.records += left;
            backlog.bytes += (bytes * left).checked_div(records).unwrap_or(0);
            if left > 0 && backlog.oldest.is_none() {
                backlog.oldest = Timestamp::from_millisecond(segment.begun).ok();
            }
        }
        backlog
    }

    /// Frees delivered segments whose last record is older than the policy keeps.
    pub fn free_old(&mut self, now: Timestamp) {
        let oldest = now.as_millisecond()
            - i64::try_from(self.limits.max_age).unwrap_or(i64::MAX).saturating_mul(1000);
        // A segment is as old as the beginning of the next.
        while self.segments.len() > 1
            && self.segments[1].begun < oldest
            && self.is_delivered(0, self.delivered)
        {
            if self.remove_first().is_err() {
                return;
            }
        }
    }

    pub(super) fn make_room(&mut self, needed: u64, now: Timestamp) -> io::Result<()> {
        if self.bytes() + needed <= self.limits.max_bytes {
            return Ok(());
        }
        self.free_delivered_now(needed);
        if self.bytes() + needed <= self.limits.max_bytes {
            return Ok(());
        }
        // More than is needed, so that not each record costs a rewritten segment.
        let wanted = self.bytes() + needed + self.limits.segment_bytes / 2 - self.limits.max_bytes;
        self.drop_undelivered(wanted, now)
    }

    /// As many delivered segments as it takes, and copies of another machine's before them.
    pub(super) fn free_delivered_now(&mut self, needed: u64) {
        while self.bytes() + needed > self.limits.max_bytes && !self.quarantined.is_empty() {
            let (name, _) = self.quarantined.remove(0);
            let _ = self.storage.remove(&name);
        }
        while self.bytes() + needed > self.limits.max_bytes
            && self.segments.len() > 1
            && self.is_delivered(0, self.delivered)
        {
            if self.remove_first().is_err() {
                return;
            }
        }
    }

    /// The oldest delivered segment, whatever the bound says: the disk itself has no room.
    pub(super) fn free_first_delivered(&mut self) {
        if self.segments.len() > 1 && self.is_delivered(0, self.delivered) {
            let _ = self.remove_first();
        }
    }

    fn remove_first(&mut self) -> io::Result<()> {
        self.storage.remove(&self.segments[0].name.to_string())?;
        self.segments.remove(0);
        Ok(())
    }

    fn is_delivered(&self, index: usize, delivered: Option<Position>) -> bool {
        let Some(at) = delivered else { return false };
        let segment = &self.segments[index];
        if segment.epoch == at.epoch {
            return segment.last <= at.seq;
        }
        // An earlier epoch is behind the cursor when the cursor's own epoch comes after it.
        self.segments[index + 1..].iter().any(|later| later.epoch == at.epoch)
            && segment.name.number < at.segment
    }

    fn drop_undelivered(&mut self, wanted: u64, now: Timestamp) -> io::Result<()> {
        let mut freed = 0;
        for severity in Severity::ALL {
            let mut index = 0;
            while index + 1 < self.segments.len() {
                if freed >= wanted {
                    return Ok(());
                }
                let holds = weight(&self.segments[index], severity);
                if holds.records == 0 && !is_empty(&self.segments[index]) {
                    index += 1;
                    continue;
                }
                let before = self.segments[index].bytes;
                let left = self.thin(index, severity, now)?;
                freed += before.saturating_sub(left);
                // A segment of which nothing was left is gone, and the next is in its place.
                index += usize::from(left > 0);
            }
        }
        Ok(())
    }

    /// Takes the records of a severity out of a segment. The new file is whole before the gap is recorded, and the
    /// gap is recorded before the old file goes: whatever happens in between, nothing is missing without a gap.
    /// The answer is how many bytes are left of it.
    fn thin(&mut self, index: usize, severity: Severity, now: Timestamp) -> io::Result<u64> {
        let name = self.segments[index].name;
        let bytes = self.storage.read(&name.to_string(), 0, MAX_SEGMENT)?;
        let contents = Contents::of(&bytes);
        let thinned = Thinned::of(&self.segments[index], &contents, &bytes, severity);
        let new_name = Name { number: name.number, generation: name.generation + 1 };
        let is_empty = thinned.weights.iter().all(|weight| weight.records == 0);
        if !is_empty {
            self.write_thinned(new_name, &thinned)?;
        }
        let own = self.speaker.epoch;
        let epoch = (self.segments[index].epoch != own).then_some(self.segments[index].epoch);
        for gap in thinned.gaps(epoch) {
            let draft =
                Draft { time: now, kind: Kind::Gap, severity: Severity::Critical, body: gap.to_json() };
            let rendered = self.render(&[draft]);
            self.write(rendered, now)?;
        }
        self.storage.remove(&name.to_string())?;
        let left = if is_empty { 0 } else { thinned.bytes.len() as u64 };
        if is_empty {
            self.segments.remove(index);
        } else {
            let segment = &mut self.segments[index];
            segment.name = new_name;
            segment.bytes = thinned.bytes.len() as u64;
            segment.weights = thinned.weights;
        }
        self.storage.sync_names()?;
        Ok(left)
    }

    fn write_thinned(&self, name: Name, thinned: &Thinned) -> io::Result<()> {
        let text = name.to_string();
        // One that a crash left behind may be torn; the old segment is still there.
        let _ = self.storage.remove(&text);
        let mut file = self.storage.create(&text)?;
        let written = self
            .storage
            .append(&mut file, &thinned.bytes)
            .and_then(|()| self.storage.sync(&mut file))
            .and_then(|()| self.storage.sync_names());
        written.inspect_err(|_| {
            let _ = self.storage.remove(&text);
        })
    }
}

/// A segment without the records of one severity.
#[derive(Debug, Default)]
struct Thinned {
    bytes: Vec<u8>,
    weights: [Weight; Severity::ALL.len()],
    dropped: Vec<(Kind, u64)>,
    severity: Option<Severity>,
    runs: Vec<Run>,
}

impl Thinned {
    fn of(segment: &Segment, contents: &Contents, bytes: &[u8], severity: Severity) -> Self {
        let mut thinned = Self { severity: Some(severity), ..Self::default() };
        if let Some(header) = &contents.header {
            frame::push(&mut thinned.bytes, Content::Header, header.first, &header.to_bytes());
        }
        let mut before: Option<(u64, Hash)> =
            contents.header.as_ref().map(|header| (header.first - 1, header.prev));
        let is_ours = |seq: u64| (segment.first..=segment.last).contains(&seq);
        for frame in contents.records.iter().filter(|frame| is_ours(frame.seq)) {
            let Content::Record(kind, rank) = frame.content else { continue };
            let line = &bytes[frame.payload()];
            if rank == severity {
                thinned.drop_one(kind, frame.seq, before);
            } else {
                frame::push(&mut thinned.bytes, frame.content, frame.seq, line);
                add(&mut thinned.weights, rank, frame.span.len() as u64);
            }
            before = Some((frame.seq, Hash::of(line)));
        }
        let hash = before.filter(|(seq, _)| *seq == segment.last).map_or(Hash::NONE, |(_, hash)| hash);
        frame::push_marker(&mut thinned.bytes, segment.last, &hash);
        thinned
    }

    fn drop_one(&mut self, kind: Kind, seq: u64, before: Option<(u64, Hash)>) {
        match self.dropped.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.dropped.push((kind, 1)),
        }
        match self.runs.last_mut().filter(|run| run.to + 1 == seq) {
            Some(run) => run.to = seq,
            None => {
                let before = before.filter(|(last, _)| last + 1 == seq).map(|(_, hash)| hash);
                self.runs.push(Run { from: seq, to: seq, before });
            }
        }
    }

    /// The first gap carries the counts; more only where there are more runs than one can hold.
    fn gaps(&self, epoch: Option<crate::finding::wire::record::Id>) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = Vec::new();
        for runs in self.runs.chunks(MAX_RUNS) {
            let mut gap = Gap::new(Cause::JournalFull);
            gap.epoch = epoch;
            gap.runs = runs.to_vec();
            if gaps.is_empty() {
                for &(kind, count) in &self.dropped {
                    gap.count(Some(kind), self.severity, count);
                }
            }
            gaps.push(gap);
        }
        gaps
    }
}

fn weight(segment: &Segment, severity: Severity) -> Weight {
    let found = Severity::ALL.iter().zip(segment.weights).find(|(known, _)| **known == severity);
    found.map_or_else(Weight::default, |(_, weight)| weight)
}

fn is_empty(segment: &Segment) -> bool {
    segment.weights.iter().all(|weight| weight.records == 0)
}
