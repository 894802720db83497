//! What `/proc` says of a process that lives: proc_pid_stat(5) and its neighbours.
//!
//! Everything is read through one descriptor of the process's directory, which never comes to mean a later process
//! with the same number: once the process is gone, reading fails.

use std::io::Read as _;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat, fstatat};

use super::parse::{self, Ids, Stat};
use super::{MAX_COMMAND, Program};
use crate::host::processes::unit_of;
use crate::host::{Host, Text};

/// A process as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    pub pid: u32,
    /// 0 of PID 1, of the kernel's own first thread, and where the parent is outside of our namespace.
    pub parent: u32,
    /// When it began, in clock ticks since the system started: exact, where a timestamp depends on the clock.
    pub ticks: u64,
    pub began: Option<Timestamp>,
    /// None of kernel threads, and of processes whose first thread ended.
    pub program: Option<Program>,
    pub command: Option<Text>,
    pub uid: u32,
    pub euid: u32,
    pub login_uid: Option<u32>,
    pub unit: Option<Text>,
    pub container: Option<Text>,
    pub terminal: Option<Text>,
    pub ssh: Option<Text>,
}

/// Looks at processes of a machine, borrowed or shared.
#[derive(Debug)]
pub struct Looks<H> {
    host: H,
    /// When the system started, in seconds since 1970: one answer for all, because it moves as the clock is set right.
    booted: Option<i64>,
}

impl<H: Deref<Target = Host>> Looks<H> {
    pub fn new(host: H) -> Self {
        let booted = host.read("/proc/stat", MAX_FILE as u64).ok().and_then(|stat| parse::booted(&stat));
        Self { host, booted }
    }

    /// None where it is gone, or was another process or another program at the end of the look than at its beginning.
    pub fn at(&self, pid: u32) -> Option<Details> {
        let place = Place::of(&self.host, pid)?;
        let stat = place.stat()?;
        let program = place.program();
        let ids = Ids::parse(&place.read("status", MAX_FILE)?)?;
        let cgroup = place.read("cgroup", MAX_FILE).unwrap_or_default();
        let login_uid = place.read("loginuid", MAX_FILE).and_then(|text| parse::login_uid(&text));
        let terminal = parse::terminal(stat.terminal);
        let command = place.head("cmdline", MAX_COMMAND).and_then(|line| parse::command(&line));
        let is_somebodys = login_uid.is_some() || terminal.is_some();
        let details = Details {
            pid,
            parent: stat.parent,
            ticks: stat.began,
            began: self.time(stat.began),
            ssh: place.ssh().or_else(|| if is_somebodys { self.ssh_above(stat.parent) } else { None }),
            command,
            uid: ids.real,
            euid: ids.effective,
            login_uid,
            unit: unit_of(&cgroup),
            container: parse::container(&cgroup),
            terminal,
            program,
        };
        // It may have executed another program meanwhile: half of one and half of the other is neither.
        let goes_on = place.stat()?.began == stat.began && place.program() == details.program;
        goes_on.then_some(details)
    }

    /// All that live, in order of their ids.
    pub fn pids(&self) -> Vec<u32> {
        let names = self.host.list("/proc", MAX_PROCESSES).unwrap_or_default();
        let mut pids: Vec<u32> = names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect();
        pids.sort_unstable();
        pids
    }

    /// Since 1970; a tick is a hundredth of a second for programs on each architecture that we run on (time(7)).
    fn time(&self, ticks: u64) -> Option<Timestamp> {
        let millis = i64::try_from(ticks).ok()?.checked_mul(10)?;
        Timestamp::from_millisecond(self.booted?.checked_mul(1_000)?.checked_add(millis)?).ok()
    }

    /// The nearest ancestor that says so: sudo(8) and su(1) take it from the environment.
    fn ssh_above(&self, mut pid: u32) -> Option<Text> {
        for _ in 0..MAX_ABOVE {
            // PID 1 and the kernel's own.
            if pid <= 2 {
                return None;
            }
            let place = Place::of(&self.host, pid)?;
            if let Some(ssh) = place.ssh() {
                return Some(ssh);
            }
            pid = place.stat()?.parent;
        }
        None
    }
}

/// The directory of a process.
struct Place(OwnedFd);

impl Place {
    fn of(host: &Host, pid: u32) -> Option<Self> {
        let path = PathBuf::from(format!("/proc/{pid}"));
        host.resolver.resolve(&host.root, &path, true).ok().map(Self)
    }

    fn stat(&self) -> Option<Stat> {
        Stat::parse(&self.read("stat", MAX_FILE)?)
    }

    fn ssh(&self) -> Option<Text> {
        parse::ssh(&self.head("environ", MAX_ENVIRON)?)
    }

    /// What it executes. The link leads to the very file, whatever has its name now.
    fn program(&self) -> Option<Program> {
        let path = readlinkat(&self.0, "exe").ok()?.into_vec();
        let file = fstatat(&self.0, "exe", AtFlags::empty()).ok();
        let (device, inode) = file.map_or((0, 0), |file| (file.st_dev, file.st_ino));
        let path = path.strip_suffix(b" (deleted)").map_or_else(|| path.clone(), <[u8]>::to_vec);
        Some(Program { path, device, inode, ..Program::default() })
    }

    /// All of it, or nothing where it is longer.
    fn read(&self, name: &str, limit: usize) -> Option<Vec<u8>> {
        self.head(name, limit + 1).filter(|bytes| bytes.len() <= limit)
    }

    /// Its first bytes.
    fn head(&self, name: &str, limit: usize) -> Option<Vec<u8>> {
        let flags =
            OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let file = openat(&self.0, Path::new(name), flags, Mode::empty()).ok()?;
        let kind = fstat(&file).ok()?.st_mode & SFlag::S_IFMT.bits();
        if kind != SFlag::S_IFREG.bits() {
            return None;
        }
        let mut bytes = Vec::new();
        std::fs::File::from(file).take(limit as u64).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

/// Whether a process with this number is there, if only as one that nobody has waited for.
pub fn is_there(pid: u32) -> bool {
    let Ok(pid) = i32::try_from(pid) else { return false };
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None) != Err(Errno::ESRCH)
}

/// stat, status, cgroup and the like have a few kilobytes; the system's own stat grows with its processors.
const MAX_FILE: usize = 256 * 1024;
/// What comes behind it is not looked through; the variable is among the first that sshd sets.
const MAX_ENVIRON: usize = 64 * 1024;
/// A person's shell is seldom further away.
const MAX_ABOVE: usize = 16;
/// The kernel's own limit on process ids, with room for what else is in /proc.
const MAX_PROCESSES: usize = 4_200_000;
