//! Which updates are security updates: held against update-notifier's apt-check, on apt's own library.

use std::collections::BTreeMap;

use guestward::host::packages::Pending;

use super::scenarios::{SECURITY, STABLE, Tree, VENDOR};
use super::*;

/// `isSecurityUpgrade` and the loop around it in apt_check.py, with the pockets of Debian and Ubuntu.
const ORACLE: &str = r#"
import apt_pkg
apt_pkg.init()
cache = apt_pkg.Cache(None)
depcache = apt_pkg.DepCache(cache)
def is_security(version):
    for file, _ in version.file_list:
        pocket = {
            "Debian": file.label == "Debian-Security" or file.archive.endswith("-security"),
            "Ubuntu": file.archive.endswith("-security"),
            "UbuntuESM": file.archive.endswith("-infra-security"),
            "UbuntuESMApps": file.archive.endswith("-apps-security"),
        }
        if pocket.get(file.origin):
            return True
    return False
for package in cache.packages:
    candidate = depcache.get_candidate_ver(package)
    if not package.current_ver or not candidate or candidate <= package.current_ver:
        continue
    way = [v for v in package.version_list if package.current_ver < v <= candidate]
    print(package.name, package.current_ver.arch, int(any(is_security(v) for v in way)))
"#;

/// Name and architecture of every update that apt would choose, and whether it is one; as the oracle says, too.
#[track_caller]
pub(super) fn agree(root: &Path) -> BTreeMap<String, bool> {
    let mut python = tool_at(root, "/usr/bin/python3");
    let output = python.args(["-c", ORACLE]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let theirs: BTreeMap<String, bool> = text(&output.stdout)
        .lines()
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(package, is_security)| (package.to_owned(), is_security == "1"))
        .collect();
    let updates = Packages::of(&Host::at(root).unwrap()).updates.unwrap();
    let row = |row: &Pending| (format!("{} {}", row.name, row.architecture), row.is_security);
    let listed = updates.pending.iter().filter(|row| row.state != PendingState::Pinned);
    let ours: BTreeMap<String, bool> = listed.map(row).collect();
    assert_eq!(ours, theirs);
    ours
}

const ESM: &str = "Origin: UbuntuESM\nLabel: UbuntuESM\nSuite: jammy-infra-security\nCodename: jammy";
const ESM_UPDATES: &str = "Origin: UbuntuESM\nLabel: UbuntuESM\nSuite: jammy-infra-updates\nCodename: jammy";
const ESM_APPS: &str =
    "Origin: UbuntuESMApps\nLabel: UbuntuESMApps\nSuite: jammy-apps-security\nCodename: jammy";
const UBUNTU: &str = "Origin: Ubuntu\nLabel: Ubuntu\nSuite: jammy-security\nCodename: jammy\nVersion: 22.04";
const OLDSTABLE: &str =
    "Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\nCodename: bookworm-security";
/// As of buster and before: the suite is called as its release.
const OLD: &str =
    "Origin: Debian\nLabel: Debian-Security\nSuite: oldoldstable\nCodename: buster\nVersion: 10";

#[test]
fn every_pocket_of_the_distributions_is_one() {
    for (release, expected) in [
        (SECURITY, true),
        (OLDSTABLE, true),
        (OLD, true),
        (UBUNTU, true),
        (ESM, true),
        (ESM_APPS, true),
        (ESM_UPDATES, false),
        (STABLE, false),
        (VENDOR, false),
    ] {
        // On the way, at its end, and installed already.
        for (way, is_one) in [(&["x 2"][..], expected), (&["x 3"], expected), (&["x 1"], false)] {
            let tree = Tree::new().installed("x", "1").archive("a", "Origin: Other\nSuite: s", &["x 3"]);
            let tree = tree.archive("b", release, way).finish();
            assert_eq!(agree(tree.path()).get("x amd64"), Some(&is_one), "{way:?} of {release}");
        }
    }
}

/// apt itself takes any suite for one that is called so (`pkgCache::VerIterator::IsSecurityUpdate`): what a vendor calls a
/// security update is one here, although apt-check knows of its distribution's alone.
#[test]
fn a_vendors_is_one_as_well() {
    let vendor = "Origin: Vendor\nSuite: 2026-security";
    let states = Tree::new().installed("x", "1").archive("v", vendor, &["x 2"]).states();
    assert_eq!(states, [("2".to_owned(), "pending", true)]);
}

#[test]
fn made_up_archives_have_those_that_apt_check_counts() {
    let mut outcomes = BTreeSet::new();
    for round in 0..25 {
        let mut random = versions::Random(1000 + round);
        let releases = [STABLE, SECURITY, OLDSTABLE, OLD, UBUNTU, ESM, ESM_APPS, ESM_UPDATES, VENDOR];
        let mut tree = Tree::new();
        for name in NAMES {
            tree = tree.installed(name, VERSIONS[random.below(3)]);
        }
        for host in ["a", "b", "c"] {
            let list: Vec<String> = NAMES
                .iter()
                .map(|name| format!("{name} {}", VERSIONS[random.below(VERSIONS.len())]))
                .collect();
            let list: Vec<&str> = list.iter().map(String::as_str).collect();
            tree = tree.archive(host, releases[random.below(releases.len())], &list);
        }
        let pin = [
            "",
            "Package: *\nPin: release o=Debian\nPin-Priority: 90\n",
            "Package: x\nPin: version 2\nPin-Priority: 990\n",
        ];
        outcomes.insert(agree(tree.write("etc/apt/preferences", pin[random.below(3)]).finish().path()));
    }
    assert!(outcomes.len() > 8, "only {} different answers show too little", outcomes.len());
}

const NAMES: [&str; 4] = ["w", "x", "y", "z"];
const VERSIONS: [&str; 6] = ["1", "2", "2~rc1", "2-1", "1:1", "3+b1"];
