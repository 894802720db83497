//! Opening the journal: what is on the disk becomes what was accepted, whatever happened to the process, the power
//! or the disk since.
//!
//! Nothing is repaired in place. What stands behind the last marker of the last segment may or may not have been
//! accepted, and may or may not be on the disk: whole frames of it are written once more, to a new segment. What is
//! missing in between becomes a gap, once: a hole that a gap in the journal already names is not told again.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use jiff::Timestamp;

use super::frame::{Content, Frame};
use super::segment::{Contents, Header, Machine, Name};
use super::storage::Storage;
use super::{Draft, Head, Journal, Limits, Position, Rendered, Segment, Totals, Weight, add};
use crate::finding::Severity;
use crate::finding::wire::body::{EpochCause, Former, Lifecycle, Told};
use crate::finding::wire::gap::{Cause, Gap, MAX_PLACES, MAX_RUNS, Run};
use crate::finding::wire::record::{self, Checkpoint, Hash, Id, Kind, Speaker};

/// Who opens the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claim {
    pub machine: Machine,
    /// The first eight digits of the kernel's boot id.
    pub boot: String,
    pub account: Option<String>,
    pub region: Option<String>,
}

/// The state of an epoch as its segments are read one after the other.
#[derive(Debug)]
struct Walk {
    /// The last record seen, or what the headers say of it.
    head: Head,
    /// The last record's bytes, to hash only when something is missing behind it.
    last: Option<Vec<u8>>,
    holes: Vec<Run>,
    explained: Vec<Run>,
    damage: Vec<(Name, Range<usize>)>,
    totals: Totals,
    /// Which key sealed the last checkpoint that was sealed.
    sealed: Option<u64>,
}

impl<S: Storage> Journal<S> {
    /// Opens it, or makes a new one. `delivered` is what every shipper has delivered for certain; `random` makes ids.
    ///
    /// The journal that is opened accepts records at once; what opening it found is recorded with the first of them,
    /// or by [`Journal::append`] of nothing.
    pub fn open(
        storage: S,
        limits: Limits,
        claim: Claim,
        delivered: Option<Position>,
        random: &mut dyn FnMut() -> [u8; 8],
        now: Timestamp,
    ) -> io::Result<Self> {
        remove_unfinished(&storage)?;
        let names = segment_names(&storage)?;
        let headers: BTreeMap<Name, Header> =
            names.iter().filter_map(|&name| Some((name, read_header(&storage, name).ok()??))).collect();
        let last = headers.values().next_back().cloned();
        let speaker = Speaker {
            agent: last.as_ref().map_or_else(|| Id::new(random()), |header| header.agent),
            epoch: last.as_ref().map_or_else(|| Id::new(random()), |header| header.epoch),
            boot: claim.boot,
            instance: claim.machine.instance.clone(),
            account: claim.account,
            region: claim.region,
        };
        let mut journal = Self {
            quarantined: quarantined(&storage)?,
            storage,
            limits,
            speaker,
            machine: claim.machine,
            segments: Vec::new(),
            active: None,
            next_number: names.last().map_or(1, |name| name.number + 1),
            head: Head { seq: 0, hash: Hash::NONE },
            totals: Totals::default(),
            sealed: None,
            delivered,
            notes: Vec::new(),
        };
        journal.number_after_quarantine();
        match last {
            Some(last) if journal.machine.differs_from(&last.machine) => {
                journal.quarantine(&names)?;
                journal.speaker.epoch = Id::new(random());
                journal.begin_epoch(EpochCause::OtherInstance, Some(&last), now);
            }
            Some(last) => {
                journal.machine = std::mem::take(&mut journal.machine).or(&last.machine);
                journal.speaker.instance.clone_from(&journal.machine.instance);
                journal.recover(&names, &headers, now)?;
            }
            None if names.is_empty() => journal.begin_epoch(EpochCause::FirstStart, None, now),
            None => {
                // Segments without one whole header between them: the records say who spoke, if any is left.
                journal.adopt(&names)?;
                journal.recover(&names, &headers, now)?;
            }
        }
        Ok(journal)
    }

