//! A walk over an epoch's segments, oldest first: the last record, what is missing, and what gaps say of that.

use std::collections::BTreeMap;
use std::ops::Range;

use super::frame::{Content, Frame};
use super::recover::Start;
use super::segment::{Contents, Header, MAX_SEQ, Name};
use super::{Head, Rendered, Segment, Totals, Weight, add};
use crate::finding::Severity;
use crate::finding::wire::gap::{Cause, Gap};
use crate::finding::wire::record::{self, Checkpoint, Hash, Id, Kind};

/// The state of an epoch as its segments are read one after the other.
#[derive(Debug)]
pub(super) struct Walk {
    /// The last record seen, or what the headers say of it.
    pub(super) head: Head,
    /// The last record's bytes, to hash only when something is missing behind it.
    pub(super) last: Option<Vec<u8>>,
    /// What is missing. A journal that drops every other record has hundreds of thousands, so they are kept small.
    pub(super) holes: Vec<(u64, u64)>,
    /// The hash of the record before a hole, of the first of them.
    pub(super) before: BTreeMap<u64, Hash>,
    /// What gaps name, of whichever epoch.
    pub(super) explained: Explained,
    /// Up to here everything was delivered, so that nobody misses it.
    pub(super) delivered: u64,
    pub(super) damage: Vec<(Name, Range<usize>)>,
    pub(super) totals: Totals,
    /// Which key sealed the last checkpoint that was sealed.
    pub(super) sealed: Option<u64>,
}

pub(super) type Explained = BTreeMap<Id, Vec<(u64, u64)>>;

impl Walk {
    /// Before the first segment of an epoch that is still there: between what was delivered and that, nothing may be
    /// missing.
    pub(super) fn before(start: Option<Start>, contents: &Contents, delivered: u64) -> Self {
        let present =
            start.map(|start| start.first).or(contents.records.first().map(|frame| frame.seq)).unwrap_or(1);
        let seq = delivered.min(present.saturating_sub(1));
        let hash = start.filter(|start| start.first == seq + 1).map_or(Hash::NONE, |start| start.prev);
        Self {
            head: Head { seq, hash },
            last: None,
            holes: Vec::new(),
            before: BTreeMap::new(),
            explained: BTreeMap::new(),
            delivered,
            damage: Vec::new(),
            totals: Totals::default(),
            sealed: None,
        }
    }

    pub(super) fn segment(
        &mut self,
        name: Name,
        epoch: Id,
        contents: &Contents,
        bytes: &[u8],
        (start, header): (Option<Start>, Option<&Header>),
        committed: u64,
    ) -> Segment {
        if let Some(header) = header {
            self.totals = Totals { dropped: header.dropped, gaps: header.gaps };
        }
        if let Some(start) = start {
            self.skip_to(start.first - 1, start.prev);
        }
        let first = start.map_or(self.head.seq + 1, |start| start.first);
        let is_ragged = contents.records.iter().any(|frame| frame.seq > committed);
        let mut weights = [Weight::default(); Severity::ALL.len()];
        for frame in contents.records.iter().filter(|frame| frame.seq <= committed) {
            self.record(frame, &bytes[frame.payload()]);
            if let Content::Record(_, severity) = frame.content {
                add(&mut weights, severity, frame.span.len() as u64);
            }
        }
        self.damage.extend(contents.damage.iter().map(|span| (name, span.clone())));
        let begun = header.map_or(0, |header| header.time);
        let last = self.head.seq.max(first - 1);
        Segment { name, epoch, first, last, bytes: bytes.len() as u64, begun, weights, is_ragged }
    }

    pub(super) fn record(&mut self, frame: &Frame, line: &[u8]) {
        if frame.seq <= self.head.seq {
            return;
        }
        self.missing_before(frame.seq);
        self.head.seq = frame.seq;
        self.last = Some(line.to_vec());
        let body = || record::parse(line).map(|record| record.body);
        match frame.content {
            Content::Record(Kind::Gap, _) => {
                self.totals.gaps = self.totals.gaps.saturating_add(1);
                let record = record::parse(line).and_then(|r| Gap::parse(r.body).map(|gap| (r.epoch, gap)));
                if let Ok((epoch, gap)) = record {
                    self.gap(epoch, gap);
                }
            }
            Content::Record(Kind::Checkpoint, _) => {
                let key = body().and_then(Checkpoint::parse).ok().and_then(|checkpoint| checkpoint.key);
                self.sealed = key.or(self.sealed);
            }
            _ => {}
        }
    }

