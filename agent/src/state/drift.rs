//! What differs from the baseline: look after look becomes changes, and only changes are told.
//!
//! No I/O here, as in [`super`]: the daemon writes [`DriftState::to_bytes`] now and then, and replays what the journal took
//! since. What a package explains is told of the package, and never path by path.

mod kept;
mod live;
mod noticed;
mod room;
mod sight;
mod standing;
mod update;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::baseline::diff::{Identity, Report};
use crate::baseline::drift::Drift;
use crate::finding::Severity;
use crate::finding::wire::body::{
    DriftBody, DriftChange, ObjectDrift, PackageDrift, Seen, Told, digest, digest_of_all,
};
use crate::finding::wire::open_drift::{Known, Trouble};
pub use kept::MAX_BYTES;
use sight::Sight;
pub use update::{Vouchers, is_urgent};

/// Every object that differs, as it was told, and what was told of the baseline itself.
#[derive(Debug, Clone)]
pub struct DriftState {
    epoch: String,
    /// The last record of the epoch that is in here.
    seq: u64,
    open: BTreeMap<Vec<u8>, Open>,
    packages: BTreeMap<Told, OpenPackage>,
    /// What updates made and no package records, by the digest of how it differs.
    accounted: BTreeMap<Vec<u8>, Told>,
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
    /// It is as a package records it, and no package manager wrote it.
    pub disputed: bool,
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
            accounted: BTreeMap::new(),
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

    /// What is to be told of this look, the worst first; what there is too much of waits for the next. What is aside is
    /// somebody else's to tell: it is neither told here nor said to have ended.
    pub fn compare(
        &mut self,
        report: &Report,
        aside: &dyn Fn(&[u8]) -> bool,
        now: Timestamp,
    ) -> Vec<DriftBody> {
        let now = exact(now);
        let mut changes = self.present(report, aside, now);
        self.left_out = self.without_room(&mut changes);
        changes.extend(self.ended(report, aside));
        changes.extend(self.of_packages(report, aside, now));
        changes.sort_by_cached_key(|change| self.urgency(change));
        self.untold = changes.len().saturating_sub(self.most_told) as u64;
        changes.truncate(self.most_told);
        self.take_in(&changes);
        if self.untold == 0 {
            self.compared = Some(report.identity.state);
        }
        if Sight::of(report).is_whole() {
            let differ = differing(&report.drifts);
            self.accounted.retain(|path, _| differ.contains(path.as_slice()) || aside(path));
        }
        changes
    }

    /// What differs and was not told, or was told differently.
    fn present(&self, report: &Report, aside: &dyn Fn(&[u8]) -> bool, now: Timestamp) -> Vec<DriftBody> {
        let change = |drift: &Drift| {
            let digest = digest(drift);
            let (change, since) = match (self.open.get(&drift.path), drift.is_explained()) {
                _ if self.is_accounted(&drift.path, &digest) => return None,
                (Some(open), _) if open.digest.as_str() == digest => return None,
                // It is told by its package; that it is open no more has to be said of itself.
                (None, true) => return None,
                (Some(open), _) => (DriftChange::Changed, open.since),
                (None, false) => (DriftChange::New, now),
            };
            let mut told = ObjectDrift::of(change, drift, since, &digest);
            told.noticed.seen = Some(Seen::Sweep);
            Some(DriftBody::Object(Box::new(told)))
        };
        report.drifts.iter().filter(|drift| !aside(&drift.path)).filter_map(change).collect()
    }

    /// What is open and differs no more, as far as that was seen.
    fn ended(&self, report: &Report, aside: &dyn Fn(&[u8]) -> bool) -> Vec<DriftBody> {
        let (sight, differ) = (Sight::of(report), differing(&report.drifts));
        let change = self.end(&report.identity);
        self.open
            .iter()
            .filter(|(path, _)| !differ.contains(path.as_slice()) && sight.covers(path) && !aside(path))
            .map(|(path, open)| ObjectDrift::ended(change, path, open.since, open.digest.as_str()))
            .map(|ended| DriftBody::Object(Box::new(ended)))
            .collect()
    }

