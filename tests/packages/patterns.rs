//! Pins by regular expression and by a pattern of architectures, judged by apt.

use super::scenarios::{STABLE, Tree, VENDOR};
use super::*;

/// A package of two architectures, unless there is only the native one, and others.
fn tree(pins: &str, foreign: bool) -> tempfile::TempDir {
    let foreign = if foreign { "install ok installed" } else { "deinstall ok config-files" };
    Tree::new()
        .installed("libx-1", "1")
        .status("libx-1", "1", foreign, "i386")
        .installed("y++", "1:1.0-1")
        .status("z", "1", "install ok installed", "all")
        .write("var/lib/dpkg/arch", "amd64\ni386\n")
        .write("etc/apt/apt.conf.d/arch", "APT::Architectures { \"amd64\"; \"i386\"; };\n")
        .archive("a", STABLE, &["libx-1 2", "libx-1 2 i386", "y++ 1:1.2-1", "z 2 all"])
        .archive(
            "v",
            VENDOR,
            &["libx-1 2.5 amd64 Source=x", "libx-1 2.5 i386 Source=x", "y++ 1:3.0+v1", "z 12 all"],
        )
        .write("etc/apt/preferences", pins)
        .finish()
}

/// Checks that we say what apt says, and whether that is something else than without the pins.
#[track_caller]
fn judged(pins: &str, foreign: bool, has_effect: bool) {
    let plain = apts(&mut apt_at(tree("", foreign).path()));
    let tree = tree(pins, foreign);
    let apts = apts(&mut apt_at(tree.path()));
    assert_eq!(ours(tree.path()), apts, "with {pins}");
    assert_eq!(apts != plain, has_effect, "with {pins}: {apts:?}");
}

#[test]
fn names_may_be_regular_expressions() {
    for (names, has_effect) in [
        ("/libx/", true),
        ("/^libx-[0-9]+$/", true),
        ("/LIBX/", true),
        ("/^x/", false),
        ("/y[+][+]/", true),
        (r"/y\+{2}$/", true),
        (r"/\bx-/", false),
        (r"/\<libx\>/", true),
        ("/*x/", false),
        ("/(/", false),
        (r"/\l/", false),
        ("/[Z-a]/", false),
        ("//", true),
        ("/", true),
        ("/nothing/ z", true),
        ("/nothing/ w", false),
        ("/a/ /b/ lib*", true),
        ("/[[:alpha:]]/", false),
        ("src:/^x$/", true),
        ("src:/^X/:any", true),
        ("src:/^libx/", false),
        ("src:x", true),
        ("/^(z|y.*)$/ w*", true),
        ("/y", false),
    ] {
        judged(&format!("Package: {names}\nPin: release o=Vendor\nPin-Priority: -1\n"), false, has_effect);
    }
}

#[test]
fn architectures_may_be_patterns() {
    for (architecture, has_effect) in [
        ("any", true),
        ("native", false),
        ("", true),
        ("*", true),
        ("linux-any", true),
        ("any-i386", true),
        ("any-amd64", true),
        ("gnu-any-any", true),
        ("base-gnu-linux-i386", true),
        ("linux-amd64", true),
        ("amd6?", true),
        ("[ai]*", true),
        ("[ai]386", true),
        ("kfreebsd-any", false),
        ("musl-linux-any", false),
        ("any-arm", false),
        ("i386-any", false),
        ("-any", false),
        ("any-", false),
        ("!any", false),
        ("any-any-any-any-any", false),
        ("all", false),
        ("armhf", false),
    ] {
        for name in ["libx-1", "lib*", "/^libx-1$/", "src:x"] {
            let pins = format!("Package: {name}:{architecture}\nPin: release o=Vendor\nPin-Priority: -1\n");
            // Without one, a pattern is held against `libx-1:any` as well, which nothing asks for here.
            if name != "lib*" || !architecture.is_empty() {
                judged(&pins, true, has_effect);
            }
        }
    }
}

#[test]
fn a_pattern_may_be_about_a_foreign_package_that_is_asked_for_with_any() {
    let pins = "Package: /^libx-1/\nPin: release o=Vendor\nPin-Priority: -1\n";
    let tree = tree(pins, true);
    let updates = Packages::of(&Host::at(tree.path()).unwrap()).updates.unwrap();
    let [cause] = updates.unsure.as_slice() else { panic!("{:?}", updates.unsure) };
    assert!(cause.to_string().contains("/etc/apt/preferences:1 may pin libx-1:i386"), "{cause}");
}

