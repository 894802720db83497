//! Changes of files as they happen: fanotify(7) on whole file systems becomes paths that somebody has to look at, with who
//! did it. An event is a hint and never a fact: what is there is read afterwards.

mod batch;
mod disks;
mod fallback;
mod gathered;
mod kernel;
pub mod lineage;
mod losses;
mod marked;
mod mounts;
mod names;
mod opens;
mod pace;
mod pending;
mod runs;
pub mod setup;
pub mod updates;
pub mod watch;
pub mod who;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::host::Text;
use crate::host::actor::Actor;

pub use losses::Losses;
pub use setup::{By, Covered, Setup, Waker};
pub use watch::Watch;
pub use who::{Ended, Executed, Mark, OfRun, UpdateId, Who};

/// What was noticed.
#[derive(Debug, Clone, PartialEq)]
pub enum Noticed {
    /// These paths may have changed, in the order in which they have to be looked at.
    Touched(Vec<Touched>),
    /// A package manager ran, and is done.
    Update(Box<Update>),
    /// A package manager is still running, and these were touched by others, whom it started. They are part of the
    /// [`Noticed::Update`] to come as well, and held until then.
    Meanwhile(Vec<OfUpdate>),
    /// Somebody opened a file that nobody has a reason to open.
    Opened(Box<Opened>),
    /// Something was mounted, taken away or moved. The points are of those mounts.
    Mounted(Vec<Mounted>),
    /// Changes went unseen: what lies there has to be looked at as a whole.
    Lost(Lost),
}

/// A path that may have changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Touched {
    /// Absolute, as the sensor sees it.
    pub path: Vec<u8>,
    /// All that is below it as well: a directory came, went or was moved.
    pub is_tree: bool,
    pub how: How,
    /// How many events that were.
    pub count: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    /// The last ones first, at most [`MAX_ACTORS`]; empty where none is known.
    pub actors: Vec<Arc<Actor>>,
    /// How many others there were.
    pub more_actors: u64,
    /// The name by which it was touched, where that is another name of the same file.
    pub alias: Option<Vec<u8>>,
}

/// What was done, as far as the events tell: a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct How(pub u16);

impl How {
    pub const CREATED: Self = Self(1);
    pub const WRITTEN: Self = Self(1 << 1);
    pub const ATTRIBUTES: Self = Self(1 << 2);
    pub const DELETED: Self = Self(1 << 3);
    pub const MOVED_AWAY: Self = Self(1 << 4);
    pub const MOVED_HERE: Self = Self(1 << 5);
    /// Written and not closed yet; only of files that are declared hot.
    pub const MODIFIED: Self = Self(1 << 6);
    /// No event told of it: a sweep, or a look at what was lost, found it.
    pub const FOUND: Self = Self(1 << 7);
    const NAMES: [(Self, &'static str); 8] = [
        (Self::CREATED, "created"),
        (Self::WRITTEN, "written"),
        (Self::ATTRIBUTES, "attributes"),
        (Self::DELETED, "deleted"),
        (Self::MOVED_AWAY, "moved-away"),
        (Self::MOVED_HERE, "moved-here"),
        (Self::MODIFIED, "modified"),
        (Self::FOUND, "found"),
    ];

    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(how, _)| self.contains(*how)).map(|(_, name)| name)
    }
}

/// All that one run of a package manager touched.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// `dpkg`.
    pub manager: &'static str,
    /// The first process of it.
    pub by: Arc<Actor>,
    pub began: Timestamp,
    pub ended: Timestamp,
    /// Sorted by path.
    pub touched: Vec<OfUpdate>,
    /// There was too much of it to keep, or it lasts longer than we wait: the rest comes as [`Noticed::Touched`].
    pub is_cut: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct OfUpdate {
    pub touched: Touched,
    /// The package manager's own program wrote it, and not one that it started.
    pub by_manager: bool,
}

/// A decoy that was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    pub path: Vec<u8>,
    pub at: Timestamp,
    /// None where it cannot be known.
    pub actor: Option<Arc<Actor>>,
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    pub point: Vec<u8>,
    /// The file system's type, `tmpfs`; none where it was taken away.
    pub kind: Option<Text>,
}

/// What was lost, since when and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub why: Why,
    pub since: Timestamp,
    pub until: Timestamp,
    /// Where; everything if there is none.
    pub places: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The kernel's queue was full.
    Queue,
    /// More paths at once than we keep.
    Room,
    /// Objects whose path could not be found out.
    Unresolved(u64),
    /// The descriptor failed.
    Broken(Text),
    /// A file system that came could not be watched.
    Unwatched(Text),
    /// Nobody watched: between two runs.
    Away,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue => {
                f.write_str("more changed at once than the kernel keeps (fs.fanotify.max_queued_events)")
            }
            Self::Room => f.write_str("more paths changed at once than the agent keeps"),
            Self::Unresolved(count) => {
                write!(f, "{count} events named objects whose path could not be found out")
            }
            Self::Broken(why) => write!(f, "the watch failed: {why}"),
            Self::Unwatched(why) => write!(f, "a file system cannot be watched: {why}"),
            Self::Away => f.write_str("nobody watched between two runs"),
        }
    }
}

/// What the watch asks about paths and files. Asked often, from the thread that empties the kernel's queue.
pub trait Interest: Send + Sync {
    /// Another number whenever the answers to the other questions may have changed.
    fn generation(&self) -> u64;
    /// Whether a difference at this path would be told.
    fn wants(&self, path: &[u8]) -> bool;
    /// Whether anything in this directory or below it is wanted.
    fn leads_on(&self, directory: &[u8]) -> bool;
    /// The names under which a file was agreed on that is met under another name; none of most files.
    fn names_of(&self, device: u64, inode: u64) -> Vec<Vec<u8>>;
    /// Single files to mark besides, where that may change; none where it is as it was set up.
    fn singles(&self) -> Option<Singles> {
        None
    }
}

/// Files that are marked each by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Singles {
    /// Files that nobody has a reason to open. One that does not exist is marked when it comes.
    pub decoys: Vec<Vec<u8>>,
    /// Files whose every write is told, and not only the last.
    pub hot: Vec<Vec<u8>>,
}

/// Paths that were touched and whose look is not told yet. Whoever looks at everything leaves them to that look.
#[derive(Debug, Clone, Default)]
pub struct Held(Arc<Mutex<HashMap<Vec<u8>, u32>>>);

impl Held {
    /// Once for each time that the path is handed over, when it is touched first.
    pub fn hold(&self, path: &[u8]) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get_mut(path) {
            Some(count) => *count += 1,
            None => drop(held.insert(path.to_vec(), 1)),
        }
    }

    /// The look at it is told.
    pub fn release<'a>(&self, paths: impl Iterator<Item = &'a [u8]>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for path in paths {
            if let Some(count) = held.get_mut(path) {
                *count -= 1;
                if *count == 0 {
                    held.remove(path);
                }
            }
        }
    }

    /// How many paths are held.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it, or a directory above it, was touched and is not told yet.
    pub fn is_held(&self, path: &[u8]) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_empty() {
            return false;
        }
        let above =
            path.iter().enumerate().filter(|(at, byte)| **byte == b'/' && *at > 0).map(|(at, _)| &path[..at]);
        above.chain([path]).any(|path| held.contains_key(path))
    }
}

pub const MAX_ACTORS: usize = 3;
