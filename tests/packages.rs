//! What apt would say, judged by apt itself: on this machine, on small archives, and on an older system.

use std::collections::{BTreeMap, BTreeSet};
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
    let show = |path: &str| root.join(path).display().to_string();
    // Read before the tree's own apt.conf.d, so that apt finds that at all.
    let configuration = root.join("judge.conf");
    let settings = [
        ("Dir", show("")),
        ("Dir::State::status", show("var/lib/dpkg/status")),
        ("Dir::Cache::pkgcache", String::new()),
        ("Dir::Cache::srcpkgcache", String::new()),
        ("APT::Architecture", "amd64".to_owned()),
    ];
    let text: String = settings.iter().map(|(name, value)| format!("{name} \"{value}\";\n")).collect();
    fs::write(&configuration, text).unwrap();
    let mut command = Command::new(tool);
    command.env("APT_CONFIG", configuration);
    command
}

#[test]
fn this_machine_has_the_updates_that_apt_lists() {
    let apts = apts(&mut Command::new("apt"));
    assert_eq!(ours(Path::new("/")), apts);
}

/// A system as the release's first archive has it, and then the archives that came after: updates are outstanding.
#[test]
fn an_older_system_has_the_updates_that_apt_lists() {
    let parent = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let root = parent.path().join("root");
    let (mirrors, codename) = mirrors();
    let Some(main) = mirrors.get(&codename) else { panic!("no archive of {codename} among {mirrors:?}") };
    // Installed as the release first had it; what came out since is outstanding.
    let made = Command::new("mmdebstrap")
        .args(["--quiet", "--variant=minbase", "--include=openssl,perl", &codename])
        .arg(&root)
        .arg(format!("deb {main} {codename} main"))
        .status()
        .unwrap();
    assert!(made.success());
    let mut sources = String::new();
    for (suite, uri) in &mirrors {
        let _ = writeln!(sources, "deb {uri} {suite} main");
    }
    fs::write(root.join("etc/apt/sources.list"), sources).unwrap();
    let chroot = |program: &str| {
        let mut command = Command::new("chroot");
        command.arg(&root).arg(program).env("LC_ALL", "C");
        command
    };
    assert!(chroot("apt-get").args(["-qq", "update"]).status().unwrap().success());
    let apts_plain = apts(&mut chroot("apt"));
    assert!(!apts_plain.is_empty(), "the release has no update, so this shows nothing");
    assert_eq!(ours(&root), apts_plain);

    // An archive in a directory of its own, and lists that are kept compressed.
    let list = "Package: openssl\nVersion: 99:1\nArchitecture: amd64\nFilename: x.deb\nSize: 1\n\n";
    fs::create_dir_all(root.join("srv/an_archive")).unwrap();
    fs::write(root.join("srv/an_archive/Packages"), list).unwrap();
    fs::write(root.join("etc/apt/sources.list.d/own.list"), "deb [trusted=yes] file:/srv/an_archive ./\n")
        .unwrap();
    fs::write(root.join("etc/apt/apt.conf.d/90compressed"), "Acquire::GzipIndexes \"true\";\n").unwrap();
    fs::remove_dir_all(root.join("var/lib/apt/lists")).unwrap();
    assert!(chroot("apt-get").args(["-qq", "update"]).status().unwrap().success());
    let apts_compressed = apts(&mut chroot("apt"));
    assert!(apts_compressed.iter().any(|update| update.ends_with("-> 99:1")), "{apts_compressed:?}");
    assert_eq!(ours(&root), apts_compressed);

    let held = apts_plain.first().unwrap().split(' ').next().unwrap().to_owned();
    assert!(chroot("apt-mark").args(["hold", &held]).status().unwrap().success());
    fs::write(root.join("etc/apt/apt.conf.d/90default"), format!("APT::Default-Release \"{codename}\";\n"))
        .unwrap();
    let pin = "Package: *\nPin: release l=Debian-Security\nPin-Priority: 995\n";
    fs::write(root.join("etc/apt/preferences.d/security"), pin).unwrap();
    assert_eq!(ours(&root), apts(&mut chroot("apt")));
    let states = Packages::of(&Host::at(&root).unwrap()).updates.unwrap().pending;
    assert!(states.iter().any(|update| update.name == held && update.state == PendingState::Held));
}

/// The archives of this machine's release by suite, as its own apt knows them.
fn mirrors() -> (BTreeMap<String, String>, String) {
    let codename = fs::read_to_string("/etc/os-release")
        .unwrap()
        .lines()
        .find_map(|line| Some(line.strip_prefix("VERSION_CODENAME=")?.trim_matches('"').to_owned()))
        .unwrap();
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Identifier: Packages"])
        .output()
        .unwrap();
    let archives = text(&output.stdout)
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(suite, _)| suite.starts_with(&codename))
        .map(|(suite, uri)| (suite.to_owned(), uri.to_owned()))
        .collect();
    (archives, codename)
}

mod at_work;
mod known;
mod pins;
mod reasons;
mod scenarios;
mod self_check;
mod versions;
