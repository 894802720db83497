//! Small trees, each with one twist of apt's policy.

use std::process::Output;

use super::*;

/// A tree in the making.
pub(super) struct Tree {
    root: tempfile::TempDir,
    status: String,
    pub(super) configuration: String,
}

impl Tree {
    pub(super) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in [
            "etc/apt/apt.conf.d",
            "etc/apt/preferences.d",
            "etc/apt/sources.list.d",
            "usr/share/dpkg",
            "var/lib/apt/lists/partial",
            "var/lib/dpkg",
        ] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        for table in ["usr/share/dpkg/tupletable", "usr/share/dpkg/cputable"] {
            fs::copy(Path::new("/").join(table), root.path().join(table)).unwrap();
        }
        Self {
            root,
            status: package("dpkg", "1", "install ok installed", "amd64"),
            configuration: String::new(),
        }
    }

    pub(super) fn write(self, path: &str, text: &str) -> Self {
        fs::write(self.root.path().join(path), text).unwrap();
        self
    }

    pub(super) fn installed(self, name: &str, version: &str) -> Self {
        self.status(name, version, "install ok installed", "amd64")
    }

    pub(super) fn status(mut self, name: &str, version: &str, status: &str, architecture: &str) -> Self {
        let _ = write!(self.status, "\n{}", package(name, version, status, architecture));
        self
    }

    /// An archive on a host of its own: `host suite fields`, and versions `name version [architecture]`.
    pub(super) fn archive(mut self, host: &str, release: &str, versions: &[&str]) -> Self {
        let _ = writeln!(self.configuration, "deb [trusted=yes] http://{host}.example/r s main");
        let prefix = format!("var/lib/apt/lists/{host}.example_r_dists_s_");
        let mut list = String::new();
        for version in versions {
            let words: Vec<&str> = version.split(' ').collect();
            let architecture = words.get(2).unwrap_or(&"amd64");
            let _ = writeln!(
                list,
                "Package: {}\nVersion: {}\nArchitecture: {architecture}\nMaintainer: x\nFilename: x.deb\nSize: 1\nSHA256: {}",
                words[0],
                words[1],
                "0".repeat(64)
            );
            for extra in words.iter().skip(3) {
                let _ = writeln!(list, "{}", extra.replace('=', ": ").replace('_', " "));
            }
            list.push('\n');
        }
        let release = format!(
            "{release}\nDate: Fri, 20 Nov 2026 00:12:41 UTC\nSHA256:\n 0 0 main/binary-amd64/Packages\n"
        );
        self.write(&format!("{prefix}InRelease"), &release)
            .write(&format!("{prefix}main_binary-amd64_Packages"), &list)
    }

    /// Holds our answer against apt's, which must have `expected` updates so that the scenario shows something.
    pub(super) fn check(self, expected: usize) {
        let tree = self.finish();
        let apts = apts(&mut apt_at(tree.path()));
        assert_eq!(ours(tree.path()), apts);
        assert_eq!(apts.len(), expected, "{apts:?}");
    }

    pub(super) fn finish(self) -> tempfile::TempDir {
        let (status, configuration) = (self.status.clone(), self.configuration.clone());
        self.write("var/lib/dpkg/status", &status).write("etc/apt/sources.list", &configuration).root
    }

    /// The states of what we report, for what apt does not tell.
    pub(super) fn states(self) -> Vec<(String, &'static str, bool)> {
        let tree = self.finish();
        let updates = Packages::of(&Host::at(tree.path()).unwrap()).updates.unwrap();
        assert!(updates.unsure.is_empty(), "{:?}", updates.unsure);
        updates
            .pending
            .into_iter()
            .map(|update| (update.candidate, update.state.name(), update.is_security))
            .collect()
    }
}

pub(super) fn package(name: &str, version: &str, status: &str, architecture: &str) -> String {
    format!(
        "Package: {name}\nStatus: {status}\nArchitecture: {architecture}\nVersion: {version}\nMaintainer: x\nDescription: x\n"
    )
}

