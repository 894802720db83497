//! Which files are package managers' own programs: found by their place, believed by their content.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::baseline::drift::{Drift, Records};
use crate::baseline::live::{Live, Look};
use crate::host::Host;
use crate::watch::files::Interest;
use crate::watch::files::updates::Program;

/// What the records say of the packages' updates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::daemon) struct Explained {
    /// The packages whose differences are told as explained: `dpkg:amd64 1.21.22`.
    pub(in crate::daemon) packages: BTreeSet<String>,
    /// The package managers' programs that differ, and that nothing explains.
    pub(in crate::daemon) open: BTreeSet<Vec<u8>>,
}

/// The programs that are as agreed on, or as an update that was told made them, and as their package records them.
pub(super) fn recognised(live: &mut Live, agreed: &dyn Interest, explained: &Explained) -> Vec<Program> {
    let wanted: Vec<&Manager> =
        MANAGERS.iter().filter(|manager| agreed.wants(manager.path.as_bytes())).collect();
    let looks: Vec<Look> = wanted
        .iter()
        .map(|manager| Look { path: manager.path.as_bytes().to_vec(), is_tree: false })
        .collect();
    let Ok(looked) = live.look(&looks) else { return Vec::new() };
    let Ok(host) = Host::at(Path::new("/")) else { return Vec::new() };
    let program = |manager: &&Manager| {
        let path = manager.path.as_bytes();
        let drift = looked.drifts.iter().find(|drift| drift.path == path);
        let is_sound = match drift {
            // The package may have been replaced by another since; what was agreed on stands.
            None => live_has(live, path, manager.package),
            Some(drift) => is_explained(drift, explained) && !explained.open.contains(path),
        };
        let is_seen = !looked.unseen.iter().any(|unseen| unseen.path == path);
        let found = host.lstat(Path::new(OsStr::from_bytes(path))).ok().filter(|_| is_sound && is_seen)?;
        Some(Program { device: found.dev, inode: found.ino, manager: manager.name, path: path.to_vec() })
    };
    wanted.iter().filter_map(program).collect()
}

fn live_has(live: &mut Live, path: &[u8], package: &str) -> bool {
    let recorded = live.recorded(path);
    recorded
        .is_some_and(|(owner, digest)| owner.as_str().split(':').next() == Some(package) && digest.is_some())
}

fn is_explained(drift: &Drift, explained: &Explained) -> bool {
    drift.package.as_ref().is_some_and(|accounted| {
        accounted.records == Records::Same && explained.packages.contains(&accounted.package)
    })
}

pub(in crate::daemon) struct Manager {
    name: &'static str,
    pub(in crate::daemon) path: &'static str,
    package: &'static str,
}

const fn manager(name: &'static str, path: &'static str, package: &'static str) -> Manager {
    Manager { name, path, package }
}

/// Those that run others (apt) are in it so that all they start is one run. dnf is a script of Python's, and installs
/// packages itself: the script is recognised, and Python never. Each is as rpm's own packages of Fedora, RHEL, Amazon Linux
/// and SUSE have it; `/usr/bin/dnf` and `/usr/bin/yum` are mostly links to one of the others.
pub(in crate::daemon) const MANAGERS: &[Manager] = &[
    manager("dpkg", "/usr/bin/dpkg", "dpkg"),
    manager("dpkg", "/usr/bin/apt-get", "apt"),
    manager("dpkg", "/usr/bin/apt", "apt"),
    manager("dpkg", "/usr/bin/aptitude-curses", "aptitude"),
    manager("rpm", "/usr/bin/rpm", "rpm"),
    manager("rpm", "/usr/bin/dnf-3", "python3-dnf"),
    manager("rpm", "/usr/bin/dnf", "dnf"),
    manager("rpm", "/usr/bin/dnf5", "dnf5"),
    manager("rpm", "/usr/bin/dnf-automatic", "dnf-automatic"),
    manager("rpm", "/usr/bin/yum", "yum"),
    manager("rpm", "/usr/sbin/yum-cron", "yum-cron"),
    manager("rpm", "/usr/bin/microdnf", "microdnf"),
    manager("rpm", "/usr/bin/zypper", "zypper"),
    manager("rpm", "/usr/libexec/packagekitd", "PackageKit"),
];
