//! What the watch of files is told at its start, and what it says of itself.

use std::fmt;
use std::sync::Arc;

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::who::Who;
use super::{Held, Interest};
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
pub struct Waker(pub(super) Option<Arc<EventFd>>);

impl Waker {
    pub(super) fn new() -> Self {
        let made = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK);
        // Without it a turn lasts as long as it was told to.
        Self(made.ok().map(Arc::new))
    }

    pub fn wake(&self) {
        if let Some(event) = &self.0 {
            // It would block only if it had been woken more often than a number can hold.
            let _ = event.write(1);
        }
    }

    pub(super) fn calm(&self) {
        if let Some(event) = &self.0 {
            let _ = event.read();
        }
    }
}
