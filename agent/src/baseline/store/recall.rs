//! What an interrupted attempt to make a baseline saw, and whether it still holds.

use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::draft::{Draft, Slice, read_key, read_mark, read_slice};
use super::header::Header;
use super::{Entry, section};
use crate::baseline::runs::Keys;
use crate::host::object::{Content, Object};

/// The attempts before this one.
#[derive(Debug)]
pub(super) struct Earlier {
    file: Option<(File, PathBuf, u64)>,
    /// The last one first.
    attempts: Vec<Keys>,
    pub(super) began: Timestamp,
}

/// The slice that was read last, one for whoever asks.
#[derive(Debug, Default)]
pub struct Recall {
    slice: Option<(u64, Slice)>,
}

impl Earlier {
    pub(super) fn none() -> Self {
        Self { file: None, attempts: Vec::new(), began: Timestamp::MAX }
    }

    /// As far as the file is whole, and was written under the same rules, in the same boot, with the same clock.
    pub(super) fn read(path: &Path, now: &Header) -> Option<(Self, u64)> {
        let file = section::open(path).ok()?;
        let size = file.metadata().ok()?.len();
        let (mut at, mut attempts, mut began) = (0, Vec::new(), Timestamp::MAX);
        while let Ok((bytes, end)) = section::read(&file, path, at, size) {
            match (read_key(&bytes), attempts.last_mut()) {
                (Ok(Some((directory, name))), Some(keys)) => Keys::add(keys, directory, name, at),
                _ => {
                    let header = read_mark(&bytes).filter(|then| holds(then, now))?;
                    began = began.min(header.created);
                    attempts.push(Keys::default());
                }
            }
            at = end;
        }
        attempts.iter_mut().for_each(Keys::sort);
        attempts.reverse();
        let goes_on = !attempts.is_empty() && attempts.len() < MAX_ATTEMPTS;
        goes_on.then(|| (Self { file: Some((file, path.to_owned(), at)), attempts, began }, at))
    }

    fn find(&self, directory: &[u8], name: &[u8], recall: &mut Recall) -> Option<(Entry, i64)> {
        let (file, path, end) = self.file.as_ref()?;
        for keys in &self.attempts {
            let Some((_, _, at)) = keys.find(directory, name).and_then(|number| keys.get(number)) else {
                continue;
            };
            if recall.slice.as_ref().is_none_or(|(of, _)| *of != at) {
                let (bytes, _) = section::read(file, path, at, *end).ok()?;
                recall.slice = Some((at, read_slice(&bytes).ok()?));
            }
            let (_, slice) = recall.slice.as_ref()?;
            if slice.directory != directory {
                continue;
            }
            if let Ok(number) = slice.entries.binary_search_by(|(of, _)| of[..].cmp(name)) {
                return Some((slice.entries[number].1.clone(), slice.at));
            }
        }
        None
    }
}

impl Draft {
    /// What an earlier attempt knows of an object that is now `seen`, if that tells that nothing of it has changed.
    pub fn recall(&self, directory: &[u8], name: &[u8], seen: &Object, recall: &mut Recall) -> Option<Entry> {
        let (entry, at) = self.earlier.find(directory, name, recall)?;
        let then = &entry.object;
        let is_same = (then.kind, then.device, then.inode, then.size)
            == (seen.kind, seen.device, seen.inode, seen.size)
            && (then.modified, then.changed, then.born) == (seen.modified, seen.changed, seen.born);
        // What changed in the very moment in which it was read may have changed again within it.
        let is_settled = then.changed.seconds.saturating_add(SETTLED) < at;
        let is_read = !matches!(then.content, Content::Unread(_)) && then.xattr_trouble.is_none();
        (is_same && is_settled && is_read).then_some(entry)
    }
}

/// Whether what was seen then can be believed now.
fn holds(then: &Header, now: &Header) -> bool {
    then.rules == now.rules
        && then.algorithm == now.algorithm
        && then.root == now.root
        && then.machine == now.machine
        && then.agent == now.agent
        && then.boot == now.boot
        && then.clock.abs_diff(now.clock) < STEP
}

/// What keeps being interrupted is begun anew, or the file would grow for ever.
const MAX_ATTEMPTS: usize = 8;
/// Seconds; the clock of a file system is coarser than ours.
const SETTLED: i64 = 2;
/// Nanoseconds by which a clock is corrected gently; more than that was set.
const STEP: u64 = 1_000_000_000;
