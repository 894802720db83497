//! What dnf would say, judged by dnf itself: packages from the real rpmbuild, repositories from createrepo_c, a root that
//! rpm installed them in, and a cache that dnf made of it.

mod bad;
mod modules;
mod several;
mod withheld;
pub(crate) mod world;
mod yum;

use guestward::host::packages::PendingState;
use guestward::host::packages::advisory::Urgency;
use serde_json::Value;

use crate::support::binary::{guestward, text};
use crate::support::rpm::{Rpm, tree};
use world::{World, filter, notice};

#[test]
fn updates_with_epochs_and_in_several_versions_are_those_of_dnf() {
    let mut world = World::new(&[
        Rpm::new("plain", "1.0", "1"),
        Rpm::new("epoch", "9.0", "1"),
        Rpm::new("same", "1.0", "1"),
        Rpm::new("older", "2.0", "1"),
        Rpm::new("tilde", "1.0~rc1", "1"),
        Rpm::new("any", "1.0", "1").noarch(),
        Rpm::new("local", "1.0", "1"),
    ]);
    world.repo(
        "base",
        &[
            Rpm::new("plain", "1.1", "1"),
            Rpm::new("plain", "1.10", "1"),
            Rpm::new("plain", "1.9", "7"),
            Rpm::new("epoch", "1.0", "1").epoch(1),
            Rpm::new("same", "1.0", "1"),
            Rpm::new("older", "1.0", "1"),
            Rpm::new("tilde", "1.0", "1"),
            Rpm::new("any", "1.0", "2").noarch(),
            Rpm::new("other", "1.0", "1"),
        ],
        &[],
    );
    world.make_cache();
    world.agrees();
    let ours = world.ours();
    assert_eq!(ours.len(), 4, "{ours:?}");
    assert_eq!(ours[1].candidate, "1:1.0-1");
    assert_eq!(ours[1].origin, "base");
}

#[test]
fn a_package_goes_over_into_another_architecture() {
    let mut world = World::new(&[Rpm::new("to-any", "1", "1"), Rpm::new("from-any", "1", "1").noarch()]);
    let packages = [Rpm::new("to-any", "2", "1").noarch(), Rpm::new("from-any", "2", "1")];
    world.repo("base", &packages, &[notice("A-1", "security", "Low", &["from-any-2-1.x86_64"])]);
    world.make_cache();
    let names: Vec<String> = world.ours().iter().map(|pending| pending.key()).collect();
    assert_eq!(names, ["from-any:noarch", "to-any:x86_64"]);
    assert_eq!(world.dnf_updates().len(), 2);
    assert!(world.ours()[0].is_security);
}

#[test]
fn notices_with_every_severity_are_those_of_dnf() {
    let installed = ["a", "b", "c", "d", "e", "f"].map(|name| Rpm::new(name, "1.0", "1"));
    let newer = ["a", "b", "c", "d", "e"].map(|name| Rpm::new(name, "1.2", "1"));
    let mut world = World::new(&installed);
    let notices = [
        notice("A-1", "security", "Critical", &["a-1.1-1.x86_64", "b-1.2-1.x86_64"]),
        notice("A-2", "security", "important", &["b-1.1-1.x86_64", "b-1.1-1.aarch64"]),
        notice("A-3", "security", "Moderate", &["c-1.2-1.x86_64", "not-here-1-1.x86_64"]),
        notice("A-4", "bugfix", "None", &["d-1.2-1.x86_64"]),
        notice("A-5", "enhancement", "", &["e-1.0-1.x86_64"]),
        notice("A-6", "security", "Low", &["c-1.2-1.noarch"]),
        // No repository has that version.
        notice("A-7", "security", "Low", &["f-1.1-1.x86_64"]),
        notice("A-8", "security", "Low", &["a-1:1.3-1.x86_64"]),
    ];
    world.repo("base", &newer, &notices);
    world.make_cache();
    world.agrees();
    let ours = world.ours();
    let of = |name: &str| ours.iter().find(|pending| pending.name == name).unwrap();
    assert_eq!(of("a").urgency(), Some(Urgency::Critical));
    assert_eq!(of("a").cves().len(), 1);
    assert_eq!(of("a").hidden_fix.as_deref(), Some("1:1.3-1 by A-8 (no enabled repository has it)"));
    assert_eq!(of("b").advisories.len(), 2);
    assert_eq!(of("b").available.not_before.unwrap().to_string(), "2026-03-01T10:00:00Z");
    assert!(!of("d").is_security && !of("e").is_security);
    assert_eq!(of("f").state, PendingState::KeptBack);
    assert_eq!(of("f").reason.as_deref(), Some("no enabled repository has it"));
}

