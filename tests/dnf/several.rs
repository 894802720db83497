//! Several repositories: priorities, caches of other addresses, and those that are not there.

use guestward::host::packages::{Freshness, PendingState};

use super::world::{World, notice};
use crate::support::rpm::Rpm;

#[test]
fn a_repository_of_higher_priority_goes_before_a_newer_version() {
    let mut world = World::new(&["a", "b", "c"].map(|name| Rpm::new(name, "1.0", "1")));
    world.repo("first", &[Rpm::new("a", "1.1", "1"), Rpm::new("b", "1.0", "1")], &[]);
    let notices = [notice("A-1", "security", "Low", &["b-2.0-1.x86_64"])];
    world.repo("second", &["a", "b", "c"].map(|name| Rpm::new(name, "2.0", "1")), &notices);
    world.configure("first", "priority=10");
    world.make_cache();
    world.agrees();
    let ours = world.ours();
    assert_eq!((ours[0].candidate.as_str(), ours[0].origin.as_str()), ("1.1-1", "first"));
    assert_eq!(ours[1].state, PendingState::KeptBack);
    assert_eq!(ours[1].reason.as_deref(), Some("a repository of priority 10 goes before second of 99"));
    assert_eq!(ours[2].candidate, "2.0-1");
}

#[test]
fn only_enabled_repositories_count_and_of_those_every_one() {
    let mut world = World::new(&[Rpm::new("a", "1.0", "1")]);
    world.repo("one", &[Rpm::new("a", "1.1", "1")], &[]);
    world.repo("two", &[Rpm::new("a", "1.2", "1")], &[]);
    world.make_cache();
    world.agrees();
    world.configure("two", "enabled=0");
    world.agrees();
    assert_eq!(world.ours()[0].candidate, "1.1-1");
    world.write("etc/yum.repos.d/three.repo", "[three]\nname=x\nbaseurl=file:///nowhere/\n");
    let metadata = world.metadata();
    assert_eq!(metadata.missing, ["nothing is cached of three (/etc/yum.repos.d/three.repo:1)"]);
    let now = metadata.checked.unwrap();
    assert!(matches!(metadata.freshness(now, 3600), Freshness::Missing { .. }));
}

#[test]
fn a_cache_of_another_address_is_not_taken() {
    let mut world = World::new(&[Rpm::new("a", "1.0", "1")]);
    world.repo("one", &[Rpm::new("a", "1.1", "1")], &[]);
    world.make_cache();
    world.configure("one", "baseurl=https://elsewhere.example/");
    let metadata = world.metadata();
    assert!(metadata.missing[0].contains("; one-") && metadata.missing[0].contains("is of another address"));
    assert!(world.updates().pending.is_empty());
}

#[test]
fn without_a_cache_nothing_is_known() {
    let world = World::new(&[Rpm::new("a", "1.0", "1")]);
    assert_eq!(world.metadata().missing, ["no repository is enabled"]);
}

/// zypper keeps the same files elsewhere.
#[test]
fn zyppers_cache_is_read_as_well() {
    let mut world =
        World::new(&[Rpm::new("a", "1.0", "1"), Rpm::new("b", "1.0", "1"), Rpm::new("c", "1.0", "1")]);
    let notices = [notice("SUSE-1", "security", "important", &["a-1.1-1.x86_64", "b-1.1-1.x86_64"])];
    let packages =
        [Rpm::new("a", "1.1", "1"), Rpm::new("b", "1.1", "1"), Rpm::new("c", "2", "1").vendor("Other")];
    world.repo("one", &packages, &notices);
    world.make_cache();
    let root = world.path();
    let raw = root.join("var/cache/zypp/raw/one");
    std::fs::create_dir_all(raw.parent().unwrap()).unwrap();
    let from = world.cached("repomd.xml").parent().unwrap().parent().unwrap().to_owned();
    std::fs::rename(from, raw).unwrap();
    std::fs::create_dir_all(root.join("etc/zypp")).unwrap();
    std::fs::rename(root.join("etc/yum.repos.d"), root.join("etc/zypp/repos.d")).unwrap();
    std::fs::remove_dir_all(root.join("etc/dnf")).unwrap();
    world.write(
        "etc/zypp/locks",
        "\ntype: package\nmatch_type: glob\ncase_sensitive: on\nsolvable_name: b*\n",
    );
    let packages = world.packages();
    assert_eq!(packages.metadata.refresh(), "zypper refresh");
    let told: Vec<(String, PendingState)> =
        packages.updates.unwrap().pending.into_iter().map(|pending| (pending.name, pending.state)).collect();
    let expected = [("a", PendingState::Pending), ("b", PendingState::Held), ("c", PendingState::KeptBack)];
    assert_eq!(told, expected.map(|(name, state)| (name.to_owned(), state)));
}