pub(super) const STABLE: &str =
    "Origin: Debian\nLabel: Debian\nSuite: stable\nCodename: bookworm\nVersion: 12.5";
pub(super) const SECURITY: &str =
    "Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nCodename: bookworm-security";
pub(super) const BACKPORTS: &str =
    "Origin: Debian\nSuite: stable-backports\nNotAutomatic: yes\nButAutomaticUpgrades: yes";
pub(super) const EXPERIMENTAL: &str = "Origin: Debian\nSuite: experimental\nNotAutomatic: yes";
pub(super) const VENDOR: &str = "Origin: Vendor\nLabel: Vendor\nSuite: now-and-then\nCodename: v";

#[test]
fn the_newest_of_equal_lists_is_the_candidate() {
    Tree::new().installed("x", "1").archive("a", STABLE, &["x 2"]).archive("b", SECURITY, &["x 3"]).check(1);
}

#[test]
fn a_package_that_is_current_has_no_update() {
    Tree::new().installed("x", "2").archive("a", STABLE, &["x 1", "x 2", "y 3"]).check(0);
}

#[test]
fn an_epoch_outweighs_a_number() {
    Tree::new().installed("x", "1:1").installed("y", "9").archive("a", STABLE, &["x 2", "y 1:0"]).check(1);
}

#[test]
fn a_held_package_is_still_listed() {
    Tree::new().status("x", "1", "hold ok installed", "amd64").archive("a", STABLE, &["x 2"]).check(1);
}

#[test]
fn every_state_but_removed_has_updates() {
    for (state, expected) in [
        ("install ok half-installed", 1),
        ("install reinstreq half-installed", 1),
        ("install ok unpacked", 1),
        ("install ok half-configured", 1),
        ("install ok triggers-pending", 1),
        ("install ok triggers-awaited", 1),
        ("deinstall ok config-files", 0),
        ("deinstall ok installed", 1),
    ] {
        Tree::new().status("x", "1", state, "amd64").archive("a", STABLE, &["x 2"]).check(expected);
    }
}

#[test]
fn backports_update_only_what_came_from_them() {
    Tree::new()
        .installed("x", "1")
        .installed("y", "2~bpo1")
        .archive("a", STABLE, &["x 1", "y 1"])
        .archive("b", BACKPORTS, &["x 2~bpo1", "y 2~bpo2"])
        .check(1);
}

#[test]
fn an_archive_that_is_not_automatic_updates_nothing() {
    Tree::new().installed("x", "1").installed("y", "1").archive("a", EXPERIMENTAL, &["x 2"]).check(0);
}

#[test]
fn automatic_upgrades_without_not_automatic() {
    let odd = "Suite: odd\nButAutomaticUpgrades: yes";
    Tree::new().installed("x", "1").archive("a", STABLE, &["x 1"]).archive("b", odd, &["x 2"]).check(0);
}

#[test]
fn a_vendor_may_offer_the_same_package() {
    Tree::new().installed("x", "1").archive("a", STABLE, &["x 2"]).archive("v", VENDOR, &["x 5"]).check(1);
}

#[test]
fn a_package_for_all_architectures_may_become_one_for_this_and_back() {
    Tree::new()
        .status("x", "1", "install ok installed", "all")
        .installed("y", "1")
        .archive("a", STABLE, &["x 2", "y 2 all"])
        .check(2);
}

#[test]
fn a_foreign_architecture_has_updates_of_its_own() {
    Tree::new()
        .installed("x", "1")
        .status("x", "1", "install ok installed", "i386")
        .write("var/lib/dpkg/arch", "amd64\ni386\n")
        .archive("a", STABLE, &["x 2 amd64", "x 3 i386"])
        .write("etc/apt/apt.conf.d/arch", "APT::Architectures { \"amd64\"; \"i386\"; };\n")
        .write("etc/apt/preferences.d/x", "Package: x\nPin: release o=Debian\nPin-Priority: -1\n")
        .check(1);
}

