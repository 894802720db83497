//! Which running programs are older than the files they came from.
//!
//! An update replaces files by new ones; a process keeps the old ones mapped, and its holes open, until it is
//! started again. The kernel marks such mappings `(deleted)`. Counted is executable code of the host's own
//! packages: containers bring their own, and code in `/tmp`, `/dev` or a memfd belongs to no package.

mod current;
mod maps;
mod owners;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::running::has_ended;
use super::{Cause, Host, Text, Unreadable};
use current::Cheap;
pub use owners::Owner;

#[derive(Debug)]
pub struct Processes {
    /// How many were looked at; none where nothing runs below this root.
    pub count: usize,
    /// Those that run code which is no longer installed, in order of their ids.
    pub outdated: Vec<Process>,
    /// Those that could not be looked into.
    pub unreadable: Vec<Unreadable>,
}

/// A process that runs code which is no longer installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub uid: u32,
    /// The kernel's short name of it.
    pub name: Text,
    /// The systemd unit that it belongs to.
    pub unit: Option<Text>,
    pub gone: Vec<Gone>,
}

/// A file that was executed from and is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    pub path: PathBuf,
    pub owner: Owner,
}

impl Processes {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        let pids = pids(host)?;
        if pids.is_empty() {
            return match host.is_live() {
                true => Err(Unreadable::new(PROC, Cause::Denied)),
                false => Ok(Self { count: 0, outdated: Vec::new(), unreadable: Vec::new() }),
            };
        }
        let mut look = Look { host, roots: Roots::default(), outdated: Vec::new(), unreadable: Vec::new() };
        let mut cheap = Cheap::of(host);
        for &pid in &pids {
            if cheap.as_mut().is_some_and(|cheap| cheap.is_current(pid)) {
                continue;
            }
            match look.at(pid) {
                Err(cause) if !has_ended(&cause) => look.unreadable.push(cause),
                _ => {}
            }
        }
        // Every system that runs has a PID 1; hidepid hides it, and all the others, from those who are not root.
        if pids.first() != Some(&1) {
            look.unreadable.push(Unreadable::new(place(1, ""), Cause::Denied));
        }
        let Look { outdated, unreadable, .. } = look;
        Ok(Self { count: pids.len(), outdated: of_packages(host, outdated)?, unreadable })
    }
}

fn pids(host: &Host) -> Result<Vec<u32>, Unreadable> {
    let names = match host.list(PROC, MAX_PROCESSES) {
        Err(cause) if cause.is_absent() && !host.is_live() => return Ok(Vec::new()),
        names => names?,
    };
    let mut pids: Vec<u32> = names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    Ok(pids)
}

struct Look<'a> {
    host: &'a Host,
    roots: Roots,
    outdated: Vec<(Process, BTreeSet<PathBuf>)>,
    unreadable: Vec<Unreadable>,
}

