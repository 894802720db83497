//! The end of the file as a crash left it: what is torn goes, what is whole is remembered.
//!
//! Between a sync and its cursor at most one batch can be in the file without being acknowledged. So the last stretch
//! of the file, and of the one before it, tells all that must be known; there is no need to know how the process ended.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::libc;

use super::rotate;
use crate::finding::wire::record::{self, Hash};
use crate::journal::Position;

/// Cuts the file back to its last whole line, and answers with the lines behind the one that was acknowledged: they
/// are on the disk, and must not be written again.
pub(super) fn mend(file: &File, path: &Path, acknowledged: Option<Position>) -> io::Result<HashSet<Hash>> {
    let current = Stretch::last_of(file)?;
    refuse_foreign(file)?;
    let before = before(path, WINDOW.saturating_sub(current.bytes.len() as u64));
    let old: Vec<&[u8]> = before.iter().flat_map(Stretch::lines).collect();
    let own: Vec<Range<usize>> = current.spans();
    let all = old.iter().copied().chain(own.iter().map(|span| &current.bytes[span.clone()]));
    let all: Vec<&[u8]> = all.collect();
    let last_acknowledged = all.iter().rposition(|line| is(line, acknowledged));
    let unacknowledged = last_acknowledged.map_or(0, |index| index + 1);

    // A power cut can leave a length without its bytes. Only what will come again may be cut for that.
    let broken = (unacknowledged.max(old.len())..all.len())
        .find(|&index| last_acknowledged.is_some() && record::parse(all[index]).is_err());
    let end = match broken {
        Some(index) => current.start + own[index - old.len()].start as u64,
        None => current.start + own.last().map_or(current.skipped, |span| span.end + 1) as u64,
    };
    if end < current.start + current.bytes.len() as u64 {
        file.set_len(end)?;
    }
    // The process before may have been killed before it could.
    file.sync_data()?;
    let kept = &all[..broken.unwrap_or(all.len())];
    Ok(kept.get(unacknowledged..).unwrap_or_default().iter().map(|line| Hash::of(line)).collect())
}

/// The end of a file.
struct Stretch {
    start: u64,
    bytes: Vec<u8>,
    /// Bytes at its front that belong to a line that begins before it.
    skipped: usize,
}

impl Stretch {
    fn last_of(file: &File) -> io::Result<Self> {
        Self::of(file, WINDOW)
    }

    fn of(file: &File, limit: u64) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let start = length.saturating_sub(limit);
        let mut bytes = vec![0; usize::try_from(length - start).unwrap_or(0)];
        file.read_exact_at(&mut bytes, start)?;
        let skipped = match start {
            0 => 0,
            _ => memchr::memchr(b'\n', &bytes).map(|at| at + 1).ok_or_else(foreign)?,
        };
        Ok(Self { start, bytes, skipped })
    }

    /// Where its whole lines are, without their newlines.
    fn spans(&self) -> Vec<Range<usize>> {
        let mut from = self.skipped;
        memchr::memchr_iter(b'\n', &self.bytes)
            .filter(|&at| at >= self.skipped)
            .map(|at| std::mem::replace(&mut from, at + 1)..at)
            .collect()
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.spans().into_iter().map(|span| &self.bytes[span])
    }
}

/// The end of the file that was full last. Where it cannot be read there is nothing to know of it.
fn before(path: &Path, limit: u64) -> Option<Stretch> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(rotate::numbered(path, 1))
        .ok()?;
    file.metadata().ok().filter(|meta| meta.is_file())?;
    Stretch::of(&file, limit).ok()
}

fn is(line: &[u8], acknowledged: Option<Position>) -> bool {
    let Some(at) = acknowledged else { return false };
    record::parse(line).is_ok_and(|record| (record.epoch, record.seq) == (at.epoch, at.seq))
}

/// A file that somebody else writes must not be cut, nor mixed with records.
fn refuse_foreign(file: &File) -> io::Result<()> {
    let mut head = [0; BEGINNING.len()];
    let count = file.read_at(&mut head, 0)?;
    let is_blank = head.iter().all(|byte| *byte == 0);
    if is_blank || BEGINNING.starts_with(&head[..count]) { Ok(()) } else { Err(foreign()) }
}

fn foreign() -> io::Error {
    io::Error::other(
        "there is something else in it than records; move it away or name another path in [ship.local]",
    )
}

/// How each record begins.
const BEGINNING: &[u8] = br#"{"v":1,"agent":""#;
/// Well beyond a batch and its newlines.
pub(super) const WINDOW: u64 = 2 * 1024 * 1024;
