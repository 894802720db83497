//! What zypper would say, judged by zypper itself: packages from the real rpmbuild, repositories from createrepo_c, a root
//! that rpm knows them in, and a cache that zypper made of it.

mod bad;
mod locks;
mod repositories;
mod self_check;
mod vendors;
mod world;

use guestward::host::packages::PendingState;

use crate::dnf::world::notice;
use crate::support::rpm::Rpm;
use world::{World, of};

#[test]
fn updates_with_epochs_and_in_several_versions_are_those_of_zypper() {
    let world = World::new(&[
        Rpm::new("plain", "1.0", "1"),
        Rpm::new("epoch", "9.0", "1"),
        Rpm::new("same", "1.0", "1"),
        Rpm::new("older", "2.0", "1"),
        Rpm::new("tilde", "1.0~rc1", "1"),
        Rpm::new("any", "1.0", "1").noarch(),
        Rpm::new("to-any", "1", "1"),
        Rpm::new("from-any", "1", "1").noarch(),
        Rpm::new("local", "1.0", "1"),
    ]);
    let packages = [
        Rpm::new("plain", "1.1", "1"),
        Rpm::new("plain", "1.10", "1"),
        Rpm::new("plain", "1.9", "7"),
        Rpm::new("epoch", "1.0", "1").epoch(1),
        Rpm::new("same", "1.0", "1"),
        Rpm::new("older", "1.0", "1"),
        Rpm::new("tilde", "1.0", "1"),
        Rpm::new("any", "1.0", "2").noarch(),
        Rpm::new("to-any", "2", "1").noarch(),
        Rpm::new("from-any", "2", "1"),
        Rpm::new("other", "1.0", "1"),
    ];
    world.repo("base", "", &packages, &[]);
    world.refresh();
    let ours = world.agrees("");
    assert_eq!(ours.len(), 6, "{ours:?}");
    assert_eq!(
        (of(&ours, "epoch").candidate.as_str(), of(&ours, "epoch").origin.as_str()),
        ("1:1.0-1", "base")
    );
}

#[test]
fn security_notices_are_the_needed_patches_of_zypper() {
    let installed = ["a", "b", "c", "d", "e", "f"].map(|name| Rpm::new(name, "1.0", "1"));
    let world = World::new(&installed);
    let newer = ["a", "b", "c", "d", "e"].map(|name| Rpm::new(name, "1.2", "1"));
    let mut notices = vec![
        notice("S-1", "security", "critical", &["a-1.1-1.x86_64", "b-1.2-1.x86_64"]),
        notice("S-2", "security", "important", &["b-1.1-1.x86_64", "b-1.1-1.aarch64"]),
        notice("S-3", "security", "moderate", &["c-1.2-1.x86_64", "not-here-1-1.x86_64"]),
        notice("S-4", "recommended", "None", &["d-1.2-1.x86_64"]),
        notice("S-5", "security", "low", &["e-1.0-1.x86_64"]),
        notice("S-6", "optional", "low", &["e-1.2-1.x86_64"]),
        // For another architecture than the installed one.
        notice("S-7", "security", "low", &["d-1.2-1.noarch"]),
        notice("S-8", "security", "low", &["d-1.2-1.i586"]),
        // No repository has that version.
        notice("S-9", "security", "low", &["f-1.1-1.x86_64"]),
        notice("S-10", "security", "low", &["a-1:1.3-1.x86_64"]),
    ];
    notices.push(notice("S-11", "security", "low", &["c-1.2-1.x86_64"]).replace("final", "retracted"));
    world.repo("updates", "", &newer, &notices);
    world.refresh();
    let ours = world.agrees("");
    assert!(of(&ours, "d").is_security && !of(&ours, "e").is_security);
    assert_eq!(of(&ours, "c").advisories.len(), 1);
    assert_eq!(of(&ours, "a").hidden_fix.as_deref(), Some("1:1.3-1 by S-10 (no enabled repository has it)"));
    assert_eq!(of(&ours, "f").state, PendingState::KeptBack);
}

#[test]
fn of_kernels_the_newest_counts() {
    let kernel =
        |version: &str| Rpm::new("kernel-default", version, "1").line("Provides: multiversion(kernel)");
    let notices = [
        notice("K-1", "security", "important", &["kernel-default-6.4.2-1.x86_64"]),
        notice("K-2", "security", "important", &["kernel-default-6.4.3-1.x86_64"]),
    ];
    let packages = [kernel("6.4.2"), kernel("6.4.3")];
    for (installed, left) in [(["6.4.1", "6.4.3"], 0), (["6.4.1", "6.4.2"], 1)] {
        let world = World::new(&installed.map(kernel));
        world.repo("updates", "", &packages, &notices);
        world.refresh();
        assert_eq!(world.agrees(installed[1]).len(), left);
    }
}

#[test]
fn what_takes_the_place_of_another_is_told() {
    let names = ["old", "newer", "gone", "theirs", "held"];
    let world = World::new(&names.map(|name| Rpm::new(name, "3", "1")));
    let packages = [
        Rpm::new("new", "4", "1").line("Obsoletes: old < 4"),
        Rpm::new("other", "2", "1").line("Obsoletes: newer < 2"),
        Rpm::new("all", "2", "1").line("Obsoletes: gone"),
        Rpm::new("foreign", "4", "1").line("Obsoletes: theirs").vendor("Other"),
        Rpm::new("free", "4", "1").line("Obsoletes: held"),
    ];
    world.repo("base", "", &packages, &[]);
    world.write("etc/zypp/locks", "\ntype: package\nmatch_type: exact\nsolvable_name: held\n");
    world.refresh();
    let ours = world.agrees("");
    let pending = ours.iter().filter(|pending| pending.state == PendingState::Pending);
    let replaced: Vec<&str> = pending.map(|pending| pending.name.as_str()).collect();
    assert_eq!(replaced, ["gone", "old"]);
    assert_eq!(replaced, world.replaced());
    assert_eq!(of(&ours, "theirs").state, PendingState::KeptBack);
    assert_eq!(of(&ours, "held").state, PendingState::Held);
}