#[test]
fn an_installed_version_that_no_archive_has_keeps_its_place_against_backports() {
    Tree::new().installed("x", "1").archive("b", BACKPORTS, &["x 2"]).check(1);
}

#[test]
fn apt_reads_only_files_with_the_right_names() {
    let never = "Package: x\nPin: release o=Debian\nPin-Priority: -1\n";
    for (name, expected) in
        [("10x", 0), ("10x.pref", 0), ("10x.disabled", 1), ("10x~", 1), (".x.pref", 1), ("10 x", 1)]
    {
        Tree::new()
            .installed("x", "1")
            .archive("a", STABLE, &["x 2"])
            .write(&format!("etc/apt/preferences.d/{name}"), never)
            .check(expected);
    }
}

#[test]
fn sources_are_read_in_both_notations_and_only_theirs_count() {
    for (source, expected) in [
        ("Types: deb\nURIs: http://a.example/r/\nSuites: s\nComponents: main\nTrusted: yes\n", 1),
        (
            "# x\nTypes: deb deb-src\nURIs:\n http://a.example/r\nSuites: t s\n# y\nComponents: main\nTrusted: yes\n",
            1,
        ),
        ("Enabled: no\nTypes: deb\nURIs: http://a.example/r\nSuites: s\nComponents: main\n", 0),
        ("Types: deb-src\nURIs: http://a.example/r\nSuites: s\nComponents: main\n", 0),
        ("Types: deb\nURIs: http://a.example/r\nSuites: s\nComponents: contrib\nTrusted: yes\n", 0),
        (
            "Types: deb\nURIs: http://a.example/r\nSuites: s\nComponents: main\nArchitectures: i386\nTrusted: yes\n",
            0,
        ),
        ("Types: deb\nURIs: https://u:p@a.example/r\nSuites: s\nComponents: main\nTrusted: yes\n", 1),
    ] {
        let mut tree = Tree::new().installed("x", "1").archive("a", STABLE, &["x 2"]);
        tree.configuration.clear();
        let tree = tree.write("etc/apt/sources.list.d/a.sources", source).finish();
        let apts = apts(&mut apt_at(tree.path()));
        assert_eq!(pending(tree.path()), apts, "with {source}");
        assert_eq!(apts.len(), expected, "with {source}: {apts:?}");
    }
}

#[test]
fn a_flat_archive_in_a_directory_counts() {
    for (suite, name) in
        [("./", "_srv_my%5frepo_._"), ("/", "_srv_my%5frepo_"), ("sub/", "_srv_my%5frepo_sub_")]
    {
        let mut tree = Tree::new().installed("x", "1");
        let _ = writeln!(tree.configuration, "deb [trusted=yes] file:/srv/my_repo {suite}");
        let list = "Package: x\nVersion: 2\nArchitecture: amd64\nFilename: x.deb\nSize: 1\n\n";
        tree.write(
            &format!("var/lib/apt/lists/{name}Release"),
            "Suite: s\nDate: Fri, 20 Nov 2026 00:12:41 UTC\n",
        )
        .write(&format!("var/lib/apt/lists/{name}Packages"), list)
        .check(1);
    }
}

#[test]
fn a_later_ordinary_update_includes_an_earlier_security_update() {
    let states = Tree::new()
        .installed("x", "1")
        .archive("a", STABLE, &["x 3"])
        .archive("b", SECURITY, &["x 2"])
        .states();
    assert_eq!(states, [("3".to_owned(), "pending", true)]);
}

#[test]
fn a_security_update_that_is_installed_already_makes_no_later_one_a_security_update() {
    let states = Tree::new()
        .installed("x", "2")
        .archive("a", STABLE, &["x 3"])
        .archive("b", SECURITY, &["x 2"])
        .states();
    assert_eq!(states, [("3".to_owned(), "pending", false)]);
}

