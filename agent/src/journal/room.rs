//! Room: the journal never outgrows its bound, and says exactly what it gave up to stay within it.
//!
//! First what all shippers have delivered, oldest first. Then what is not delivered, the least urgent of the whole
//! journal first: a critical finding goes only when there is nothing else left.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;

use super::frame::{self, Content};
use super::open::MAX_SEGMENT;
use super::segment::{Contents, Name};
use super::storage::Storage;
use super::{Draft, Journal, Position, Segment, Weight, add};
use crate::finding::Severity;
use crate::finding::wire::gap::{Cause, Gap, MAX_RUNS, Run};
use crate::finding::wire::record::{self, Hash, Id, Kind};

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
    ///
    /// A cursor that is ahead of the journal has not been where it says, and frees nothing.
    pub fn set_delivered(&mut self, delivered: Option<Position>) {
        let is_ahead = |at: &Position| at.epoch == self.speaker.epoch && at.seq > self.head.seq;
        self.delivered = delivered.filter(|at| !is_ahead(at));
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
        let max_age = i64::try_from(self.limits.max_age).unwrap_or(i64::MAX).saturating_mul(1000);
        let oldest = now.as_millisecond().saturating_sub(max_age);
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
        self.remove_file(self.segments[0].name)?;
        let first = self.segments.remove(0);
        // What stands in it beyond its end must not come back after the segment that says so is gone.
        if first.is_ragged { self.storage.sync_names() } else { Ok(()) }
    }

    /// That somebody else has removed it already is no reason to keep everything behind it.
    fn remove_file(&self, name: Name) -> io::Result<()> {
        match self.storage.remove(&name.to_string()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
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
        let mut failed = None;
        // The gaps may begin a segment; one that was spared the loss of less urgent records is spared all of it.
        let Some(last) = self.segments.last().map(|segment| segment.name.number) else { return Ok(()) };
        for severity in Severity::ALL {
            let mut index = 0;
            while self.segments.get(index).is_some_and(|segment| segment.name.number < last) {
                if freed >= wanted {
                    return Ok(());
                }
                let holds = weight(&self.segments[index], severity);
                if holds.records == 0 && !is_empty(&self.segments[index]) {
                    index += 1;
                    continue;
                }
                let before = self.segments[index].bytes;
                let left = match self.thin(index, severity, now) {
                    Ok(left) => left,
                    // One that cannot be read must not keep the others from making room.
                    Err(error) => {
                        failed = Some(error);
                        before.max(1)
                    }
                };
                freed += before.saturating_sub(left);
                // A segment of which nothing was left is gone, and the next is in its place.
                index += usize::from(left > 0);
            }
        }
        failed.filter(|_| freed == 0).map_or(Ok(()), Err)
    }

    /// Takes the records of a severity out of a segment. The new file is whole before the gap is recorded, and the
    /// gap is recorded before the old file goes: whatever happens in between, nothing is missing without a gap.
    /// The answer is how many bytes are left of it.
    fn thin(&mut self, index: usize, severity: Severity, now: Timestamp) -> io::Result<u64> {
        let (name, epoch) = (self.segments[index].name, self.segments[index].epoch);
        let thinned = self.without(index, Some(severity))?;
        let is_empty = thinned.weights.iter().all(|weight| weight.records == 0);
        if !is_empty {
            self.publish(name.anew(), &thinned.bytes)?;
        } else if index > 0 && self.segments[index - 1].is_ragged {
            // This one's header says where the one before it ends.
            self.trim(index - 1)?;
        }
        let (left, weights) = (thinned.bytes.len() as u64, thinned.weights);
        for gap in thinned.gaps(epoch, self.speaker.epoch, self.limits.segment_bytes) {
            let draft =
                Draft { time: now, kind: Kind::Gap, severity: Severity::Critical, body: gap.to_json() };
            let rendered = self.render(&[draft]);
            self.write(rendered, now)?;
        }
        // Writing may have freed a segment, and so moved this one.
        let Some(index) = self.segments.iter().position(|segment| segment.name == name) else { return Ok(0) };
        self.remove_file(name)?;
        if is_empty {
            self.segments.remove(index);
        } else {
            self.segments[index].becomes(left, weights);
        }
        self.storage.sync_names()?;
        Ok(if is_empty { 0 } else { left })
    }

    /// Takes out what stands in a segment beyond its end: frames that were written, failed and written elsewhere.
    fn trim(&mut self, index: usize) -> io::Result<()> {
        let name = self.segments[index].name;
        let trimmed = self.without(index, None)?;
        self.publish(name.anew(), &trimmed.bytes)?;
        self.remove_file(name)?;
        self.segments[index].becomes(trimmed.bytes.len() as u64, trimmed.weights);
        self.storage.sync_names()
    }

    fn without(&self, index: usize, severity: Option<Severity>) -> io::Result<Thinned> {
        let segment = &self.segments[index];
        let bytes = self.storage.read(&segment.name.to_string(), 0, MAX_SEGMENT)?;
        Ok(Thinned::of(segment, &Contents::of(&bytes), &bytes, severity))
    }

    /// A whole segment, under its name only when all of it is on the disk.
    pub(super) fn publish(&self, name: Name, bytes: &[u8]) -> io::Result<()> {
        let unfinished = format!("{name}{UNFINISHED}");
        self.storage.remove(&unfinished).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        let mut file = self.storage.create(&unfinished)?;
        let written = self
            .storage
            .append(&mut file, bytes)
            .and_then(|()| self.storage.sync(&mut file))
            .and_then(|()| self.storage.rename(&unfinished, &name.to_string()));
        written.and_then(|()| self.storage.sync_names()).inspect_err(|_| {
            let _ = self.storage.remove(&unfinished);
            let _ = self.storage.remove(&name.to_string());
        })
    }
}

