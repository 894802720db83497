//! What a posture depends on has changed: inotify(7) on the directories of `watch/places.rs`.
//!
//! Only changes are asked for. A library that also asks for every open file would let whoever may read `/etc/passwd`
//! keep a processor busy with us.
//!
//! Each directory is watched, and each above it for the next one's name: so one that is made later, moved away or
//! replaced is noticed. What could not be watched or was lost is told as [`Seen::Blind`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

use super::Topics;
use super::places::{PLACES, Place, SHIPPERS, is_meant};
use crate::host::Text;

/// What was noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// These topics may have changed; `path` is where the first change was.
    Changed { topics: Topics, path: Text },
    /// Changes may have gone unnoticed: everything has to be looked at.
    Blind(Text),
}

/// The kernel does not tell of changes at all.
#[derive(Debug)]
pub struct CannotWatch(Errno);

impl fmt::Display for CannotWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.0 {
            Errno::EMFILE => "; raise fs.inotify.max_user_instances",
            _ => "",
        };
        write!(f, "cannot watch for changes: {}{way}", self.0.desc())
    }
}

impl std::error::Error for CannotWatch {}

/// The watched directories below a root.
#[derive(Debug)]
pub struct Inputs {
    inotify: Inotify,
    root: PathBuf,
    /// Of the agent that we are, where it is not the usual one.
    cursors: Option<PathBuf>,
    watches: BTreeMap<WatchDescriptor, Watch>,
    /// Why some could not be placed, so that it is told once and not each time.
    failures: BTreeSet<String>,
    waiting: VecDeque<Seen>,
}

/// A directory under watch. Several names may lead to it.
#[derive(Debug)]
struct Watch {
    path: PathBuf,
    wishes: Vec<Wish>,
}

/// A name in a directory, and what depends on it.
#[derive(Debug, Clone, Copy)]
struct Wish {
    pattern: &'static str,
    topics: &'static [&'static str],
    /// It is a directory that is, or would be, under watch too.
    is_way: bool,
}

