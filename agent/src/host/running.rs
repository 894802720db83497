//! What runs now: each process with its program, its owner and its unit.
//!
//! Which of them run old code is `processes`; what they listen on is `network`.

use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::processes::unit_of;
use super::{Cause, Host, Text, Unreadable};

#[derive(Debug, Clone, Default)]
pub struct Running {
    /// In order of their ids; empty where nothing runs below this root.
    pub programs: Vec<Program>,
    /// Whether some processes are hidden from us (proc(5), hidepid), so that absence proves nothing.
    pub is_partial: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub pid: u32,
    /// The effective one.
    pub uid: u32,
    /// The kernel's short name (comm), at most 15 bytes; a process may set it to anything.
    pub name: Text,
    /// What it executes. Kernel threads have none, and of other users' processes it is only told to root.
    pub program: Result<PathBuf, Unreadable>,
    /// The systemd unit that it belongs to.
    pub unit: Option<Text>,
}

impl Running {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        let names = match host.list(PROC, MAX_PROCESSES) {
            Err(cause) if cause.is_absent() && !host.is_live() => return Ok(Self::default()),
            names => names?,
        };
        let mut pids: Vec<u32> = names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect();
        pids.sort_unstable();
        // Every system that runs has a PID 1; hidepid hides it from those who are not root.
        let mut running = Self { is_partial: !pids.is_empty() && pids[0] != 1, ..Self::default() };
        if pids.is_empty() && host.is_live() {
            return Err(Unreadable::new(PROC, Cause::Denied));
        }
        for pid in pids {
            match Program::of(host, pid) {
                Ok(program) => running.programs.push(program),
                Err(cause) if has_ended(&cause) => {}
                Err(_) => running.is_partial = true,
            }
        }
        Ok(running)
    }

    /// Those whose program has one of these file names, wherever it lies: enough to suspect something.
    pub fn named<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a Program> {
        self.programs.iter().filter(|program| names.iter().any(|name| program.is(name)))
    }

    /// As [`Running::named`], where only root puts programs: enough to rely on. Anybody may call a program `chronyd`.
    pub fn installed<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a Program> {
        self.named(names).filter(|program| program.is_installed())
    }
}

impl Program {
    fn of(host: &Host, pid: u32) -> Result<Self, Unreadable> {
        let place = place(pid);
        let read = |name: &str| host.read(place.join(name), MAX_FILE);
        let status = read("status")?;
        let uid =
            effective_uid(&status).ok_or_else(|| Unreadable::malformed(place.join("status"), 0, "no uid"))?;
        Ok(Self {
            pid,
            uid,
            name: Text::from_bytes(read("comm")?.trim_ascii_end()),
            program: host.read_link(place.join("exe")),
            unit: unit_of(&read("cgroup")?),
        })
    }

    fn is_installed(&self) -> bool {
        match &self.program {
            Ok(path) => INSTALLED.iter().any(|place| path.starts_with(place)),
            // A name alone is anybody's to choose; of root and of services it is believed.
            Err(_) => self.uid < FIRST_PERSON,
        }
    }

    fn is(&self, name: &str) -> bool {
        match &self.program {
            // An update leaves "/usr/sbin/chronyd (deleted)" behind.
            Ok(path) => path
                .file_name()
                .is_some_and(|file| file.to_string_lossy().trim_end_matches(" (deleted)") == name),
            // The kernel cuts it after 15 bytes.
            Err(_) => self.name.as_str() == name.get(..15).unwrap_or(name),
        }
    }
}

fn effective_uid(status: &[u8]) -> Option<u32> {
    let line = status.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
    std::str::from_utf8(line).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The directory of a process.
pub fn place(pid: u32) -> PathBuf {
    Path::new(PROC).join(pid.to_string())
}

/// Whether a process ended while it was looked at.
pub fn has_ended(cause: &Unreadable) -> bool {
    matches!(cause.cause, Cause::Absent | Cause::Os(Errno::ESRCH))
}

const PROC: &str = "/proc";
/// Where packages and vendors put programs, and nobody but root may.
const INSTALLED: &[&str] = &["/bin", "/lib", "/lib64", "/opt", "/sbin", "/snap", "/usr", "/var/ossec"];
/// login.defs(5), UID_MIN.
const FIRST_PERSON: u32 = 1000;
/// The kernel's own limit on process ids, with room for what else is in /proc.
const MAX_PROCESSES: usize = 4_200_000;
/// comm, status and cgroup have a few kilobytes.
const MAX_FILE: u64 = 256 * 1024;
