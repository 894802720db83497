//! What `guestward packages` prints as JSON: schema `guestward.packages/1`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::rfc3339_millis;
use crate::host::packages::advisory::Urgency;
use crate::host::packages::{Freshness, Locked, Manager, Packages, Pending, Reboot, Restart};

pub const PACKAGES_SCHEMA: &str = "guestward.packages/1";

/// A field's name here is a promise. What could not be had is null, and says why in `reason`.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    schema: &'static str,
    /// Null when it could not be told.
    manager: Option<&'static str>,
    installed: Option<usize>,
    /// Null when no update could be looked for at all.
    pending: Option<Vec<Entry<'a>>>,
    reboot: RebootState<'a>,
    restart: Vec<RestartEntry<'a>>,
    metadata: MetadataState,
    /// The release that updates are taken from, whatever came after it; null where none is locked.
    locked: Option<LockedState<'a>>,
}

impl<'a> Document<'a> {
    /// `max_age` is the threshold of `packages-metadata-age`, in seconds.
    pub fn new(packages: &'a Packages, restart: &'a [Restart], now: Timestamp, max_age: u64) -> Self {
        let pending = packages.updates.as_ref().ok();
        Self {
            schema: PACKAGES_SCHEMA,
            manager: packages.manager.as_ref().ok().map(|manager| manager.name()),
            installed: packages.database.as_ref().ok().map(|database| database.present().count()),
            pending: pending.map(|updates| updates.pending.iter().map(Entry::from).collect()),
            reboot: RebootState::of(packages),
            restart: restart.iter().map(RestartEntry::from).collect(),
            metadata: MetadataState::of(packages, now, max_age),
            locked: pending.and_then(|updates| updates.locked.as_ref()).map(LockedState::from),
        }
    }
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    name: &'a str,
    arch: &'a str,
    installed: &'a str,
    candidate: &'a str,
    security: bool,
    state: &'static str,
    origin: &'a str,
    /// Why it is in that state, where that is known.
    reason: Option<&'a str>,
    /// The distribution's fix that a foreign candidate hides.
    hidden_fix: Option<&'a str>,
    advisories: Vec<&'a str>,
    cves: BTreeSet<&'a str>,
    /// The vendor's own, in the words of findings.
    severity: Option<&'static str>,
    available_since: Interval,
}

/// The candidate appeared between these; a null end is not known.
#[derive(Debug, Serialize)]
struct Interval {
    not_before: Option<String>,
    not_after: Option<String>,
}

impl<'a> From<&'a Pending> for Entry<'a> {
    fn from(pending: &'a Pending) -> Self {
        Self {
            name: &pending.name,
            arch: &pending.architecture,
            installed: &pending.installed,
            candidate: &pending.candidate,
            security: pending.is_security,
            state: pending.state.name(),
            origin: &pending.origin,
            reason: pending.reason.as_deref(),
            hidden_fix: pending.hidden_fix.as_deref(),
            advisories: pending.advisories.iter().map(|advisory| advisory.id.as_str()).collect(),
            cves: pending.cves(),
            severity: pending.urgency().map(Urgency::name),
            available_since: Interval {
                not_before: pending.available.not_before.map(rfc3339_millis),
                not_after: pending.available.not_after.map(rfc3339_millis),
            },
        }
    }
}

#[derive(Debug, Serialize)]
struct LockedState<'a> {
    release: &'a str,
    by: &'a str,
    /// The day that the release names.
    date: Option<String>,
    newest: Option<&'a str>,
}

impl<'a> From<&'a Locked> for LockedState<'a> {
    fn from(locked: &'a Locked) -> Self {
        let Locked { release, by, date, newest } = locked;
        Self { release, by, date: date.map(rfc3339_millis), newest: newest.as_deref() }
    }
}

#[derive(Debug, Serialize)]
struct RebootState<'a> {
    needed: Option<bool>,
    reason: Option<String>,
    running: Option<&'a str>,
    newest: Option<String>,
    /// Live patches in the running kernel; none of them makes a restart needless.
    livepatches: Vec<&'a str>,
}

impl<'a> RebootState<'a> {
    fn of(packages: &'a Packages) -> Self {
        let kernel = match &packages.kernel {
            Ok(kernel) => kernel,
            Err(cause) => {
                return Self {
                    needed: None,
                    reason: Some(cause.to_string()),
                    running: None,
                    newest: None,
                    livepatches: Vec::new(),
                };
            }
        };
        let (needed, reason, newest) = match kernel.reboot() {
            Reboot::Needed { reason, newest } => (Some(true), Some(reason), newest),
            Reboot::NotNeeded { newest } => (Some(false), None, newest),
            Reboot::NotApplicable { reason } | Reboot::Unknown { reason } => (None, Some(reason), None),
        };
        let livepatches = kernel.livepatches.iter().map(|patch| patch.name.as_str()).collect();
        Self { needed, reason, running: kernel.running.as_deref(), newest, livepatches }
    }
}

