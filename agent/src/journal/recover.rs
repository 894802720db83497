//! Recovery: what the segments hold becomes what was accepted, and what is missing becomes gaps.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;

use super::open::{MAX_HEADER, MAX_SEGMENT, read_patiently};
use super::segment::{Contents, Header, MAX_SEQ, Name};
use super::storage::Storage;
use super::walk::{Walk, unexplained};
use super::{Head, Journal, Position, Rendered, Segment, Totals, frame};
use crate::finding::wire::gap::{Cause, Gap, MAX_PLACES, MAX_RUNS, Run};
use crate::finding::wire::record::{self, Hash, Id, Kind};

impl<S: Storage> Journal<S> {
    pub(super) fn recover(
        &mut self,
        names: &[Name],
        headers: &BTreeMap<Name, Header>,
        now: Timestamp,
    ) -> io::Result<()> {
        let starts = Starts::of(&self.storage, names, headers);
        self.doubt_the_cursor(&starts);
        let mut walks: BTreeMap<Id, Walk> = BTreeMap::new();
        let mut tail = None;
        for &name in names {
            // One that cannot be read is as good as damaged: what was in it becomes a gap, and the journal opens.
            let read = read_patiently(&self.storage, &name.to_string(), MAX_SEGMENT);
            let is_unreadable = read.is_err();
            let bytes = read.unwrap_or_default();
            let contents = Contents::of(&bytes);
            let start = starts.of_segment(name);
            if start.is_none() && starts.is_last(name) && self.is_hollow(name, &contents) {
                let _ = self.storage.remove(&name.to_string());
                continue;
            }
            let epoch = start.map_or(self.speaker.epoch, |start| start.epoch);
            let later = starts.after(name, epoch);
            let delivered = self.delivered_of(epoch, name);
            let walk = walks.entry(epoch).or_insert_with(|| Walk::before(start, &contents, delivered));
            let end = later.map_or(MAX_SEQ + 1, |later| later.first);
            let is_tail = starts.is_last(name) && start.is_some();
            let committed = match (is_tail, start) {
                (true, Some(start)) => contents.committed(start.first - 1),
                _ => end - 1,
            };
            let segment =
                walk.segment(name, epoch, &contents, &bytes, (start, headers.get(&name)), committed);
            self.segments.push(segment);
            if let Some(later) = later {
                walk.skip_to(later.first - 1, later.prev);
            } else if is_unreadable {
                // Nobody can tell which seqs it had. They must not be given away again, so none that it can have is.
                let most = self.storage.size(&name.to_string()).unwrap_or(0) / MIN_RECORD;
                walk.skip_to((walk.head.seq + most).min(MAX_SEQ), Hash::NONE);
            }
            if is_tail && epoch == self.speaker.epoch {
                tail = Some((name, contents, bytes, committed));
            }
        }
        let Some(mut walk) = walks.remove(&self.speaker.epoch) else { return Ok(()) };
        self.settle(&mut walk, tail, now)?;
        let mut explained = std::mem::take(&mut walk.explained);
        for (epoch, runs) in walks.values_mut().flat_map(|other| std::mem::take(&mut other.explained)) {
            explained.entry(epoch).or_default().extend(runs);
        }
        for (epoch, other) in walks {
            self.tell_holes(&other, epoch, explained.remove(&epoch).unwrap_or_default(), now);
        }
        let epoch = self.speaker.epoch;
        self.tell_holes(&walk, epoch, explained.remove(&epoch).unwrap_or_default(), now);
        Ok(())
    }

    /// A crash in the first moment of a segment leaves less than its header, and nothing to keep.
    fn is_hollow(&self, name: Name, contents: &Contents) -> bool {
        let size = self.storage.size(&name.to_string()).unwrap_or(u64::MAX);
        contents.records.is_empty() && contents.marker.is_none() && size <= MAX_HEADER as u64
    }

    /// A shipper cannot have delivered more than a full journal beyond what is left of it. One that says so is
    /// damaged or lies, and must not lead the journal to the end of all numbers.
    fn doubt_the_cursor(&mut self, starts: &Starts) {
        let newest = |at: &Position| {
            starts.all.iter().filter(|(_, start)| start.epoch == at.epoch).map(|(_, start)| start.first).max()
        };
        self.delivered = self
            .delivered
            .filter(|at| newest(at).is_none_or(|first| at.seq <= first.saturating_add(MAX_LEAD)));
    }

    /// Up to which seq of an epoch everything was delivered, given its first segment.
    fn delivered_of(&self, epoch: Id, first: Name) -> u64 {
        match self.delivered {
            Some(at) if at.epoch == epoch => at.seq,
            // The cursor is in a later epoch already.
            Some(at) if first.number < at.segment => u64::MAX,
            _ => 0,
        }
    }

    /// The end of the current epoch: what was accepted, what is rewritten, where the next record goes.
    fn settle(
        &mut self,
        walk: &mut Walk,
        tail: Option<(Name, Contents, Vec<u8>, u64)>,
        now: Timestamp,
    ) -> io::Result<()> {
        let mut rewritten = None;
        if let Some((name, contents, bytes, committed)) = tail {
            if let Some((seq, hash)) = contents.marker {
                walk.skip_to(seq, hash);
            }
            let (head, totals) = (walk.head(), walk.totals);
            let kept = walk.tail(&contents, &bytes, committed);
            if !kept.bytes.is_empty() {
                rewritten = Some((head, totals, kept));
            } else if contents.ends_well
                && contents.header.is_some()
                && self.segments.last().is_some_and(|s| s.name == name)
                // Whoever made it may have been killed before its name was on the disk.
                && self.storage.sync_names().is_ok()
            {
                self.active = self.storage.open(&name.to_string()).ok();
            }
        }
        if let Some(at) = self.delivered.filter(|at| at.epoch == self.speaker.epoch) {
            // What was delivered had a seq; it must not be given away a second time.
            let hash = walk.head().hash;
            walk.skip_to(at.seq, hash);
        }
        self.head = walk.head();
        self.totals = walk.totals;
        self.sealed = walk.sealed;
        if let Some((head, totals, kept)) = rewritten {
            self.rewrite(head, totals, kept, now)?;
        }
        Ok(())
    }

