//! Access keys in the environments and on the command lines of processes.

use std::collections::BTreeMap;

use super::key::{Fingerprint, Key};
use super::recognise::plain;
use crate::host::processes::unit_of;
use crate::host::running::{has_ended, place};
use crate::host::{Cause, Host, Text, Unreadable};

#[derive(Debug, Clone, Default)]
pub struct Environments {
    /// How many processes were looked at; none where nothing runs below this root.
    pub count: usize,
    pub keys: Vec<Carried>,
    /// The first of the processes that could not be looked into, and how many there are.
    pub unreadable: Vec<Unreadable>,
    pub unreadable_count: usize,
}

/// A key that processes of one name carry; a service and its workers share their environment.
#[derive(Debug, Clone)]
pub struct Carried {
    /// The kernel's short name, which a process may set to anything.
    pub process: Text,
    pub unit: Option<Text>,
    /// The variable that holds the id, or `None` for the command line, which every user can read.
    pub variable: Option<Text>,
    pub key: Key,
    /// In ascending order.
    pub pids: Vec<u32>,
}

impl Environments {
    pub(super) fn of(host: &Host) -> Result<Self, Unreadable> {
        let names = match host.list(PROC, MAX_PROCESSES) {
            Err(cause) if cause.is_absent() && !host.is_live() => return Ok(Self::default()),
            names => names?,
        };
        let mut pids: Vec<u32> = names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect();
        pids.sort_unstable();
        if pids.is_empty() && host.is_live() {
            return Err(Unreadable::new(PROC, Cause::Denied));
        }
        let mut look = Look { host, found: BTreeMap::new(), environments: Self::default() };
        // Every system that runs has a PID 1; hidepid hides it, and all the others, from those who are not root.
        if pids.first().is_some_and(|&pid| pid != 1) {
            look.note(Unreadable::new(place(1), Cause::Denied));
        }
        for pid in pids {
            look.at(pid);
        }
        let Look { found, mut environments, .. } = look;
        environments.keys = found.into_values().collect();
        Ok(environments)
    }
}

/// Process, variable and key: what makes a find one.
type Same = (Text, Option<Text>, Fingerprint);

struct Look<'a> {
    host: &'a Host,
    found: BTreeMap<Same, Carried>,
    environments: Environments,
}

impl Look<'_> {
    fn at(&mut self, pid: u32) {
        self.environments.count += 1;
        for (file, is_environment) in [("environ", true), ("cmdline", false)] {
            match self.host.read(place(pid).join(file), MAX_ENVIRONMENT) {
                Ok(bytes) => self.search(pid, &bytes, is_environment),
                Err(cause) if has_ended(&cause) => {}
                Err(cause) => self.note(cause),
            }
        }
    }

    fn search(&mut self, pid: u32, bytes: &[u8], is_environment: bool) {
        for key in plain(bytes) {
            let variable = is_environment.then(|| variable(bytes, key.at));
            let read =
                |name: &str| self.host.read(place(pid).join(name), MAX_ENVIRONMENT).unwrap_or_default();
            let process = Text::from_bytes(read("comm").trim_ascii_end());
            let same = (process.clone(), variable.clone(), key.fingerprint);
            if self.found.len() >= MAX_KEYS && !self.found.contains_key(&same) {
                return;
            }
            let unit = unit_of(&read("cgroup"));
            let carried =
                self.found.entry(same).or_insert(Carried { process, unit, variable, key, pids: Vec::new() });
            carried.pids.push(pid);
        }
    }

    fn note(&mut self, cause: Unreadable) {
        self.environments.unreadable_count += 1;
        if self.environments.unreadable.len() < MAX_NOTED {
            self.environments.unreadable.push(cause);
        }
    }
}

/// The name of the variable in which the byte at `at` lies.
fn variable(bytes: &[u8], at: usize) -> Text {
    let start = bytes[..at].iter().rposition(|&byte| byte == 0).map_or(0, |nul| nul + 1);
    let name = bytes[start..at].split(|&byte| byte == b'=').next().unwrap_or_default();
    Text::from_bytes_within(name, MAX_NAME)
}

const PROC: &str = "/proc";
/// The kernel's own limit on process ids, with room for what else is in /proc.
const MAX_PROCESSES: usize = 4_200_000;
/// execve(2) takes a quarter of the stack's limit, 2 MiB as kernels come.
const MAX_ENVIRONMENT: u64 = 8 * 1024 * 1024;
const MAX_KEYS: usize = 100;
const MAX_NOTED: usize = 20;
const MAX_NAME: usize = 64;
