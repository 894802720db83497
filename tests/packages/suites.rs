//! Whole systems of three Debian releases, each judged by its own apt: 2.2, 2.6 and 3.0.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::security;
use super::*;

/// A release as its first archive has it, before what came out since is known.
struct System {
    _folder: tempfile::TempDir,
    root: PathBuf,
    codename: &'static str,
}

impl System {
    fn of(codename: &'static str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let root = folder.path().join("root");
        let (main, security) = mirrors();
        let made = Command::new("mmdebstrap")
            .args(["--quiet", "--variant=apt", codename])
            .arg(&root)
            .arg(format!("deb {main} {codename} main"))
            .status()
            .unwrap();
        assert!(made.success());
        let mut sources = String::new();
        for (suite, uri) in [("", &main), ("-updates", &main), ("-security", &security)] {
            let _ = writeln!(sources, "deb {uri} {codename}{suite} main");
        }
        fs::write(root.join("etc/apt/sources.list"), sources).unwrap();
        let system = Self { _folder: folder, root, codename };
        system.update();
        system
    }

    fn chroot(&self, program: &str) -> Command {
        let mut command = Command::new("chroot");
        command.arg(&self.root).arg(program).env("LC_ALL", "C").env_remove("TMPDIR");
        command
    }

    fn update(&self) {
        assert!(self.chroot("apt-get").args(["-qq", "update"]).status().unwrap().success());
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What its own apt lists, which is what we list.
    #[track_caller]
    fn agree(&self) -> BTreeSet<String> {
        let apts = apts(&mut self.chroot("apt"));
        assert_eq!(ours(&self.root), apts, "{}", self.codename);
        apts
    }

    /// Every second package a little older than it is: then nearly all of these have an update, whatever day it is.
    fn age(&self) -> usize {
        let path = self.root.join("var/lib/dpkg/status");
        let status = fs::read_to_string(&path).unwrap();
        let mut aged = 0;
        let stanzas: Vec<String> = status
            .split("\n\n")
            .enumerate()
            .map(|(number, stanza)| {
                let (head, rest) = stanza.split_once("\nVersion: ").unwrap_or((stanza, ""));
                if number % 2 == 0 || rest.is_empty() {
                    return stanza.to_owned();
                }
                aged += 1;
                let (version, rest) = rest.split_once('\n').unwrap();
                format!("{head}\nVersion: {version}~\n{rest}")
            })
            .collect();
        fs::write(path, stanzas.join("\n\n")).unwrap();
        aged
    }
}

/// The main archive and that of security updates, as this machine's own apt knows them.
fn mirrors() -> (String, String) {
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Identifier: Packages"])
        .output()
        .unwrap();
    let archives: BTreeMap<String, String> = text(&output.stdout)
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(suite, uri)| (suite.to_owned(), uri.to_owned()))
        .collect();
    let of = |suffix: &str| {
        let found = archives.iter().find(|(suite, _)| suite.ends_with(suffix));
        found.unwrap_or_else(|| panic!("no archive {suffix} among {archives:?}")).1.clone()
    };
    (of("-updates"), of("-security"))
}

