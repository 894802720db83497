//! Where fanotify(7) cannot be had: inotify(7), a watch on each directory of interest. It tells nothing of who did it, nor of
//! other names of a file, and it takes as long to set up as to walk through all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};

use notify::event::{MetadataKind, ModifyKind, RenameMode};
use notify::{Config, ErrorKind, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::batch::Batch;
use super::gathered::{Settle, Touch};
use super::names::below;
use super::setup::Waker;
use super::who::Mark;
use super::{How, Interest};
use crate::host::Text;

#[derive(Debug)]
pub(super) struct Fallback {
    watcher: RecommendedWatcher,
    events: Receiver<notify::Event>,
    /// More came than there was room for.
    has_lost: Arc<AtomicBool>,
    /// How many directories are watched below each place.
    counts: BTreeMap<Vec<u8>, usize>,
    watched: BTreeSet<Vec<u8>>,
}

impl Fallback {
    pub(super) fn start(waker: Waker) -> Result<Self, Text> {
        let (sender, events) = sync_channel(MAX_EVENTS);
        let has_lost = Arc::new(AtomicBool::new(false));
        let lost = has_lost.clone();
        let tell = move |event| pass(event, &sender, &lost, &waker);
        let config = Config::default().with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(tell, config).map_err(|error| shown(&error))?;
        Ok(Self { watcher, events, has_lost, counts: BTreeMap::new(), watched: BTreeSet::new() })
    }

    /// Watches what is of interest below a place, on its file system; none of it twice.
    pub(super) fn cover(&mut self, place: &[u8], interest: &dyn Interest) -> Result<(), Text> {
        let device = fs::symlink_metadata(path(place)).map_err(|error| Text::new(&error.to_string()))?.dev();
        let before = self.watched.len();
        let done = self.walk(place, device, interest);
        *self.counts.entry(place.to_vec()).or_default() += self.watched.len() - before;
        done
    }

    /// What lies there is another file system now.
    pub(super) fn uncover(&mut self, place: &[u8]) {
        self.unwatch(place);
        self.counts.retain(|known, _| below(known, place).is_none());
    }

    /// Whether there was anything to unwatch.
    fn unwatch(&mut self, path: &[u8]) -> bool {
        let may = self.watched.range(path.to_vec()..).take_while(|one| one.starts_with(path));
        let gone: Vec<_> = may.filter(|one| below(one, path).is_some()).cloned().collect();
        for directory in &gone {
            // Those that were deleted have lost their watches already.
            let _ = self.watcher.unwatch(self::path(directory));
            self.watched.remove(directory);
        }
        !gone.is_empty()
    }

    pub(super) fn count(&self, place: &[u8]) -> Option<usize> {
        self.counts.get(place).copied()
    }

    /// A directory came that belongs to a place which is watched.
    fn walk_on(&mut self, path: &[u8], interest: &dyn Interest) -> Result<(), Text> {
        let place =
            self.counts.keys().filter(|place| below(path, place).is_some()).max_by_key(|place| place.len());
        let place = place.cloned();
        let Ok(found) = fs::symlink_metadata(self::path(path)) else { return Ok(()) };
        let before = self.watched.len();
        let done = self.walk(path, found.dev(), interest);
        if let Some(count) = place.and_then(|place| self.counts.get_mut(&place)) {
            *count += self.watched.len() - before;
        }
        done
    }

    fn walk(&mut self, place: &[u8], device: u64, interest: &dyn Interest) -> Result<(), Text> {
        let mut open = vec![place.to_vec()];
        while let Some(directory) = open.pop() {
            if !interest.leads_on(&directory) {
                continue;
            }
            if !self.watched.contains(&directory) {
                match self.watcher.watch(path(&directory), RecursiveMode::NonRecursive) {
                    Ok(()) => drop(self.watched.insert(directory.clone())),
                    Err(error) if is_gone(&error) => continue,
                    Err(error) => return Err(shown(&error)),
                }
            }
            // Only after it is watched: what is made from now on is told.
            let Ok(entries) = fs::read_dir(path(&directory)) else { continue };
            for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
                if entry.metadata().is_ok_and(|found| found.dev() == device) {
                    open.push(entry.path().as_os_str().as_bytes().to_vec());
                }
            }
        }
        Ok(())
    }

    /// What happened since; what went wrong on the way is told by the second.
    pub(super) fn drain(&mut self, interest: &dyn Interest, batch: &mut Batch) -> Option<Text> {
        let mut failure = None;
        while !batch.is_full() {
            let event = match self.events.try_recv() {
                Ok(event) => event,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            };
            if event.need_rescan() {
                batch.overflown();
            }
            for (path, how, settle) in meant(&event) {
                let is_directory = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
                let bytes = path.as_os_str().as_bytes();
                let is_tree = self.came_or_went(bytes, how, is_directory, interest, &mut failure);
                if interest.wants(bytes) || is_tree && interest.leads_on(bytes) {
                    let settle =
                        if is_directory && settle == Settle::Created { Settle::AtOnce } else { settle };
                    let (path, at) = (bytes.into(), batch.at);
                    let touch = Touch { path, is_tree, how, count: 1, at, settle, alias: None };
                    batch.add(touch, Mark { pid: 0, at: 0 });
                }
            }
        }
        if self.has_lost.swap(false, Ordering::Relaxed) {
            batch.overflown();
        }
        failure
    }

    /// Whether it is, or was, a directory whose contents came or went with it.
    fn came_or_went(
        &mut self,
        path: &[u8],
        how: How,
        is_directory: bool,
        interest: &dyn Interest,
        failure: &mut Option<Text>,
    ) -> bool {
        if how.contains(How::DELETED) || how.contains(How::MOVED_AWAY) {
            return self.unwatch(path);
        }
        let came = how.contains(How::CREATED) || how.contains(How::MOVED_HERE);
        if came
            && is_directory
            && let Err(why) = self.walk_on(path, interest)
        {
            *failure = Some(why);
        }
        came && is_directory
    }
}