#[derive(Debug, Serialize)]
struct RestartEntry<'a> {
    pid: u32,
    unit: Option<&'a str>,
    uid: u32,
    packages: &'a [String],
}

impl<'a> From<&'a Restart> for RestartEntry<'a> {
    fn from(restart: &'a Restart) -> Self {
        let Restart { pid, unit, uid, packages } = restart;
        Self { pid: *pid, unit: unit.as_deref(), uid: *uid, packages }
    }
}

#[derive(Debug, Serialize)]
struct MetadataState {
    state: &'static str,
    /// The date of the most recent list: no later change of an archive is known here.
    as_of: Option<String>,
    /// The last `apt-get update`.
    checked: Option<String>,
    reason: Option<String>,
}

impl MetadataState {
    fn of(packages: &Packages, now: Timestamp, max_age: u64) -> Self {
        let metadata = &packages.metadata;
        let freshness = match packages.manager {
            Ok(Manager::None) => Freshness::Unknown { reason: "there is no package manager".to_owned() },
            _ => metadata.freshness(now, max_age),
        };
        // A list that cannot be read leaves updates unseen, however fresh the others are.
        let unsure = packages.updates.as_ref().ok().and_then(|updates| updates.unsure.first());
        Self {
            state: freshness.name(),
            as_of: metadata.newest.map(rfc3339_millis),
            checked: metadata.checked.map(rfc3339_millis),
            reason: freshness.reason().map(str::to_owned).or_else(|| unsure.map(ToString::to_string)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Unreadable;
    use crate::host::packages::{Database, Kernel, Metadata, PendingState, Updates, advisory};

    const NOW: &str = "2026-11-22T00:00:00Z";

    fn packages() -> Packages {
        let now: Timestamp = NOW.parse().unwrap();
        Packages {
            manager: Ok(Manager::Apt),
            database: Ok(Database::default()),
            at_work: None,
            updates: Ok(Updates {
                pending: vec![Pending {
                    name: "openssl".into(),
                    architecture: "amd64".into(),
                    installed: "1".into(),
                    candidate: "2".into(),
                    is_security: true,
                    state: PendingState::Held,
                    origin: "Debian:stable-security".into(),
                    reason: None,
                    hidden_fix: None,
                    advisories: Vec::new(),
                    available: advisory::Interval { not_before: None, not_after: Some(now) },
                }],
                locked: None,
                unsure: Vec::new(),
            }),
            metadata: Metadata { newest: Some(now), checked: Some(now), ..Metadata::default() },
            kernel: Ok(Kernel::default()),
            compared: Ok(None),
            appeared: Default::default(),
            forgotten: None,
            exploited: Ok(None),
        }
    }

    #[test]
    fn the_document_has_the_promised_fields() {
        let packages = packages();
        let restart =
            [Restart { pid: 7, unit: Some("x.service".into()), uid: 0, packages: vec!["libc6".into()] }];
        let document = Document::new(&packages, &restart, NOW.parse().unwrap(), 60);
        let expected = serde_json::json!({
            "schema": "guestward.packages/1", "manager": "apt", "installed": 0,
            "pending": [{"name": "openssl", "arch": "amd64", "installed": "1", "candidate": "2", "security": true,
                "state": "held", "origin": "Debian:stable-security", "reason": null, "hidden_fix": null,
                "advisories": [], "cves": [], "severity": null,
                "available_since": {"not_before": null, "not_after": "2026-11-22T00:00:00.000Z"}}],
            "reboot": {"needed": null, "reason": "nothing runs in this tree: it has no /proc/sys/kernel/osrelease",
                "running": null, "newest": null, "livepatches": []},
            "restart": [{"pid": 7, "unit": "x.service", "uid": 0, "packages": ["libc6"]}],
            "metadata": {"state": "fresh", "as_of": "2026-11-22T00:00:00.000Z",
                "checked": "2026-11-22T00:00:00.000Z", "reason": null},
            "locked": null,
        });
        assert_eq!(serde_json::to_value(&document).unwrap(), expected);
    }

    #[test]
    fn what_could_not_be_read_is_null_and_never_empty() {
        let cause = Unreadable::not_asked("packages");
        let packages = Packages { updates: Err(cause.clone()), database: Err(cause), ..packages() };
        let document = serde_json::to_value(Document::new(&packages, &[], NOW.parse().unwrap(), 60)).unwrap();
        assert!(document["pending"].is_null() && document["installed"].is_null());
    }
}
