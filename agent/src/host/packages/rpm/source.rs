//! A file of rpm's database, read at positions and never more of it than there is.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::host::{Cause, Host, Unreadable};

/// Reads are counted: no page of an intact database is needed more often than [`TIMES`], so that pages which point to each
/// other in a circle come to an end.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    pub(super) size: u64,
    left: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl Source {
    pub(super) fn open(host: &Host, path: &Path) -> Result<Self, Unreadable> {
        let (file, meta) = host.open(path)?;
        if meta.size > MAX_FILE {
            return Err(Unreadable::new(path, Cause::TooLarge { limit: MAX_FILE }));
        }
        let left = meta.size.saturating_mul(TIMES).saturating_add(SLACK);
        Ok(Self { file, size: meta.size, left, window: Vec::new(), window_at: 0 })
    }

    /// `length` bytes from `at`.
    pub(super) fn bytes(&mut self, at: u64, length: usize) -> Result<&[u8], Cause> {
        let wanted = length as u64;
        self.left = self.left.checked_sub(wanted).ok_or_else(|| malformed("its pages lead in a circle"))?;
        let end = at.checked_add(wanted).filter(|end| *end <= self.size);
        let end = end.ok_or_else(|| malformed("it ends before what it refers to"))?;
        let window_end = self.window_at.saturating_add(self.window.len() as u64);
        if at < self.window_at || end > window_end {
            // What is read in order is read ahead; of what is not, no more than is asked for.
            let is_next = at > self.window_at && at <= window_end;
            self.fill(at, if is_next { length.max(AHEAD) } else { length })?;
        }
        let start = usize::try_from(at.saturating_sub(self.window_at)).unwrap_or(usize::MAX);
        super::field::part(&self.window, start, length).ok_or_else(|| malformed("it was cut short"))
    }

    /// What is read next comes from the file, and not from what was read ahead.
    pub(super) fn forget(&mut self) {
        self.window.clear();
    }

    fn fill(&mut self, at: u64, length: usize) -> Result<(), Cause> {
        let rest = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        self.window_at = at;
        self.window.resize(length.min(rest), 0);
        let read = self.file.read_exact_at(&mut self.window, at);
        read.map_err(|error| {
            self.window.clear();
            match error.raw_os_error() {
                Some(errno) => Cause::Os(nix::errno::Errno::from_raw(errno)),
                None => malformed("it was cut short"),
            }
        })
    }
}

pub(super) fn malformed(what: impl Into<String>) -> Cause {
    Cause::Malformed { line: 0, what: what.into() }
}

/// A database of ten thousand packages has about 500 MB.
pub(super) const MAX_FILE: u64 = 1024 * 1024 * 1024;
/// Once for what a page holds, once for whether it is whole.
const TIMES: u64 = 2;
const SLACK: u64 = 1024 * 1024;
const AHEAD: usize = 64 * 1024;
