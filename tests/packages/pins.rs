//! Preferences: which of several versions apt would choose, and which it would never choose.

use super::scenarios::{BACKPORTS, EXPERIMENTAL, SECURITY, STABLE, Tree, VENDOR};
use super::*;

#[test]
fn a_default_release_outweighs_the_other_suites() {
    for (release, expected) in
        [("stable", 0), ("bookworm", 0), ("stable*", 1), ("a=stable-security", 1), ("12*", 0)]
    {
        Tree::new()
            .installed("x", "1")
            .archive("a", STABLE, &["x 1"])
            .archive("b", SECURITY, &["x 2"])
            .write("etc/apt/apt.conf.d/50release", &format!("APT::Default-Release \"{release}\";\n"))
            .check(expected);
    }
}

#[test]
fn a_default_release_goes_before_a_preference_for_whole_lists() {
    Tree::new()
        .installed("x", "1")
        .archive("a", STABLE, &["x 2"])
        .archive("v", VENDOR, &["x 5"])
        .write("etc/apt/apt.conf.d/50release", "APT { Default-Release \"stable\"; };\n")
        .write("etc/apt/preferences", "Package: *\nPin: release a=stable\nPin-Priority: 50\n")
        .check(1);
}

/// Runs the same archives under many preferences.
#[test]
fn pins_decide_as_apt_decides() {
    for (pin, expected) in [
        ("Package: x\nPin: version 2*\nPin-Priority: 990", 2),
        ("Package: x\nPin: version 2\nPin-Priority: 1001", 2),
        ("Package: x\nPin: version 1\nPin-Priority: 1001", 1),
        ("Package: x\nPin: version 1\nPin-Priority: 600", 1),
        ("Package: x\nPin: release a=stable\nPin-Priority: 700", 2),
        ("Package: x\nPin: release n=bookworm\nPin-Priority: 700", 2),
        ("Package: x\nPin: release stable\nPin-Priority: 700", 2),
        ("Package: x\nPin: release l=Debian*\nPin-Priority: 700", 2),
        ("Package: x\nPin: release o=vendor\nPin-Priority: -1", 2),
        ("Package: x\nPin: origin v.example\nPin-Priority: 600", 2),
        ("Package: x\nPin: origin \"v.example\"\nPin-Priority: 400", 2),
        ("Package: x\nPin: origin \"\"\nPin-Priority: 900", 2),
        ("Package: *\nPin: origin \"\"\nPin-Priority: 900", 2),
        ("Package: *\nPin: release o=Vendor\nPin-Priority: 50", 2),
        ("Package: *\nPin: release o=Vendor\nPin-Priority: -10", 2),
        ("Package: *\nPin: release c=main\nPin-Priority: 90", 0),
        ("Package: *\nPin: release b=amd64\nPin-Priority: 90", 0),
        ("Package: *\nPin: release v=12*\nPin-Priority: 900", 2),
        ("Package: *\nPin: release 12.5\nPin-Priority: 900", 2),
        ("Package: *\nPin: release *\nPin-Priority: 900", 2),
        ("Package: *\nPin: release a=now\nPin-Priority: 900", 0),
        ("Package: *\nPin: release a=now\nPin-Priority: -1", 2),
        ("Package: x y\nPin: release o=Debian\nPin-Priority: -1", 1),
        ("Package: src:x-source\nPin: release o=Vendor\nPin-Priority: -1", 2),
        ("Package: src:y\nPin: release o=Debian\nPin-Priority: -1", 1),
        ("Package: [xy]\nPin: release o=Debian\nPin-Priority: -1", 1),
        ("Package: x:amd64\nPin: release o=Vendor\nPin-Priority: -1", 2),
        ("Package: x:i386\nPin: release o=Vendor\nPin-Priority: -1", 2),
        ("Package: x:any\nPin: release o=Vendor\nPin-Priority: -1", 2),
        ("Package: X\nPin: release o=Vendor\nPin-Priority: -1", 2),
        (
            "Package: x\nPin: release o=Vendor\nPin-Priority: -1\n \nPackage: y\nPin: release o=Debian\nPin-Priority: -1",
            1,
        ),
        (
            "Package: x\nPin: release o=Vendor\nPin-Priority: -1\n#\nPackage: y\nPin: release o=Debian\nPin-Priority: -1",
            1,
        ),
        ("Package: *\nPin: version 1\nPin-Priority: 5\n\nPackage: x\nPin: nonsense\nPin-Priority: 5", 2),
        ("Package: x\nPin: release o=Vendor, l=Other\nPin-Priority: -1", 2),
        ("Package: x\nPin: release\nPin-Priority: -1", 2),
        ("Package: x\nPin: release o=Vendor\nPin-Priority: -32768", 2),
        (
            "Package: *\nPin: release o=Vendor\nPin-Priority: -32768\n\nPackage: x\nPin: origin v.example\nPin-Priority: 900",
            2,
        ),
        (
            "Package: *\nPin: release o=Vendor\nPin-Priority: never\n\nPackage: x\nPin: origin v.example\nPin-Priority: 900",
            2,
        ),
        (
            "Package: *\nPin: release o=Debian\nPin-Priority: never\n\nPackage: x\nPin: release o=Debian\nPin-Priority: 999",
            0,
        ),
        (
            "Package: *\nPin: release o=Vendor\nPin-Priority: 900\n\nPackage: *\nPin: origin v.example\nPin-Priority: never",
            2,
        ),
        (
            "Package: *\nPin: release o=Vendor\nPin-Priority: 400\n\nPackage: *\nPin: origin v.example\nPin-Priority: never\n\nPackage: x\nPin: origin v.example\nPin-Priority: 999",
            2,
        ),
        (
            "# first\nPackage: x\n# middle\nPin: release o=Vendor\nPin-Priority: -1\n\n# next\nPackage: x\nPin: origin v.example\nPin-Priority: 990",
            2,
        ),
        (
            "Package: *\nPin: release o=Vendor\nPin-Priority: 100\n\nPackage: *\nPin: origin v.example\nPin-Priority: 990",
            2,
        ),
        (
            "Explanation: x\nPackage: x\nPin: release o=Vendor\nPin-Priority: 10\n\nPackage: *\nPin: release o=Vendor\nPin-Priority: 990",
            1,
        ),
    ] {
        let tree = Tree::new()
            .installed("x", "1")
            .installed("y", "1")
            .archive("a", STABLE, &["x 2", "x 1", "y 2"])
            .archive("v", VENDOR, &["x 5 amd64 Source=x-source", "y 1"])
            .write("etc/apt/preferences", &format!("{pin}\n"));
        let tree = tree.finish();
        let apts = apts(&mut apt_at(tree.path()));
        assert_eq!(ours(tree.path()), apts, "with {pin}");
        assert_eq!(apts.len(), expected, "with {pin}: {apts:?}");
    }
}

