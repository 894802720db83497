//! One writer at a time: a lock that goes with its process, however that ends. flock(2)

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::libc;

use super::heir::Heir;

/// Held as long as it lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

#[derive(Debug)]
pub enum NotLocked {
    /// The process that has it, as far as it said so.
    Held {
        path: PathBuf,
        by: Option<u32>,
    },
    Disk {
        path: PathBuf,
        cause: io::Error,
    },
}

impl fmt::Display for NotLocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { path, by: Some(pid) } => {
                write!(f, "process {pid} has {}; stop it first, or set GUESTWARD_STATE", path.display())
            }
            Self::Held { path, by: None } => {
                write!(f, "another process has {}; stop it first, or set GUESTWARD_STATE", path.display())
            }
            Self::Disk { path, cause } => write!(f, "cannot lock {}: {cause}", path.display()),
        }
    }
}

impl std::error::Error for NotLocked {}

impl Lock {
    /// The file `lock` in a directory that exists.
    pub fn take(directory: &Path) -> Result<Self, NotLocked> {
        let path = directory.join("lock");
        let disk = |cause| NotLocked::Disk { path: path.clone(), cause };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(MODE)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open(&path)
            .map_err(disk)?;
        if let Some(heir) = fs::metadata(directory).ok().and_then(|meta| Heir::of(&meta)) {
            heir.inherit(&file, MODE).map_err(disk)?;
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = (&file).take(MAX_PID).read_to_string(&mut text);
                return Err(NotLocked::Held { path, by: text.trim().parse().ok() });
            }
            Err(TryLockError::Error(cause)) => return Err(disk(cause)),
        }
        // For whoever comes second; the lock itself is the kernel's.
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(disk)?;
        Ok(Self { _file: file })
    }
}

const MAX_PID: u64 = 20;
/// Whoever may read the journal may read who has it.
const MODE: u32 = 0o640;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let refused = Lock::take(folder.path()).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {} has ", std::process::id())), "{refused}");
        drop(first);
        Lock::take(folder.path()).unwrap();
    }
}