#[test]
fn releases_sites_and_versions_may_be_regular_expressions() {
    for (pin, has_effect) in [
        ("release o=/^vend/", true),
        ("release o=/^end/", false),
        ("release n=/^(v|w)$/, a=/./", true),
        ("release n=/^(v,w)$/", false),
        ("release a=/-and-/", true),
        ("release l=/vendor$/", true),
        ("release c=/^main$/", true),
        ("release c=now", false),
        ("release b=/64/", true),
        ("release v=/^12\\.[0-9]$/", false),
        ("release v=/12/*", false),
        ("release /^now-/", true),
        ("release /^v$/", true),
        ("release /nowhere/", false),
        ("release /a{2,1}/", false),
        ("origin /^v\\./", true),
        ("origin /example$/", true),
        ("origin \"/^v/\"", true),
        ("origin /.*/", true),
        ("origin *", true),
        ("version /^2\\.5$/", true),
        ("version /5/*", true),
        ("version *5", true),
        ("version *5*", true),
        ("version *.*", false),
        ("version 2?*", false),
        ("version 2.*", true),
        ("version /\\+v[[:digit:]]$/", true),
        ("version /^1:/", true),
        ("version /(/", false),
        ("version /^$/", false),
    ] {
        for (names, priority) in [("libx-1 y++ z", "-1"), ("libx-1 y++ z", "-1 and more")] {
            judged(&format!("Package: {names}\nPin: {pin}\nPin-Priority: {priority}\n"), true, has_effect);
        }
    }
    // What has no effect where it forbids has one where it prefers what is installed.
    for (pin, has_effect) in [
        ("release c=now", true),
        ("release l=", true),
        ("release q=1", true),
        ("release", true),
        ("release v=*", true),
        ("release c=/^NOW$/, a=n*", true),
        ("release b=/.*/", false),
        ("release l=Vendor,l=", false),
        ("origin /.*/", false),
    ] {
        judged(&format!("Package: libx-1 y++ z\nPin: {pin}\nPin-Priority: +900\n"), true, has_effect);
    }
    let filling = "x=1,".repeat(18);
    judged(&format!("Package: z\nPin: release {filling}o=Vendor\nPin-Priority: -1\n"), true, true);
    judged(&format!("Package: z\nPin: release x=1,{filling}o=Vendor\nPin-Priority: -1\n"), true, false);
    judged(
        &format!("Package: z\nPin: release {}x=1,o=Vendor\nPin-Priority: -1\n", " ".repeat(320)),
        true,
        true,
    );
    judged(
        &format!("Package: z\nPin: release q={},o=Vendor\nPin-Priority: -1\n", "q".repeat(320)),
        true,
        false,
    );
    judged("Package: *\nPin: release o=/^V/\nPin-Priority: never\n", true, true);
    judged("Package: *\nPin: origin /^v\\.example$/\nPin-Priority: 90\n", true, true);
}

#[test]
fn a_default_release_may_be_a_regular_expression_and_has_to_be_there() {
    for (release, is_known) in [
        ("/^bookworm(|-security|-updates)$/", true),
        ("/^stable$/", true),
        ("/^now$/", true),
        ("/^now/", true),
        ("/^12\\./", true),
        ("a=nowhere", true),
        ("n=/^v/", true),
        ("now", true),
        ("*", true),
        ("12.5", true),
        ("12", false),
        ("nowhere", false),
        ("/nowhere/", false),
        ("/(/", false),
        ("x=", false),
    ] {
        let tree = tree("", true);
        let setting = format!("APT::Default-Release \"{release}\";\n");
        fs::write(tree.path().join("etc/apt/apt.conf.d/50release"), setting).unwrap();
        let mut apt = apt_at(tree.path());
        if is_known {
            assert_eq!(ours(tree.path()), apts(&mut apt), "with {release}");
        } else {
            assert!(!apt.args(["list", "--upgradable"]).output().unwrap().status.success(), "{release}");
            let cause = Packages::of(&Host::at(tree.path()).unwrap()).updates.unwrap_err();
            assert!(cause.to_string().contains("APT::Default-Release"), "{cause}");
        }
    }
}

/// Patterns that nobody thought of.
#[test]
fn made_up_expressions_find_the_names_that_apt_finds() {
    let mut random = versions::Random(7);
    let (mut judged, mut outcomes) = (0, BTreeSet::new());
    for _ in 0..150 {
        let pattern: String = (0..1 + random.below(5)).map(|_| PIECES[random.below(PIECES.len())]).collect();
        let pins = format!("Package: /{pattern}/\nPin: release *\nPin-Priority: -1\n");
        let list: Vec<String> = NAMES.iter().map(|name| format!("{name} 2")).collect();
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let tree = NAMES.iter().fold(Tree::new(), |tree, name| tree.installed(name, "1"));
        let tree = tree.archive("a", STABLE, &list).write("etc/apt/preferences", &pins).finish();
        if Packages::of(&Host::at(tree.path()).unwrap()).updates.is_err() {
            continue;
        }
        let apts = apts(&mut apt_at(tree.path()));
        assert_eq!(ours(tree.path()), apts, "with {pattern}");
        outcomes.insert(apts);
        judged += 1;
    }
    assert!(judged > 120 && outcomes.len() > 20, "{judged} judged, {} different answers", outcomes.len());
}

const NAMES: [&str; 24] = [
    "libc6",
    "libc6-dev",
    "libc-bin",
    "libssl3",
    "libssl-dev",
    "openssl",
    "g++",
    "g++-12",
    "gcc",
    "gcc-12-base",
    "bash",
    "linux-image-6.1.0-18-amd64",
    "linux-image-amd64",
    "linux-base",
    "python3",
    "python3.11",
    "python3-apt",
    "nginx",
    "nginx-core",
    "php8.2-fpm",
    "apt",
    "apt-utils",
    "0ad",
    "zlib1g",
];
const PIECES: [&str; 54] = [
    "lib",
    "c",
    "ssl",
    "g",
    "+",
    "\\+",
    "-",
    "[0-9]",
    "[0-9]+",
    "[a-z]*",
    "[^a-z]",
    ".",
    ".*",
    "^",
    "$",
    "(",
    ")",
    "|",
    "(c|ssl)",
    "?",
    "*",
    "{2}",
    "{1,2}",
    "{2,}",
    "{,1}",
    "\\.",
    "[.+-]",
    "[+.-]+",
    "[]]",
    "[^]]",
    "\\w",
    "\\W",
    "\\b",
    "\\<",
    "\\>",
    "python",
    "LINUX",
    "linux-image",
    "amd64",
    "apt",
    "3",
    "12",
    "(-dev)?",
    "(|-bin)",
    "x{0}",
    "\\p",
    "\\P",
    "}",
    "{",
    "[a",
    "nginx",
    "^lib",
    "[13]$",
    "6",
];
