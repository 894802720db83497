//! systemd's files against systemd: `systemctl is-enabled`, `systemd-analyze verify` and `cat-config` judge what
//! guestward makes of units, drop-ins and layered configuration; chronyd and sysctl judge theirs.
//!
//! Nothing is started: systemctl and systemd-analyze look below `--root`, and `chronyd -p` prints and ends.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use guestward::host::units::{Units, stack};
use guestward::host::{Host, sysctl};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::support::binary::text;
use crate::support::tree;

fn cases(default: u32) -> Config {
    let long = std::env::var_os("GUESTWARD_LONG").is_some();
    let cases = if long { default * 10 } else { default };
    Config { failure_persistence: None, max_shrink_iters: 0, ..Config::with_cases(cases) }
}

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// A line for each unit; what systemctl refuses stands on stderr instead, so each is asked by itself.
fn is_enabled(root: &Path, unit: &str) -> String {
    let root = format!("--root={}", root.display());
    let output = run("systemctl", &["is-enabled", &root, "--", unit]);
    let errors = text(&output.stderr);
    match text(&output.stdout).trim() {
        "" if errors.contains("No such file") => "not-found".to_owned(),
        "" => format!("error: {}", errors.trim()),
        word => word.to_owned(),
    }
}

fn ours(units: &Units<'_>, unit: &str) -> String {
    match units.enablement(unit) {
        Ok(state) => state.name().to_owned(),
        Err(cause) => format!("error: {cause}"),
    }
}

/// Whether both say the same; both may refuse, each in its own words. systemctl also gives up on a link in a
/// package's directory that leads to a file of its own name; systemd itself loads such a unit, and so do we.
/// And it answers nothing once it met a link that can be no alias or leads to no unit, even in a directory that
/// another one hides; nothing is started by such a name.
fn agree(ours: &str, theirs: &str) -> bool {
    ours == theirs
        || theirs.contains("Too many levels of symbolic links")
        || theirs.contains(", rejecting.")
        || theirs.contains("Link has been severed")
        || (ours.starts_with("error") && theirs.starts_with("error"))
}

