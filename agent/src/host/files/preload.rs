//! `/etc/ld.so.preload`: libraries that the loader puts into every program (ld.so(8)).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::host::trail::Trail;
use crate::host::{Cause, Host, Unreadable};

/// One library of the list.
#[derive(Debug, Clone)]
pub struct Preload {
    pub path: PathBuf,
    /// Counted from 1.
    pub line: usize,
    /// The way to it; a name without a slash is searched for, and by another program than us.
    pub trail: Result<Trail, Unreadable>,
}

/// The entries; none where there is no such file.
pub(super) fn of(host: &Host) -> Result<Vec<Preload>, Unreadable> {
    let bytes = match host.read(FILE, MAX_FILE) {
        Err(cause) if cause.is_absent() => return Ok(Vec::new()),
        bytes => bytes?,
    };
    let entries = entries(&bytes)?;
    Ok(entries
        .into_iter()
        .map(|(line, path)| {
            let trail = if path.is_absolute() {
                Trail::to(host, &path)
            } else {
                let what = "a library that is searched for by its name".to_owned();
                Err(Unreadable::new(path.clone(), Cause::Unsupported(what)))
            };
            Preload { path, line, trail }
        })
        .collect())
}

/// Names between blanks and colons, with their lines; a # takes the rest of its line.
pub fn entries(bytes: &[u8]) -> Result<Vec<(usize, PathBuf)>, Unreadable> {
    let mut entries = Vec::new();
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let line = line.split(|&byte| byte == b'#').next().unwrap_or_default();
        for name in
            line.split(|byte| matches!(byte, b' ' | b'\t' | b':' | b'\r')).filter(|name| !name.is_empty())
        {
            if entries.len() == MAX_ENTRIES {
                return Err(Unreadable::new(FILE, Cause::TooMany { limit: MAX_ENTRIES }));
            }
            entries.push((index + 1, Path::new(OsStr::from_bytes(name)).to_owned()));
        }
    }
    Ok(entries)
}

pub const FILE: &str = "/etc/ld.so.preload";
const MAX_FILE: u64 = 64 * 1024;
const MAX_ENTRIES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn blanks_and_colons_separate_and_a_remark_says_nothing() {
        let found = entries(b"/a.so:/b.so\n# /c.so\n\t/d.so # /e.so\n").unwrap();
        let found: Vec<_> = found.iter().map(|(line, path)| (*line, path.to_str().unwrap())).collect();
        assert_eq!(found, [(1, "/a.so"), (1, "/b.so"), (3, "/d.so")]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = entries(&bytes);
        }
    }
}