/// On the thread of the library: it must not wait for us, or the kernel's queue runs over.
fn pass(
    event: notify::Result<notify::Event>,
    sender: &SyncSender<notify::Event>,
    lost: &AtomicBool,
    waker: &Waker,
) {
    match event {
        // Our own reading is among them, and nothing changes by it.
        Ok(event) if is_only_access(&event) => return,
        Ok(event) => {
            if let Err(TrySendError::Full(_)) = sender.try_send(event) {
                lost.store(true, Ordering::Relaxed);
            }
        }
        Err(_) => lost.store(true, Ordering::Relaxed),
    }
    waker.wake();
}

fn is_only_access(event: &notify::Event) -> bool {
    use notify::event::{AccessKind, AccessMode};
    matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write))
}

fn meant(event: &notify::Event) -> Vec<(&Path, How, Settle)> {
    let (how, settle) = match event.kind {
        EventKind::Create(_) => (How::CREATED, Settle::Created),
        EventKind::Remove(_) => (How::DELETED, Settle::Deleted),
        EventKind::Access(_) => (How::WRITTEN, Settle::AtOnce),
        EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)) => (How::ATTRIBUTES, Settle::AsItIs),
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => (How::MOVED_AWAY, Settle::AtOnce),
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => (How::MOVED_HERE, Settle::AtOnce),
        // Both names again, each of which was told before; and writes of which the last one will be told.
        _ => return Vec::new(),
    };
    event.paths.iter().map(|path| (path.as_path(), how, settle)).collect()
}

fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

fn shown(error: &notify::Error) -> Text {
    match error.kind {
        ErrorKind::MaxFilesWatch => Text::new("no watch is left; raise fs.inotify.max_user_watches"),
        _ => Text::new(&error.to_string()),
    }
}

fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

const MAX_EVENTS: usize = 16_384;

#[cfg(test)]
mod tests;
