//! What is meant to run: the units that start by themselves, the programs that they start, and how the timers and the
//! agent of Systems Manager have fared.

mod ssm;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::trail::{Place, Trail};
use super::units::{Setting, Unit, Units};
use super::{Cause, Host, Kind, Unreadable};
pub use ssm::Ssm;

#[derive(Debug)]
pub struct Services {
    /// The units that start by themselves, with the links that make them; empty where there are no units.
    pub started: Result<BTreeMap<String, PathBuf>, Unreadable>,
    /// What those units execute.
    pub programs: Result<Vec<Executed>, Unreadable>,
    /// When each of these timers last went off, in seconds since 1970; `None` if it never did.
    stamps: BTreeMap<&'static str, Result<Option<i64>, Unreadable>>,
    /// For how many seconds the system has been up.
    pub uptime: Result<u64, Unreadable>,
    pub ssm: Result<Ssm, Unreadable>,
    /// Those of the clients of old protocols that are installed, as far as files tell.
    pub old_clients: Result<Vec<&'static str>, Unreadable>,
}

/// A program or script that a unit executes.
#[derive(Debug)]
pub struct Executed {
    pub unit: String,
    /// Where the unit says so.
    pub path: PathBuf,
    pub line: usize,
    /// Whether it runs with root's rights.
    pub is_roots: bool,
    pub program: PathBuf,
    /// Everything on the way to it; absent programs start nothing.
    pub trail: Result<Vec<Place>, Unreadable>,
}

impl Services {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        let units = Units::of(host);
        let started = units.as_ref().map_err(Clone::clone).and_then(Units::started);
        let programs = match (&units, &started) {
            (Ok(units), Ok(started)) => programs(host, units, started),
            (Err(cause), _) | (_, Err(cause)) => Err(cause.clone()),
        };
        Ok(Self {
            started,
            programs,
            stamps: TIMERS.iter().map(|&timer| (timer, stamp(host, timer))).collect(),
            uptime: uptime(host),
            ssm: Ssm::of(host),
            old_clients: old_clients(host),
        })
    }

    /// When a timer last went off.
    pub fn stamp(&self, timer: &str) -> Result<Option<i64>, &Unreadable> {
        self.stamps.get(timer).map_or(Ok(None), |stamp| stamp.as_ref().copied())
    }
}

fn programs(
    host: &Host,
    units: &Units<'_>,
    started: &BTreeMap<String, PathBuf>,
) -> Result<Vec<Executed>, Unreadable> {
    let mut found = Vec::new();
    for name in started.keys().filter(|name| name.ends_with(".service")) {
        let Some(unit) = units.read(name)? else { continue };
        for key in COMMANDS {
            for setting in unit.list("Service", key) {
                for program in executed(&setting.value) {
                    found.push(Executed::of(host, &unit, setting, PathBuf::from(program)));
                }
            }
        }
    }
    Ok(found)
}

impl Executed {
    fn of(host: &Host, unit: &Unit, setting: &Setting, program: PathBuf) -> Self {
        let user = super::units::ini::last(&unit.settings, "Service", "User");
        let is_roots = user.is_none_or(|user| matches!(user.value.as_str(), "root" | "0"))
            && super::units::ini::last(&unit.settings, "Service", "DynamicUser").is_none();
        Self {
            unit: unit.name.clone(),
            path: setting.path.clone(),
            line: setting.line,
            is_roots,
            trail: Trail::to(host, &program).map(|trail| trail.places),
            program,
        }
    }
}

/// The program of a command line, and the script if the program is there to run scripts; systemd.service(5).
pub fn executed(command: &str) -> Vec<&str> {
    let strip = |word: &'_ str| -> usize { word.len() - word.trim_start_matches(PREFIXES).len() };
    let mut words = command.split_ascii_whitespace();
    let Some(first) = words.next() else { return Vec::new() };
    let program = first[strip(first)..].trim_matches(QUOTES);
    let mut found = vec![program];
    let name = program.rsplit('/').next().unwrap_or_default();
    // python3.11 is one of them, shutdown is not.
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if INTERPRETERS.contains(&name) {
        let script = words.find(|word| !word.starts_with('-')).map(|word| word.trim_matches(QUOTES));
        found.extend(script);
    }
    // Names without a path come from directories of the system; specifiers are not resolved.
    found.retain(|path| path.starts_with('/') && !path.contains(['%', '$']));
    found
}

fn stamp(host: &Host, timer: &str) -> Result<Option<i64>, Unreadable> {
    let path = Path::new(STAMPS).join(format!("stamp-{timer}"));
    match host.stat(&path) {
        Ok(meta) if meta.kind == Kind::File => Ok(Some(meta.mtime)),
        Ok(meta) => Err(Unreadable::new(path, Cause::NotRegular(meta.kind))),
        Err(cause) if cause.is_absent() => Ok(None),
        Err(cause) => Err(cause),
    }
}

fn uptime(host: &Host) -> Result<u64, Unreadable> {
    let bytes = host.read(UPTIME, MAX_LINE)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let seconds = text.split(['.', ' ']).next().and_then(|word| word.parse().ok());
    seconds.ok_or_else(|| Unreadable::malformed(UPTIME, 1, "no number of seconds"))
}

fn old_clients(host: &Host) -> Result<Vec<&'static str>, Unreadable> {
    let mut found = Vec::new();
    for program in OLD_CLIENTS {
        match host.stat(program) {
            Ok(_) => found.push(program),
            Err(cause) if cause.is_absent() => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(found)
}

const STAMPS: &str = "/var/lib/systemd/timers";
const TIMERS: [&str; 7] = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dnf-automatic.timer",
    "dnf-automatic-install.timer",
    "dnf5-automatic.timer",
    "dnf5-automatic-install.timer",
    "yum-cron.timer",
];
const COMMANDS: [&str; 4] = ["ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload"];
/// What systemd takes off the front of a command.
const PREFIXES: [char; 6] = ['@', '-', ':', '+', '!', '|'];
const QUOTES: [char; 2] = ['"', '\''];
const INTERPRETERS: [&str; 9] = ["sh", "bash", "dash", "zsh", "python", "perl", "ruby", "node", "php"];
const OLD_CLIENTS: [&str; 6] =
    ["/usr/bin/telnet", "/usr/bin/ftp", "/usr/bin/rsh", "/usr/bin/talk", "/usr/bin/ypcat", "/usr/bin/tftp"];
const UPTIME: &str = "/proc/uptime";
const MAX_LINE: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_program_is_found_behind_prefixes_and_the_script_behind_its_interpreter() {
        assert_eq!(executed("!/usr/sbin/chronyd $DAEMON_OPTS"), ["/usr/sbin/chronyd"]);
        assert_eq!(executed("-/bin/sh -e \"/tmp/x.sh\" -v"), ["/bin/sh", "/tmp/x.sh"]);
        assert_eq!(executed("/usr/bin/python3 /opt/app.py"), ["/usr/bin/python3", "/opt/app.py"]);
        assert!(executed("sshd -D").is_empty() && executed("/opt/%i/run").is_empty());
    }

    proptest! {
        #[test]
        fn no_command_makes_it_panic(command in "\\PC{0,60}") {
            let _ = executed(&command);
        }
    }
}
