//! When each update appeared, as the looks before this one saw it: the sensor's memory (`daemon/appeared.rs` writes it).
//!
//! A package list tells which versions an archive has and not since when. Whoever looked before knows more: the update was
//! not in the lists of that day, and it is in those of this one. What the lists say and what is remembered are laid over each
//! other, so that an age only ever becomes more exact.

mod document;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::advisory::Interval;
use super::{Database, Metadata, Pending, Updates};
use crate::host::{Cause, Host, Unreadable};

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appeared {
    /// The dates of the lists that the last complete look saw.
    lists: BTreeMap<String, Timestamp>,
    /// What was installed then: a hash of each package with its version.
    installed: BTreeSet<u64>,
    /// By name and architecture.
    waiting: BTreeMap<(String, String), Waiting>,
    /// Of the pending set that was recorded last.
    pub recorded: Option<String>,
}

/// The versions that one package could have had, since the one that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Waiting {
    installed: String,
    /// In the order in which they appeared.
    versions: Vec<Version>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    version: String,
    /// Whether a security update was among what it brought.
    is_security: bool,
    interval: Interval,
}

impl Appeared {
    /// What was remembered when this look began; `None` where nothing ever was.
    pub fn of(host: &Host) -> Result<Option<Self>, Unreadable> {
        let path = host.state().join(FOLDER).join(NAME);
        let meta = match host.stat(&path) {
            Ok(meta) => meta,
            Err(cause) if cause.is_absent() => return Ok(None),
            Err(cause) => return Err(cause),
        };
        // Whoever could write it could make an old update a new one.
        let is_ours = meta.uid == 0 || meta.uid == nix::unistd::geteuid().as_raw();
        if !is_ours || meta.mode & 0o022 != 0 {
            let what = "others than root can write it".to_owned();
            return Err(Unreadable::new(&path, Cause::Unsupported(what)));
        }
        let bytes = host.read(&path, MAX_BYTES)?;
        Self::from_bytes(&bytes).map(Some).map_err(|what| Unreadable::malformed(&path, 0, what))
    }

    /// What is to be remembered after this look. One that could not see everything proves no absence, and changes nothing.
    #[must_use]
    pub fn after(&self, updates: &Updates, metadata: &Metadata, database: &Database) -> Self {
        let is_complete =
            updates.unsure.is_empty() && metadata.missing.is_empty() && metadata.unsure.is_empty();
        if !is_complete {
            return self.clone();
        }
        let before = self.last_without(metadata);
        // A package may be there twice: with what is chosen, and with what is withheld beyond that.
        let mut waiting: BTreeMap<(String, String), Waiting> = BTreeMap::new();
        for pending in updates.pending.iter().take(MAX_PACKAGES) {
            let key = (pending.name.clone(), pending.architecture.clone());
            let was_there = self.installed.contains(&mark(&key.0, &key.1, &pending.installed));
            let known = waiting.get(&key).or_else(|| self.waiting.get(&key));
            let seen = Seen { not_before: before.filter(|_| was_there), metadata };
            let now = Waiting::after(known, pending, &seen);
            waiting.insert(key, now);
        }
        Self {
            lists: metadata.lists.clone(),
            installed: database
                .present()
                .take(MAX_PACKAGES)
                .map(|package| mark(&package.name, &package.architecture, &package.version))
                .collect(),
            waiting,
            recorded: self.recorded.clone(),
        }
    }

    /// The latest day on which no list had what is new in them now: the date of the earliest of those that became others.
    /// `None` where it may have been there before: in a source that is new, or in lists that are the same as then.
    fn last_without(&self, metadata: &Metadata) -> Option<Timestamp> {
        let mut earliest = None;
        for (name, date) in &metadata.lists {
            let before = self.lists.get(name)?;
            if before != date {
                earliest = Some(earliest.map_or(*before, |earliest: Timestamp| earliest.min(*before)));
            }
        }
        earliest
    }

    /// Makes what the lists say of the times more exact, where it can be.
    pub fn narrow(&self, updates: &mut Updates) {
        for pending in &mut updates.pending {
            let key = (pending.name.clone(), pending.architecture.clone());
            let Some(waiting) = self.waiting.get(&key) else { continue };
            if let Some(interval) = waiting.first(pending).and_then(|first| within(pending.available, first))
            {
                pending.available = interval;
            }
        }
    }
}

struct Seen<'a> {
    /// The lists of that day did not have what is new now.
    not_before: Option<Timestamp>,
    metadata: &'a Metadata,
}

impl Seen<'_> {
    fn interval(&self, pending: &Pending) -> Interval {
        let not_after = pending.available.not_after.or(self.metadata.newest).or(self.metadata.checked);
        let not_before = self.not_before.filter(|before| not_after.is_none_or(|after| *before <= after));
        let seen = Interval { not_before, not_after };
        within(pending.available, seen).unwrap_or(pending.available)
    }
}

impl Waiting {
    fn after(known: Option<&Self>, pending: &Pending, seen: &Seen<'_>) -> Self {
        let mut versions = known.map_or_else(Vec::new, |known| known.still_ahead(&pending.installed));
        let is_known = |version: &Version| {
            version.version == pending.candidate && version.is_security == pending.is_security
        };
        if !versions.iter().any(is_known) {
            // The first is the age of them all, so that it stays.
            if versions.len() >= MAX_VERSIONS {
                versions.remove(1);
            }
            let interval = seen.interval(pending);
            let (version, is_security) = (pending.candidate.clone(), pending.is_security);
            versions.push(Version { version, is_security, interval });
        }
        Self { installed: pending.installed.clone(), versions }
    }

    /// What appeared after the version that is installed now.
    fn still_ahead(&self, installed: &str) -> Vec<Version> {
        if self.installed == installed {
            return self.versions.clone();
        }
        let reached = self.versions.iter().rposition(|version| version.version == installed);
        // One that was never seen waiting tells nothing of the others.
        reached.map_or_else(Vec::new, |at| self.versions.iter().skip(at + 1).cloned().collect())
    }

    /// Since when anything of that kind waits.
    fn first(&self, pending: &Pending) -> Option<Interval> {
        if self.installed != pending.installed {
            return None;
        }
        let of_kind = |version: &&Version| version.is_security || !pending.is_security;
        self.versions.iter().find(of_kind).map(|version| version.interval)
    }
}

/// What both allow; `None` if they contradict each other.
fn within(a: Interval, b: Interval) -> Option<Interval> {
    let not_before = a.not_before.max(b.not_before);
    let not_after = match (a.not_after, b.not_after) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let is_possible = not_before.zip(not_after).is_none_or(|(before, after)| before <= after);
    is_possible.then_some(Interval { not_before, not_after })
}

/// Enough of a hash that no two packages of a machine meet.
fn mark(name: &str, architecture: &str, version: &str) -> u64 {
    let mut hash = Sha256::new();
    for part in [name, architecture, version] {
        hash.update(part);
        hash.update([0]);
    }
    hash.finalize().iter().take(8).fold(0, |mark, byte| mark << 8 | u64::from(*byte))
}

/// Beneath the state, with the sensor's other memories.
const FOLDER: &str = "state";
pub const NAME: &str = "appeared.json";
/// A hundred thousand packages, and a thousand updates for them.
const MAX_BYTES: u64 = 16 << 20;
const MAX_PACKAGES: usize = 100_000;
/// A package that misses more updates than these is old by the first.
const MAX_VERSIONS: usize = 8;

#[cfg(test)]
mod tests;