impl Look<'_> {
    fn at(&mut self, pid: u32) -> Result<(), Unreadable> {
        let began = self.stat(pid)?.began;
        match self.at_since(pid, began) {
            // One that ends lets go of this and that before its id is gone: mountinfo is EINVAL then, exe EACCES.
            Err(_) if !self.goes_on(pid, began)? => Ok(()),
            done => done,
        }
    }

    fn at_since(&mut self, pid: u32, began: u64) -> Result<(), Unreadable> {
        let mut gone = maps::gone(self.host, &place(pid, "maps"))?;
        gone.extend(self.program_gone(pid)?);
        if gone.is_empty() || !self.roots.is_hosts(self.host, pid)? {
            return Ok(());
        }
        let process = Process {
            pid,
            uid: self.uid(pid)?,
            name: Text::from_bytes(self.read(pid, "comm")?.trim_ascii_end()),
            unit: unit_of(&self.read(pid, "cgroup")?),
            gone: Vec::new(),
        };
        // Another process under the same id is another story.
        if self.stat(pid)?.began == began {
            self.outdated.push((process, gone));
        }
        Ok(())
    }

    fn goes_on(&self, pid: u32, began: u64) -> Result<bool, Unreadable> {
        let stat = self.stat(pid)?;
        Ok(!stat.is_ending && stat.began == began)
    }

    /// The program itself, which need not be mapped under its own name any more.
    fn program_gone(&self, pid: u32) -> Result<Option<PathBuf>, Unreadable> {
        match self.host.read_link(place(pid, "exe")) {
            Ok(target) => Ok(maps::without_mark(target.as_os_str().as_encoded_bytes())
                .filter(|path| maps::is_packaged_place(path))
                .map(maps::path_of)),
            // Kernel threads have none.
            Err(cause) if cause.is_absent() => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    fn read(&self, pid: u32, name: &str) -> Result<Vec<u8>, Unreadable> {
        self.host.read(place(pid, name), MAX_FILE)
    }

    fn stat(&self, pid: u32) -> Result<Stat, Unreadable> {
        let stat = self.read(pid, "stat")?;
        Stat::parse(&stat).ok_or_else(|| Unreadable::malformed(place(pid, "stat"), 1, "no start time"))
    }

    fn uid(&self, pid: u32) -> Result<u32, Unreadable> {
        let status = self.read(pid, "status")?;
        let line = status.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"Uid:"));
        // Real, effective, saved, file system: the effective one is what its holes give away.
        let effective = line
            .and_then(|line| std::str::from_utf8(line).ok()?.split_ascii_whitespace().nth(1)?.parse().ok());
        effective.ok_or_else(|| Unreadable::malformed(place(pid, "status"), 0, "no uid"))
    }
}

/// What `/proc/PID/stat` says of a process: proc_pid_stat(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    /// It has begun to end, or is a zombie.
    is_ending: bool,
    /// In clock ticks since the system started: with the id, the identity of a process.
    began: u64,
}

impl Stat {
    fn parse(stat: &[u8]) -> Option<Self> {
        // The name is in parentheses and may hold any byte, also a parenthesis.
        let after_name = stat.iter().rposition(|&byte| byte == b')')?;
        let fields = std::str::from_utf8(&stat[after_name + 1..]).ok()?;
        // The 9th field and the 22nd; two are before the parenthesis.
        let mut fields = fields.split_ascii_whitespace().skip(6);
        let flags: u32 = fields.next()?.parse().ok()?;
        Some(Self { is_ending: flags & PF_EXITING != 0, began: fields.nth(12)?.parse().ok()? })
    }
}

fn place(pid: u32, name: &str) -> PathBuf {
    Path::new(PROC).join(pid.to_string()).join(name)
}

/// Which root directory processes see: a container has another one than PID 1. Being in another mount namespace
/// is no sign of a container, because systemd gives one to every service with a private `/tmp`.
#[derive(Debug, Default)]
struct Roots {
    of_init: Option<Vec<u8>>,
}

impl Roots {
    fn is_hosts(&mut self, host: &Host, pid: u32) -> Result<bool, Unreadable> {
        let of_init = match self.of_init.take() {
            Some(root) => root,
            None => maps::root_mount(host, &place(1, "mountinfo")).map_err(never_ends)?,
        };
        let own = maps::root_mount(host, &place(pid, "mountinfo"));
        let is_hosts = own.map(|own| !own.is_empty() && own == of_init);
        self.of_init = Some(of_init);
        is_hosts
    }
}

/// PID 1 does not end; what cannot be read of it is not to be taken for a process that did.
fn never_ends(cause: Unreadable) -> Unreadable {
    if has_ended(&cause) { Unreadable::malformed(cause.path, 0, "PID 1 has no mounts") } else { cause }
}

