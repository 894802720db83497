//! The rules that hold without being asked for: Amazon Linux 2 and 2023, RHEL 8 and 9, Debian 11 to 13, Ubuntu 20.04 to
//! 24.04. One list for all, as none of them uses another's place for something else.
//!
//! What changes by itself on a machine that nobody touches is not compared, or not by its content: a report that is never
//! empty is not read.

mod places;

use super::{Compare, Pattern, Rule};
use crate::finding::Severity;
use Compare::{Content, Existence, Log, Nothing, Permissions};
use Severity::{Critical, High, Low, Medium};
use places::{AUTHENTICATION, CONFIGURATION_TEXT, DOCUMENTATION, GENERATED, PROGRAMS, STARTUP, THIS_MACHINE};

/// The built-in rules, in order.
pub fn built_in() -> Vec<Rule> {
    BUILT_IN.iter().map(Entry::rule).collect()
}

/// Names and patterns as they are written here.
#[cfg(test)]
pub(super) fn entries() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    BUILT_IN.iter().map(|entry| (entry.name, entry.paths))
}

struct Entry {
    name: &'static str,
    compare: Compare,
    severity: Severity,
    text_diff: bool,
    per_host: bool,
    paths: &'static [&'static str],
}

impl Entry {
    fn rule(&self) -> Rule {
        Rule {
            // The tests hold that none is lost here.
            paths: self.paths.iter().filter_map(|path| Pattern::new(path).ok()).collect(),
            compare: self.compare,
            severity: self.severity,
            text_diff: self.text_diff,
            per_host: self.per_host,
            origin: None,
            name: self.name.to_owned(),
        }
    }

    const fn with_text(self) -> Self {
        Self { text_diff: true, ..self }
    }

    const fn per_host(self) -> Self {
        Self { per_host: true, ..self }
    }
}

const fn entry(
    name: &'static str,
    compare: Compare,
    severity: Severity,
    paths: &'static [&'static str],
) -> Entry {
    Entry { name, compare, severity, text_diff: false, per_host: false, paths }
}

