//! What the watch asks about processes: who a pid was when it did something, and which package manager it worked for.
//!
//! The watch reads the kernel's queue of files until it is empty, and tells of each program that was executed and of each
//! pid that it met, in that order. Only then it lets the processes' own events be read: whatever a process was when it
//! touched a file had been told there before.

use std::fmt;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::host::actor::Actor;

/// Who did it.
pub trait Who: Send + fmt::Debug {
    /// It began to execute this file: of a script that is the script, then its interpreter, then what loads that.
    fn executed(&mut self, pid: u32, program: Executed);
    /// Who this pid is at this point of the queue: to be asked about after [`Who::drain`]. `pidfd` stands for the very
    /// process, where the kernel gave one.
    fn mark(&mut self, pid: u32, pidfd: Option<BorrowedFd<'_>>) -> Mark;
    /// The kernel's queue was full: programs that were executed before this point may not have been told.
    fn lost(&mut self) {}
    /// Reads what processes told of themselves; called when the kernel's queue of files was read empty.
    fn drain(&mut self);
    /// None where nothing at all is known but the pid, if that.
    fn actor(&mut self, mark: &Mark) -> Option<Arc<Actor>>;
    /// The run of a package manager that it belongs to. Goes on to answer for one that [`Who::ended`] has told until
    /// `ended` is asked again: the last of what it wrote is read in between.
    fn update(&mut self, mark: &Mark) -> Option<OfRun>;
    /// The runs that are over; each is told once.
    fn ended(&mut self, now: Instant) -> Vec<Ended>;
    /// When [`Who::ended`] has to be asked next, if nothing else happens; what has passed if it has something to tell.
    fn due(&self) -> Option<Instant>;
    /// What becomes readable when there is something to drain.
    fn descriptor(&self) -> Option<BorrowedFd<'_>>;
}

/// A file that was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// As good as it can be known; empty where it cannot.
    pub path: Vec<u8>,
    /// `st_dev` and `st_ino`.
    pub device: u64,
    pub inode: u64,
}

/// A pid at a point of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark {
    pub pid: u32,
    /// Whatever tells its asker that point: two marks that are equal are the same process executing the same program.
    pub at: u64,
}

/// Which run of a package manager, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpdateId(pub u64);

/// What somebody is within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfRun {
    pub id: UpdateId,
    /// It is the package manager's own program, and not one that it started.
    pub is_manager: bool,
}

/// A run that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    pub id: UpdateId,
    /// `dpkg`.
    pub manager: &'static str,
    /// The first process of it.
    pub by: Arc<Actor>,
    pub began: Timestamp,
    pub ended: Timestamp,
    /// It lasts longer than we wait: what it does from now on belongs to no run.
    pub is_cut: bool,
}

/// Where nothing can be known of processes but their pids.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Who for Nobody {
    fn executed(&mut self, _: u32, _: Executed) {}

    fn mark(&mut self, pid: u32, _: Option<BorrowedFd<'_>>) -> Mark {
        Mark { pid, at: 0 }
    }

    fn drain(&mut self) {}

    fn actor(&mut self, mark: &Mark) -> Option<Arc<Actor>> {
        (mark.pid != 0).then(|| Arc::new(Actor { pid: mark.pid, ..Actor::default() }))
    }

    fn update(&mut self, _: &Mark) -> Option<OfRun> {
        None
    }

    fn ended(&mut self, _: Instant) -> Vec<Ended> {
        Vec::new()
    }

    fn due(&self) -> Option<Instant> {
        None
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
