//! What is told of an update beside its versions: why it waits, what it hides, and since when it is there.

use guestward::host::packages::Pending;

use super::scenarios::{BACKPORTS, SECURITY, STABLE, Tree, VENDOR};
use super::*;

const VENDOR_SECURITY: &str = "Origin: Vendor\nLabel: Vendor\nSuite: now-security\nCodename: v";

fn rows(tree: Tree) -> Vec<Pending> {
    let tree = tree.finish();
    let updates = Packages::of(&Host::at(tree.path()).unwrap()).updates.unwrap();
    assert!(updates.unsure.is_empty(), "{:?}", updates.unsure);
    updates.pending
}

/// State and reason of each.
fn reasons(tree: Tree) -> Vec<(&'static str, Option<String>)> {
    rows(tree).into_iter().map(|row| (row.state.name(), row.reason)).collect()
}

fn because(state: &'static str, reason: &str) -> Vec<(&'static str, Option<String>)> {
    vec![(state, Some(reason.to_owned()))]
}

#[test]
fn a_hold_is_where_dpkg_keeps_it() {
    let tree = Tree::new().status("x", "1", "hold ok installed", "amd64").archive("a", STABLE, &["x 2"]);
    assert_eq!(reasons(tree), because("held", "/var/lib/dpkg/status:8"));
}

#[test]
fn a_withheld_version_names_the_preference_that_withholds_it() {
    let tree =
        || Tree::new().installed("x", "1").archive("a", STABLE, &["x 1"]).archive("b", SECURITY, &["x 2"]);
    for (path, text, reason) in [
        (
            "etc/apt/preferences",
            "# x\nPackage: y\nPin: release *\nPin-Priority: 2\n\nPackage: x\nPin: release l=Debian-Security\nPin-Priority: -1\n",
            "/etc/apt/preferences:6",
        ),
        (
            "etc/apt/preferences.d/old",
            "Package: *\nPin: release l=Debian-Security\nPin-Priority: 50\n",
            "/etc/apt/preferences.d/old:1",
        ),
        (
            "etc/apt/preferences.d/raised.pref",
            "\nPackage: x\nPin: version 1\nPin-Priority: 600\n",
            "/etc/apt/preferences.d/raised.pref:2",
        ),
        (
            "etc/apt/apt.conf.d/50release",
            "// x\nAPT { Default-Release \"stable\"; };\n",
            "APT::Default-Release, /etc/apt/apt.conf.d/50release:2",
        ),
    ] {
        assert_eq!(reasons(tree().write(path, text)), because("pinned", reason), "with {text}");
    }
}

#[test]
fn a_phased_update_tells_the_lot() {
    let list = "x 2 amd64 Phased-Update-Percentage=0";
    let tree = || Tree::new().installed("x", "1").archive("a", STABLE, &[list]);
    let told = reasons(tree().write("etc/machine-id", "0123456789abcdef0123456789abcdef\n"));
    let [("phased", Some(reason))] = told.as_slice() else { panic!("{told:?}") };
    let drawn = reason.strip_prefix("phased: 0 %, this machine drew ").unwrap();
    assert!((1..=100).contains(&drawn.parse::<u32>().unwrap()), "{reason}");
    let never = tree()
        .write("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        .write("etc/apt/apt.conf.d/1", "APT::Get::Never-Include-Phased-Updates \"1\";\n");
    assert_eq!(reasons(never), because("phased", "phased: 0 %, and this machine takes no phased updates"));
}

