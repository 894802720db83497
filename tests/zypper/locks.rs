//! Locks in every form that libzypp reads.

use guestward::host::packages::PendingState;

use super::world::{World, of};
use crate::support::rpm::Rpm;

const NAMES: [&str; 4] = ["sub", "a-subx", "two", "more"];

fn world() -> World {
    let world = World::new(&NAMES.map(|name| Rpm::new(name, "1.0", "1")));
    world.repo("one", "", &NAMES.map(|name| Rpm::new(name, "1.5", "1")), &[]);
    world.repo("other", "", &NAMES.map(|name| Rpm::new(name, "2.0", "1")), &[]);
    world.refresh();
    world
}

#[test]
fn what_is_locked_is_what_zypper_keeps() {
    let world = world();
    for lock in [
        "type: package\nmatch_type: glob\ncase_sensitive: on\nsolvable_name: sub",
        "type: package\nmatch_type: glob\ncase_sensitive: on\nsolvable_name: SUB*",
        "type: package\nsolvable_name: sub",
        "type: package\nsolvable_name: SUB",
        "type: package\nmatch_type: exact\nsolvable_name: Sub",
        "match_type: glob\nsolvable_name: t?o\nsolvable_name: mor[a-f]",
        // The name alone is matched, and no architecture or version.
        "type: package\nmatch_type: glob\nsolvable_name: two-2.0\nsolvable_name: sub.x86_64",
        "type: package\nmatch_type: glob\nsolvable_name: two\nversion: == 1.0",
        "type: package\nmatch_type: glob\nsolvable_name: two\nversion: 2.0-1",
        "type: package\nmatch_type: glob\nsolvable_name: two\nversion: >= 2.0-2",
        "type: package\nmatch_type: glob\nsolvable_name: two\nversion: > 1.5",
        "type: package\nmatch_type: glob\nsolvable_name: two\nversion: != 1.0",
        "type: package\nmatch_type: glob\nsolvable_name: two\nrepo: other",
        "type: package\nmatch_type: glob\nsolvable_name: two\nrepo: nowhere",
        "type: package\nmatch_type: glob\nsolvable_name: two\nrepo: one\nrepo: nowhere",
        "type: package\nmatch_type: glob\nsolvable_name: two\nrepo: @System",
        "type: package\nmatch_type: glob\nsolvable_name: two\ninstall_status: installed",
        "type: package\nmatch_type: glob\nsolvable_name: two\ninstall_status: not-installed",
        "kind: package\nstring_type: exact\nsolvable_name: two",
        "type: package\ntype: patch\nmatch_type: glob\nsolvable_name: two >= 2\n# x\nsolvable_name: sub < 2",
        "type: patch\nsolvable_name: two",
        "type: package\nrepo: other",
        "garbage\n\ntype: package\nmatch_type: exact\nsolvable_name: two\ngarbage\nmatch_type: exact\nsolvable_name: more",
    ] {
        world.write("etc/zypp/locks", &format!("\n{lock}\n\n"));
        world.agrees(lock);
    }
}

#[test]
fn what_zypper_itself_writes_is_understood() {
    let world = world();
    for lock in ["sub", "two > 1.5", "m*", "patch:S-1"] {
        assert!(world.zypper().args(["addlock", lock]).status().unwrap().success());
    }
    assert!(world.zypper().args(["addlock", "-r", "other", "a-subx"]).status().unwrap().success());
    let ours = world.agrees("");
    let state = |name| (of(&ours, name).state, of(&ours, name).candidate.as_str());
    assert_eq!(state("sub"), (PendingState::Held, "2.0-1"));
    assert_eq!(state("more"), (PendingState::Held, "2.0-1"));
    assert_eq!(state("two"), (PendingState::Pending, "1.5-1"));
    assert_eq!(state("a-subx"), (PendingState::Pending, "1.5-1"));
    assert!(of(&ours, "sub").reason.as_deref().unwrap().starts_with("/etc/zypp/locks:"));
}

#[test]
fn a_lock_that_is_not_understood_leaves_it_open() {
    let world = world();
    world.write("etc/zypp/locks", "\ntype: package\nmatch_type: regex\nsolvable_name: ^t\n");
    let updates = world.packages().updates.unwrap();
    assert!(
        updates.unsure[0].to_string().contains("a lock by match_type regex is not understood"),
        "{updates:?}"
    );
}
