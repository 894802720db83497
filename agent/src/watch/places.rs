//! Which directories tell that something changed, and which topics have to be looked at then.
//!
//! Derived from what `host` reads. Left out on purpose, and left to the posture that is made from time to time:
//! - what no file tells: the kernel's own state, sockets, processes, the metadata service;
//! - `/var/log` and `/run/systemd/transient`, where something happens all the time;
//! - homes but root's, whose owners could keep us busy;
//! - trees of any depth, such as those of the set-id files.

/// A directory, and what in it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Below the root. The last component may have one `*`.
    pub(super) path: &'static str,
    /// Names in it, each with at most one `*`.
    pub(super) names: &'static [&'static str],
    pub(super) topics: &'static [&'static str],
}

const fn place(path: &'static str, names: &'static [&'static str], topics: &'static [&'static str]) -> Place {
    Place { path, names, topics }
}

/// Whether a name is meant by a pattern with at most one `*`.
pub(super) fn is_meant(pattern: &str, name: &[u8]) -> bool {
    match pattern.split_once('*') {
        None => pattern.as_bytes() == name,
        Some((head, tail)) => {
            name.len() >= head.len() + tail.len()
                && name.starts_with(head.as_bytes())
                && name.ends_with(tail.as_bytes())
        }
    }
}

pub(super) const ANY: &[&str] = &["*"];

/// Those first whose loss would hurt most, should there be more than can be watched.
pub(super) const PLACES: &[Place] = &[
    // Accounts: whoever they are is read by all who judge an owner, a home or a login.
    place("etc", &["passwd", "group"], &["accounts", "ssh", "files", "credentials", "imds"]),
    place("etc", &["shadow", "gshadow"], &["accounts", "ssh"]),
    place("etc", &["passwd-", "group-", "shadow-", "gshadow-", "sudoers", "login.defs"], &["accounts"]),
    place("etc", &["nsswitch.conf"], &["accounts", "ssh", "files"]),
    place("etc", &["subuid", "subgid"], &["files"]),
    place("etc/sudoers.d", ANY, &["accounts"]),
    place("etc/pam.d", ANY, &["accounts", "ssh"]),
    place("etc/security", ANY, &["accounts", "files"]),
    // ssh: its configuration, its keys, the ports' names, and how it is started.
    place("etc/ssh", ANY, &["ssh"]),
    place("etc/ssh/sshd_config.d", ANY, &["ssh"]),
    place("etc/crypto-policies/back-ends", ANY, &["ssh"]),
    place("etc", &["services"], &["ssh"]),
    place("etc/default", &["ssh"], &["ssh"]),
    place("etc/sysconfig", &["sshd"], &["ssh"]),
    place("root/.ssh", ANY, &["ssh", "credentials"]),
    place("root/.aws", ANY, &["credentials", "imds"]),
    // Units: what runs, how, with which environment, and who may write them.
    place("etc/systemd/system", ANY, UNITS),
    place("etc/systemd/system/*.wants", ANY, UNITS),
    place("etc/systemd/system/*.requires", ANY, UNITS),
    place("etc/systemd/system/*.d", ANY, UNITS),
    place("etc/systemd", &["*.conf"], &["logging", "files"]),
    place("etc/systemd/*.conf.d", ANY, &["logging", "files"]),
    place("run/systemd/system", ANY, UNITS),
    place("usr/local/lib/systemd/system", ANY, UNITS),
    place("usr/lib/systemd/system", ANY, UNITS),
    place("lib/systemd/system", ANY, UNITS),
    // Packages: the database, what it could become, and what is still running of before.
    place("var/lib/dpkg", &["status", "statoverride", "diversions"], INSTALLED),
    place("var/lib/dpkg/status.d", ANY, INSTALLED),
    place("var/lib/dpkg/updates", ANY, &["packages"]),
    // Closed at the end of any run, also of one that was killed: what is half-way then is left behind.
    place("var/lib/dpkg", &["lock", "lock-frontend"], &["packages"]),
    // A query of rpm's makes and removes other files here, and changes none of these.
    place("var/lib/rpm", RPM, INSTALLED),
    place("usr/lib/sysimage/rpm", RPM, INSTALLED),
    // What was written and not yet merged; the files themselves are judged when it is.
    place("var/lib/rpm", &["rpmdb.sqlite-wal"], &["packages"]),
    place("usr/lib/sysimage/rpm", &["rpmdb.sqlite-wal"], &["packages"]),
    place("etc/apt", &["sources.list", "preferences", "apt.conf"], &["packages"]),
    place("etc/apt/apt.conf.d", ANY, &["packages"]),
    place("etc/apt/sources.list.d", ANY, &["packages"]),
    place("etc/apt/preferences.d", ANY, &["packages"]),
    place("var/lib/apt/lists", ANY, &["packages"]),
    place("var/lib/apt/periodic", ANY, &["packages"]),
    place("etc/dnf", ANY, &["packages"]),
    place("etc/dnf/dnf5-plugins", ANY, &["packages"]),
    place("etc/dnf/vars", ANY, &["packages"]),
    place("etc/dnf/modules.d", ANY, &["packages"]),
    place("etc/dnf/plugins", ANY, &["packages"]),
    place("etc/yum", ANY, &["packages"]),
    place("etc/yum/vars", ANY, &["packages"]),
    place("etc", &["yum.conf"], &["packages"]),
    place("etc/yum.repos.d", ANY, &["packages"]),
    // One folder for each repository; its metadata are replaced whole.
    place("var/cache/dnf", ANY, &["packages"]),
    place("var/cache/dnf/*", &["repodata"], &["packages"]),
    // Those of Amazon Linux 2, of both architectures.
    place("var/cache/yum/x86_64/2/*", &["repomd.xml", "gen"], &["packages"]),
    place("var/cache/yum/aarch64/2/*", &["repomd.xml", "gen"], &["packages"]),
    place("etc/yum/pluginconf.d", ANY, &["packages"]),
    place("etc/zypp", ANY, &["packages"]),
    place("etc/zypp/repos.d", ANY, &["packages"]),
    place("etc/zypp/vendors.d", ANY, &["packages"]),
    place("var/cache/zypp/raw", ANY, &["packages"]),
    place("var/cache/zypp/raw/*", &["repodata"], &["packages"]),
    // What a machine is told of newer releases.
    place("var/lib/update-motd", &["motd"], &["packages"]),
    // The list of the holes that attackers use.
    place("etc/guestward", &["kev.*"], &["packages"]),
    place("boot", ANY, &["packages"]),
    place("usr/lib/modules", ANY, &["packages", "kernel"]),
    place("run", &["reboot-required*"], &["packages"]),
    place("var/run", &["reboot-required*"], &["packages"]),
    // Files that root executes, or reads as commands.
    place("etc", &["crontab", "anacrontab", "cron.allow", "cron.deny"], &["files", "credentials"]),
    place("etc/cron.d", ANY, &["files", "credentials"]),
    place("etc/cron.hourly", ANY, &["files", "credentials"]),
    place("etc/cron.daily", ANY, &["files", "credentials", "packages"]),
    place("etc/cron.weekly", ANY, &["files", "credentials"]),
    place("etc/cron.monthly", ANY, &["files", "credentials"]),
    place("etc/cron.yearly", ANY, &["files", "credentials"]),
    place("var/spool/cron", ANY, &["files", "credentials"]),
    place("var/spool/cron/crontabs", ANY, &["files", "credentials"]),
    place("etc", &["ld.so.preload", "ld.so.conf", "ld.so.cache"], &["files"]),
    place("etc/ld.so.conf.d", ANY, &["files"]),
    place("etc", &["environment", "profile", "bash*", "csh.*", "zsh*"], &["files", "credentials", "imds"]),
    place("etc/profile.d", ANY, &["files", "credentials", "imds"]),
    place("etc/zsh", ANY, &["files", "credentials"]),
    place("root", PROFILES, &["files", "credentials", "imds"]),
    // The kernel: it is asked itself, and these tell that somebody is about to set it.
    place("etc", &["sysctl.conf"], &["kernel", "network"]),
    place("etc/sysctl.d", ANY, &["kernel", "network"]),
    place("run/sysctl.d", ANY, &["kernel", "network"]),
    place("usr/lib/sysctl.d", ANY, &["kernel", "network"]),
    place("usr/local/lib/sysctl.d", ANY, &["kernel", "network"]),
    place("etc/modprobe.d", ANY, &["kernel", "network"]),
    place("run/modprobe.d", ANY, &["kernel", "network"]),
    place("usr/lib/modprobe.d", ANY, &["kernel", "network"]),
    place("usr/local/lib/modprobe.d", ANY, &["kernel", "network"]),
    place("etc/selinux", &["config"], &["kernel"]),
    // Packet filters: those loaded are asked of the kernel, and these are what the next boot loads.
    place("etc", &["nftables.conf"], &["network"]),
    place("etc/nftables", ANY, &["network"]),
    place("etc/sysconfig", &["iptables", "ip6tables", "nftables.conf"], &["network"]),
    place("etc/iptables", ANY, &["network"]),
    place("etc/ufw", ANY, &["network"]),
    place("etc/default", &["ufw"], &["network"]),
    place("etc/firewalld", ANY, &["network"]),
    place("etc/firewalld/zones", ANY, &["network"]),
    place("etc/ferm", ANY, &["network"]),
    place("etc/shorewall", ANY, &["network"]),
    // Logging and the clock.
    place("etc/audit", ANY, &["logging"]),
    place("etc/audit/rules.d", ANY, &["logging"]),
    place("etc", &["rsyslog.conf", "chrony.conf"], &["logging"]),
    place("etc/rsyslog.d", ANY, &["logging"]),
    place("etc/chrony", ANY, &["logging"]),
    place("etc/chrony/*.d", ANY, &["logging"]),
    place("etc/chrony.d", ANY, &["logging"]),
    place("run/systemd/timesync", &["synchronized"], &["logging"]),
    // Keys and settings of services.
    place("etc/ssl/private", ANY, &["credentials"]),
    place("etc/pki/tls/private", ANY, &["credentials"]),
    place("opt/aws/amazon-cloudwatch-agent/etc", ANY, &["credentials", "imds"]),
    place("var/lib/amazon/ssm", &["registration"], &["services"]),
    place("var/lib/systemd/timers", ANY, &["services"]),
    SHIPPERS,
    // What is agreed of the files is another: somebody made or accepted something.
    place("var/lib/guestward/baseline", &["head"], &["files"]),
];

/// What the shipper says stands in the way of delivery. Where the state is elsewhere, that directory is watched, too.
pub(super) const SHIPPERS: Place = place("var/lib/guestward/cursors", &["delivery.json"], &["logging"]);

const UNITS: &[&str] = &["services", "ssh", "files", "packages", "imds", "credentials", "network", "logging"];
/// A package brings set-id files and units.
const INSTALLED: &[&str] = &["packages", "files", "services"];
const RPM: &[&str] = &["rpmdb.sqlite", "Packages", "Packages.db"];
const PROFILES: &[&str] =
    &[".bash_login", ".bash_logout", ".bash_profile", ".bashrc", ".*cshrc", ".login", ".profile", ".zsh*"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    #[test]
    fn every_topic_is_one_and_each_has_a_place() {
        let topics: Vec<&str> = check::TOPICS.iter().map(|topic| topic.name).collect();
        for place in PLACES {
            assert!(place.topics.iter().all(|topic| topics.contains(topic)), "{place:?}");
        }
        for topic in topics {
            assert!(PLACES.iter().any(|place| place.topics.contains(&topic)), "{topic} changes unseen");
        }
    }

    #[test]
    fn no_place_stands_twice_and_each_is_below_the_root() {
        for (at, place) in PLACES.iter().enumerate() {
            assert!(!PLACES[..at].contains(place), "{place:?}");
            assert!(!place.path.starts_with('/') && !place.path.ends_with('/'), "{place:?}");
            let (parents, _) = place.path.rsplit_once('/').unwrap_or_default();
            assert!(!parents.contains('*'), "{place:?}");
            assert!(place.names.iter().all(|name| name.matches('*').count() <= 1), "{place:?}");
        }
    }

    #[test]
    fn a_star_stands_for_any_bytes_and_for_none() {
        for (pattern, name, meant) in [
            ("*", "x", true),
            ("passwd", "passwd", true),
            ("passwd", "passwd-", false),
            ("*.wants", "a.wants", true),
            ("*.wants", "wants", false),
            ("reboot-required*", "reboot-required", true),
            ("ab*bc", "abc", false),
        ] {
            assert_eq!(is_meant(pattern, name.as_bytes()), meant, "{pattern} {name}");
        }
    }
}