    /// Begins another epoch on the same machine: a new key cannot vouch for what another key has sealed.
    pub fn new_epoch(&mut self, random: &mut dyn FnMut() -> [u8; 8], now: Timestamp) {
        let parent = self.header(now);
        self.active = None;
        self.speaker.epoch = Id::new(random());
        self.begin_epoch(EpochCause::NewKey, Some(&parent), now);
    }

    fn begin_epoch(&mut self, cause: EpochCause, from: Option<&Header>, now: Timestamp) {
        self.head = Head { seq: 0, hash: Hash::NONE };
        self.totals = Totals::default();
        self.sealed = None;
        let from = from.map(|header| Former {
            agent: Told::new(&header.agent.to_string()),
            epoch: Told::new(&header.epoch.to_string()),
            instance: header.machine.instance.as_deref().map(Told::new),
        });
        let event = Lifecycle::Epoch { from, cause };
        self.note(Kind::Lifecycle, event.to_json(), now);
    }

    /// A copy of a machine has its parent's spool too. It is the parent's to deliver.
    fn quarantine(&mut self, names: &[Name]) -> io::Result<()> {
        for name in names {
            let aside = format!("{QUARANTINE}{name}");
            self.storage.rename(&name.to_string(), &aside)?;
            let bytes = self.storage.size(&aside)?;
            self.quarantined.push((aside, bytes));
        }
        self.storage.sync_names()
    }

    fn number_after_quarantine(&mut self) {
        let numbers =
            self.quarantined.iter().filter_map(|(name, _)| name.strip_prefix(QUARANTINE)?.parse().ok());
        let highest: u64 = numbers.map(|name: Name| name.number).max().unwrap_or(0);
        self.next_number = self.next_number.max(highest + 1);
    }

    fn adopt(&mut self, names: &[Name]) -> io::Result<()> {
        for &name in names.iter().rev() {
            let bytes = self.storage.read(&name.to_string(), 0, MAX_SEGMENT).unwrap_or_default();
            let contents = Contents::of(&bytes);
            let record = contents.records.last().map(|frame| record::parse(&bytes[frame.payload()]));
            if let Some(Ok(record)) = record {
                self.speaker.agent = record.agent;
                self.speaker.epoch = record.epoch;
                return Ok(());
            }
        }
        Ok(())
    }

