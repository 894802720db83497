//! What is written down and kept: the journal, syslog, the audit rules, the clock's sources, the files in /var/log.

pub mod audit;
pub mod chrony;
pub mod rsyslog;
mod tree;

use std::path::{Path, PathBuf};

use super::units::{Enablement, Stack, Units, stack};
use super::{Host, Unreadable};
use audit::Rules;
use chrony::Chrony;
use rsyslog::Rsyslog;
pub use tree::{LogFile, LogFiles};

#[derive(Debug)]
pub struct Logging {
    pub journald: Result<Journald, Unreadable>,
    /// `Ok(None)`: rsyslog has no configuration here.
    pub rsyslog: Result<Option<Rsyslog>, Unreadable>,
    /// `Ok(None)`: auditd is not installed.
    pub auditd: Result<Option<Auditd>, Unreadable>,
    pub chrony: Result<Option<Chrony>, Unreadable>,
    pub timesyncd: Result<Stack, Unreadable>,
    /// Whether systemd-timesyncd has reached a server since the machine started.
    pub is_synchronised: Result<bool, Unreadable>,
    /// `Ok(None)`: there is no /var/log.
    pub files: Result<Option<LogFiles>, Unreadable>,
}

#[derive(Debug)]
pub struct Journald {
    /// Whether its program is installed.
    pub is_installed: bool,
    pub conf: Stack,
    /// Whether /var/log/journal is there, which `Storage=auto` asks.
    pub has_folder: bool,
}

#[derive(Debug)]
pub struct Auditd {
    pub enablement: Enablement,
    pub rules: Result<Rules, Unreadable>,
}

impl Logging {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        Ok(Self {
            journald: Journald::of(host),
            rsyslog: present(host, rsyslog::MAIN)
                .and_then(|main| main.map(|main| Rsyslog::of(host, main)).transpose()),
            auditd: Auditd::of(host),
            chrony: first(host, &chrony::MAIN)
                .and_then(|main| main.map(|main| Chrony::of(host, &main)).transpose()),
            timesyncd: stack(host, "systemd/timesyncd.conf"),
            is_synchronised: host.exists("/run/systemd/timesync/synchronized"),
            files: LogFiles::of(host),
        })
    }
}

impl Journald {
    fn of(host: &Host) -> Result<Self, Unreadable> {
        Ok(Self {
            is_installed: first(host, &JOURNALD)?.is_some(),
            conf: stack(host, "systemd/journald.conf")?,
            has_folder: match host.stat("/var/log/journal") {
                Ok(meta) => meta.is_directory(),
                Err(cause) if cause.is_absent() => false,
                Err(cause) => return Err(cause),
            },
        })
    }
}

impl Auditd {
    fn of(host: &Host) -> Result<Option<Self>, Unreadable> {
        if first(host, &AUDITD)?.is_none() {
            return Ok(None);
        }
        let enablement = Units::of(host)?.enablement("auditd.service")?;
        Ok(Some(Self { enablement, rules: Rules::of(host) }))
    }
}

fn present<'a>(host: &Host, path: &'a str) -> Result<Option<&'a Path>, Unreadable> {
    Ok(host.exists(path)?.then_some(Path::new(path)))
}

/// The first of these that exists.
fn first(host: &Host, paths: &[&str]) -> Result<Option<PathBuf>, Unreadable> {
    for path in paths {
        if present(host, path)?.is_some() {
            return Ok(Some(PathBuf::from(path)));
        }
    }
    Ok(None)
}

const JOURNALD: [&str; 2] = ["/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald"];
const AUDITD: [&str; 2] = ["/usr/sbin/auditd", "/sbin/auditd"];