/// Those whose files belong to a package. The package lists are read only if there is anything to ask them.
fn of_packages(host: &Host, found: Vec<(Process, BTreeSet<PathBuf>)>) -> Result<Vec<Process>, Unreadable> {
    let wanted: BTreeSet<&PathBuf> = found.iter().flat_map(|(_, gone)| gone).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let owners: BTreeMap<PathBuf, Owner> = owners::of(host, &wanted)?;
    let owned = found.into_iter().filter_map(|(mut process, gone)| {
        process.gone = gone
            .into_iter()
            .filter_map(|path| Some(Gone { owner: owners.get(&path)?.clone(), path }))
            .collect();
        (!process.gone.is_empty()).then_some(process)
    });
    Ok(owned.collect())
}

/// The unit in `0::/system.slice/ssh.service`, or in systemd's own hierarchy of cgroups v1.
pub(super) fn unit_of(cgroup: &[u8]) -> Option<Text> {
    let path = cgroup.split(|&byte| byte == b'\n').find_map(|line| {
        line.strip_prefix(b"0::").or_else(|| {
            let at = memchr::memmem::find(line, b":name=systemd:")?;
            Some(&line[at + b":name=systemd:".len()..])
        })
    })?;
    // Slices hold units; what is below a unit is its own affair.
    path.split(|&byte| byte == b'/')
        .find(|part| UNIT_ENDINGS.iter().any(|ending| part.ends_with(ending)))
        .map(|part| Text::from_bytes_within(part, MAX_UNIT_NAME))
}

const PROC: &str = "/proc";
/// The kernel's include/linux/sched.h.
const PF_EXITING: u32 = 0x4;
const UNIT_ENDINGS: [&[u8]; 5] = [b".service", b".scope", b".socket", b".mount", b".swap"];
/// The kernel's own limit on process ids, with room for what else is in /proc.
const MAX_PROCESSES: usize = 4_200_000;
/// comm, stat, status and cgroup have a few kilobytes.
const MAX_FILE: u64 = 256 * 1024;
/// systemd's own limit.
const MAX_UNIT_NAME: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::wait::WaitPidFlag;
    use proptest::prelude::*;

    #[test]
    fn a_name_with_a_parenthesis_does_not_shift_the_fields() {
        let stat = b"7 (a) b) S 1 7 7 0 -1 4194308 2 3 4 5 6 7 8 9 20 0 1 0 4242 0 0";
        assert_eq!(Stat::parse(stat), Some(Stat { is_ending: true, began: 4242 }));
    }

    #[test]
    fn a_process_that_has_ended_and_waits_for_its_parent_is_ending() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let stat = || Stat::parse(&std::fs::read(place(child.id(), "stat")).unwrap()).unwrap();
        let running = stat();
        assert!(!running.is_ending);
        let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        let is_dead = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        nix::sys::wait::waitid(nix::sys::wait::Id::Pid(pid), is_dead).unwrap();
        assert_eq!(stat(), Stat { is_ending: true, ..running });
        let mounts = std::fs::read(place(child.id(), "mountinfo"));
        assert_eq!(
            mounts.unwrap_err().raw_os_error(),
            Some(nix::errno::Errno::EINVAL as i32),
            "the case that this is for"
        );
        child.wait().unwrap();
    }

    #[test]
    fn the_unit_is_the_first_that_is_no_slice() {
        let name = |cgroup: &str| unit_of(cgroup.as_bytes()).map(|unit| unit.to_string());
        assert_eq!(name("0::/system.slice/ssh.service\n").unwrap(), "ssh.service");
        assert_eq!(
            name("0::/user.slice/user-0.slice/user@0.service/app.slice/x.service").unwrap(),
            "user@0.service"
        );
        assert_eq!(name("3:cpu:/x\n1:name=systemd:/system.slice/cron.service/a\n").unwrap(), "cron.service");
        assert_eq!(name("0::/\n"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_of_proc_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (Stat::parse(&bytes), unit_of(&bytes));
        }
    }
}
