//! Several repositories: priorities, those that are off, and names that are no names of files.

use guestward::host::packages::PendingState;

use super::world::{SETTINGS, World, file, of};
use crate::support::rpm::Rpm;

#[test]
fn a_repository_of_higher_priority_goes_before_a_newer_version() {
    let names = ["newer", "same", "older", "foreign", "held", "free"];
    let world = World::new(&names.map(|name| Rpm::new(name, "1.0", "1")));
    let first = [
        Rpm::new("newer", "1.1", "1"),
        Rpm::new("same", "1.0", "1"),
        // None of these could be installed, so that they keep nothing away.
        Rpm::new("older", "0.9", "1"),
        Rpm::new("foreign", "1.1", "1").vendor("Other"),
        Rpm::new("held", "1.1", "1"),
    ];
    world.repo("first", "priority=10", &first, &[]);
    world.repo("second", "priority=0", &names.map(|name| Rpm::new(name, "2.0", "1")), &[]);
    world.write("etc/zypp/locks", "\nsolvable_name: held\nmatch_type: exact\nrepo: first\n");
    world.refresh();
    let ours = world.agrees("");
    assert_eq!(
        (of(&ours, "newer").candidate.as_str(), of(&ours, "newer").origin.as_str()),
        ("1.1-1", "first")
    );
    let kept = of(&ours, "same");
    let reason = "a repository of priority 10 goes before second of 99";
    assert_eq!((kept.state, kept.reason.as_deref()), (PendingState::KeptBack, Some(reason)));
    assert_eq!(of(&ours, "older").candidate, "2.0-1");
}

#[test]
fn only_enabled_repositories_count_and_of_those_every_one() {
    let world = World::new(&[Rpm::new("a", "1.0", "1")]);
    for (id, version) in [("one", "1.1"), ("two/$releasever", "1.2"), ("three", "1.3")] {
        world.repo(id, "", &[Rpm::new("a", version, "1")], &[]);
    }
    world.refresh();
    for (off, left) in [("four", "1.3-1"), ("three", "1.2-1"), ("two/$releasever", "1.1-1")] {
        let file = world.path().join(file(off));
        if let Ok(text) = std::fs::read_to_string(&file) {
            std::fs::write(file, format!("{text}enabled=0\n")).unwrap();
        }
        assert_eq!(world.agrees(off)[0].candidate, left, "{off}");
    }
    // The first of a name counts.
    let again = format!("[one]\nenabled=0\nbaseurl=file://{}\n", world.source("one").display());
    world.write("etc/zypp/repos.d/z.repo", &again);
    assert_eq!(world.agrees("again").len(), 1);
}

#[test]
fn places_that_are_set_are_those_that_are_read() {
    let world = World::new(&[Rpm::new("a", "1.0", "1"), Rpm::new("b", "1.0", "1")]);
    let lines = "cachedir = /var/zypp\nlocksfile.path = /etc/held\n";
    world.write("etc/zypp/zypp.conf", &format!("{SETTINGS}{lines}"));
    world.write("etc/held", "\nsolvable_name: b\n");
    world.repo("base", "", &["a", "b"].map(|name| Rpm::new(name, "2", "1")), &[]);
    world.refresh();
    let ours = world.agrees("");
    assert_eq!((of(&ours, "a").state, of(&ours, "b").state), (PendingState::Pending, PendingState::Held));
}
