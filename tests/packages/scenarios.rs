//! Small trees, each with one twist of apt's policy.

use super::*;

/// A tree in the making.
struct Tree {
    root: tempfile::TempDir,
    status: String,
    configuration: String,
}

impl Tree {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in [
            "etc/apt/apt.conf.d",
            "etc/apt/preferences.d",
            "etc/apt/sources.list.d",
            "var/lib/apt/lists/partial",
            "var/lib/dpkg",
        ] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        Self {
            root,
            status: package("dpkg", "1", "install ok installed", "amd64"),
            configuration: String::new(),
        }
    }

    fn write(self, path: &str, text: &str) -> Self {
        fs::write(self.root.path().join(path), text).unwrap();
        self
    }

    fn installed(self, name: &str, version: &str) -> Self {
        self.status(name, version, "install ok installed", "amd64")
    }

    fn status(mut self, name: &str, version: &str, status: &str, architecture: &str) -> Self {
        let _ = write!(self.status, "\n{}", package(name, version, status, architecture));
        self
    }

    /// An archive on a host of its own: `host suite fields`, and versions `name version [architecture]`.
    fn archive(mut self, host: &str, release: &str, versions: &[&str]) -> Self {
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
                let _ = writeln!(list, "{}", extra.replace('=', ": "));
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
    fn check(self, expected: usize) {
        let tree = self.finish();
        let apts = apts(&mut apt_at(tree.path()));
        assert_eq!(ours(tree.path()), apts);
        assert_eq!(apts.len(), expected, "{apts:?}");
    }

    fn finish(self) -> tempfile::TempDir {
        let (status, configuration) = (self.status.clone(), self.configuration.clone());
        self.write("var/lib/dpkg/status", &status).write("etc/apt/sources.list", &configuration).root
    }

    /// The states of what we report, for what apt does not tell.
    fn states(self) -> Vec<(String, &'static str, bool)> {
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

fn package(name: &str, version: &str, status: &str, architecture: &str) -> String {
    format!(
        "Package: {name}\nStatus: {status}\nArchitecture: {architecture}\nVersion: {version}\nMaintainer: x\nDescription: x\n"
    )
}

const STABLE: &str = "Origin: Debian\nLabel: Debian\nSuite: stable\nCodename: bookworm\nVersion: 12.5";
const SECURITY: &str =
    "Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nCodename: bookworm-security";
const BACKPORTS: &str =
    "Origin: Debian\nSuite: stable-backports\nNotAutomatic: yes\nButAutomaticUpgrades: yes";
const EXPERIMENTAL: &str = "Origin: Debian\nSuite: experimental\nNotAutomatic: yes";
const VENDOR: &str = "Origin: Vendor\nLabel: Vendor\nSuite: now-and-then\nCodename: v";

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
        ("Package: x\nPin: release o=Vendor\nPin-Priority: 0", 2),
        ("Package: x\nPin: release o=Vendor, l=Other\nPin-Priority: -1", 2),
        ("Package: x\nPin: release\nPin-Priority: -1", 2),
        ("Package: x\nPin: release o=Vendor\nPin-Priority: -32768", 2),
        (
            "Package: *\nPin: release o=Vendor\nPin-Priority: -32768\n\nPackage: x\nPin: origin v.example\nPin-Priority: 900",
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
            2,
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