#[test]
fn a_security_update_beyond_the_pinned_candidate_is_reported_as_withheld() {
    let states = Tree::new()
        .installed("x", "1")
        .archive("a", STABLE, &["x 2"])
        .archive("b", SECURITY, &["x 3"])
        .write("etc/apt/apt.conf.d/50release", "APT::Default-Release \"stable\";\n")
        .states();
    assert_eq!(states, [("2".to_owned(), "pending", false), ("3".to_owned(), "pinned", true)]);
}

#[test]
fn a_preference_for_a_whole_suite_does_not_report_every_other_version() {
    let states = Tree::new()
        .installed("x", "1")
        .archive("a", STABLE, &["x 1"])
        .archive("v", VENDOR, &["x 5"])
        .write("etc/apt/preferences", "Package: *\nPin: release o=Vendor\nPin-Priority: 50\n")
        .states();
    assert_eq!(states, []);
}

#[test]
fn phased_updates_are_those_that_apt_keeps_back() {
    let output = Command::new("dpkg-query").args(["-W", "-f", "${Version}", "apt"]).output().unwrap();
    let mut counts = BTreeSet::new();
    for way in WAYS {
        let tree = phased(way, &text(&output.stdout));
        let theirs = upgraded(&apt_get(tree.path()).args(["-s", "upgrade"]).output().unwrap());
        assert_eq!(pending_names(tree.path()), theirs, "{way:?}");
        counts.insert(theirs.len());
    }
    assert!(counts.len() > 1, "{counts:?}");
}

/// The suite that phases, and one with a version on the way.
pub(super) const WAYS: [(&str, &str); 4] = [
    (STABLE, VENDOR),
    (STABLE, SECURITY),
    (SECURITY, VENDOR),
    (STABLE, "Label: Debian-Security\nSuite: old"),
];

/// Forty packages, each offered to a few more than the one before.
pub(super) fn phased((release, way): (&str, &str), apt: &str) -> tempfile::TempDir {
    let mut tree =
        Tree::new().write("etc/machine-id", "0123456789abcdef0123456789abcdef\n").installed("apt", apt);
    let (mut list, mut between) = (Vec::new(), Vec::new());
    for index in 0..40 {
        tree = tree.installed(&format!("p{index}"), "1");
        let source = ["", " Source=origin", " Source=origin_(7-1)"][index % 3];
        list.push(format!("p{index} 2 amd64 Phased-Update-Percentage={}{source}", index * 5 / 2));
        // Only where it is a security update does it make a difference.
        between.extend((way != VENDOR).then(|| format!("p{index} 1.5")));
    }
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let between: Vec<&str> = between.iter().map(String::as_str).collect();
    tree.archive("a", release, &list).archive("b", way, &between).finish()
}

/// What we say is to come now.
pub(super) fn pending_names(root: &Path) -> BTreeSet<String> {
    let updates = Packages::of(&Host::at(root).unwrap()).updates.unwrap();
    let now = updates.pending.iter().filter(|update| update.state == PendingState::Pending);
    now.map(|update| update.name.clone()).collect()
}

/// What `apt-get -s` says that it would install.
pub(super) fn upgraded(output: &Output) -> BTreeSet<String> {
    assert!(output.status.success(), "{}", text(&output.stderr));
    let name = |line: &str| Some(line.strip_prefix("Inst ")?.split(' ').next()?.to_owned());
    text(&output.stdout).lines().filter_map(name).collect()
}

#[test]
fn what_no_archive_has_and_what_is_newer_here_has_no_update() {
    Tree::new()
        .installed("obsolete", "1")
        .installed("local", "3+local1")
        .installed("x", "1")
        .archive("a", STABLE, &["local 3", "local 2", "x 2"])
        .check(1);
}
