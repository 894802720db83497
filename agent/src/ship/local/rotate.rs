//! Full files move aside: `records.jsonl` to `.1`, `.1` to `.2`, and so on; the oldest goes.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Moves the full file aside. Wherever it is interrupted, doing it again removes no more than it would have: only as
/// many files move as it takes to reach a free place, and one is removed only where there is none.
pub(super) fn rotate(path: &Path, keep: u32) -> io::Result<()> {
    if keep == 0 {
        fs::remove_file(path)?;
        return sync_directory(path);
    }
    let mut free = 1;
    while free < keep && numbered(path, free).symlink_metadata().is_ok() {
        free += 1;
    }
    // Where no place is free, renaming over the oldest removes it in the same step.
    for number in (1..free).rev() {
        fs::rename(numbered(path, number), numbered(path, number + 1))?;
    }
    fs::rename(path, numbered(path, 1))?;
    sync_directory(path)
}

/// `records.jsonl.3`: the third file before the one that is written.
pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// The names as they are now survive a power cut.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
