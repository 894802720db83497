//! One shipper at a time: two with one set of cursors would deliver everything twice.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::libc;

/// Held until it is dropped, or its process is gone.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] File);

#[derive(Debug)]
pub enum LockError {
    /// Another process has it; its pid as it wrote it there.
    Taken(Option<String>),
    Failed(io::Error),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(Some(pid)) => {
                write!(f, "`guestward ship` is already running as process {pid}; stop that one first")
            }
            Self::Taken(None) => f.write_str("`guestward ship` is already running; stop that one first"),
            Self::Failed(cause) => write!(f, "cannot take the lock: {cause}"),
        }
    }
}

impl std::error::Error for LockError {}

impl From<io::Error> for LockError {
    fn from(cause: io::Error) -> Self {
        Self::Failed(cause)
    }
}

impl Lock {
    /// Takes the lock of a directory, which must exist.
    pub fn take(directory: &Path) -> Result<Self, LockError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open(directory.join(NAME))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(LockError::Taken(pid(&mut file))),
            Err(fs::TryLockError::Error(cause)) => return Err(LockError::Failed(cause)),
        }
        // Only for whoever is turned away: without it the lock holds all the same.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self(file))
    }
}

fn pid(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.take(MAX_PID).read_to_string(&mut text).ok()?;
    let pid = text.trim();
    (!pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())).then(|| pid.to_owned())
}

const NAME: &str = "lock";
const MAX_PID: u64 = 16;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_turned_away_with_the_pid_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let second = Lock::take(folder.path()).unwrap_err().to_string();
        assert!(second.contains(&format!("process {};", std::process::id())), "{second}");
        drop(first);
        Lock::take(folder.path()).unwrap();
    }
}
