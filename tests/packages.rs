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
    pending(root)
}

/// As [`ours`], also where a list is missing and apt goes on without it.
fn pending(root: &Path) -> BTreeSet<String> {
    let updates = Packages::of(&Host::at(root).unwrap()).updates.unwrap();
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

/// apt on a tree: its configuration, lists and status, and no cache.
fn apt_at(root: &Path) -> Command {
    tool_at(root, "apt")
}

fn apt_get(root: &Path) -> Command {
    tool_at(root, "apt-get")
}

fn tool_at(root: &Path, tool: &str) -> Command {
    fs::create_dir_all(root.join("var/cache/apt/archives/partial")).unwrap();
    // Read before the tree's own apt.conf.d, so that apt finds that at all.
    let configuration = root.join("judge.conf");
    fs::write(&configuration, judge_conf(root)).unwrap();
    let mut command = Command::new(tool);
    command.env("APT_CONFIG", configuration).env("LC_ALL", "C");
    command
}

fn judge_conf(root: &Path) -> String {
    let show = |path: &str| root.join(path).display().to_string();
    let settings = [
        ("Dir", show("")),
        ("Dir::State::status", show("var/lib/dpkg/status")),
        ("Dir::Cache::pkgcache", String::new()),
        ("Dir::Cache::srcpkgcache", String::new()),
        ("APT::Architecture", "amd64".to_owned()),
    ];
    settings.iter().map(|(name, value)| format!("{name} \"{value}\";\n")).collect()
}

#[test]
fn this_machine_has_the_updates_that_apt_lists() {
    let apts = apts(&mut Command::new("apt"));
    assert_eq!(ours(Path::new("/")), apts);
}

mod at_work;
mod known;
mod lists;
mod patterns;
mod pins;
mod reasons;
mod scenarios;
mod security;
mod self_check;
mod suites;
mod versions;
