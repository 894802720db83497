//! What a path is to those who attack: the few places where one changed file gives somebody power over the machine.

use super::drift::{Change, Fields};
use crate::finding::Severity;
use crate::host::Kind;
use crate::host::object::Object;
use crate::policy::rules::Rule;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Matter {
    /// Whoever runs it is somebody else.
    SetId,
    AuthorizedKeys,
    /// What systemd or init starts.
    Unit,
    /// Loaded into every program.
    Preload,
    Sudoers,
    Pam,
    Cron,
    KernelModule,
    /// guestward's own.
    Agent,
}

impl Matter {
    pub const ALL: [Self; 9] = [
        Self::SetId,
        Self::AuthorizedKeys,
        Self::Unit,
        Self::Preload,
        Self::Sudoers,
        Self::Pam,
        Self::Cron,
        Self::KernelModule,
        Self::Agent,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::SetId => "set-id",
            Self::AuthorizedKeys => "authorized-keys",
            Self::Unit => "unit",
            Self::Preload => "preload",
            Self::Sudoers => "sudoers",
            Self::Pam => "pam",
            Self::Cron => "cron",
            Self::KernelModule => "kernel-module",
            Self::Agent => "agent",
        }
    }

    /// Of a difference: what is there now decides first, then where it is.
    pub fn of(path: &[u8], change: Change, fields: Fields, after: Option<&Object>) -> Option<Self> {
        let is_set_id = after.is_some_and(is_set_id) && change != Change::Removed && !is_idle(fields);
        if is_set_id { Some(Self::SetId) } else { Self::of_path(path) }
    }

    /// Of a place, whatever is there.
    pub fn of_path(path: &[u8]) -> Option<Self> {
        PLACES.iter().find(|(_, is_it)| is_it(path)).map(|(matter, _)| *matter)
    }

    /// No difference weighs less.
    pub fn floor(self, path: &[u8]) -> Severity {
        match self {
            Self::SetId | Self::Preload | Self::Sudoers | Self::Pam | Self::Agent => Severity::Critical,
            Self::AuthorizedKeys if is_of_root(path) => Severity::Critical,
            Self::AuthorizedKeys | Self::Unit | Self::Cron | Self::KernelModule => Severity::High,
        }
    }

    /// What a difference under this rule weighs. What the operator wrote holds, but for a program that runs as another.
    pub(super) fn severity(matter: Option<Self>, path: &[u8], rule: &Rule) -> Severity {
        match matter {
            Some(matter) if rule.origin.is_none() || matter == Self::SetId => {
                rule.severity.max(matter.floor(path))
            }
            _ => rule.severity,
        }
    }
}

/// Only times differ.
fn is_idle(fields: Fields) -> bool {
    fields == Fields::MTIME
}

fn is_set_id(object: &Object) -> bool {
    object.kind == Kind::File && object.mode & 0o6000 != 0
}

type Place = fn(&[u8]) -> bool;

/// The first that a path is in.
const PLACES: &[(Matter, Place)] = &[
    (Matter::Agent, is_agent),
    (Matter::Preload, is_preload),
    (Matter::Sudoers, is_sudoers),
    (Matter::Pam, is_pam),
    (Matter::AuthorizedKeys, is_authorized_keys),
    (Matter::Cron, is_cron),
    (Matter::KernelModule, is_kernel_module),
    (Matter::Unit, is_unit),
];

fn is_agent(path: &[u8]) -> bool {
    let unit = |name: &[u8]| name.starts_with(b"guestward.") || name.starts_with(b"guestward-");
    let is_at = |top: &str| at_or_below(path, top);
    is_at("/usr/bin/guestward")
        || is_at("/etc/guestward")
        || is_at("/var/lib/guestward/baseline")
        || is_at("/var/lib/guestward/seal")
        || UNITS.iter().any(|top| below(path, top).is_some_and(|rest| rest.split(|b| *b == b'/').any(unit)))
}

