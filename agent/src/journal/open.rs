//! Opening the journal: what is on the disk becomes what was accepted, whatever happened to the process, the power
//! or the disk since.
//!
//! Nothing is repaired in place. What stands behind the last marker of the last segment may or may not have been
//! accepted, and may or may not be on the disk: whole frames of it are written once more, to a new segment. What is
//! missing in between becomes a gap, once: a hole that a gap in the journal already names is not told again.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;

use super::room::UNFINISHED;
use super::segment::{Contents, Header, Machine, Name};
use super::storage::Storage;
use super::{Head, Journal, Limits, Position, Totals};
use crate::finding::wire::body::{EpochCause, Former, Lifecycle, Told};
use crate::finding::wire::record::{self, Hash, Id, Kind, Speaker};

/// Who opens the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claim {
    pub machine: Machine,
    /// The first eight digits of the kernel's boot id.
    pub boot: String,
    pub account: Option<String>,
    pub region: Option<String>,
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
        let quarantined = quarantined(&storage)?;
        let last = headers.values().next_back().cloned();
        // A power cut right after the quarantine leaves nothing else to tell who we were.
        let parent = quarantined.last().filter(|_| names.is_empty());
        let parent = parent.and_then(|(name, _)| read_any_header(&storage, name).ok()?);
        let speaker = Speaker {
            // A copy of a machine is another agent: whoever asks by the id gets one machine's records.
            agent: last.as_ref().map_or_else(|| Id::new(random()), |header| header.agent),
            epoch: last.as_ref().map_or_else(|| Id::new(random()), |header| header.epoch),
            boot: claim.boot,
            instance: claim.machine.instance.clone(),
            account: claim.account,
            region: claim.region,
        };
        let mut journal = Self {
            quarantined,
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
                journal.speaker.agent = Id::new(random());
                journal.speaker.epoch = Id::new(random());
                journal.begin_epoch(EpochCause::OtherInstance, Some(&last), now);
            }
            Some(last) => {
                journal.machine = std::mem::take(&mut journal.machine).or(&last.machine);
                journal.speaker.instance.clone_from(&journal.machine.instance);
                journal.recover(&names, &headers, now)?;
            }
            None if parent.is_some() => journal.begin_epoch(EpochCause::OtherInstance, parent.as_ref(), now),
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
            let bytes = read_patiently(&self.storage, &name.to_string(), MAX_SEGMENT).unwrap_or_default();
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
pub(super) fn read_patiently<S: Storage>(storage: &S, name: &str, limit: usize) -> io::Result<Vec<u8>> {
    let mut attempts = 0;
    loop {
        match storage.read(name, 0, limit) {
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
    read_any_header(storage, &name.to_string())
}

fn read_any_header<S: Storage>(storage: &S, name: &str) -> io::Result<Option<Header>> {
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
pub(super) const MAX_HEADER: usize = 512;
const QUARANTINE: &str = "quarantine-";
const MAX_ATTEMPTS: u32 = 10;
