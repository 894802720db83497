//! What differs from the baseline: look after look becomes changes, and only changes are told.
//!
//! No I/O here, as in [`super`]: the daemon writes [`DriftState::to_bytes`] now and then, and replays what the journal took
//! since. What a package explains is told of the package, and never path by path.

mod kept;
mod standing;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::baseline::diff::Report;
use crate::baseline::drift::Drift;
use crate::finding::Severity;
use crate::finding::wire::body::{
    DriftBody, DriftChange, ObjectDrift, PackageDrift, Told, digest, digest_of_all,
};
use crate::finding::wire::open_drift::{Known, Trouble};
pub use kept::MAX_BYTES;

/// Every object that differs, as it was told, and what was told of the baseline itself.
#[derive(Debug, Clone)]
pub struct DriftState {
    epoch: String,
    /// The last record of the epoch that is in here.
    seq: u64,
    open: BTreeMap<Vec<u8>, Open>,
    packages: BTreeMap<Told, OpenPackage>,
    /// The state of the baseline that was compared with last.
    compared: Option<[u8; 32]>,
    /// The baseline that was told last.
    known: Option<Known>,
    seal: Option<Told>,
    trouble: Option<Trouble>,
    /// How many changes wait for the next look, and how many had no room.
    untold: u64,
    left_out: u64,
    max_open: usize,
    most_told: usize,
}

/// An object that differs, and that no package explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    pub severity: Severity,
    pub since: Timestamp,
    pub digest: Told,
}

/// What a package explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPackage {
    pub count: u64,
    pub since: Timestamp,
    pub digest: Told,
}

impl DriftState {
    pub fn new(epoch: &str) -> Self {
        Self {
            epoch: epoch.to_owned(),
            seq: 0,
            open: BTreeMap::new(),
            packages: BTreeMap::new(),
            compared: None,
            known: None,
            seal: None,
            trouble: None,
            untold: 0,
            left_out: 0,
            max_open: MAX_OPEN,
            most_told: MOST_TOLD,
        }
    }

    /// What is to be told of this look, the worst first; what there is too much of waits for the next.
    pub fn compare(&mut self, report: &Report, now: Timestamp) -> Vec<DriftBody> {
        // As exact as a record tells it, so that what is read back is the same.
        let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let mut changes = self.present(report, now);
        self.left_out = self.without_room(&mut changes);
        changes.extend(self.ended(report));
        changes.extend(self.of_packages(report, now));
        changes.sort_by_cached_key(|change| self.urgency(change));
        self.untold = changes.len().saturating_sub(self.most_told) as u64;
        changes.truncate(self.most_told);
        for change in &changes {
            self.apply(change);
        }
        self.trim();
        if self.untold == 0 {
            self.compared = Some(report.identity.state);
        }
        changes
    }

    /// What differs and was not told, or was told differently.
    fn present(&self, report: &Report, now: Timestamp) -> Vec<DriftBody> {
        let change = |drift: &Drift| {
            let digest = digest(drift);
            let (change, since) = match (self.open.get(&drift.path), drift.is_explained()) {
                // It is told by its package; that it is open no more has to be said of itself.
                (Some(open), true) => (DriftChange::Changed, open.since),
                (None, true) => return None,
                (Some(open), false) if open.digest.as_str() == digest => return None,
                (Some(open), false) => (DriftChange::Changed, open.since),
                (None, false) => (DriftChange::New, now),
            };
            Some(DriftBody::Object(Box::new(ObjectDrift::of(change, drift, since, &digest))))
        };
        report.drifts.iter().filter_map(change).collect()
    }

    /// What is open and differs no more, as far as that was seen.
    fn ended(&self, report: &Report) -> Vec<DriftBody> {
        let sight = Sight::of(report);
        let is_another = self.compared.is_some_and(|compared| compared != report.identity.state);
        let change = if is_another { DriftChange::Settled } else { DriftChange::Reverted };
        let differ: BTreeSet<&[u8]> = report.drifts.iter().map(|drift| drift.path.as_slice()).collect();
        self.open
            .iter()
            .filter(|(path, _)| !differ.contains(path.as_slice()) && sight.covers(path))
            .map(|(path, open)| ObjectDrift::ended(change, path, open.since, open.digest.as_str()))
            .map(|ended| DriftBody::Object(Box::new(ended)))
            .collect()
    }

    fn of_packages(&self, report: &Report, now: Timestamp) -> Vec<DriftBody> {
        let mut explained: BTreeMap<Told, Vec<&Drift>> = BTreeMap::new();
        for drift in report.drifts.iter().filter(|drift| drift.is_explained()) {
            if let Some(accounted) = &drift.package {
                explained.entry(Told::new(&accounted.package)).or_default().push(drift);
            }
        }
        let mut changes = Vec::new();
        for (package, drifts) in &explained {
            let digest = digest_of_all(drifts.iter().copied());
            let (change, since) = match self.packages.get(package) {
                Some(open) if open.digest.as_str() == digest => continue,
                Some(open) => (DriftChange::Changed, open.since),
                None => (DriftChange::New, now),
            };
            changes.push(DriftBody::Package(PackageDrift::of(
                change,
                package.as_str(),
                drifts,
                since,
                &digest,
            )));
        }
        let is_whole = Sight::of(report).is_whole();
        for (package, open) in self.packages.iter().filter(|(package, _)| !explained.contains_key(*package)) {
            if is_whole {
                let ended = PackageDrift::of(
                    DriftChange::Settled,
                    package.as_str(),
                    &[],
                    open.since,
                    open.digest.as_str(),
                );
                changes.push(DriftBody::Package(ended));
            }
        }
        changes
    }