/// Trees that nobody thought of: three archives, a few versions, a few pins, whatever the numbers give.
#[test]
fn made_up_preferences_decide_as_apt_decides() {
    let mut random = versions::Random(3);
    let mut outcomes = BTreeSet::new();
    for _ in 0..100 {
        let (tree, story) = made_up(&mut random);
        let apts = apts(&mut apt_at(tree.path()));
        let shown = |path: &str| fs::read_to_string(tree.path().join(path)).unwrap_or_default();
        assert_eq!(
            ours(tree.path()),
            apts,
            "with {story}\n{}{}",
            shown("var/lib/dpkg/status"),
            shown("etc/apt/apt.conf.d/1")
        );
        outcomes.insert(apts);
    }
    assert!(outcomes.len() > 20, "only {} different answers show too little", outcomes.len());
}

/// A tree, and its preferences.
pub(super) fn made_up(random: &mut versions::Random) -> (tempfile::TempDir, String) {
    let mut tree = Tree::new();
    let mut story = String::new();
    for name in NAMES {
        let state =
            ["install ok installed", "hold ok installed", "deinstall ok config-files", "install ok unpacked"];
        let state = state[[0, 0, 0, 1, 2, 3][random.below(6)]];
        tree = tree.status(name, VERSIONS[random.below(VERSIONS.len())], state, "amd64");
    }
    for (host, release) in
        [("a", STABLE), ("b", SECURITY), ("v", [VENDOR, BACKPORTS, EXPERIMENTAL][random.below(3)])]
    {
        let mut list: Vec<String> = Vec::new();
        for name in NAMES {
            for _ in 0..random.below(3) {
                let version = format!("{name} {}", VERSIONS[random.below(VERSIONS.len())]);
                if !list.contains(&version) {
                    list.push(version);
                }
            }
        }
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        tree = tree.archive(host, release, &list);
    }
    for _ in 0..random.below(4) {
        let package = PACKAGES[random.below(PACKAGES.len())];
        let wanted = [
            "version 2*",
            "version 1:1",
            "release a=stable",
            "release o=Debian",
            "release l=Debian-Security",
            "release n=bookworm*",
            "release a=now",
            "release *",
            "origin v.example",
            "origin \"\"",
            "release c=main, o=V*",
            "release n=/^bookworm(|-security)$/",
            "release o=/^[VD]/",
            "release /-/",
            "origin /^[av]\\./",
            "version /^(1:)?[12]/",
        ][random.below(16)];
        let priority =
            ["-1", "1", "50", "100", "400", "500", "700", "990", "1000", "1001", "never"][random.below(11)];
        // apt allows it nowhere else.
        let priority = if package == "*" { priority } else { priority.trim_start_matches("never") };
        let priority = if priority.is_empty() { "-5" } else { priority };
        let _ = writeln!(story, "Package: {package}\nPin: {wanted}\nPin-Priority: {priority}\n");
    }
    tree = tree.write("etc/apt/preferences", &story);
    if random.below(4) == 0 {
        tree = tree.write("etc/apt/apt.conf.d/1", "APT::Default-Release \"stable\";\n");
    }
    (tree.finish(), story)
}

const PACKAGES: [&str; 14] = [
    "*",
    "x",
    "y z",
    "src:x",
    "[w-y]",
    "x:any",
    "w*",
    "/^[x-z]$/",
    "/w|Y/",
    "src:/./:any",
    "z:linux-any",
    "y:any-amd64",
    "/(/ x",
    "*:amd64",
];
const NAMES: [&str; 4] = ["w", "x", "y", "z"];
const VERSIONS: [&str; 6] = ["1", "2", "2~rc1", "2-1", "1:1", "3+b1"];
