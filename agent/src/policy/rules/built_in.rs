//! The rules that hold without being asked for: Amazon Linux 2 and 2023, RHEL 8 and 9, Debian 11 to 13, Ubuntu 20.04 to
//! 24.04. One list for all, as none of them uses another's place for something else.
//!
//! What changes by itself on a machine that nobody touches is not compared, or not by its content: a report that is never
//! empty is not read.

use super::{Compare, Pattern, Rule};
use crate::finding::Severity;
use Compare::{Content, Existence, Log, Nothing, Permissions};
use Severity::{Critical, High, Low, Medium};

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
            "/root/.cargo/registry/**",
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

const PROGRAMS: &[&str] = &[
    "/usr/**",
    "/bin/**",
    "/sbin/**",
    "/lib/**",
    "/lib32/**",
    "/lib64/**",
    "/libx32/**",
    "/libo32/**",
    "/*.usr-is-merged/**",
];

const DOCUMENTATION: &[&str] = &[
    "/usr/share/doc/**",
    "/usr/share/man/**",
    "/usr/share/info/**",
    "/usr/share/locale/**",
    "/usr/share/i18n/**",
    "/usr/share/zoneinfo/**",
    "/usr/share/licenses/**",
    "/usr/share/lintian/**",
    "/usr/share/bug/**",
    "/usr/share/icons/**",
    "/usr/share/pixmaps/**",
    "/usr/share/fonts/**",
    "/usr/share/help/**",
    "/usr/share/gtk-doc/**",
    "/usr/lib/locale/**",
    "/usr/lib/debug/**",
    "/usr/include/**",
    "/usr/src/**",
];

const GENERATED: &[&str] = &[
    "/usr/share/mime/**",
    "/usr/share/info/dir",
    "/usr/share/info/dir.old",
    "/usr/share/icons/**/icon-theme.cache",
    "/usr/share/icons/**/.icon-theme.cache",
    "/usr/share/applications/mimeinfo.cache",
    "/usr/share/glib-2.0/schemas/gschemas.compiled",
    "/usr/share/fonts/**/.uuid",
    "/usr/share/fonts/**/fonts.*",
    "/usr/share/texmf*/**/ls-R",
    "/usr/share/man/**/index.*",
    "/usr/local/share/man/**/index.*",
    "/usr/lib/fontconfig/cache/**",
    "/usr/lib/locale/locale-archive",
    "/usr/lib/locale/C.utf8",
    "/usr/lib/udev/hwdb.bin",
    "/usr/lib*/**/giomodule.cache",
    "/usr/lib*/**/immodules.cache",
    "/usr/lib*/**/loaders.cache",
    "/usr/lib*/**/gconv-modules.cache",
    // Its database: what it says of files is asked for, and its own bytes change with every package.
    "/usr/lib/sysimage/rpm/**",
];

const AUTHENTICATION: &[&str] = &[
    "/usr/sbin/sshd",
    "/sbin/sshd",
    "/usr/bin/ssh",
    "/usr/lib/openssh/**",
    "/usr/libexec/openssh/**",
    "/usr/bin/sudo",
    "/usr/libexec/sudo/**",
    "/usr/lib/sudo/**",
    "/bin/su",
    "/usr/bin/su",
    "/bin/login",
    "/usr/bin/login",
    "/usr/bin/passwd",
    "/usr/bin/chsh",
    "/usr/bin/newgrp",
    "/usr/bin/pkexec",
    "/sbin/unix_chkpwd",
    "/usr/sbin/unix_chkpwd",
    "/sbin/agetty",
    "/usr/sbin/agetty",
    "/lib/security/**",
    "/lib64/security/**",
    "/lib/*/security/**",
    "/usr/lib/security/**",
    "/usr/lib64/security/**",
    "/usr/lib/*/security/**",
    "/lib/systemd/systemd",
    "/usr/lib/systemd/systemd",
    "/lib*/ld-linux*",
    "/usr/lib*/ld-linux*",
    "/lib/*/ld-linux*",
    "/usr/lib/*/ld-linux*",
    "/lib/*/libc.so.*",
    "/usr/lib/*/libc.so.*",
    "/lib64/libc.so.*",
    "/usr/lib64/libc.so.*",
    "/lib/*/libpam*.so*",
    "/usr/lib/*/libpam*.so*",
    "/lib64/libpam*.so*",
    "/usr/lib64/libpam*.so*",
];

