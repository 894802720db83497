//! What we cost this machine ourselves.

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// What the kernel charges this process with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Resident memory in bytes.
    pub rss: u64,
    /// Processor time since the start, user's and kernel's, of all threads.
    pub cpu: Duration,
    /// Since the start, in whole seconds.
    pub uptime: Duration,
}

/// Where to look it up, kept from one question to the next.
#[derive(Debug)]
pub struct Own {
    system: System,
    pid: Pid,
}

impl Own {
    /// `None` where a process cannot tell its own id.
    pub fn new() -> Option<Self> {
        keep_no_files();
        Some(Self { system: System::new(), pid: sysinfo::get_current_pid().ok()? })
    }

    /// `None` where there is no `/proc`.
    pub fn cost(&mut self) -> Option<Cost> {
        let what = ProcessRefreshKind::nothing().with_memory().with_cpu();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.pid]), false, what);
        let process = self.system.process(self.pid)?;
        Some(Cost {
            rss: process.memory(),
            cpu: Duration::from_millis(process.accumulated_cpu_time()),
            uptime: Duration::from_secs(process.run_time()),
        })
    }
}

/// sysinfo raises the limit of open files to the hard one when it is first used, and keeps a file open for each process
/// that it looked at. How many we may have open is the operator's to say, so the limit is put back.
fn keep_no_files() {
    let limit = getrlimit(Resource::RLIMIT_NOFILE);
    sysinfo::set_open_files_limit(0);
    if let Ok((soft, hard)) = limit {
        // Lowering the soft limit needs no right, and what is open stays open.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, soft, hard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::ffi::OsString;
    use std::fs;

    #[test]
    fn the_figures_are_the_kernels() {
        let mut own = Own::new().unwrap();
        // Other tests allocate in this very process, so a reading counts where the kernel's figure stood still around it.
        let agrees = (0..10_000).any(|_| {
            let (before, cost, after) = (resident(), own.cost().unwrap(), resident());
            before == after && cost.rss == before
        });
        assert!(agrees, "{:?} beside {}", own.cost(), resident());

        let (before, cost, after) = (processor_millis(), own.cost().unwrap(), processor_millis());
        assert!((before..=after).contains(&cost.cpu.as_millis()), "{before} {cost:?} {after}");
        let uptime = fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
        assert!(cost.uptime.as_secs_f64() <= uptime + 1.0, "{cost:?}");
    }

    #[test]
    fn the_time_grows_with_what_we_do() {
        let mut own = Own::new().unwrap();
        let before = own.cost().unwrap().cpu;
        let mut sum = 0_u64;
        // However fast the machine is, this ends only when the figure has moved.
        while own.cost().unwrap().cpu < before + Duration::from_millis(20) {
            sum = (0..100_000_u64).fold(sum, u64::wrapping_add);
        }
        assert!(std::hint::black_box(sum) > 0);
    }

    #[test]
    fn the_limit_of_open_files_stays_the_operators() {
        let before = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let open = || -> BTreeSet<OsString> {
            let files = fs::read_dir("/proc/self/fd").unwrap().map(Result::unwrap);
            files.filter(leads_to_proc).map(|file| file.file_name()).collect()
        };
        let mut own = Own::new().unwrap();
        own.cost().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), before);
        // Other tests read the same file in this very process, and close it again; what is kept open stays in every look.
        let kept = (0..1000).fold(open(), |kept, _| &kept & &open());
        assert!(kept.is_empty(), "sysinfo keeps a file open: {kept:?}");
    }

    fn leads_to_proc(fd: &fs::DirEntry) -> bool {
        fs::read_link(fd.path()).is_ok_and(|path| path.ends_with(format!("{}/stat", std::process::id())))
    }

    fn resident() -> u64 {
        let statm = fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
        pages * rustix::param::page_size() as u64
    }

    fn processor_millis() -> u128 {
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u128 = fields[11].parse::<u128>().unwrap() + fields[12].parse::<u128>().unwrap();
        ticks * 1000 / u128::from(rustix::param::clock_ticks_per_second())
    }
}
