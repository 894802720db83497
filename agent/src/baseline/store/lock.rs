//! One at a time changes a baseline; whoever comes second waits a little, and is then told who was first.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::damage::NotKept;
use super::{files, section};
use crate::journal::lock::{self, NotLocked};
use crate::journal::storage::Directory;

/// Held as long as it lives, with the directory to write in.
#[derive(Debug)]
pub(super) struct Lock {
    pub(super) directory: Directory,
    _lock: lock::Lock,
}

impl Lock {
    /// Makes the directory where it is missing.
    pub(super) fn take(path: &Path) -> Result<Self, NotKept> {
        let directory = Directory::create(path, files::DIRECTORY_MODE, None).map_err(NotKept::disk(path))?;
        let since = Instant::now();
        loop {
            match lock::Lock::take(path) {
                Ok(lock) => return Ok(Self { directory, _lock: lock }),
                Err(NotLocked::Disk { path, cause }) => return Err(NotKept::Disk { path, cause }),
                Err(NotLocked::Held { path, by }) if since.elapsed() > PATIENCE => {
                    return Err(NotKept::Busy { lock: path, by });
                }
                Err(NotLocked::Held { .. }) => thread::sleep(PAUSE),
            }
        }
    }
}

/// Whether somebody changes the baseline just now.
pub(super) fn is_held(directory: &Path) -> bool {
    section::open(&directory.join("lock")).is_ok_and(|file| file.try_lock_shared().is_err())
}

/// An operator who waits for longer believes that nothing happens.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