/// People write these, and no secret belongs in them.
const CONFIGURATION_TEXT: &[&str] = &[
    "/etc/fstab",
    "/etc/crypttab",
    "/etc/login.defs",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/hosts.allow",
    "/etc/hosts.deny",
    "/etc/shells",
    "/etc/services",
    "/etc/adduser.conf",
    "/etc/deluser.conf",
    "/etc/sysctl.conf",
    "/etc/sysctl.d/**",
    "/etc/modprobe.d/**",
    "/etc/modules",
    "/etc/modules-load.d/**",
    "/etc/udev/**",
    "/etc/default/**",
    "/etc/sysconfig/**",
    "/etc/selinux/config",
    "/etc/apparmor.d/**",
    "/etc/audit/**",
    "/etc/rsyslog.conf",
    "/etc/rsyslog.d/**",
    "/etc/logrotate.conf",
    "/etc/logrotate.d/**",
    "/etc/chrony.conf",
    "/etc/chrony/**",
    "/etc/nftables.conf",
    "/etc/sysconfig/nftables.conf",
    "/etc/iptables/**",
    "/etc/ufw/**",
    "/etc/firewalld/**",
    "/etc/polkit-1/**",
    "/etc/dbus-1/**",
    "/etc/apt/**",
    "/etc/dnf/**",
    "/etc/yum.conf",
    "/etc/yum.repos.d/**",
    "/etc/yum/**",
    "/etc/cloud/**",
    "/etc/guestward/**",
];

/// What is run, or loaded into what is run, without anybody asking.
const STARTUP: &[&str] = &[
    "/etc/crontab",
    "/etc/anacrontab",
    "/etc/cron.*/**",
    "/etc/cron.allow",
    "/etc/cron.deny",
    "/etc/at.allow",
    "/etc/at.deny",
    "/etc/systemd/**",
    "/usr/lib/systemd/system/**",
    "/usr/lib/systemd/user/**",
    "/usr/lib/systemd/*-generators/**",
    "/usr/local/lib/systemd/**",
    "/lib/systemd/system/**",
    "/lib/systemd/*-generators/**",
    "/etc/init.d/**",
    "/etc/rc*.d/**",
    "/etc/rc.local",
    "/etc/rc.d/**",
    "/etc/inittab",
    "/etc/profile",
    "/etc/profile.d/**",
    "/etc/bash.bashrc",
    "/etc/bashrc",
    "/etc/zsh/**",
    "/etc/zshrc",
    "/etc/zshenv",
    "/etc/csh.*",
    "/etc/environment",
    "/etc/environment.d/**",
    "/etc/skel/**",
    "/etc/xdg/autostart/**",
    "/etc/update-motd.d/**",
    "/etc/dhcp/**",
    "/etc/network/if-*.d/**",
    "/etc/networkd-dispatcher/**",
    "/etc/NetworkManager/dispatcher.d/**",
    "/etc/kernel/**",
    "/etc/initramfs-tools/**",
    "/etc/dracut.conf",
    "/etc/dracut.conf.d/**",
    "/etc/grub.d/**",
    "/etc/default/grub",
    "/etc/default/grub.d/**",
    "/etc/apt/apt.conf",
    "/etc/apt/apt.conf.d/**",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d/**",
    "/etc/python3*/sitecustomize.py",
];

/// Each machine's own, made at its first boot or when it was named.
const THIS_MACHINE: &[&str] = &[
    "/etc/machine-id",
    "/etc/machine-info",
    "/etc/hostid",
    "/var/lib/dbus/machine-id",
    "/etc/iscsi/initiatorname.iscsi",
    "/etc/nvme/hostid",
    "/etc/nvme/hostnqn",
    "/etc/NetworkManager/system-connections/**",
    "/etc/ssl/certs/ssl-cert-snakeoil.pem",
    "/etc/ssl/private/ssl-cert-snakeoil.key",
    "/etc/lvm/devices/system.devices",
];
