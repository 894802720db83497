//! A database's bytes, read at positions and never more of them than there are.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use nix::sys::stat::fstat;

use crate::host::{Cause, Host, Unreadable};

/// Reads are counted: no page of an intact database is needed more often than [`TIMES`], so that pages which point to each
/// other in a circle come to an end.
#[derive(Debug)]
pub(in crate::host::packages) struct Source {
    store: Store,
    pub(in crate::host::packages) size: u64,
    left: u64,
    window: Vec<u8>,
    window_at: u64,
}

#[derive(Debug)]
enum Store {
    File(File),
    /// What was unpacked, and has no file.
    Held(Vec<u8>),
}

impl Source {
    pub(in crate::host::packages) fn open(host: &Host, path: &Path) -> Result<Self, Unreadable> {
        let (file, meta) = host.open(path)?;
        if meta.size > MAX_FILE {
            return Err(Unreadable::new(path, Cause::TooLarge { limit: MAX_FILE }));
        }
        Ok(Self::new(Store::File(file), meta.size))
    }

    pub(in crate::host::packages) fn held(bytes: Vec<u8>) -> Self {
        let size = bytes.len() as u64;
        Self::new(Store::Held(bytes), size)
    }

    fn new(store: Store, size: u64) -> Self {
        let left = size.saturating_mul(TIMES).saturating_add(SLACK);
        Self { store, size, left, window: Vec::new(), window_at: 0 }
    }

    /// `length` bytes from `at`.
    pub(in crate::host::packages) fn bytes(&mut self, at: u64, length: usize) -> Result<&[u8], Cause> {
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

    /// Hands everything to `each`, in order, once; it is not counted as what the database's own structure asks for.
    pub(in crate::host::packages) fn pass(&mut self, mut each: impl FnMut(&[u8])) -> Result<(), Cause> {
        let mut at = 0;
        while at < self.size {
            self.fill(at, AHEAD)?;
            each(&self.window);
            at = at.saturating_add(self.window.len() as u64);
        }
        self.forget();
        Ok(())
    }

    /// What is read next comes from the file, and not from what was read ahead.
    pub(in crate::host::packages) fn forget(&mut self) {
        self.window.clear();
    }

    fn fill(&mut self, at: u64, length: usize) -> Result<(), Cause> {
        let rest = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        self.window_at = at;
        self.window.resize(length.min(rest), 0);
        let read = match &self.store {
            Store::File(file) => file.read_exact_at(&mut self.window, at),
            Store::Held(bytes) => {
                let start = usize::try_from(at).unwrap_or(usize::MAX);
                let part = super::field::part(bytes, start, self.window.len()).unwrap_or_default();
                self.window.clear();
                self.window.extend_from_slice(part);
                Ok(())
            }
        };
        read.map_err(|error| {
            self.window.clear();
            match error.raw_os_error() {
                Some(errno) => Cause::Os(nix::errno::Errno::from_raw(errno)),
                None => malformed("it was cut short"),
            }
        })
    }
}

pub(in crate::host::packages) fn malformed(what: impl Into<String>) -> Cause {
    Cause::Malformed { line: 0, what: what.into() }
}

/// Which file a path is, how long, and when it was changed last.
pub(in crate::host::packages) type Stamp = Option<[i128; 7]>;

pub(in crate::host::packages) fn stamp(host: &Host, path: &Path) -> Stamp {
    let handle = host.resolver.resolve(&host.root, path, true).ok()?;
    let found = fstat(&handle).ok()?;
    Some([
        found.st_dev.into(),
        found.st_ino.into(),
        found.st_size.into(),
        found.st_mtime.into(),
        found.st_mtime_nsec.into(),
        found.st_ctime.into(),
        found.st_ctime_nsec.into(),
    ])
}

/// A database of ten thousand packages has about 500 MB.
pub(in crate::host::packages) const MAX_FILE: u64 = 1024 * 1024 * 1024;
/// Once for what a page holds, once for whether it is whole.
const TIMES: u64 = 2;
const SLACK: u64 = 1024 * 1024;
const AHEAD: usize = 64 * 1024;