    /// Takes out what would have no room if it were told; returns how many these are.
    fn without_room(&self, changes: &mut Vec<DriftBody>) -> u64 {
        let is_new =
            |body: &DriftBody| matches!(body, DriftBody::Object(drift) if drift.change == DriftChange::New);
        let new = changes.iter().filter(|change| is_new(change)).count();
        let excess = (self.open.len() + new).saturating_sub(self.max_open);
        if excess == 0 {
            return 0;
        }
        let mut severities: Vec<Severity> = self.open.values().map(|open| open.severity).collect();
        severities.extend(changes.iter().filter(|change| is_new(change)).map(DriftBody::severity));
        severities.sort_unstable_by_key(|severity| Reverse(*severity));
        let last = severities.get(self.max_open.saturating_sub(1)).copied();
        let Some(last) = last else { return 0 };
        // Of those that weigh as much as the last that has room, what is open stays, and then comes first who is first.
        let above = severities.iter().filter(|severity| **severity > last).count();
        let open = self.open.values().filter(|open| open.severity == last).count();
        let mut room = self.max_open.saturating_sub(above + open);
        let before = changes.len();
        changes.retain(|change| {
            if !is_new(change) || change.severity() > last {
                return true;
            }
            let has_room = change.severity() == last && room > 0;
            room -= usize::from(has_room);
            has_room
        });
        (before - changes.len()) as u64
    }

    /// What is open no more weighs what it weighed: it must not wait behind whatever comes.
    fn urgency(&self, change: &DriftBody) -> (Reverse<Severity>, Vec<u8>) {
        let DriftBody::Object(drift) = change else { return (Reverse(change.severity()), Vec::new()) };
        let path = drift.path_bytes().unwrap_or_default();
        let before = self.open.get(&path).map_or(drift.severity, |open| open.severity);
        (Reverse(drift.severity.max(before)), path)
    }

    /// The one way in which a change becomes state.
    fn apply(&mut self, body: &DriftBody) {
        match body {
            DriftBody::Object(drift) => {
                let Some(path) = drift.path_bytes() else { return };
                if drift.is_open() {
                    let ObjectDrift { severity, since, ref digest, .. } = **drift;
                    self.open.insert(path, Open { severity, since, digest: digest.clone() });
                } else {
                    self.open.remove(&path);
                }
            }
            DriftBody::Package(package) if package.change == DriftChange::Settled => {
                self.packages.remove(&package.package);
            }
            DriftBody::Package(PackageDrift { package, count, since, digest, .. }) => {
                let open = OpenPackage { count: *count, since: *since, digest: digest.clone() };
                self.packages.insert(package.clone(), open);
            }
            DriftBody::Acceptance(acceptance) => self.apply_acceptance(acceptance),
            DriftBody::Baseline(event) => self.apply_event(event),
        }
    }

    /// Takes in a record that the journal had accepted when what is kept here was not yet written.
    pub fn replay(&mut self, seq: u64, body: &DriftBody) {
        if seq > self.seq {
            self.apply(body);
            self.trim();
            self.seq = seq;
        }
    }

    /// The journal accepted everything up to this record.
    pub fn accepted(&mut self, seq: u64) {
        self.seq = self.seq.max(seq);
    }

    /// Makes room. What was open longest of the most severe stays.
    fn trim(&mut self) {
        if self.open.len() > self.max_open {
            let kept: BTreeSet<Vec<u8>> =
                self.by_weight().take(self.max_open).map(|(path, _)| path.clone()).collect();
            self.open.retain(|path, _| kept.contains(path));
        }
    }

    fn by_weight(&self) -> impl Iterator<Item = (&Vec<u8>, &Open)> {
        let mut open: Vec<_> = self.open.iter().collect();
        open.sort_by_key(|(path, open)| (Reverse(open.severity), open.since, *path));
        open.into_iter()
    }

    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The last record that is in here; those after it are to be replayed.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    pub fn open(&self) -> impl Iterator<Item = (&[u8], &Open)> {
        self.open.iter().map(|(path, open)| (path.as_slice(), open))
    }

    /// How many objects differ that no package explains.
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// What packages explain, by package.
    pub fn packages(&self) -> impl Iterator<Item = (&Told, &OpenPackage)> {
        self.packages.iter()
    }

    /// How many changes wait for the next look.
    pub fn untold(&self) -> u64 {
        self.untold
    }

    /// How many objects had no room at the latest look, and were not told.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    pub fn worst(&self) -> Option<Severity> {
        self.open.values().map(|open| open.severity).max()
    }
}

/// What a look did not see says nothing of it.
struct Sight<'a> {
    unseen: BTreeSet<&'a [u8]>,
    /// Everything that was not seen is named, and everything that differs is.
    is_told: bool,
}

impl<'a> Sight<'a> {
    fn of(report: &'a Report) -> Self {
        let named = |counted: u64, named: usize| u64::try_from(named).is_ok_and(|named| counted <= named);
        let is_told = named(report.counts.unseen, report.unseen.len())
            && named(report.counts.drifts(), report.drifts.len());
        Self { unseen: report.unseen.iter().map(|unseen| unseen.path.as_slice()).collect(), is_told }
    }

    fn is_whole(&self) -> bool {
        self.is_told && self.unseen.is_empty()
    }

    /// Neither it nor a directory above it was out of sight.
    fn covers(&self, path: &[u8]) -> bool {
        let above = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &path[..at]);
        self.is_told && !above.chain([path, b"/"]).any(|path| self.unseen.contains(path))
    }
}

/// More than any machine has that is looked after.
const MAX_OPEN: usize = 100_000;
/// A minute of what a small machine's journal takes.
const MOST_TOLD: usize = 2_000;

#[cfg(test)]
mod tests;
