//! What the running kernel permits: its settings, security modules, taint and mitigations.

use std::collections::BTreeMap;

use super::sysctl;
use super::units::{Stack, stack};
use super::{Host, Text, Unreadable};

#[derive(Debug)]
pub struct KernelState {
    /// Settings that are one number; `None` where this kernel has no such setting.
    numbers: BTreeMap<&'static str, Result<Option<i64>, Unreadable>>,
    pub core_pattern: Result<Text, Unreadable>,
    /// How systemd-coredump keeps what it is handed.
    pub coredump: Result<Stack, Unreadable>,
    pub command_line: Result<Text, Unreadable>,
    pub lockdown: Result<Lockdown, Unreadable>,
    /// Whether a module without a valid signature is refused; `None` where the kernel cannot tell signatures.
    pub requires_signatures: Result<Option<bool>, Unreadable>,
    /// Whether the kernel can load modules at all.
    pub has_modules: Result<bool, Unreadable>,
    pub access: Access,
    /// What the kernel says of each weakness of the processor; `None` where it says nothing.
    pub weaknesses: Result<Option<Vec<(Text, Text)>>, Unreadable>,
}

/// How far root is kept from changing the kernel, kernel_lockdown(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lockdown {
    /// This kernel has no such thing, or it is off.
    Off,
    Integrity,
    Confidentiality,
}

/// The modules that decide on access beyond owner and mode.
#[derive(Debug)]
pub struct Access {
    /// `Some(true)` when SELinux enforces, `Some(false)` when it only writes down what it would have refused.
    pub selinux: Result<Option<bool>, Unreadable>,
    pub apparmor: Result<bool, Unreadable>,
    /// How many profiles AppArmor enforces, and how many it only watches.
    pub profiles: Result<Profiles, Unreadable>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Profiles {
    pub enforced: usize,
    pub others: usize,
}

impl KernelState {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        Ok(Self {
            numbers: NUMBERS.iter().map(|&name| (name, number(host, name))).collect(),
            core_pattern: sysctl::text(host, "kernel.core_pattern"),
            coredump: stack(host, "systemd/coredump.conf"),
            command_line: line(host, "/proc/cmdline"),
            lockdown: lockdown(host),
            requires_signatures: signatures(host),
            has_modules: host.exists("/proc/modules"),
            access: Access::of(host),
            weaknesses: weaknesses(host),
        })
    }

    /// The value of a setting, or why it is not known. `None`: the kernel does not have it.
    pub fn number(&self, name: &str) -> Result<Option<i64>, &Unreadable> {
        // A name that is not in the list is a mistake in a check: its fixtures stop on it.
        debug_assert!(self.numbers.contains_key(name), "nobody reads {name}");
        self.numbers.get(name).map_or(Ok(None), |value| value.as_ref().copied())
    }
}

/// That a setting is absent means something only where settings can be read at all.
fn number(host: &Host, name: &str) -> Result<Option<i64>, Unreadable> {
    let value = sysctl::optional_number(host, name)?;
    if value.is_none() {
        sysctl::text(host, "kernel.ostype")?;
    }
    Ok(value)
}

fn line(host: &Host, path: &str) -> Result<Text, Unreadable> {
    Ok(Text::from_bytes(host.read(path, MAX_LINE)?.trim_ascii()))
}

/// As [`line`], where the kernel may have no such file.
fn optional_line(host: &Host, path: &str) -> Result<Option<Text>, Unreadable> {
    match line(host, path) {
        Err(cause) if cause.is_absent() => Ok(None),
        line => line.map(Some),
    }
}

fn lockdown(host: &Host) -> Result<Lockdown, Unreadable> {
    let Some(text) = optional_line(host, LOCKDOWN)? else { return Ok(Lockdown::Off) };
    // "none [integrity] confidentiality": the brackets hold what is in force.
    match text.as_str().split_once('[').and_then(|(_, rest)| rest.split_once(']')) {
        Some(("none", _)) => Ok(Lockdown::Off),
        Some(("integrity", _)) => Ok(Lockdown::Integrity),
        Some(("confidentiality", _)) => Ok(Lockdown::Confidentiality),
        _ => Err(Unreadable::malformed(LOCKDOWN, 1, format!("'{text}' names no mode in brackets"))),
    }
}