/// Of the list that is built in, which a list of the site's own takes the place of.
#[test]
fn an_update_that_closes_an_exploited_hole_is_named() {
    let mut world = World::new(&[Rpm::new("kernel-tools", "6.1.1", "1"), Rpm::new("a", "1.0", "1")]);
    let notices = [
        notice("A-1", "security", "Low", &["kernel-tools-6.1.2-1.x86_64"])
            .replace("CVE-2026-1", "CVE-2024-1086"),
        notice("A-2", "security", "Low", &["a-1.1-1.x86_64"]).replace("CVE-2026-1", "CVE-2026-0001"),
    ];
    world.repo("base", &[Rpm::new("kernel-tools", "6.1.2", "1"), Rpm::new("a", "1.1", "1")], &notices);
    world.make_cache();
    let exploited = |world: &World| -> String {
        let told = guestward()
            .args(["check", "packages-known-exploited", "--format", "json", "--root"])
            .arg(world.path())
            .output()
            .unwrap();
        let told: Value = serde_json::from_slice(&told.stdout).unwrap();
        let [finding] = told["findings"].as_array().unwrap().as_slice() else { panic!("{told}") };
        assert_eq!(finding["verdict"], "fail", "{told}");
        finding.to_string()
    };
    let told = exploited(&world);
    assert!(told.contains("kernel-tools:x86_64") && !told.contains("CVE-2026-0001"), "{told}");
    assert!(told.contains("CVE-2024-1086 (CISA: closed by 2024-06-20), list of 2026-05-06"), "{told}");
    let packages = guestward().args(["packages", "--root"]).arg(world.path()).output().unwrap();
    assert!(text(&packages.stdout).contains("exploited: CVE-2024-1086"), "{packages:?}");

    world.write("etc/guestward/kev.csv", "cveID,dateAdded,dueDate\nCVE-2026-0001,2099-01-01,2099-01-22\n");
    let told = exploited(&world);
    assert!(
        told.contains("of a:x86_64") && told.contains("kev.csv") && !told.contains("CVE-2024-1086"),
        "{told}"
    );
}

#[test]
fn of_kernels_the_newest_counts() {
    let kernel = |version: &str| Rpm::new("kernel", version, "1").line("Provides: installonlypkg(kernel)");
    let mut world = World::new(&[kernel("6.1.1"), kernel("6.1.3"), Rpm::new("kernel6.12", "6.12.1", "1")]);
    let packages = [kernel("6.1.2"), kernel("6.1.3"), Rpm::new("kernel6.12", "6.12.2", "1")];
    let notices = [
        notice("K-1", "security", "Important", &["kernel-6.1.2-1.x86_64"]),
        notice("K-2", "security", "Important", &["kernel6.12-6.12.2-1.x86_64"]),
    ];
    world.repo("base", &packages, &notices);
    world.make_cache();
    world.agrees();
    let names: Vec<String> = world.ours().into_iter().map(|pending| pending.name).collect();
    assert_eq!(names, ["kernel6.12"]);
}

#[test]
fn what_takes_the_place_of_another_is_told() {
    let mut world =
        World::new(&[Rpm::new("old", "1", "1"), Rpm::new("newer", "3", "1"), Rpm::new("gone", "1", "1")]);
    let packages = [
        Rpm::new("new", "2", "1").line("Obsoletes: old < 2"),
        Rpm::new("other", "2", "1").line("Obsoletes: newer < 2"),
        Rpm::new("all", "2", "1").line("Obsoletes: gone"),
    ];
    world.repo("base", &packages, &[]);
    world.make_cache();
    let ours: Vec<String> =
        world.ours().iter().map(|pending| format!("{} {}", pending.key(), pending.candidate)).collect();
    assert_eq!(ours, ["gone:x86_64 all-2-1", "old:x86_64 new-2-1"]);
    let theirs = world.dnf(&["list", "--obsoletes"]);
    assert!(
        theirs.contains("new.x86_64") && theirs.contains("all.x86_64") && !theirs.contains("other."),
        "{theirs}"
    );
    world.write("etc/dnf/dnf.conf", "[main]\nobsoletes=False\n");
    assert!(world.ours().is_empty());
}

