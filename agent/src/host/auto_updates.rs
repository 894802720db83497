//! Whether this host updates itself: unattended-upgrades on Debian and Ubuntu, dnf-automatic and yum-cron
//! elsewhere; what their configuration says, and whether anything starts them.

use std::path::{Path, PathBuf};

use super::apt_conf::AptConf;
use super::units::{Enablement, Units};
use super::{Host, Unreadable};

#[derive(Debug)]
pub enum AutoUpdates {
    Apt(Box<AptUpdates>),
    Dnf(Vec<DnfUpdates>),
    /// No package manager that we know.
    Nothing,
}

#[derive(Debug)]
pub struct AptUpdates {
    /// Whether unattended-upgrades is installed.
    pub is_installed: Result<bool, Unreadable>,
    pub conf: Result<AptConf, Unreadable>,
    /// What downloads the lists, and what installs.
    pub timers: [(&'static str, Result<Timer, Unreadable>); 2],
    /// Whether apt's own cron job is there, which does the timers' work where systemd does not run.
    pub has_cron_job: Result<bool, Unreadable>,
}

/// One of the programs that could install updates on a system with rpm.
#[derive(Debug)]
pub struct DnfUpdates {
    pub config: PathBuf,
    /// `apply_updates` of the section `commands`, and the line.
    pub applies: Result<Option<(bool, usize)>, Unreadable>,
    /// The unit that installs, if its configuration says so.
    pub unit: (&'static str, Result<Timer, Unreadable>),
    /// A unit that installs whatever the configuration says.
    pub forced: Result<Timer, Unreadable>,
}

/// How systemd will treat a unit at the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    Enabled,
    Disabled,
    Masked,
    Missing,
}

impl AutoUpdates {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        if host.exists(DPKG_STATUS)? {
            return Ok(Self::Apt(Box::new(AptUpdates::of(host))));
        }
        let units = Units::of(host);
        let mut found = Vec::new();
        for &(config, unit, forced) in DNF {
            if host.exists(config)? {
                found.push(DnfUpdates {
                    config: PathBuf::from(config),
                    applies: apply_updates(host, Path::new(config)),
                    unit: (unit, Timer::of(&units, unit)),
                    forced: forced.map_or(Ok(Timer::Missing), |forced| Timer::of(&units, forced)),
                });
            }
        }
        let has_rpm = !found.is_empty() || host.exists("/usr/bin/dnf")? || host.exists("/usr/bin/yum")?;
        Ok(if has_rpm { Self::Dnf(found) } else { Self::Nothing })
    }
}

impl AptUpdates {
    fn of(host: &Host) -> Self {
        let units = Units::of(host);
        Self {
            is_installed: is_installed(host, b"unattended-upgrades"),
            conf: AptConf::of(host),
            timers: APT_TIMERS.map(|timer| (timer, Timer::of(&units, timer))),
            has_cron_job: host.exists(CRON_JOB),
        }
    }
}

/// What dpkg's status says of one package.
fn is_installed(host: &Host, package: &[u8]) -> Result<bool, Unreadable> {
    let status = host.read(DPKG_STATUS, MAX_STATUS)?;
    let mut is_it = false;
    for line in status.split(|&byte| byte == b'\n') {
        if line.is_empty() {
            is_it = false;
        } else if let Some(name) = line.strip_prefix(b"Package:") {
            is_it = name.trim_ascii() == package;
        } else if let Some(words) = line.strip_prefix(b"Status:").filter(|_| is_it) {
            // Selection, error, state.
            return Ok(words.trim_ascii().ends_with(b" installed"));
        }
    }
    Ok(false)
}

impl Timer {
    fn of(units: &Result<Units<'_>, Unreadable>, unit: &str) -> Result<Self, Unreadable> {
        let units = units.as_ref().map_err(Clone::clone)?;
        Ok(match units.enablement(unit)? {
            Enablement::Missing => Self::Missing,
            enablement if enablement.is_masked() => Self::Masked,
            _ if units.starts(unit)?.is_some() => Self::Enabled,
            _ => Self::Disabled,
        })
    }
}

/// `apply_updates` in the section `[commands]`, as Python's configparser and libdnf5 read it: the last one counts.
fn apply_updates(host: &Host, config: &Path) -> Result<Option<(bool, usize)>, Unreadable> {
    let text = host.read(config, MAX_CONFIG)?;
    let mut section: &[u8] = b"";
    let mut applies = None;
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let number = index + 1;
        let content = line.trim_ascii();
        if content.is_empty() || content.starts_with(b"#") || content.starts_with(b";") {
            continue;
        }
        if let Some(name) =
            content.strip_prefix(b"[").and_then(|rest| rest.split(|&byte| byte == b']').next())
        {
            section = name;
            continue;
        }
        let Some(at) = content.iter().position(|byte| matches!(byte, b'=' | b':')) else {
            // The next line of a value begins with a blank.
            if line.first().is_some_and(u8::is_ascii_whitespace) {
                continue;
            }
            return Err(Unreadable::malformed(config, number, "neither a section nor a setting"));
        };
        let (key, value) = (content[..at].trim_ascii(), content[at + 1..].trim_ascii());
        if section == b"commands" && key.eq_ignore_ascii_case(b"apply_updates") {
            let value =
                truth(value).ok_or_else(|| Unreadable::malformed(config, number, "neither yes nor no"))?;
            applies = Some((value, number));
        }
    }
    Ok(applies)
}

fn truth(value: &[u8]) -> Option<bool> {
    match value.to_ascii_lowercase().as_slice() {
        b"yes" | b"true" | b"1" | b"on" => Some(true),
        b"no" | b"false" | b"0" | b"off" => Some(false),
        _ => None,
    }
}

const DPKG_STATUS: &str = "/var/lib/dpkg/status";
const CRON_JOB: &str = "/etc/cron.daily/apt-compat";
const APT_TIMERS: [&str; 2] = ["apt-daily.timer", "apt-daily-upgrade.timer"];
/// Configuration, the unit that heeds it, the unit that installs anyway: dnf 5, dnf 4, yum (Amazon Linux 2).
const DNF: &[(&str, &str, Option<&str>)] = &[
    ("/etc/dnf/dnf5-plugins/automatic.conf", "dnf5-automatic.timer", Some("dnf5-automatic-install.timer")),
    ("/etc/dnf/automatic.conf", "dnf-automatic.timer", Some("dnf-automatic-install.timer")),
    ("/etc/yum/yum-cron.conf", "yum-cron.service", None),
];
/// Every package of Debian at once has some hundred megabytes; a host has five.
const MAX_STATUS: u64 = 128 * 1024 * 1024;
const MAX_CONFIG: u64 = 1024 * 1024;