    fn recover(
        &mut self,
        names: &[Name],
        headers: &BTreeMap<Name, Header>,
        now: Timestamp,
    ) -> io::Result<()> {
        let mut walks: BTreeMap<Id, Walk> = BTreeMap::new();
        let mut tail = None;
        for (index, &name) in names.iter().enumerate() {
            // One that cannot be read is as good as damaged: what was in it becomes a gap, and the journal opens.
            let bytes = self.storage.read(&name.to_string(), 0, MAX_SEGMENT).unwrap_or_default();
            let contents = Contents::of(&bytes);
            let epoch = match (headers.get(&name), contents.records.first()) {
                (Some(header), _) => header.epoch,
                (None, Some(frame)) => {
                    record::parse(&bytes[frame.payload()]).map_or(self.speaker.epoch, |r| r.epoch)
                }
                (None, None) => self.speaker.epoch,
            };
            let later = names[index + 1..]
                .iter()
                .filter_map(|name| headers.get(name))
                .find(|later| later.epoch == epoch);
            let is_last = names[index + 1..].iter().all(|name| !headers.contains_key(name));
            let walk = walks.entry(epoch).or_insert_with(|| {
                Walk::before(headers.get(&name), &contents, self.delivered.filter(|at| at.epoch == epoch))
            });
            let end = later.map_or(u64::MAX, |later| later.first);
            let committed = if is_last { contents.committed() } else { end - 1 };
            let segment = walk.segment(name, epoch, &contents, &bytes, headers.get(&name), committed);
            self.segments.push(segment);
            if is_last && epoch == self.speaker.epoch {
                tail = Some((name, contents, bytes, committed));
            }
            if let Some(later) = later {
                walk.skip_to(later.first - 1, later.prev);
            }
        }
        let Some(mut walk) = walks.remove(&self.speaker.epoch) else { return Ok(()) };
        for (epoch, other) in walks {
            self.tell_holes(other, Some(epoch), now);
        }
        self.settle(&mut walk, tail, now)?;
        self.tell_holes(walk, None, now);
        Ok(())
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

    /// The frames that may not be on the disk go to a new segment, byte for byte.
    fn rewrite(&mut self, head: Head, totals: Totals, kept: Rendered, now: Timestamp) -> io::Result<()> {
        let (last, last_totals) = (self.head, self.totals);
        (self.head, self.totals, self.active) = (head, totals, None);
        self.try_write(&kept, now)?;
        let is_whole = last == kept.head;
        self.accept(kept);
        if !is_whole {
            // The cursor knows of later ones than the segment did.
            (self.head, self.active) = (last, None);
        }
        self.totals = last_totals;
        Ok(())
    }

    fn tell_holes(&mut self, walk: Walk, epoch: Option<Id>, now: Timestamp) {
        let holes = walk.unexplained();
        for runs in holes.chunks(MAX_RUNS) {
            let mut gap = Gap::new(Cause::Damaged);
            gap.epoch = epoch;
            gap.count(None, None, runs.iter().map(|run| run.to - run.from + 1).sum());
            gap.runs = runs.to_vec();
            gap.bytes = Some(walk.damage.iter().map(|(_, span)| span.len() as u64).sum());
            gap.places = walk
                .damage
                .iter()
                .take(MAX_PLACES)
                .map(|(name, span)| format!("{name}:{}+{}", span.start, span.len()))
                .collect();
            self.notes.push(Draft {
                time: now,
                kind: Kind::Gap,
                severity: Severity::Critical,
                body: gap.to_json(),
            });
        }
    }

    pub(super) fn header(&self, now: Timestamp) -> Header {
        Header {
            agent: self.speaker.agent,
            epoch: self.speaker.epoch,
            first: self.head.seq + 1,
            prev: self.head.hash,
            time: now.as_millisecond(),
            dropped: self.totals.dropped,
            gaps: self.totals.gaps,
            machine: self.machine.clone(),
        }
    }
}

impl Contents {
    /// Up to where the segment itself says that its records were accepted.
    fn committed(&self) -> u64 {
        let before = self.header.as_ref().map_or(0, |header| header.first - 1);
        self.marker.map_or(before, |(seq, _)| seq.max(before))
    }
}

impl Walk {
    /// Before the first segment of an epoch that is still there.
    fn before(header: Option<&Header>, contents: &Contents, delivered: Option<Position>) -> Self {
        let present = header
            .map(|header| header.first)
            .or(contents.records.first().map(|frame| frame.seq))
            .unwrap_or(1);
        let seq = match delivered {
            // Between the cursor and the first segment nothing may be missing.
            Some(at) if at.seq + 1 < present => at.seq,
            _ => present.saturating_sub(1),
        };
        let hash = header.filter(|header| header.first == seq + 1).map_or(Hash::NONE, |header| header.prev);
        let totals = header.map_or_else(Totals::default, |h| Totals { dropped: h.dropped, gaps: h.gaps });
        Self {
            head: Head { seq, hash },
            last: None,
            holes: Vec::new(),
            explained: Vec::new(),
            damage: Vec::new(),
            totals,
            sealed: None,
        }
    }

    fn segment(
        &mut self,
        name: Name,
        epoch: Id,
        contents: &Contents,
        bytes: &[u8],
        header: Option<&Header>,
        committed: u64,
    ) -> Segment {
        if let Some(header) = header {
            self.totals = Totals { dropped: header.dropped, gaps: header.gaps };
        }
        let first = header.map(|header| header.first).unwrap_or(self.head.seq + 1);
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
        Segment { name, epoch, first, last, bytes: bytes.len() as u64, begun, weights }
    }

    fn record(&mut self, frame: &Frame, line: &[u8]) {
        if frame.seq <= self.head.seq {
            return;
        }
        self.missing_before(frame.seq);
        self.head.seq = frame.seq;
        self.last = Some(line.to_vec());
        let body = || record::parse(line).map(|record| record.body);
        match frame.content {
            Content::Record(Kind::Gap, _) => {
                self.totals.gaps += 1;
                if let Ok(gap) = body().and_then(Gap::parse) {
                    self.gap(gap);
                }
            }
            Content::Record(Kind::Checkpoint, _) => {
                let key = body().and_then(Checkpoint::parse).ok().and_then(|checkpoint| checkpoint.key);
                self.sealed = key.or(self.sealed);
            }
            _ => {}
        }
    }