    /// What it means that something differs no more from this baseline.
    fn end(&self, identity: &Identity) -> DriftChange {
        let is_another = self.compared.is_some_and(|compared| compared != identity.state);
        if is_another { DriftChange::Settled } else { DriftChange::Reverted }
    }

    fn of_packages(&self, report: &Report, aside: &dyn Fn(&[u8]) -> bool, now: Timestamp) -> Vec<DriftBody> {
        let mut explained: BTreeMap<Told, Vec<&Drift>> = BTreeMap::new();
        for drift in report.drifts.iter().filter(|drift| drift.is_explained() && !self.is_disputed(drift)) {
            if let Some(accounted) = &drift.package {
                explained.entry(Told::new(&accounted.package)).or_default().push(drift);
            }
        }
        let mut changes = Vec::new();
        for (package, drifts) in &explained {
            // Whoever has one of them in hand tells what becomes of it.
            if drifts.iter().any(|drift| aside(&drift.path)) {
                continue;
            }
            let digest = digest_of_all(drifts.iter().copied());
            let (change, since) = match self.packages.get(package) {
                Some(open) if open.digest.as_str() == digest => continue,
                Some(open) => (DriftChange::Changed, open.since),
                None => (DriftChange::New, now),
            };
            let name = package.as_str();
            changes.push(DriftBody::Package(PackageDrift::of(change, name, drifts, since, &digest)));
        }
        if !Sight::of(report).is_whole() {
            return changes;
        }
        for (package, open) in self.packages.iter().filter(|(package, _)| !explained.contains_key(*package)) {
            let (change, name, digest) = (DriftChange::Settled, package.as_str(), open.digest.as_str());
            changes.push(DriftBody::Package(PackageDrift::of(change, name, &[], open.since, digest)));
        }
        changes
    }

    /// Whether it is open by itself, although a package records it as it is.
    fn is_disputed(&self, drift: &Drift) -> bool {
        self.open.get(&drift.path).is_some_and(|open| open.disputed && open.digest.as_str() == digest(drift))
    }

    /// Whether an update made it as it is.
    fn is_accounted(&self, path: &[u8], digest: &str) -> bool {
        self.accounted.get(path).is_some_and(|accounted| accounted.as_str() == digest)
    }

    fn take_in(&mut self, changes: &[DriftBody]) {
        for change in changes {
            self.apply(change);
        }
        self.trim();
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
            DriftBody::Object(drift) => self.apply_object(drift),
            DriftBody::Package(package) if package.change == DriftChange::Settled => {
                self.packages.remove(&package.package);
            }
            DriftBody::Package(PackageDrift { package, count, since, digest, .. }) => {
                let open = OpenPackage { count: *count, since: *since, digest: digest.clone() };
                self.packages.insert(package.clone(), open);
            }
            DriftBody::Acceptance(acceptance) => self.apply_acceptance(acceptance),
            DriftBody::Baseline(event) => self.apply_event(event),
            DriftBody::Update(update) => self.apply_update(update),
            DriftBody::Recheck(_) => {}
        }
    }

    fn apply_object(&mut self, drift: &ObjectDrift) {
        let Some(path) = drift.path_bytes() else { return };
        if drift.is_open() {
            let ObjectDrift { severity, since, digest, noticed, .. } = drift;
            let (digest, disputed) = (digest.clone(), noticed.disputed);
            self.accounted.remove(&path);
            self.open.insert(path, Open { severity: *severity, since: *since, digest, disputed });
        } else if drift.change != DriftChange::Passed {
            self.open.remove(&path);
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

    pub fn is_open(&self, path: &[u8]) -> bool {
        self.open.contains_key(path)
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

/// As exact as a record tells it, so that what is read back is the same.
fn exact(now: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn differing(drifts: &[Drift]) -> BTreeSet<&[u8]> {
    drifts.iter().map(|drift| drift.path.as_slice()).collect()
}

/// More than any machine has that is looked after.
const MAX_OPEN: usize = 100_000;
/// A minute of what a small machine's journal takes.
const MOST_TOLD: usize = 2_000;

#[cfg(test)]
mod tests;