impl Inputs {
    /// `cursors` is the directory in which the shipper leaves word, and has to exist.
    pub fn start(root: &Path, cursors: Option<PathBuf>) -> Result<Self, CannotWatch> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).map_err(CannotWatch)?;
        Ok(Self::resume(inotify, root, cursors))
    }

    /// Goes on with what an earlier process watched: a directory that is watched already keeps its number, so what waits
    /// in the kernel's queue since then is understood and told.
    pub fn resume(inotify: Inotify, root: &Path, cursors: Option<PathBuf>) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let (watches, failures, waiting) = (BTreeMap::new(), BTreeSet::new(), VecDeque::new());
        let mut inputs = Self { inotify, root, cursors, watches, failures, waiting };
        inputs.place();
        inputs
    }

    /// What has to be kept for [`Inputs::resume`].
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    /// How many directories are watched.
    pub fn count(&self) -> usize {
        self.watches.len()
    }

    /// Waits for what is noticed next; `None` when that was nothing for so long.
    pub fn next(&mut self, within: Duration) -> Option<Seen> {
        let end = Instant::now() + within;
        loop {
            if let Some(seen) = self.waiting.pop_front() {
                return Some(seen);
            }
            match self.is_readable(end) {
                Ok(true) => self.take(),
                Ok(false) => return None,
                Err(errno) => self.blind(&format!("cannot wait for changes: {}", errno.desc())),
            }
        }
    }

    fn is_readable(&self, end: Instant) -> Result<bool, Errno> {
        let left = end.saturating_duration_since(Instant::now());
        let millis = u16::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
        match poll(&mut [PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN)], PollTimeout::from(millis)) {
            Ok(0) | Err(Errno::EINTR) => Ok(!left.is_zero()),
            Ok(_) => Ok(true),
            Err(errno) => {
                sleep(GATHER);
                Err(errno)
            }
        }
    }

    /// Reads what has happened. It waits a moment first: changes come in groups, and so each group costs one wake-up.
    fn take(&mut self) {
        sleep(GATHER);
        let mut batch = Batch::default();
        for _ in 0..MAX_READS {
            match self.inotify.read_events() {
                Ok(events) => events.iter().for_each(|event| batch.take(event, &self.watches)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(errno) => {
                    self.blind(&format!("cannot read what changed: {}", errno.desc()));
                    break;
                }
            }
        }
        for stray in batch.strays {
            // Nothing of ours: a directory that an earlier process watched, or one whose watch is gone already.
            let _ = self.inotify.rm_watch(stray);
        }
        if batch.has_lost {
            self.blind("more changed at once than the kernel keeps");
        }
        if batch.has_moved || batch.has_lost {
            self.place();
        }
        if let Some(path) = batch.path {
            self.waiting.push_back(Seen::Changed { topics: batch.topics, path });
        }
    }

    /// Puts each watch where it belongs now. What is already watched is the kernel's same watch again.
    fn place(&mut self) {
        let mut placing = Placing {
            inotify: &self.inotify,
            root: &self.root,
            done: BTreeMap::new(),
            watches: BTreeMap::new(),
            failures: BTreeSet::new(),
        };
        PLACES.iter().for_each(|place| placing.place(place));
        if let Some(cursors) = &self.cursors {
            placing.inside(cursors, &SHIPPERS);
        }
        let Placing { watches, failures, .. } = placing;
        for gone in self.watches.keys().filter(|watch| !watches.contains_key(watch)) {
            // The directory was moved to where it does not matter; one that was deleted has lost its watch already.
            let _ = self.inotify.rm_watch(*gone);
        }
        self.watches = watches;
        let before = std::mem::replace(&mut self.failures, failures);
        let new: Vec<String> = self.failures.difference(&before).cloned().collect();
        new.iter().for_each(|why| self.blind(why));
    }

    fn blind(&mut self, why: &str) {
        self.waiting.push_back(Seen::Blind(Text::new(why)));
    }
}

/// What one group of events comes to.
#[derive(Debug, Default)]
struct Batch {
    topics: Topics,
    path: Option<Text>,
    has_moved: bool,
    has_lost: bool,
    strays: BTreeSet<WatchDescriptor>,
}

impl Batch {
    fn take(&mut self, event: &InotifyEvent, watches: &BTreeMap<WatchDescriptor, Watch>) {
        self.has_lost |= event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW);
        // That of a watch which we took away is still in the queue.
        let Some(watch) = watches.get(&event.wd) else {
            self.strays.insert(event.wd);
            return;
        };
        self.has_moved |= event.mask.intersects(ITSELF);
        for wish in &watch.wishes {
            let name = event.name.as_deref();
            // Without a name it is about the directory itself, and so about all that is in it.
            if name.is_none_or(|name| is_meant(wish.pattern, name.as_bytes())) {
                self.has_moved |= wish.is_way;
                self.topics.extend(wish.topics);
                self.path.get_or_insert_with(|| {
                    let path = name.map_or_else(|| watch.path.clone(), |name| watch.path.join(name));
                    Text::from_bytes_within(path.as_os_str().as_bytes(), MAX_PATH)
                });
            }
        }
    }
}

/// One round of placing.
struct Placing<'a> {
    inotify: &'a Inotify,
    root: &'a Path,
    /// What became of a path in this round; `None` where no directory is.
    done: BTreeMap<PathBuf, Option<WatchDescriptor>>,
    watches: BTreeMap<WatchDescriptor, Watch>,
    failures: BTreeSet<String>,
}