/// The last one that matches decides: from the whole to its parts.
const BUILT_IN: &[Entry] = &[
    // Someone else's file systems, and what is gone after the next boot or clean-up.
    entry(
        "volatile",
        Nothing,
        Low,
        &[
            "/proc/**",
            "/sys/**",
            "/dev/**",
            "/run/**",
            "/tmp/**",
            "/var/tmp/**",
            "/var/cache/**",
            "/var/lib/docker/**",
            "/var/lib/containerd/**",
            "/var/lib/containers/**",
            "/snap/**",
            "/var/snap/**",
            "/var/lib/snapd/**",
        ],
    ),
    // A world-writable /tmp without its sticky bit, a new directory beside the ones that belong there.
    entry(
        "directories",
        Permissions,
        Medium,
        &["/", "/*", "/home/*", "/var/*", "/var/lib", "/var/log", "/var/spool/*"],
    ),
    entry("programs", Content, High, PROGRAMS),
    entry("shared-data", Content, Medium, &["/usr/share/**"]),
    entry("documentation", Content, Low, DOCUMENTATION),
    // Made anew by every trigger of a package's installation, from files that are compared.
    entry("generated", Permissions, Low, GENERATED),
    entry(
        "generated-for-modules",
        Permissions,
        Medium,
        &["/usr/lib/modules/*/modules.*", "/lib/modules/*/modules.*"],
    ),
    // Python writes them beside what it reads, whenever root runs it.
    entry(
        "python-bytecode",
        Nothing,
        Low,
        &["/usr/**/*.pyc", "/usr/**/*.pyo", "/usr/**/__pycache__", "/opt/**/*.pyc", "/opt/**/__pycache__"],
    ),
    entry("boot", Content, High, &["/boot/**"]),
    entry(
        "boot-environment",
        Permissions,
        Medium,
        &["/boot/grub/grubenv", "/boot/grub2/grubenv", "/boot/efi/EFI/*/grubenv"],
    ),
    entry("optional-software", Content, High, &["/opt/**"]),
    entry(
        "optional-software-data",
        Nothing,
        Low,
        &[
            "/opt/aws/amazon-cloudwatch-agent/logs/**",
            "/opt/aws/amazon-cloudwatch-agent/var/**",
            "/opt/codedeploy-agent/deployment-root/**",
            "/opt/codedeploy-agent/logs/**",
            "/opt/codedeploy-agent/state/**",
        ],
    ),
    // The guards of every login and every sudo.
    entry("authentication-programs", Content, Critical, AUTHENTICATION),
    entry("configuration", Content, Medium, &["/etc/**"]),
    entry("configuration-text", Content, Medium, CONFIGURATION_TEXT).with_text(),
    entry("startup", Content, High, STARTUP).with_text(),
    entry(
        "trust",
        Content,
        High,
        &[
            "/etc/alternatives/**",
            "/etc/ssl/certs/**",
            "/etc/pki/**",
            "/etc/ca-certificates/**",
            "/usr/local/share/ca-certificates/**",
            "/etc/apt/trusted.gpg",
            "/etc/apt/trusted.gpg.d/**",
            "/etc/apt/keyrings/**",
        ],
    ),
    entry("accounts", Content, High, &["/etc/passwd", "/etc/group", "/etc/subuid", "/etc/subgid"])
        .with_text(),
    entry("secrets-of-accounts", Content, Critical, &["/etc/shadow", "/etc/gshadow"]),
    // Copies of the state before the last change.
    entry(
        "copies-of-accounts",
        Permissions,
        High,
        &[
            "/etc/passwd-",
            "/etc/group-",
            "/etc/shadow-",
            "/etc/gshadow-",
            "/etc/subuid-",
            "/etc/subgid-",
            "/etc/security/opasswd",
        ],
    ),
    entry(
        "authentication",
        Content,
        Critical,
        &[
            "/etc/pam.conf",
            "/etc/pam.d/**",
            "/etc/security/*.conf",
            "/etc/security/*.d/**",
            "/etc/sudoers",
            "/etc/sudoers.d/**",
            "/etc/sudo.conf",
            "/etc/doas.conf",
            "/etc/ssh/**",
            "/etc/ld.so.preload",
        ],
    )
    .with_text(),
    entry(
        "home-startup",
        Content,
        Medium,
        &[
            "/home/*/.bashrc",
            "/home/*/.bash_profile",
            "/home/*/.bash_login",
            "/home/*/.bash_logout",
            "/home/*/.profile",
            "/home/*/.zshrc",
            "/home/*/.zshenv",
            "/home/*/.zprofile",
            "/home/*/.config/systemd/**",
            "/home/*/.config/autostart/**",
        ],
    )
    .with_text(),
    entry("root-home", Content, Medium, &["/root/**"]),
    entry(
        "root-startup",
        Content,
        High,
        &[
            "/root/.bashrc",
            "/root/.bash_profile",
            "/root/.bash_login",
            "/root/.bash_logout",
            "/root/.profile",
            "/root/.zshrc",
            "/root/.zshenv",
            "/root/.zprofile",
            "/root/.tcshrc",
            "/root/.cshrc",
            "/root/.config/systemd/**",
        ],
    )
    .with_text(),
    entry(
        "root-home-data",
        Nothing,
        Low,
        &[
            "/root/.cache/**",
            "/root/.*_history",
            "/root/.*history",
            "/root/.lesshst",
            "/root/.viminfo",
            "/root/.wget-hsts",
            "/root/.rnd",
            "/root/.gnupg/random_seed",
            "/root/.local/share/**",
            "/root/.npm/**",
            "/root/snap/**",
            "/root/.ssh/known_hosts*",
        ],
    ),
    entry(
        "keys-of-root",
        Content,
        Critical,
        &["/root/.ssh", "/root/.ssh/authorized_keys*", "/root/.ssh/rc", "/root/.ssh/environment"],
    )
    .with_text(),
    entry(
        "keys-of-users",
        Content,
        High,
        &[
            "/home/*/.ssh",
            "/home/*/.ssh/authorized_keys*",
            "/home/*/.ssh/rc",
            "/home/*/.ssh/environment",
            "/var/lib/*/.ssh/authorized_keys*",
        ],
    )
    .with_text(),
    entry(
        "scheduled",
        Content,
        High,
        &[
            "/var/spool/cron/**",
            "/var/spool/at/**",
            "/var/lib/systemd/linger/**",
            "/var/lib/cloud/scripts/**",
        ],
    )
    .with_text(),
    // Jobs are numbered, and their output waits here.
    entry(
        "scheduled-data",
        Nothing,
        Low,
        &[
            "/var/spool/cron/atjobs/.SEQ",
            "/var/spool/cron/atspool/**",
            "/var/spool/cron/lastrun/**",
            "/var/spool/at/.SEQ",
            "/var/spool/at/spool/**",
        ],
    ),
    entry(
        "volatile-configuration",
        Permissions,
        Low,
        &[
            "/etc/mtab",
            "/etc/resolv.conf",
            "/etc/adjtime",
            "/etc/ld.so.cache",
            "/etc/aliases.db",
            "/etc/postfix/*.db",
            "/etc/udev/hwdb.bin",
            "/etc/console-setup/cached_*",
            "/etc/blkid.tab",
            "/etc/dhcp/*.leases",
            "/etc/tuned/active_profile",
        ],
    ),
    entry("marks", Existence, Low, &["/etc/.pwd.lock", "/etc/.updated", "/var/.updated"]),
    entry(
        "volatile-configuration-data",
        Nothing,
        Low,
        &[
            "/etc/lvm/archive/**",
            "/etc/lvm/backup/**",
            "/etc/lvm/cache/**",
            "/etc/lvm/devices/backup/**",
            "/etc/apparmor/cache/**",
            "/etc/apparmor.d/cache/**",
            "/etc/cups/subscriptions.conf*",
            "/etc/.git/**",
        ],
    ),
    entry("this-machine", Content, Medium, THIS_MACHINE).per_host(),
    entry(
        "this-machine-text",
        Content,
        High,
        &[
            "/etc/hostname",
            "/etc/hosts",
            "/etc/mailname",
            "/etc/netplan/**",
            "/etc/network/interfaces",
            "/etc/network/interfaces.d/**",
            "/etc/sysconfig/network",
            "/etc/sysconfig/network-scripts/ifcfg-*",
            "/etc/udev/rules.d/70-persistent-*.rules",
        ],
    )
    .per_host()
    .with_text(),
    entry("host-keys", Content, Critical, &["/etc/ssh/ssh_host_*"]).per_host(),
    entry("random-seeds", Existence, Low, &["/var/lib/systemd/random-seed", "/var/lib/urandom/random-seed"])
        .per_host(),
    // Boot runs these as root; what this instance was given may hold its secrets.
    entry(
        "cloud-init-instance",
        Content,
        High,
        &[
            "/var/lib/cloud/instances/*/scripts/**",
            "/var/lib/cloud/instances/*/user-data.txt*",
            "/var/lib/cloud/instances/*/vendor-data.txt*",
            "/var/lib/cloud/instances/*/handlers/**",
        ],
    )
    .per_host(),
    // A new image's host has others.
    entry(
        "logs",
        Log,
        High,
        &[
            "/var/log/auth.log",
            "/var/log/secure",
            "/var/log/audit/audit.log",
            "/var/log/wtmp",
            "/var/log/btmp",
            "/var/log/sudo.log",
        ],
    )
    .per_host(),
];
