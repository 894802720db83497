//! What apt would say, judged by apt itself: on this machine, on small archives, and on an older system.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use guestward::host::Host;
use guestward::host::packages::{Packages, PendingState};

use crate::support::binary::text;

/// Name, architecture, installed and candidate of every update, without what a pin withholds (apt does not list it).
pub(crate) fn ours(root: &Path) -> BTreeSet<String> {
    let packages = Packages::of(&Host::at(root).unwrap());
    let updates = packages.updates.unwrap();
    assert!(updates.unsure.is_empty(), "{:?}", updates.unsure);
    updates
        .pending
        .iter()
        .filter(|update| update.state != PendingState::Pinned)
        .map(|update| {
            let (name, architecture) = (&update.name, &update.architecture);
            format!("{name} {architecture} {} -> {}", update.installed, update.candidate)
        })
        .collect()
}

/// The same from `apt list --upgradable`.
pub(crate) fn apts(command: &mut Command) -> BTreeSet<String> {
    let output = command.args(["list", "--upgradable"]).env("LC_ALL", "C").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().filter_map(update).collect()
}

/// `apt/oldstable-security 2.6.2 amd64 [upgradable from: 2.6.1]`
fn update(line: &str) -> Option<String> {
    let (name, rest) = line.split_once('/')?;
    let mut words = rest.split_whitespace().skip(1);
    let (candidate, architecture) = (words.next()?, words.next()?);
    let installed = line.split_once("[upgradable from: ")?.1.trim_end_matches(']');
    Some(format!("{name} {architecture} {installed} -> {candidate}"))
}

/// apt on a tree: its configuration, lists and status, and a cache that goes away with the tree.
fn apt_at(root: &Path) -> Command {
    let cache = root.join("var/cache/apt");
    fs::create_dir_all(cache.join("archives/partial")).unwrap();
    let option = |name: &str, value: &str| format!("{name}={value}");
    let mut command = Command::new("apt");
    command.env("APT_CONFIG", "/dev/null");
    for option in [
        option("Dir", root.to_str().unwrap()),
        option("Dir::State::status", root.join("var/lib/dpkg/status").to_str().unwrap()),
        option("Dir::Cache::pkgcache", ""),
        option("Dir::Cache::srcpkgcache", ""),
        option("APT::Architecture", "amd64"),
    ] {
        command.args(["-o", &option]);
    }
    command
}

#[test]
fn this_machine_has_the_updates_that_apt_lists() {
    let apts = apts(&mut Command::new("apt"));
    assert_eq!(ours(Path::new("/")), apts);
}

mod scenarios;