impl Placing<'_> {
    /// From the root downwards. A directory is tried after the one above it is watched, so none is made in between.
    fn place(&mut self, place: &Place) {
        let mut path = self.root.to_owned();
        for part in place.path.split('/') {
            let Some(above) = self.watch(&path) else { return };
            self.wish(above, Wish { pattern: part, topics: place.topics, is_way: true });
            if part.contains('*') {
                return self.children(&path, part, place);
            }
            path.push(part);
        }
        self.inside(&path, place);
    }

    fn inside(&mut self, path: &Path, place: &Place) {
        let Some(watch) = self.watch(path) else { return };
        for pattern in place.names {
            self.wish(watch, Wish { pattern, topics: place.topics, is_way: false });
        }
    }

    fn children(&mut self, path: &Path, pattern: &str, place: &Place) {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.fail(path, &error.to_string()),
        };
        for entry in entries.take(MAX_ENTRIES).flatten() {
            let name = entry.file_name();
            // Links lead to directories that are watched under their own name.
            if is_meant(pattern, name.as_bytes()) && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.inside(&path.join(name), place);
            }
        }
    }

    fn watch(&mut self, path: &Path) -> Option<WatchDescriptor> {
        if let Some(done) = self.done.get(path) {
            return *done;
        }
        let watch = self.add(path);
        self.done.insert(path.to_owned(), watch);
        watch
    }

    fn add(&mut self, path: &Path) -> Option<WatchDescriptor> {
        if !self.is_inside(path) {
            return None;
        }
        if self.watches.len() == MAX_WATCHES {
            self.failures.insert(format!("there are more than {MAX_WATCHES} directories to watch"));
            return None;
        }
        match self.inotify.add_watch(path, CHANGES) {
            Ok(id) => {
                self.watches.entry(id).or_insert_with(|| Watch { path: path.to_owned(), wishes: Vec::new() });
                Some(id)
            }
            Err(Errno::ENOENT | Errno::ENOTDIR) => None,
            Err(Errno::ENOSPC) => {
                self.fail(path, "no watch is left; raise fs.inotify.max_user_watches");
                None
            }
            Err(errno) => {
                self.fail(path, errno.desc());
                None
            }
        }
    }

    /// In a tree elsewhere an absolute link would lead out of it, into the machine that we run on.
    fn is_inside(&self, path: &Path) -> bool {
        self.root == Path::new("/") || path.canonicalize().is_ok_and(|path| path.starts_with(self.root))
    }

    fn wish(&mut self, watch: WatchDescriptor, wish: Wish) {
        if let Some(watch) = self.watches.get_mut(&watch) {
            watch.wishes.push(wish);
        }
    }

    fn fail(&mut self, path: &Path, why: &str) {
        self.failures.insert(format!("cannot watch {}: {why}", shown(path.as_os_str())));
    }
}

fn shown(path: &OsStr) -> Text {
    Text::from_bytes_within(path.as_bytes(), MAX_PATH)
}

/// Everything that changes a directory or a file in it; nothing that only looks.
const CHANGES: AddWatchFlags = AddWatchFlags::IN_ONLYDIR
    .union(AddWatchFlags::IN_ATTRIB)
    .union(AddWatchFlags::IN_CLOSE_WRITE)
    .union(AddWatchFlags::IN_CREATE)
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_MODIFY)
    .union(AddWatchFlags::IN_MOVE_SELF)
    .union(AddWatchFlags::IN_MOVED_FROM)
    .union(AddWatchFlags::IN_MOVED_TO);
/// The directory is no longer where it was.
const ITSELF: AddWatchFlags = AddWatchFlags::IN_DELETE_SELF
    .union(AddWatchFlags::IN_IGNORED)
    .union(AddWatchFlags::IN_MOVE_SELF)
    .union(AddWatchFlags::IN_UNMOUNT);
/// A large server comes to some hundred and fifty; each costs the kernel about a KiB.
const MAX_WATCHES: usize = 256;
/// Units of a large server, several times over.
const MAX_ENTRIES: usize = 20_000;
/// Ten wake-ups a second at most, whatever is done to the files.
const GATHER: Duration = Duration::from_millis(100);
/// Of 4 KiB each: a queue of usual length (fs.inotify.max_queued_events) is emptied in two turns.
const MAX_READS: usize = 64;
const MAX_PATH: usize = 512;

#[cfg(test)]
mod tests;
