//! Machines for the tests of this topic: an apt whose lists are fresh, with the updates that a test wants.

use std::sync::Arc;

use jiff::Timestamp;
use tempfile::TempDir;

use crate::host::packages::advisory::Interval;
use crate::host::packages::exploited::Exploited;
use crate::host::packages::{Manager, Metadata, Pending, PendingState, Updates};
use crate::host::{Facts, Host, Wanted};

pub(super) fn now() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

pub(super) fn pending(name: &str) -> Pending {
    Pending {
        name: name.into(),
        architecture: "amd64".into(),
        installed: "1".into(),
        candidate: "2".into(),
        is_security: true,
        state: PendingState::Pending,
        origin: "Debian:stable-security".into(),
        reason: None,
        hidden_fix: None,
        advisories: Vec::new(),
        available: Interval::default(),
    }
}

pub(super) fn facts(updates: Vec<Pending>) -> (TempDir, Facts) {
    facts_with(updates, &[])
}

pub(super) fn facts_with(pending: Vec<Pending>, files: &[(&str, &str)]) -> (TempDir, Facts) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let host = Host::at(root.path()).unwrap();
    let mut facts = Facts::gather(&host, Wanted::NONE, now(), &mut |_| {});
    Arc::make_mut(&mut facts.packages).manager = Ok(Manager::Apt);
    Arc::make_mut(&mut facts.packages).updates = Ok(Updates { pending, ..Updates::default() });
    Arc::make_mut(&mut facts.packages).metadata =
        Metadata { newest: Some(now()), checked: Some(now()), ..Metadata::default() };
    Arc::make_mut(&mut facts.packages).exploited = Exploited::of(&host);
    (root, facts)
}