fn is_preload(path: &[u8]) -> bool {
    path == b"/etc/ld.so.preload"
}

fn is_sudoers(path: &[u8]) -> bool {
    let files = [&b"/etc/sudoers"[..], b"/etc/sudo.conf", b"/etc/doas.conf"];
    files.contains(&path) || at_or_below(path, "/etc/sudoers.d") || at_or_below(path, "/etc/doas.d")
}

/// What decides who may log in, and the modules that it loads.
fn is_pam(path: &[u8]) -> bool {
    let is_module = || {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let is_library = path.starts_with(b"/usr/lib") || path.starts_with(b"/lib");
        is_library && name.starts_with(b"pam_") && memchr::memmem::find(path, b"/security/").is_some()
    };
    path == b"/etc/pam.conf" || at_or_below(path, "/etc/pam.d") || is_module()
}

/// sshd_config(5), AuthorizedKeysFile: in homes as it comes; beside sshd's own files where people move it to.
fn is_authorized_keys(path: &[u8]) -> bool {
    let mut names = path.rsplit(|byte| *byte == b'/');
    let (name, folder) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    let is_in_home = folder == b".ssh" && name.starts_with(b"authorized_keys");
    is_in_home || path.starts_with(b"/etc/ssh/authorized_keys") || path.starts_with(b"/etc/ssh/keys-")
}

fn is_cron(path: &[u8]) -> bool {
    let tables = [&b"/etc/crontab"[..], b"/etc/anacrontab"];
    tables.contains(&path)
        || path.strip_prefix(b"/etc/cron.").is_some_and(|rest| !rest.is_empty() && !is_list(rest))
        || at_or_below(path, "/var/spool/cron")
        || at_or_below(path, "/var/spool/at")
}

/// cron.allow and cron.deny say who may, not what.
fn is_list(rest: &[u8]) -> bool {
    rest == b"allow" || rest == b"deny"
}

fn is_kernel_module(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let is_module = MODULE_ENDS.iter().any(|end| name.ends_with(end));
    let is_there = at_or_below(path, "/usr/lib/modules") || at_or_below(path, "/lib/modules");
    let is_loaded = ["/etc/modules", "/etc/modules-load.d", "/usr/lib/modules-load.d", "/etc/modprobe.d"]
        .iter()
        .any(|top| at_or_below(path, top));
    is_there && is_module || is_loaded
}

fn is_unit(path: &[u8]) -> bool {
    let is_generator = || {
        let rest = path.strip_prefix(b"/usr").unwrap_or(path);
        let rest = rest.strip_prefix(b"/local").unwrap_or(rest);
        let rest = rest.strip_prefix(b"/lib/systemd/").or_else(|| rest.strip_prefix(b"/etc/systemd/"));
        rest.is_some_and(|rest| {
            rest.starts_with(b"system-generators") || rest.starts_with(b"user-generators")
        })
    };
    let is_of_a_user = || {
        let is_home = path.starts_with(b"/home/") || path.starts_with(b"/root/");
        is_home && memchr::memmem::find(path, b"/.config/systemd/").is_some()
    };
    UNITS.iter().any(|top| at_or_below(path, top)) || is_generator() || is_of_a_user()
}

fn is_of_root(path: &[u8]) -> bool {
    path.starts_with(b"/root/") || path.starts_with(b"/etc/ssh/")
}

fn below<'p>(path: &'p [u8], top: &str) -> Option<&'p [u8]> {
    path.strip_prefix(top.as_bytes())?.strip_prefix(b"/")
}

fn at_or_below(path: &[u8], top: &str) -> bool {
    path == top.as_bytes() || below(path, top).is_some()
}

