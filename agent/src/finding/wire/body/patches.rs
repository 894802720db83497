//! The body of an `inventory` record of the packages: what is outstanding, told whenever that changes.
//!
//! The most urgent come first, and what has no room is counted. What changes from day to day without meaning anything (a
//! list's date, a count of processes) is told and makes no new record.

mod read;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::{base64url, rfc3339_millis};
use super::{Told, json};
use crate::finding::patch::Patch;
use crate::host::Facts;
use crate::host::packages::advisory::{Advisory, Urgency};
use crate::host::packages::{Freshness, Locked, Manager, Packages, Reboot, Updates};

/// What is outstanding, as a record tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchesBody {
    of: Of,
    /// Of everything but times and counts; of what has no room here, too.
    pub digest: Told,
    /// Null when it could not be told.
    pub manager: Option<Told>,
    pub installed: Option<u64>,
    /// Null when no update could be looked for.
    pub counts: Option<Counts>,
    pub pending: Option<Vec<Entry>>,
    /// How many are not in `pending`, for want of room.
    pub left_out: u64,
    pub reboot: Due,
    /// How many processes run what was replaced; null when that could not be seen.
    pub restart: Option<u64>,
    pub metadata: Lists,
    pub locked: Option<Lock>,
    /// The date of the list of exploited holes.
    pub exploited_as_of: Option<Told>,
}

/// Tells it from the inventory of verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Of {
    #[serde(rename = "packages")]
    Packages,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    pub pending: u64,
    pub security: u64,
    pub exploited: u64,
    /// Of the security updates, by the vendor's severity.
    pub critical: u64,
    pub high: u64,
    pub medium: u64,
    pub low: u64,
    pub unrated: u64,
    /// Of all, by what keeps them back.
    pub held: u64,
    pub phased: u64,
    pub pinned: u64,
    pub kept_back: u64,
}

/// One update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub name: Told,
    pub arch: Told,
    pub installed: Told,
    pub candidate: Told,
    pub security: bool,
    pub state: Told,
    pub origin: Told,
    pub reason: Option<Told>,
    pub hidden_fix: Option<Told>,
    /// The vendor's worst.
    pub severity: Option<Told>,
    /// The holes that attackers use.
    pub exploited: Vec<Told>,
    /// The most severe first.
    pub advisories: Vec<Notice>,
    /// How many there are in all.
    pub advisory_count: u64,
    pub not_before: Option<Told>,
    pub not_after: Option<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub id: Told,
    pub severity: Option<Told>,
    pub cves: Vec<Told>,
    pub cve_count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Null when it cannot be told, or does not arise.
    pub needed: Option<bool>,
    pub reason: Option<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists {
    pub state: Told,
    pub as_of: Option<Told>,
    pub checked: Option<Told>,
    pub reason: Option<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    pub release: Told,
    pub by: Told,
    pub newest: Option<Told>,
}