fn signatures(host: &Host) -> Result<Option<bool>, Unreadable> {
    yes_or_no(host, "/sys/module/module/parameters/sig_enforce")
}

fn yes_or_no(host: &Host, path: &str) -> Result<Option<bool>, Unreadable> {
    match optional_line(host, path)? {
        None => Ok(None),
        Some(text) if matches!(text.as_str(), "Y" | "1") => Ok(Some(true)),
        Some(text) if matches!(text.as_str(), "N" | "0") => Ok(Some(false)),
        Some(text) => Err(Unreadable::malformed(path, 1, format!("'{text}' is neither Y nor N"))),
    }
}

impl Access {
    fn of(host: &Host) -> Self {
        Self {
            selinux: yes_or_no(host, "/sys/fs/selinux/enforce"),
            apparmor: yes_or_no(host, "/sys/module/apparmor/parameters/enabled")
                .map(|enabled| enabled == Some(true)),
            profiles: host.read(PROFILES, MAX_PROFILES).map(|bytes| profiles(&bytes)),
        }
    }
}

/// A profile a line: `/usr/sbin/chronyd (enforce)`.
pub fn profiles(bytes: &[u8]) -> Profiles {
    let mut profiles = Profiles::default();
    for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        match line.ends_with(b" (enforce)") || line.ends_with(b" (kill)") {
            true => profiles.enforced += 1,
            false => profiles.others += 1,
        }
    }
    profiles
}

fn weaknesses(host: &Host) -> Result<Option<Vec<(Text, Text)>>, Unreadable> {
    let names = match host.list(WEAKNESSES, MAX_WEAKNESSES) {
        Err(cause) if cause.is_absent() => return Ok(None),
        names => names?,
    };
    let mut found = Vec::new();
    for name in names {
        let path = std::path::Path::new(WEAKNESSES).join(&name);
        let says = host.read(&path, MAX_LINE)?;
        let name = Text::from_bytes(name.as_encoded_bytes());
        found.push((name, Text::from_bytes_within(says.trim_ascii(), MAX_SHOWN)));
    }
    // An empty directory says as little as none.
    Ok((!found.is_empty()).then_some(found))
}

/// Every number that a check asks for.
const NUMBERS: &[&str] = &[
    "fs.protected_fifos",
    "fs.protected_hardlinks",
    "fs.protected_regular",
    "fs.protected_symlinks",
    "fs.suid_dumpable",
    "kernel.apparmor_restrict_unprivileged_userns",
    "kernel.dmesg_restrict",
    "kernel.kexec_load_disabled",
    "kernel.kptr_restrict",
    "kernel.modules_disabled",
    "kernel.perf_event_paranoid",
    "kernel.randomize_va_space",
    "kernel.sysrq",
    "kernel.tainted",
    "kernel.unprivileged_bpf_disabled",
    "kernel.unprivileged_userns_clone",
    "kernel.yama.ptrace_scope",
    "user.max_user_namespaces",
];
pub const LOCKDOWN: &str = "/sys/kernel/security/lockdown";
pub const PROFILES: &str = "/sys/kernel/security/apparmor/profiles";
pub const WEAKNESSES: &str = "/sys/devices/system/cpu/vulnerabilities";
/// The kernel's command line has at most 4096 bytes on every architecture that EC2 offers.
const MAX_LINE: u64 = 16 * 1024;
/// Some thousand profiles; a snap brings a dozen.
const MAX_PROFILES: u64 = 1024 * 1024;
/// The kernel knew 19 in 2026.
const MAX_WEAKNESSES: usize = 200;
const MAX_SHOWN: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_profiles_that_refuse_count_as_enforced() {
        let text = b"/usr/sbin/chronyd (enforce)\nman_filter (complain)\nx (unconfined)\ny (kill)\n";
        assert_eq!(profiles(text), Profiles { enforced: 2, others: 2 });
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = profiles(&bytes);
        }
    }
}