/// systemd.unit(5), and what came before it.
const UNITS: &[&str] = &[
    "/etc/systemd/system",
    "/etc/systemd/user",
    "/usr/lib/systemd/system",
    "/usr/lib/systemd/user",
    "/lib/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/local/lib/systemd/user",
    "/etc/init.d",
    "/etc/rc.d",
    "/etc/rc.local",
];
/// insmod(8) takes them packed.
const MODULE_ENDS: &[&[u8]] = &[b".ko", b".ko.xz", b".ko.gz", b".ko.zst"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_what_it_is_and_its_neighbours_are_not() {
        use Matter::{Agent, AuthorizedKeys, Cron, KernelModule, Pam, Preload, Sudoers, Unit};
        for (path, matter) in [
            ("/etc/ld.so.preload", Some(Preload)),
            ("/etc/ld.so.preload.bak", None),
            ("/etc/sudoers", Some(Sudoers)),
            ("/etc/sudoers.d/x", Some(Sudoers)),
            ("/etc/sudoers.dist", None),
            ("/etc/pam.d/sshd", Some(Pam)),
            ("/usr/lib/x86_64-linux-gnu/security/pam_unix.so", Some(Pam)),
            ("/usr/lib64/security/pam_x.so", Some(Pam)),
            ("/usr/share/security/pam_x.so", None),
            ("/root/.ssh/authorized_keys", Some(AuthorizedKeys)),
            ("/home/a/.ssh/authorized_keys2", Some(AuthorizedKeys)),
            ("/home/a/.ssh/known_hosts", None),
            ("/etc/crontab", Some(Cron)),
            ("/etc/cron.d/x", Some(Cron)),
            ("/etc/cron.deny", None),
            ("/var/spool/cron/crontabs/a", Some(Cron)),
            ("/usr/lib/modules/6.1/kernel/x.ko.zst", Some(KernelModule)),
            ("/usr/lib/modules/6.1/modules.dep", None),
            ("/etc/modprobe.d/x.conf", Some(KernelModule)),
            ("/etc/systemd/system/x.service", Some(Unit)),
            ("/etc/systemd/journald.conf", None),
            ("/usr/lib/systemd/system-generators/x", Some(Unit)),
            ("/home/a/.config/systemd/user/x.service", Some(Unit)),
            ("/etc/init.d/x", Some(Unit)),
            ("/etc/systemd/system/guestward.service.d/x.conf", Some(Agent)),
            ("/etc/guestward/policy.toml", Some(Agent)),
            ("/usr/bin/guestward", Some(Agent)),
            ("/usr/bin/guestwarden", None),
            ("/etc/passwd", None),
        ] {
            assert_eq!(Matter::of_path(path.as_bytes()), matter, "{path}");
        }
        let names: std::collections::BTreeSet<_> = Matter::ALL.iter().map(|matter| matter.name()).collect();
        assert_eq!(names.len(), Matter::ALL.len());
    }

    #[test]
    fn keys_of_root_weigh_more_than_others() {
        let floor = |path: &[u8]| Matter::AuthorizedKeys.floor(path);
        assert_eq!(floor(b"/root/.ssh/authorized_keys"), Severity::Critical);
        assert_eq!(floor(b"/home/a/.ssh/authorized_keys"), Severity::High);
    }

    #[test]
    fn a_program_that_runs_as_another_is_one_wherever_it_is_and_a_directory_is_not() {
        let file = |mode| Object { mode, kind: Kind::File, ..crate::finding::wire::object::tests::object() };
        let of = |object: &Object, fields| Matter::of(b"/opt/x", Change::Modified, fields, Some(object));
        assert_eq!(of(&file(0o4755), Fields::MODE), Some(Matter::SetId));
        assert_eq!(of(&file(0o2755), Fields::CONTENT), Some(Matter::SetId));
        assert_eq!(of(&file(0o4755), Fields::MTIME), None);
        assert_eq!(of(&file(0o755), Fields::CONTENT), None);
        let folder = Object { kind: Kind::Directory, ..file(0o2755) };
        assert_eq!(of(&folder, Fields::MODE), None);
        assert_eq!(Matter::of(b"/opt/x", Change::Removed, Fields::default(), None), None);
    }
}