    fn gap(&mut self, gap: Gap) {
        self.totals.dropped += if gap.cause == Cause::Damaged { 0 } else { gap.total() };
        // Runs of another epoch's are few and are told again at worst.
        if gap.epoch.is_none() {
            self.explained.extend(gap.runs);
        }
    }

    fn missing_before(&mut self, seq: u64) {
        let head = self.head();
        if seq > head.seq + 1 {
            let before = (head.hash != Hash::NONE || head.seq == 0).then_some(head.hash);
            self.holes.push(Run { from: head.seq + 1, to: seq - 1, before });
        }
    }

    /// Something that is believed says that there were records up to here.
    fn skip_to(&mut self, seq: u64, hash: Hash) {
        if seq > self.head.seq {
            self.missing_before(seq + 1);
            self.head = Head { seq, hash };
            self.last = None;
        }
    }

    /// What stands behind the last marker: taken as it is, to be written once more.
    fn tail(&mut self, contents: &Contents, bytes: &[u8], committed: u64) -> Rendered {
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

    fn head(&mut self) -> Head {
        if let Some(line) = self.last.take() {
            self.head.hash = Hash::of(&line);
        }
        self.head
    }

    /// The holes without what the gaps in the journal name.
    fn unexplained(&self) -> Vec<Run> {
        let mut explained = self.explained.clone();
        explained.sort_unstable_by_key(|run| run.from);
        let mut open = Vec::new();
        for &Run { from, to, before } in &self.holes {
            let (mut from, mut before) = (from, before);
            for run in &explained {
                if run.to < from || run.from > to {
                    continue;
                }
                if run.from > from {
                    open.push(Run { from, to: run.from - 1, before: before.take() });
                }
                from = from.max(run.to.saturating_add(1));
                before = None;
            }
            if from <= to {
                open.push(Run { from, to, before });
            }
        }
        open
    }
}

/// The segments in their order. Where one was written anew and the old one is still there, the old one has everything.
pub(super) fn segment_names<S: Storage>(storage: &S) -> io::Result<Vec<Name>> {
    let mut names: Vec<Name> = storage.names()?.iter().filter_map(|name| name.parse().ok()).collect();
    names.sort_unstable();
    names.dedup_by_key(|name| name.number);
    Ok(names)
}

/// A crash while a segment was written anew leaves both; the old one is the truth until it is gone.
fn remove_unfinished<S: Storage>(storage: &S) -> io::Result<()> {
    let kept = segment_names(storage)?;
    let all: Vec<Name> = storage.names()?.iter().filter_map(|name| name.parse().ok()).collect();
    let newer: Vec<Name> = all.into_iter().filter(|name| !kept.contains(name)).collect();
    for name in &newer {
        storage.remove(&name.to_string())?;
    }
    if newer.is_empty() { Ok(()) } else { storage.sync_names() }
}

/// The header at the beginning of a segment, if it is whole.
pub(super) fn read_header<S: Storage>(storage: &S, name: Name) -> io::Result<Option<Header>> {
    let bytes = storage.read(&name.to_string(), 0, MAX_HEADER)?;
    Ok(Contents::of(&bytes).header)
}

fn quarantined<S: Storage>(storage: &S) -> io::Result<Vec<(String, u64)>> {
    let mut names: Vec<String> = storage.names()?;
    names.retain(|name| name.starts_with(QUARANTINE));
    names.sort_unstable();
    names.into_iter().map(|name| storage.size(&name).map(|bytes| (name, bytes))).collect()
}

/// Segments end at 4 MiB or at the group that goes beyond it; what is longer is not ours.
pub(super) const MAX_SEGMENT: usize = 16 * 1024 * 1024;
const MAX_HEADER: usize = 512;
const QUARANTINE: &str = "quarantine-";