impl Name {
    fn anew(self) -> Self {
        Self { generation: self.generation.saturating_add(1), ..self }
    }
}

impl Segment {
    fn becomes(&mut self, bytes: u64, weights: [Weight; Severity::ALL.len()]) {
        self.name = self.name.anew();
        (self.bytes, self.weights) = (bytes, weights);
        self.is_ragged = false;
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
    /// What the gaps among the dropped have named, and which epoch's: that must stay named.
    carried: BTreeMap<Id, Vec<Run>>,
}

impl Thinned {
    fn of(segment: &Segment, contents: &Contents, bytes: &[u8], severity: Option<Severity>) -> Self {
        let mut thinned = Self { severity, ..Self::default() };
        if let Some(header) = &contents.header {
            frame::push(&mut thinned.bytes, Content::Header, header.first, &header.to_bytes());
        }
        let mut before: Option<(u64, Hash)> =
            contents.header.as_ref().map(|header| (header.first - 1, header.prev));
        let is_ours = |seq: u64| (segment.first..=segment.last).contains(&seq);
        for frame in contents.records.iter().filter(|frame| is_ours(frame.seq)) {
            let Content::Record(kind, rank) = frame.content else { continue };
            let line = &bytes[frame.payload()];
            if Some(rank) == severity {
                thinned.drop_one(kind, frame.seq, before);
                thinned.carry(kind, segment.epoch, line);
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
        match self.runs.last_mut().filter(|run| run.1 + 1 == seq) {
            Some(run) => run.1 = seq,
            None => {
                let before = before.filter(|(last, _)| last + 1 == seq).map(|(_, hash)| hash);
                self.runs.push(Run(seq, seq, before));
            }
        }
    }

    fn carry(&mut self, kind: Kind, epoch: Id, line: &[u8]) {
        let gap = (kind == Kind::Gap).then(|| record::parse(line).and_then(|record| Gap::parse(record.body)));
        if let Some(Ok(gap)) = gap {
            self.carried.entry(gap.epoch.unwrap_or(epoch)).or_default().extend(gap.runs);
        }
    }

    /// The first gap carries the counts; more only where there are more runs than one can hold.
    fn gaps(mut self, epoch: Id, own: Id, segment_bytes: u64) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = Vec::new();
        let most = usize::try_from(segment_bytes / CARRIED_SHARE).unwrap_or(MAX_RUNS).clamp(1, MAX_RUNS);
        if let Some(carried) = self.carried.remove(&epoch) {
            self.runs = joined(self.runs.into_iter().chain(carried).collect(), most);
        }
        let new = |epoch: Id, runs: &[Run]| {
            let mut gap = Gap::new(Cause::JournalFull);
            gap.epoch = (epoch != own).then_some(epoch);
            gap.runs = runs.to_vec();
            gap
        };
        gaps.extend(self.runs.chunks(MAX_RUNS).map(|runs| new(epoch, runs)));
        if let Some(first) = gaps.first_mut() {
            for (kind, count) in self.dropped {
                first.count(Some(kind), self.severity, count);
            }
        }
        gaps.extend(self.carried.into_iter().map(|(epoch, runs)| new(epoch, &joined(runs, most))));
        gaps
    }
}

/// In order, and neighbours as one. Where they are more than `most`, the last of them names everything up to the end:
/// a record that is there although a gap names it is no defect, and gaps about gaps must take less room than those.
fn joined(mut runs: Vec<Run>, most: usize) -> Vec<Run> {
    runs.sort_unstable_by_key(|run| run.0);
    let mut joined: Vec<Run> = Vec::new();
    for run in runs {
        let is_full = joined.len() >= most;
        match joined.last_mut() {
            Some(last) if is_full || run.0 <= last.1.saturating_add(1) => last.1 = last.1.max(run.1),
            _ => joined.push(run),
        }
    }
    joined
}

fn weight(segment: &Segment, severity: Severity) -> Weight {
    let found = Severity::ALL.iter().zip(segment.weights).find(|(known, _)| **known == severity);
    found.map_or_else(Weight::default, |(_, weight)| weight)
}

fn is_empty(segment: &Segment) -> bool {
    segment.weights.iter().all(|weight| weight.records == 0)
}

/// What a new segment is called until all of it is on the disk.
pub(super) const UNFINISHED: &str = ".new";
/// A run takes up to a hundred bytes; those of the gaps that went may fill a quarter of a segment.
const CARRIED_SHARE: u64 = 400;