fn judged(codename: &'static str) {
    let system = System::of(codename);
    system.agree();
    security::agree(&system.root);
    let aged = system.age();
    let plain = system.agree();
    assert!(plain.len() > aged / 2, "{} of {aged} have an update", plain.len());
    let found = security::agree(&system.root);
    assert_eq!(found.len(), plain.len());

    // An archive in a directory of its own, and lists that are kept compressed.
    let list = "Package: dpkg\nVersion: 99:1\nArchitecture: amd64\nFilename: x.deb\nSize: 1\n\n";
    system.write("srv/an_archive/Packages", list);
    system.write("etc/apt/sources.list.d/own.list", "deb [trusted=yes] file:/srv/an_archive ./\n");
    system.write("etc/apt/apt.conf.d/90compressed", "Acquire::GzipIndexes \"true\";\n");
    fs::remove_dir_all(system.root.join("var/lib/apt/lists")).unwrap();
    system.update();
    let compressed = system.agree();
    assert!(compressed.iter().any(|update| update.ends_with("-> 99:1")), "{compressed:?}");

    let held = plain.first().unwrap().split(' ').next().unwrap().to_owned();
    assert!(system.chroot("apt-mark").args(["hold", &held]).status().unwrap().success());
    system.write("etc/apt/apt.conf.d/90default", &format!("APT::Default-Release \"{codename}\";\n"));
    system.write(
        "etc/apt/preferences.d/security",
        "Package: *\nPin: release l=Debian-Security\nPin-Priority: 995\n",
    );
    system.agree();
    let states = Packages::of(&Host::at(&system.root).unwrap()).updates.unwrap().pending;
    assert!(states.iter().any(|update| update.name == held && update.state == PendingState::Held));

    small_trees(&system);
}

/// What one apt answers about a tree of ours, out of the root of another system.
fn small_trees(system: &System) {
    // apt asks it, and in a chroot it takes every update, however few others get it.
    system.write("usr/bin/ischroot", "#!/bin/sh\nexit 1\n");
    let inner = "srv/tree";
    for round in 0..20 {
        let tree = pins::made_up(&mut versions::Random(100 + round)).0;
        let within = within(system, inner, tree.path());
        assert_eq!(ours(&within), apts(&mut judge(system, inner, "apt")), "{} {round}", system.codename);
    }
    let output = system.chroot("dpkg-query").args(["-W", "-f", "${Version}", "apt"]).output().unwrap();
    source_versions(system, inner, &text(&output.stdout));
    for way in scenarios::WAYS {
        let tree = scenarios::phased(way, &text(&output.stdout));
        let within = within(system, inner, tree.path());
        let output = judge(system, inner, "apt-get").args(["-s", "upgrade"]).output().unwrap();
        assert_eq!(
            scenarios::pending_names(&within),
            scenarios::upgraded(&output),
            "{} {way:?}",
            system.codename
        );
    }
}

/// What only a newer apt understands is a matter of the apt that is installed.
fn source_versions(system: &System, inner: &str, apt: &str) {
    for pin in ["source-version 7*", "source-version /^7-/"] {
        let tree = scenarios::Tree::new()
            .installed("apt", apt)
            .installed("x", "1")
            .archive("a", scenarios::STABLE, &["x 2 amd64 Source=s_(7-1)", "x 3"])
            .write("etc/apt/preferences", &format!("Package: x\nPin: {pin}\nPin-Priority: 990\n"))
            .finish();
        let within = within(system, inner, tree.path());
        assert_eq!(ours(&within), apts(&mut judge(system, inner, "apt")), "{} {pin}", system.codename);
    }
}

fn within(system: &System, inner: &str, tree: &Path) -> PathBuf {
    let place = system.root.join(inner);
    let _ = fs::remove_dir_all(&place);
    assert!(Command::new("cp").arg("-a").arg(tree).arg(&place).status().unwrap().success());
    fs::create_dir_all(place.join("var/cache/apt/archives/partial")).unwrap();
    fs::write(place.join("judge.conf"), judge_conf(&Path::new("/").join(inner))).unwrap();
    place
}

fn judge(system: &System, inner: &str, tool: &str) -> Command {
    let mut command = system.chroot(tool);
    command.env("APT_CONFIG", format!("/{inner}/judge.conf"));
    command
}

#[test]
fn an_older_bullseye_has_the_updates_that_its_apt_lists() {
    judged("bullseye");
}

#[test]
fn an_older_bookworm_has_the_updates_that_its_apt_lists() {
    judged("bookworm");
}

#[test]
fn an_older_trixie_has_the_updates_that_its_apt_lists() {
    judged("trixie");
}