#[test]
fn a_fix_behind_a_candidate_from_elsewhere_is_told() {
    let hidden = |releases: &[(&str, &str, &str)], os: &str| {
        let mut tree = Tree::new().installed("x", "1").write("etc/os-release", os);
        for (host, release, version) in releases {
            tree = tree.archive(host, release, &[&format!("x {version}")]);
        }
        let row = rows(tree).remove(0);
        (row.candidate, row.hidden_fix)
    };
    let esm = "Origin: UbuntuESM\nSuite: jammy-infra-security\nCodename: jammy";
    for (releases, os, candidate, fix) in [
        (
            &[("v", VENDOR, "5"), ("b", SECURITY, "1.1")][..],
            "ID=debian\n",
            "5",
            Some("1.1 from Debian:stable-security"),
        ),
        // Nothing says whose archives are its own: those of Debian and Ubuntu.
        (&[("v", VENDOR, "5"), ("b", SECURITY, "1.1")], "", "5", Some("1.1 from Debian:stable-security")),
        // A vendor that calls its suite so is a vendor.
        (
            &[("v", VENDOR_SECURITY, "5"), ("b", SECURITY, "1.1")],
            "ID=debian\n",
            "5",
            Some("1.1 from Debian:stable-security"),
        ),
        (&[("v", VENDOR, "5"), ("b", VENDOR_SECURITY, "1.1")], "ID=debian\n", "5", None),
        // What the distribution has later includes it.
        (&[("a", STABLE, "2"), ("b", SECURITY, "1.1")], "ID=debian\n", "2", None),
        (&[("a", BACKPORTS, "2"), ("a2", STABLE, "3"), ("b", SECURITY, "1.1")], "ID=debian\n", "3", None),
        // Both have the same.
        (&[("v", VENDOR, "2"), ("b", SECURITY, "2")], "ID=debian\n", "2", None),
        // It is installed.
        (&[("v", VENDOR, "5"), ("b", SECURITY, "1")], "ID=debian\n", "5", None),
        (
            &[("v", VENDOR, "5"), ("b", esm, "1.1")],
            "ID=ubuntu\nID_LIKE=debian\n",
            "5",
            Some("1.1 from UbuntuESM:jammy-infra-security"),
        ),
        (&[("v", VENDOR, "5"), ("b", SECURITY, "1.1")], "ID=ubuntu\n", "5", None),
    ] {
        let expected = (candidate.to_owned(), fix.map(str::to_owned));
        assert_eq!(hidden(releases, os), expected, "{releases:?} on {os}");
    }
}

#[test]
fn a_fix_beyond_a_pinned_candidate_from_elsewhere_is_told_twice() {
    let pin = "Package: x\nPin: release o=Vendor\nPin-Priority: 900\n";
    let rows = rows(
        Tree::new()
            .installed("x", "1")
            .archive("v", VENDOR, &["x 2"])
            .archive("b", SECURITY, &["x 3"])
            .write("etc/apt/preferences", pin),
    );
    let shown: Vec<_> =
        rows.iter().map(|row| (row.candidate.as_str(), row.state.name(), row.is_security)).collect();
    assert_eq!(shown, [("2", "pending", false), ("3", "pinned", true)]);
    assert_eq!(rows[0].hidden_fix.as_deref(), Some("3 from Debian:stable-security"));
    assert_eq!(rows[1].reason.as_deref(), Some("/etc/apt/preferences:1"));
}

#[test]
fn an_update_is_no_older_than_the_installed_version_and_no_younger_than_the_list() {
    let old = "Fri, 20 Nov 2026 00:12:41 UTC";
    let tree = Tree::new().installed("x", "1").installed("y", "1").archive("a", STABLE, &["x 3", "y 3"]);
    let tree = tree.archive("b", SECURITY, &["x 2"]).finish();
    let root = tree.path();
    // The security update is the one that matters, and its list is the younger one.
    let list = root.join("var/lib/apt/lists/b.example_r_dists_s_InRelease");
    let text = fs::read_to_string(&list).unwrap();
    fs::write(&list, text.replace(old, "Sat, 21 Nov 2026 00:12:41 UTC")).unwrap();
    fs::create_dir_all(root.join("usr/share/doc/x")).unwrap();
    let entry =
        "x (1) stable; urgency=medium\n\n  * X.\n\n -- X <x@x.example>  Mon, 01 Jan 2024 10:00:00 +0100\n";
    fs::write(root.join("changelog"), entry).unwrap();
    let packed = Command::new("gzip").args(["-9n", "-c"]).arg(root.join("changelog")).output().unwrap();
    fs::write(root.join("usr/share/doc/x/changelog.Debian.gz"), packed.stdout).unwrap();
    let pending = Packages::of(&Host::at(root).unwrap()).updates.unwrap().pending;
    let shown: Vec<_> = pending
        .iter()
        .map(|row| {
            let show = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string());
            (row.name.as_str(), show(row.available.not_before), show(row.available.not_after))
        })
        .collect();
    let time = |text: &str| Some(text.to_owned());
    assert_eq!(
        shown,
        [
            ("x", time("2024-01-01T09:00:00Z"), time("2026-11-21T00:12:41Z")),
            ("y", None, time("2026-11-20T00:12:41Z"))
        ]
    );
}