    /// The frames that may not be on the disk go to a new segment, byte for byte. It gets its name when they are on the
    /// disk: a header without them would say that what stands behind the last marker was never accepted.
    fn rewrite(&mut self, head: Head, totals: Totals, kept: Rendered, now: Timestamp) -> io::Result<()> {
        let (last, last_totals) = (self.head, self.totals);
        (self.head, self.totals, self.active) = (head, totals, None);
        let mut bytes = self.header_frame(now);
        bytes.extend_from_slice(&kept.bytes);
        frame::push_marker(&mut bytes, kept.head.seq, &kept.head.hash);
        let name = self.next_name()?;
        if self.publish(name, &bytes).is_err() {
            // The disk may be full.
            self.free_first_delivered();
            self.publish(name, &bytes)?;
        }
        self.segments.push(Segment {
            name,
            epoch: self.speaker.epoch,
            first: head.seq + 1,
            last: kept.head.seq,
            bytes: bytes.len() as u64,
            begun: now.as_millisecond(),
            weights: kept.weights,
            is_ragged: false,
        });
        if last == kept.head {
            self.active = self.storage.open(&name.to_string()).ok();
        }
        // The cursor may know of later ones than the segment did.
        (self.head, self.totals) = (last, last_totals);
        Ok(())
    }

    fn tell_holes(&mut self, walk: &Walk, epoch: Id, explained: Vec<(u64, u64)>, now: Timestamp) {
        let holes: Vec<Run> = unexplained(&walk.holes, explained, walk.delivered)
            .into_iter()
            .map(|(from, to)| Run { from, to, before: walk.before.get(&from).copied() })
            .collect();
        for runs in holes.chunks(MAX_RUNS) {
            let mut gap = Gap::new(Cause::Damaged);
            gap.epoch = (epoch != self.speaker.epoch).then_some(epoch);
            gap.count(None, None, runs.iter().map(|run| run.to - run.from + 1).sum());
            gap.runs = runs.to_vec();
            gap.bytes = Some(walk.damage.iter().map(|(_, span)| span.len() as u64).sum());
            gap.places = walk
                .damage
                .iter()
                .take(MAX_PLACES)
                .map(|(name, span)| format!("{name}:{}+{}", span.start, span.len()))
                .collect();
            self.note(Kind::Gap, gap.to_json(), now);
        }
    }
}

impl Contents {
    /// Up to where the segment itself says that its records were accepted.
    fn committed(&self, before: u64) -> u64 {
        self.marker.map_or(before, |(seq, _)| seq.max(before))
    }
}

/// Where a segment begins: its header says so, or its first whole record where the header is damaged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) epoch: Id,
    pub(super) first: u64,
    pub(super) prev: Hash,
}

/// Of all segments of which something is left, in their order.
#[derive(Debug)]
struct Starts {
    all: Vec<(Name, Start)>,
    /// The same, epoch by epoch.
    by_epoch: BTreeMap<Id, Vec<(Name, Start)>>,
}

impl Starts {
    fn of<S: Storage>(storage: &S, names: &[Name], headers: &BTreeMap<Name, Header>) -> Self {
        let start = |name: Name| match headers.get(&name) {
            Some(header) => Some(Start { epoch: header.epoch, first: header.first, prev: header.prev }),
            None => {
                let bytes = read_patiently(storage, &name.to_string(), MAX_SEGMENT).ok()?;
                let contents = Contents::of(&bytes);
                let frame = contents.records.first().filter(|frame| frame.seq > 0)?;
                let record = record::parse(&bytes[frame.payload()]).ok()?;
                Some(Start { epoch: record.epoch, first: frame.seq, prev: record.prev })
            }
        };
        let all: Vec<(Name, Start)> = names.iter().filter_map(|&name| Some((name, start(name)?))).collect();
        let mut by_epoch: BTreeMap<Id, Vec<(Name, Start)>> = BTreeMap::new();
        for &(name, start) in &all {
            by_epoch.entry(start.epoch).or_default().push((name, start));
        }
        Self { all, by_epoch }
    }

    fn of_segment(&self, name: Name) -> Option<Start> {
        let index = self.all.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        self.all.get(index).map(|(_, start)| *start)
    }

    /// Whether nothing is left of any segment behind it.
    fn is_last(&self, name: Name) -> bool {
        self.all.last().is_none_or(|(last, _)| *last <= name)
    }

    /// Of the next segment of an epoch.
    fn after(&self, name: Name, epoch: Id) -> Option<Start> {
        let all = self.by_epoch.get(&epoch)?;
        let index = all.partition_point(|(other, _)| *other <= name);
        all.get(index).map(|(_, start)| *start)
    }
}

/// More records than a journal of the usual bound holds.
const MAX_LEAD: u64 = 1_000_000;
/// The envelope alone takes more.
const MIN_RECORD: u64 = 200;