#[test]
fn every_compression_reads_the_same() {
    for form in ["gz", "xz"] {
        let mut world = World::new(&[Rpm::new("plain", "1.0", "1")]);
        world.compression = form;
        let notices = [notice("A-1", "security", "Low", &["plain-1.1-1.x86_64"])];
        world.repo("base", &[Rpm::new("plain", "1.1", "1")], &notices);
        world.make_cache();
        assert!(world.cached("primary").extension().unwrap() == form);
        world.agrees();
        assert!(world.ours()[0].is_security, "{form}");
        // This createrepo knows no zstd, nor leaves it anything plain.
        for kind in ["primary", "updateinfo"] {
            let plain = world.plain(kind);
            world.replace(kind, "zst", &filter("zstd", &plain));
        }
        assert!(world.ours()[0].is_security, "{form}");
        for kind in ["primary", "updateinfo"] {
            let plain = filter("zstd -d", &std::fs::read(world.cached(kind)).unwrap());
            world.replace(kind, "", &plain);
        }
        assert!(world.ours()[0].is_security, "{form}");
    }
}

#[test]
fn an_amazon_linux_is_locked_to_its_release() {
    let release = Rpm::new("system-release", "2023.9.20251105", "0.amzn2023").noarch();
    let mut world = World::new(&[release.line("Provides: system-release(releasever) = 2023.9.20251105")]);
    world.write("etc/os-release", "ID=\"amzn\"\nVERSION_ID=\"2023\"\n");
    // The address has the release in it, and the cache is named by the address.
    world.repo_at("base", "of-2023.9.20251105", "of-$releasever", &[], &[]);
    world.make_cache();
    let updates = world.updates();
    // Of what came since then nothing here can know, so that no update is no answer.
    let told = guestward().args(["packages", "--root"]).arg(world.path()).output().unwrap();
    assert_eq!(told.status.code(), Some(3), "{told:?}");
    assert!(text(&told.stdout).contains("what came after it, its metadata does not know"), "{told:?}");
    let locked = updates.locked.unwrap();
    assert_eq!((locked.release.as_str(), locked.by.as_str()), ("2023.9.20251105", "system-release"));
    assert_eq!(locked.date.unwrap().to_string(), "2025-11-05T00:00:00Z");
    assert!(updates.unsure.is_empty() && world.metadata().missing.is_empty(), "{:?}", world.metadata());
    assert_eq!(locked.newest, None);
    world.write(
        "var/lib/update-motd/motd",
        "A newer release of \"Amazon Linux\" is available.\n  Version 2023.9.20251110:\n  Version 2023.10.20260202:\n\
         Run \"/usr/bin/dnf check-release-update\" for full release and version update info\n",
    );
    let told = guestward().args(["packages", "--root"]).arg(world.path()).output().unwrap();
    let line = "locked to release 2023.9.20251105 (system-release); 2023.10.20260202 is out";
    assert!(text(&told.stdout).contains(line), "{told:?}");
    world.write("etc/dnf/vars/releasever", "2023.10.20260101\n");
    let locked = world.updates().locked.unwrap();
    assert_eq!(
        (locked.release.as_str(), locked.by.as_str()),
        ("2023.10.20260101", "/etc/dnf/vars/releasever")
    );
    // What is cached is of the release before.
    assert!(world.metadata().missing[0].contains("is of another address"), "{:?}", world.metadata());
    world.write("etc/dnf/vars/releasever", "latest\n");
    assert!(world.updates().locked.is_none());
}

/// What the nightly unit does, by the program.
#[test]
fn dnf_is_asked_and_lists_the_same() {
    let installed = ["one", "two", "three"].map(|name| Rpm::new(name, "1", "1"));
    let mut world = World::new(&installed);
    let packages = [Rpm::new("one", "2", "1"), Rpm::new("two", "2", "1").noarch()];
    world.repo("r", &packages, &[notice("A-1", "security", "Important", &["one-2-1.x86_64"])]);
    world.make_cache();
    let before = tree(world.path());
    let told = guestward().args(["packages", "--self-check", "--root"]).arg(world.path()).output().unwrap();
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    assert_eq!(text(&told.stdout), "dnf lists the same 2 updates\n");
    assert_eq!(tree(world.path()), before, "dnf left something behind");
}
