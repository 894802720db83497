//! The command that a timer starts every night, with the real zypper.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::world::World;
use crate::dnf::world::notice;
use crate::support::binary::{guestward, text};
use crate::support::rpm::{Rpm, tree};

fn self_check(root: &Path) -> Output {
    guestward().args(["packages", "--self-check", "--root"]).arg(root).output().unwrap()
}

fn world() -> World {
    let names = ["one", "two", "needs", "lower", "gone", "foreign", "locked"];
    let world = World::new(&names.map(|name| Rpm::new(name, "1", "1")));
    let packages = [
        Rpm::new("one", "2", "1").epoch(1),
        Rpm::new("two", "2", "1").noarch(),
        // What they need is nowhere, so that zypper goes to what it can.
        Rpm::new("needs", "2", "1").line("Requires: nowhere"),
        Rpm::new("lower", "2", "1"),
        Rpm::new("lower", "3", "1").line("Requires: nowhere"),
        Rpm::new("new", "2", "1").line("Obsoletes: gone"),
        Rpm::new("foreign", "2", "1").vendor("Other"),
        Rpm::new("locked", "2", "1"),
    ];
    let notices = [
        notice("S-1", "security", "important", &["one-1:2-1.x86_64"]),
        notice("S-2", "security", "low", &["locked-2-1.x86_64", "one-1:2-1.x86_64"]),
        notice("R-1", "recommended", "low", &["two-2-1.noarch"]),
    ];
    world.repo("r", "", &packages, &notices);
    world.write("etc/zypp/locks", "\ntype: package\nmatch_type: exact\nsolvable_name: locked\n");
    world.refresh();
    world
}

#[test]
fn zypper_is_asked_and_lists_the_same() {
    let world = world();
    let before = tree(world.path());
    let told = self_check(world.path());
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    let same = "zypper lists the same 4 updates\n2 of them it would keep back as things are\n";
    assert_eq!(text(&told.stdout), same);
    assert_eq!(tree(world.path()), before, "zypper left something behind");
    // What zypper keeps is remembered, and is no difference the next night.
    for _ in 0..2 {
        let told = guestward()
            .args(["packages", "--self-check", "--record", "--root"])
            .arg(world.path())
            .output()
            .unwrap();
        assert_eq!(text(&told.stdout), same, "{told:?}");
        let told = guestward().args(["packages", "--format", "json", "--root"]).arg(world.path()).output();
        let told: Value = serde_json::from_slice(&told.unwrap().stdout).unwrap();
        let needs = told["pending"].as_array().unwrap().iter().find(|row| row["name"] == "needs").unwrap();
        assert_eq!(needs["state"], "kept-back");
    }
}

/// As the unit is: of another user, with no power.
#[test]
fn zypper_needs_no_power_to_be_asked() {
    let world = world();
    fs::set_permissions(world.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Where the program was built, others may have no business.
    let program = world.path().join("guestward");
    fs::copy(env!("CARGO_BIN_EXE_guestward"), &program).unwrap();
    let told = || {
        Command::new("setpriv")
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all"])
            .args(["--bounding-set=-all", "--no-new-privs"])
            .arg(&program)
            .args(["packages", "--self-check", "--root"])
            .arg(world.path())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .unwrap()
    };
    let same = told();
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    assert!(text(&same.stdout).starts_with("zypper lists the same 4 updates\n"), "{same:?}");
    // What this user may not read, zypper would only pass over.
    let file = world.path().join("etc/zypp/repos.d/r.repo");
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    let unanswered = told();
    assert_eq!(unanswered.status.code(), Some(3), "{unanswered:?}");
    assert!(text(&unanswered.stdout).contains("no answer: zypper could not be asked"), "{unanswered:?}");
}

/// A notice about two packages, of which its repository has one, by another vendor: zypper takes the whole for irrelevant, we
/// only the half.
#[test]
fn where_zypper_says_something_else_it_is_told() {
    let world = World::new(&["ours", "theirs"].map(|name| Rpm::new(name, "1", "1")));
    let packages = [Rpm::new("theirs", "2", "1").vendor("Other")];
    let notices = [notice("S-1", "security", "low", &["ours-2-1.x86_64", "theirs-2-1.x86_64"])];
    world.repo("r", "", &packages, &notices);
    world.refresh();
    let told = self_check(world.path());
    assert_eq!(told.status.code(), Some(1), "{told:?}");
    let lines = "zypper lists something else; please report it, with these lines:\n  \
                 S-1: the package manager does not list this notice\n";
    assert_eq!(text(&told.stdout), lines);
}

#[test]
fn a_zypper_that_gives_no_whole_answer_is_no_confirmation() {
    let world = world();
    let raw = world.path().join("var/cache/zypp/raw/r");
    let primary = fs::read_dir(raw.join("repodata")).unwrap().map(|entry| entry.unwrap().path());
    let primary = primary.into_iter().find(|path| path.to_str().unwrap().contains("primary")).unwrap();
    fs::remove_file(&primary).unwrap();
    fs::write(&primary, "no such thing").unwrap();
    let told = self_check(world.path());
    assert_eq!(told.status.code(), Some(3), "{told:?}");
    let why = "no answer: zypper list-updates failed: Error building the cache:";
    assert!(text(&told.stdout).starts_with(why), "{told:?}");
    // It would go and get it.
    fs::remove_dir_all(&raw).unwrap();
    let told = self_check(world.path());
    assert_eq!(told.status.code(), Some(3), "{told:?}");
    let why =
        "no answer: zypper could not be asked, for it would fetch what is missing: nothing is cached of r";
    assert!(text(&told.stdout).starts_with(why), "{told:?}");
    assert!(!raw.exists());
}