    pub(super) fn gap(&mut self, epoch: Id, gap: Gap) {
        let dropped = if gap.cause == Cause::Damaged { 0 } else { gap.total() };
        self.totals.dropped = self.totals.dropped.saturating_add(dropped);
        let epoch = gap.epoch.unwrap_or(epoch);
        self.explained.entry(epoch).or_default().extend(gap.runs.iter().map(|run| (run.from, run.to)));
    }

    pub(super) fn missing_before(&mut self, seq: u64) {
        let head = self.head();
        if seq > head.seq + 1 {
            let is_full = self.holes.len() >= MAX_HOLES;
            match self.holes.last_mut().filter(|_| is_full) {
                // A forged segment can have a hole every few bytes.
                Some(last) => last.1 = seq - 1,
                None => self.holes.push((head.seq + 1, seq - 1)),
            }
            if (head.hash != Hash::NONE || head.seq == 0) && self.before.len() < MAX_HASHES {
                self.before.insert(head.seq + 1, head.hash);
            }
        }
    }

    /// Something that is believed says that there were records up to here.
    pub(super) fn skip_to(&mut self, seq: u64, hash: Hash) {
        if seq > self.head.seq {
            self.missing_before(seq + 1);
            self.head = Head { seq, hash };
            self.last = None;
        }
    }

    /// What stands behind the last marker: taken as it is, to be written once more.
    pub(super) fn tail(&mut self, contents: &Contents, bytes: &[u8], committed: u64) -> Rendered {
        let mut kept = Rendered::after(self.head());
        for frame in contents.records.iter().filter(|frame| frame.seq > committed) {
            if frame.seq <= self.head.seq {
                continue;
            }
            let line = &bytes[frame.payload()];
            self.record(frame, line);
            if let Content::Record(kind, severity) = frame.content {
                kept.head.seq = frame.seq - 1;
                kept.push(kind, severity, line);
            }
        }
        kept
    }

    pub(super) fn head(&mut self) -> Head {
        if let Some(line) = self.last.take() {
            self.head.hash = Hash::of(&line);
        }
        self.head
    }
}

/// The holes without what the gaps in the journal name, and without what was delivered.
pub(super) fn unexplained(
    holes: &[(u64, u64)],
    mut explained: Vec<(u64, u64)>,
    delivered: u64,
) -> Vec<(u64, u64)> {
    explained.push((0, delivered));
    explained.retain(|run| run.0 <= run.1);
    explained.sort_unstable();
    let mut open = Vec::new();
    let mut runs = explained.into_iter().peekable();
    // Up to where the runs seen so far have named everything.
    let mut named = 0;
    for &(mut from, to) in holes {
        from = from.max(named + 1);
        while let Some(run) = runs.next_if(|run| run.0 <= to) {
            if run.0 > from {
                open.push((from, run.0 - 1));
            }
            // The largest seq that there can be, plus one, still is a number.
            named = named.max(run.1.min(MAX_SEQ));
            from = from.max(run.0).max(named + 1);
        }
        if from <= to {
            open.push((from, to));
        }
    }
    open
}

/// A journal that dropped every other record of half its room has fewer.
const MAX_HOLES: usize = 500_000;
/// A journal with more holes than this is mostly explained by its own gaps.
const MAX_HASHES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exactly_what_no_gap_names_is_missed(
            cuts in proptest::collection::btree_set(1u64..60, 0..12),
            explained in proptest::collection::vec((0u64..60, 0u64..60), 0..8),
            delivered in 0u64..20,
        ) {
            let cuts: Vec<u64> = cuts.into_iter().collect();
            let holes: Vec<(u64, u64)> = cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            let is_named = |seq: u64| {
                seq <= delivered || explained.iter().any(|run| (run.0..=run.1).contains(&seq))
            };
            let missed: Vec<u64> =
                holes.iter().flat_map(|hole| hole.0..=hole.1).filter(|&seq| !is_named(seq)).collect();
            let found = unexplained(&holes, explained, delivered);
            let found: Vec<u64> = found.into_iter().flat_map(|run| run.0..=run.1).collect();
            prop_assert_eq!(found, missed);
        }
    }
}