#[test]
fn every_unit_of_this_machine_is_enabled_as_systemctl_says() {
    let host = Host::at("/").unwrap();
    let units = Units::of(&host).unwrap();
    let names = units.names();
    assert!(names.len() > 100, "{} units", names.len());
    let mut differences = Vec::new();
    for name in names {
        let (ours, theirs) = (ours(&units, name), is_enabled(Path::new("/"), name));
        if !agree(&ours, &theirs) {
            differences.push(format!("{name}: {ours}, systemctl says {theirs}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

const FOLDERS: [&str; 5] = [
    "etc/systemd/system",
    "run/systemd/system",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
];
const NAMES: [&str; 7] =
    ["a.service", "b-c.service", "c.service", "t@.service", "t@x.service", "s.socket", "u@.service"];
const INSTALL: [&str; 9] = [
    "",
    "[Install]\nWantedBy=multi-user.target\n",
    "[Install]\nRequiredBy=a.service\nAlias=c.service\n",
    "[Install]\nAlias=b-c.service c.service\n",
    "[Install]\nAlso=s.socket\n",
    "[Install]\nWantedBy=multi-user.target\nWantedBy=\n",
    "[Install]\nDefaultInstance=x\nWantedBy=multi-user.target\n",
    "[Install]\nWantedBy=multi-\\\n  user.target\n",
    "# [Install]\n;WantedBy=multi-user.target\n",
];

/// Small numbers from one large one.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    /// A tree of units, links, masks and drop-ins, and what was done.
    fn tree(&mut self, root: &Path) -> Vec<String> {
        let mut done = Vec::new();
        for _ in 0..2 + self.below(7) {
            let folder = root.join(self.of(&FOLDERS));
            let name = self.of(&NAMES);
            fs::create_dir_all(&folder).unwrap();
            let path = folder.join(name);
            if path.symlink_metadata().is_ok() {
                continue;
            }
            let step = match self.below(12) {
                0 => link("/dev/null", &path),
                1 => write("", &path),
                2 => link(&format!("/usr/lib/systemd/system/{}", self.of(&NAMES)), &path),
                3 => link(self.of(&NAMES), &path),
                4 => {
                    write(
                        "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=a.target\n",
                        &root.join("opt").join(name),
                    );
                    link(&format!("/opt/{name}"), &path)
                }
                _ => write(&format!("[Unit]\nDescription=x\n{}", self.of(&INSTALL)), &path),
            };
            done.push(step);
        }
        for _ in 0..self.below(5) {
            let ending = self.of(&["wants", "requires"]);
            let folder = root.join(self.of(&FOLDERS)).join(format!("multi-user.target.{ending}"));
            let name = self.of(&NAMES);
            if folder.join(name).symlink_metadata().is_err() {
                done.push(link(&format!("/usr/lib/systemd/system/{}", self.of(&NAMES)), &folder.join(name)));
            }
        }
        for _ in 0..self.below(3) {
            let folder = root.join(self.of(&FOLDERS)).join(format!("{}.d", self.of(&NAMES)));
            let content = self.of(&INSTALL);
            done.push(write(content, &folder.join(self.of(&["1.conf", "2.conf"]))));
        }
        done
    }
}

fn write(content: &str, path: &Path) -> String {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    format!("{} = {content:?}", path.display())
}

fn link(target: &str, path: &Path) -> String {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(target, path).unwrap();
    format!("{} -> {target}", path.display())
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn links_masks_and_aliases_mean_what_systemctl_says(seed in any::<u64>()) {
        let root = tempfile::tempdir().unwrap();
        let done = Dice(seed).tree(root.path());
        let host = Host::at(root.path()).unwrap();
        let units = Units::of(&host).unwrap();
        for name in NAMES {
            let (ours, theirs) = (ours(&units, name), is_enabled(root.path(), name));
            prop_assert!(agree(&ours, &theirs), "{}: {}, systemctl says {}\n{}", name, ours, theirs, done.join("\n"));
        }
    }
}

proptest! {
    #![proptest_config(cases(60))]

    /// systemd-analyze warns of every unknown key, in the order in which it reads.
    #[test]
    fn dropins_are_read_in_systemds_order(seed in any::<u64>()) {
        // Not a generator's: systemd-analyze has its own, and looks nowhere else for what they made.
        const PLACES: [&str; 4] =
            ["etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system"];
        const STEMS: [&str; 7] =
            ["a-b.service", "a-.service", "service", "t@.service", "t@x.service", "alias.service", "socket"];
        let root = tempfile::tempdir().unwrap();
        let dice = &mut Dice(seed);
        let lib = root.path().join("usr/lib/systemd/system");
        write("[Service]\nExecStart=/bin/true\n", &lib.join("a-b.service"));
        write("[Service]\nExecStart=/bin/true\n", &lib.join("t@.service"));
        let mut keys = 0;
        for _ in 0..1 + dice.below(9) {
            let folder = root.path().join(dice.of(&PLACES)).join(format!("{}.d", dice.of(&STEMS)));
            let path = folder.join(dice.of(&["1.conf", "2.conf", "3.conf", "4.txt"]));
            if path.symlink_metadata().is_ok() {
                continue;
            }
            keys += 1;
            match dice.below(6) {
                0 => link("/dev/null", &path),
                _ => write(&format!("[Service]\nUnknownKey{keys}=1\n"), &path),
            };
        }
        let host = Host::at(root.path()).unwrap();
        let units = Units::of(&host).unwrap();
        for name in ["a-b.service", "t@x.service"] {
            let ours: Vec<PathBuf> = units.dropins(name);
            prop_assert_eq!(ours, warned(root.path(), name), "{}", name);
        }
    }
}

/// The drop-ins that systemd-analyze complains about, in its order, below the root.
fn warned(root: &Path, unit: &str) -> Vec<PathBuf> {
    let argument = format!("--root={}", root.display());
    let output = run("systemd-analyze", &["verify", "--man=no", &argument, unit]);
    let errors = text(&output.stderr);
    let lines = errors.lines().filter(|line| line.contains("UnknownKey"));
    let mut paths: Vec<PathBuf> = Vec::new();
    for line in lines {
        let path = Path::new(line.split(':').next().unwrap()).strip_prefix(root).unwrap();
        let path = Path::new("/").join(path);
        // It may load a unit twice.
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn layered_configuration_is_read_in_systemds_order(seed in any::<u64>()) {
        let root = tempfile::tempdir().unwrap();
        let dice = &mut Dice(seed);
        for _ in 0..1 + dice.below(8) {
            let layer = root.path().join(dice.of(&["etc", "run", "usr/local/lib", "usr/lib"])).join("systemd");
            let path = match dice.below(4) {
                0 => layer.join("journald.conf"),
                _ => layer.join("journald.conf.d").join(dice.of(&["1.conf", "2.conf", "3.conf", "x.bak"])),
            };
            if path.symlink_metadata().is_err() {
                match dice.below(6) {
                    0 => link("/dev/null", &path),
                    _ => write("[Journal]\nStorage=auto\n", &path),
                };
            }
        }
        let host = Host::at(root.path()).unwrap();
        let ours: Vec<String> = stack(&host, "systemd/journald.conf").unwrap().files.iter().map(|path| path.display().to_string()).collect();
        let argument = format!("--root={}", root.path().display());
        let output = run("systemd-analyze", &["cat-config", &argument, "systemd/journald.conf"]);
        let theirs: Vec<String> = text(&output.stdout)
            .lines()
            .filter_map(|line| line.strip_prefix(&format!("# {}", root.path().display())))
            .map(str::to_owned)
            .collect();
        prop_assert_eq!(ours, theirs);
    }
}

#[test]
fn settings_of_the_kernel_are_what_sysctl_prints() {
    let host = Host::at("/").unwrap();
    let mut compared = BTreeMap::new();
    for name in [
        "kernel.randomize_va_space",
        "kernel.core_pattern",
        "kernel.sysrq",
        "fs.suid_dumpable",
        "kernel.ostype",
    ] {
        let Ok(ours) = sysctl::text(&host, name) else { continue };
        let theirs = text(&run("sysctl", &["-n", name]).stdout).trim().to_owned();
        assert_eq!(ours.as_str(), theirs, "{name}");
        compared.insert(name, theirs);
    }
    assert!(compared.len() >= 3, "{compared:?}");
}

#[test]
fn a_unit_that_something_pulls_in_starts() {
    let tree = tree::build(&tree::steps(
        "file usr/lib/systemd/system/a.service\n| [Service]\n\
         link usr/lib/systemd/system/sysinit.target.wants/a.service -> ../a.service\n\
         file usr/lib/systemd/system/b.service\n| [Service]\n\
         file usr/lib/systemd/system/c.service\n| [Service]\n\
         link etc/systemd/system/d.service -> /usr/lib/systemd/system/c.service\n\
         link etc/systemd/system/multi-user.target.wants/d.service -> /usr/lib/systemd/system/c.service\n\
         file usr/lib/systemd/system/m.service\n| [Service]\n\
         link etc/systemd/system/m.service -> /dev/null\n\
         link usr/lib/systemd/system/multi-user.target.wants/m.service -> ../m.service",
    ));
    let host = Host::at(tree.path()).unwrap();
    let units = Units::of(&host).unwrap();
    let starts = |name: &str| units.starts(name).unwrap().is_some();
    assert!(starts("a.service") && !starts("b.service") && starts("c.service") && !starts("m.service"));
}
