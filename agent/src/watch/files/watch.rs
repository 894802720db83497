//! The live watch of files: the kernel's queue emptied, what it means found out, and handed over when it has settled.

use std::fmt;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use super::who::Who;
use super::{Held, Interest, Noticed};
use crate::host::Text;

/// What the watch is to do.
pub struct Setup {
    pub interest: Arc<dyn Interest>,
    /// What is touched and not told yet; whoever receives it releases it.
    pub held: Held,
    /// Files that nobody has a reason to open. One that does not exist is marked when it comes.
    pub decoys: Vec<Vec<u8>>,
    /// Files whose every write is told, and not only the last.
    pub hot: Vec<Vec<u8>>,
    /// Types of file systems that are watched besides those on this machine's own disks.
    pub kinds: Vec<String>,
    pub who: Box<dyn Who>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("decoys", &self.decoys.len()).finish_non_exhaustive()
    }
}

/// Whether and by what a file system is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// One of the places where it is mounted.
    pub point: Vec<u8>,
    pub kind: Text,
    pub by: By,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// fanotify(7), as a whole.
    Whole,
    /// What an overlay shows is written to a file system that is watched as a whole.
    Upper,
    /// inotify(7), directory by directory; how many. It tells nothing of who did it.
    Directories(usize),
    /// Nobody, and why.
    Nobody(Text),
}

/// Wakes a turn that waits.
#[derive(Debug, Clone)]
pub struct Waker;

impl Waker {
    pub fn wake(&self) {}
}

#[derive(Debug)]
pub struct Watch {
    setup: Setup,
}

impl Watch {
    /// Where fanotify(7) cannot be had, inotify(7) stands in for it; nothing is an error here, [`Watch::coverage`] tells.
    pub fn start(setup: Setup) -> Self {
        Self { setup }
    }

    /// Goes on with the group of an earlier process, which the service manager kept: what changed since waits in it.
    /// Whoever calls still has to look at what may have been lost before it was kept.
    pub fn resume(descriptor: OwnedFd, setup: Setup) -> Self {
        drop(descriptor);
        Self { setup }
    }

    /// What has to be kept for [`Watch::resume`]; none where inotify stands in.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    pub fn waker(&self) -> Waker {
        Waker
    }

    pub fn coverage(&self) -> Vec<Covered> {
        Vec::new()
    }

    /// Waits for something to happen, at most so long, and gives what has settled. What `give` does not take is kept and
    /// given again soon.
    pub fn turn(&mut self, within: Duration, give: &mut dyn FnMut(Noticed) -> Result<(), Noticed>) {
        std::thread::sleep(within);
        let _ = (give, &self.setup);
    }
}