impl PatchesBody {
    /// `patches` are in their order of urgency; `max_age` is the threshold of `packages-metadata-age`, in seconds.
    pub fn of(facts: &Facts, patches: &[Patch<'_>], max_age: u64) -> Self {
        let packages = &facts.packages;
        let updates = packages.updates.as_ref().ok();
        let list = packages.exploited.as_ref().ok().and_then(Option::as_ref);
        let mut body = Self {
            of: Of::Packages,
            digest: Told::default(),
            manager: packages.manager.as_ref().ok().map(|manager| Told::new(manager.name())),
            installed: packages.database.as_ref().ok().map(|database| count(database.present().count())),
            counts: updates.map(|_| Counts::of(patches)),
            pending: None,
            left_out: 0,
            reboot: Due::of(packages),
            restart: facts.processes.as_ref().ok().map(|processes| count(processes.outdated.len())),
            metadata: Lists::of(packages, facts.now, max_age),
            locked: updates.and_then(|updates| updates.locked.as_ref()).map(Lock::of),
            exploited_as_of: list.map(|list| moment(list.date)),
        };
        let entries: Vec<Entry> = patches.iter().map(Entry::of).collect();
        body.digest = body.digest(&entries);
        if updates.is_some() {
            let kept = fitting(&entries);
            body.left_out = count(entries.len() - kept);
            body.pending = Some(entries.into_iter().take(kept).collect());
        }
        body
    }

    fn digest(&self, entries: &[Entry]) -> Told {
        let mut hash = Sha256::new();
        let Self { manager, reboot, locked, metadata, counts, .. } = self;
        // Why lists are stale has the time in it at which they became so, which stays the same.
        let stays = (manager, reboot.needed, locked, &metadata.state, counts.is_some());
        hash.update(json(&stays));
        for entry in entries {
            hash.update(json(&Entry { not_before: None, not_after: None, ..entry.clone() }));
        }
        Told::new(&base64url(&hash.finalize()))
    }

    pub fn to_json(&self) -> String {
        json(self)
    }
}

impl Counts {
    fn of(patches: &[Patch<'_>]) -> Self {
        use crate::host::packages::PendingState::{Held, KeptBack, Pending, Phased, Pinned};
        let mut counts = Self { pending: count(patches.len()), ..Self::default() };
        for patch in patches {
            let pending = patch.pending;
            counts.exploited += u64::from(!patch.exploited.is_empty());
            match pending.state {
                Pending => {}
                Held => counts.held += 1,
                Phased => counts.phased += 1,
                Pinned => counts.pinned += 1,
                KeptBack => counts.kept_back += 1,
            }
            if !pending.is_security {
                continue;
            }
            counts.security += 1;
            match pending.urgency() {
                Some(Urgency::Critical) => counts.critical += 1,
                Some(Urgency::High) => counts.high += 1,
                Some(Urgency::Medium) => counts.medium += 1,
                Some(Urgency::Low) => counts.low += 1,
                None => counts.unrated += 1,
            }
        }
        counts
    }
}

impl Entry {
    fn of(patch: &Patch<'_>) -> Self {
        let pending = patch.pending;
        let mut advisories: Vec<&Advisory> = pending.advisories.iter().collect();
        advisories.sort_by_key(|advisory| (std::cmp::Reverse(advisory.urgency), &advisory.id));
        Self {
            name: Told::new(&pending.name),
            arch: Told::new(&pending.architecture),
            installed: Told::new(&pending.installed),
            candidate: Told::new(&pending.candidate),
            security: pending.is_security,
            state: Told::new(pending.state.name()),
            origin: Told::new(&pending.origin),
            reason: pending.reason.as_deref().map(Told::new),
            hidden_fix: pending.hidden_fix.as_deref().map(Told::new),
            severity: pending.urgency().map(|urgency| Told::new(urgency.name())),
            exploited: patch.exploited.iter().take(MAX_CVES).map(|cve| Told::new(cve)).collect(),
            advisories: advisories.into_iter().take(MAX_NOTICES).map(Notice::of).collect(),
            advisory_count: count(pending.advisories.len()),
            not_before: pending.available.not_before.map(moment),
            not_after: pending.available.not_after.map(moment),
        }
    }
}

impl Notice {
    fn of(advisory: &Advisory) -> Self {
        Self {
            id: Told::new(&advisory.id),
            severity: advisory.urgency.map(|urgency| Told::new(urgency.name())),
            cves: advisory.cves.iter().take(MAX_CVES).map(|cve| Told::new(cve)).collect(),
            cve_count: count(advisory.cves.len()),
        }
    }
}

impl Due {
    fn of(packages: &Packages) -> Self {
        let kernel = match &packages.kernel {
            Ok(kernel) => kernel,
            Err(cause) => return Self { needed: None, reason: Some(Told::new(&cause.to_string())) },
        };
        let (needed, reason) = match kernel.reboot() {
            Reboot::Needed { reason, .. } => (Some(true), Some(reason)),
            Reboot::NotNeeded { .. } => (Some(false), None),
            Reboot::NotApplicable { reason } | Reboot::Unknown { reason } => (None, Some(reason)),
        };
        Self { needed, reason: reason.as_deref().map(Told::new) }
    }
}

impl Lists {
    fn of(packages: &Packages, now: Timestamp, max_age: u64) -> Self {
        let metadata = &packages.metadata;
        let freshness = match packages.manager {
            Ok(Manager::None) => Freshness::Unknown { reason: "there is no package manager".to_owned() },
            _ => metadata.freshness(now, max_age),
        };
        let unsure = match &packages.updates {
            Ok(Updates { unsure, .. }) => unsure.first(),
            Err(cause) => Some(cause),
        };
        let reason = freshness.reason().map(str::to_owned).or_else(|| unsure.map(ToString::to_string));
        Self {
            // What could not be read hides updates, however fresh the rest is.
            state: Told::new(if unsure.is_some() && freshness == Freshness::Fresh {
                "unknown"
            } else {
                freshness.name()
            }),
            as_of: metadata.newest.map(moment),
            checked: metadata.checked.map(moment),
            reason: reason.as_deref().map(Told::new),
        }
    }
}

impl Lock {
    fn of(locked: &Locked) -> Self {
        Self {
            release: Told::new(&locked.release),
            by: Told::new(&locked.by),
            newest: locked.newest.as_deref().map(Told::new),
        }
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn moment(time: Timestamp) -> Told {
    Told::new(&rfc3339_millis(time))
}

/// How many from the front fit.
fn fitting(entries: &[Entry]) -> usize {
    let mut left = MAX_BYTES;
    let fits = |entry: &Entry| left.checked_sub(json(entry).len() + 1).map(|rest| left = rest);
    entries.iter().map_while(fits).count()
}

/// A body has 200 KiB; the rest of it takes a few.
const MAX_BYTES: usize = 180 * 1024;
/// A kernel that was not updated for a year misses more of both; what is left out is counted.
const MAX_NOTICES: usize = 24;
const MAX_CVES: usize = 24;

#[cfg(test)]
mod tests;
