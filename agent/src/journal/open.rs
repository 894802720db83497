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

use super::frame::{self, Content, Frame};
use super::room::UNFINISHED;
use super::segment::{Contents, Header, MAX_SEQ, Machine, Name};
use super::storage::Storage;
use super::{Head, Journal, Limits, Position, Rendered, Segment, Totals, Weight, add};
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
    /// What is missing. A journal that drops every other record has hundreds of thousands, so they are kept small.
    holes: Vec<(u64, u64)>,
    /// The hash of the record before a hole, of the first of them.
    before: BTreeMap<u64, Hash>,
    /// What gaps name, of whichever epoch.
    explained: Explained,
    /// Up to here everything was delivered, so that nobody misses it.
    delivered: u64,
    damage: Vec<(Name, Range<usize>)>,
    totals: Totals,
    /// Which key sealed the last checkpoint that was sealed.
    sealed: Option<u64>,
}

type Explained = BTreeMap<Id, Vec<(u64, u64)>>;

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
            next_number: names.last().map_or(1, |name| name.number.saturating_add(1)),
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
        self.next_number = self.next_number.max(highest.saturating_add(1));
    }

    fn adopt(&mut self, names: &[Name]) -> io::Result<()> {
        for &name in names.iter().rev() {
            let bytes = read_patiently(&self.storage, name, MAX_SEGMENT).unwrap_or_default();
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
        let starts = Starts::of(&self.storage, names, headers);
        self.doubt_the_cursor(&starts);
        let mut walks: BTreeMap<Id, Walk> = BTreeMap::new();
        let mut tail = None;
        for &name in names {
            // One that cannot be read is as good as damaged: what was in it becomes a gap, and the journal opens.
            let read = read_patiently(&self.storage, name, MAX_SEGMENT);
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
    fn committed(&self, before: u64) -> u64 {
        self.marker.map_or(before, |(seq, _)| seq.max(before))
    }
}

/// Where a segment begins: its header says so, or its first whole record where the header is damaged.
#[derive(Debug, Clone, Copy)]
struct Start {
    epoch: Id,
    first: u64,
    prev: Hash,
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
                let bytes = read_patiently(storage, name, MAX_SEGMENT).ok()?;
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

impl Walk {
    /// Before the first segment of an epoch that is still there: between what was delivered and that, nothing may be
    /// missing.
    fn before(start: Option<Start>, contents: &Contents, delivered: u64) -> Self {
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

    fn segment(
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

    fn gap(&mut self, epoch: Id, gap: Gap) {
        let dropped = if gap.cause == Cause::Damaged { 0 } else { gap.total() };
        self.totals.dropped = self.totals.dropped.saturating_add(dropped);
        let epoch = gap.epoch.unwrap_or(epoch);
        self.explained.entry(epoch).or_default().extend(gap.runs.iter().map(|run| (run.from, run.to)));
    }

    fn missing_before(&mut self, seq: u64) {
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
}

/// The holes without what the gaps in the journal name, and without what was delivered.
fn unexplained(holes: &[(u64, u64)], mut explained: Vec<(u64, u64)>, delivered: u64) -> Vec<(u64, u64)> {
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
    let is_unfinished = |name: &String| match name.strip_suffix(UNFINISHED) {
        Some(rest) => rest.parse::<Name>().is_ok(),
        None => name.parse().is_ok_and(|name: Name| kept.binary_search(&name).is_err()),
    };
    let unfinished: Vec<String> = storage.names()?.into_iter().filter(is_unfinished).collect();
    for name in &unfinished {
        storage.remove(name)?;
    }
    if unfinished.is_empty() { Ok(()) } else { storage.sync_names() }
}

/// A disk that fails for a moment must not look like one that has lost everything.
fn read_patiently<S: Storage>(storage: &S, name: Name, limit: usize) -> io::Result<Vec<u8>> {
    let mut attempts = 0;
    loop {
        match storage.read(&name.to_string(), 0, limit) {
            Err(error)
                if attempts < MAX_ATTEMPTS
                    && !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) =>
            {
                attempts += 1;
            }
            other => return other,
        }
    }
}

/// The header at the beginning of a segment, if it is whole.
pub(super) fn read_header<S: Storage>(storage: &S, name: Name) -> io::Result<Option<Header>> {
    let bytes = read_patiently(storage, name, MAX_HEADER)?;
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
/// More records than a journal of the usual bound holds.
const MAX_LEAD: u64 = 1_000_000;
/// A journal that dropped every other record of half its room has fewer.
const MAX_HOLES: usize = 500_000;
const MAX_ATTEMPTS: u32 = 10;
/// The envelope alone takes more.
const MIN_RECORD: u64 = 200;
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
