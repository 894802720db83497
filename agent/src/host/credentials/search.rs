//! Reading many small files: each once, each with a bound, all within one budget.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::encoded::keys;
use super::names::may_be_folder;
use super::remotes::Remote;
use super::units::environment_files;
use super::{Found, Looked};
use crate::host::planted::Planted;
use crate::host::trail::Trail;
use crate::host::{Cause, Host, Kind, Meta, Unreadable};

pub(super) struct Search<'a> {
    pub(super) host: &'a Host,
    /// Device and inode of every file that was read: links and shared homes are read once.
    seen: HashSet<(u64, u64)>,
    buffer: Vec<u8>,
    bytes_left: u64,
    pub(super) remotes: Vec<Remote>,
    /// What units name in EnvironmentFile=.
    pub(super) environment_files: Vec<Vec<u8>>,
    /// Our own decoys, when the first key was found.
    planted: OnceCell<Planted>,
}

/// How much of a file is read.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    /// Of a larger one the middle stays unread, and whether a key is there is an open question.
    Noted(u64),
    /// A larger one is by its size none of those that are meant.
    Settings,
}

/// Which files of a tree are read, and where not to go.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    /// Directories below the first.
    pub(super) depth: usize,
    pub(super) limit: Limit,
    pub(super) is_wanted: fn(&OsStr) -> bool,
    pub(super) is_entered: fn(&OsStr) -> bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(host: &'a Host) -> Self {
        Self {
            host,
            seen: HashSet::new(),
            buffer: Vec::new(),
            bytes_left: MAX_BYTES,
            remotes: Vec::new(),
            environment_files: Vec::new(),
            planted: OnceCell::new(),
        }
    }

    /// One file, if it is there.
    pub(super) fn file(&mut self, path: &Path, limit: Limit, looked: &mut Looked) {
        match self.read(path, limit) {
            Ok(Some(meta)) => {
                let most = limit.bytes(path);
                if meta.size > most && (is_state(path) || matches!(limit, Limit::Noted(_))) {
                    note(looked, Unreadable::new(path, Cause::TooLarge { limit: most }));
                }
                self.examine(path, &meta, looked);
            }
            Ok(None) => {}
            Err(cause) => note(looked, cause),
        }
    }

    /// The files of a directory and of those below it; a link to a directory is not followed.
    pub(super) fn tree(&mut self, top: &Path, rules: Rules, looked: &mut Looked) {
        let mut folders: Vec<(PathBuf, usize)> = vec![(top.to_owned(), 0)];
        let mut entries_left = MAX_ENTRIES;
        while let Some((folder, depth)) = folders.pop() {
            let names = match self.host.list(&folder, MAX_NAMES) {
                Ok(names) => names,
                // A spool or a cache, further down.
                Err(Unreadable { cause: Cause::TooMany { .. }, .. }) if depth > 0 => continue,
                Err(cause) => {
                    note(looked, cause);
                    continue;
                }
            };
            for name in names {
                let Some(left) = entries_left.checked_sub(1) else {
                    return note(looked, Unreadable::new(top, Cause::TooMany { limit: MAX_ENTRIES }));
                };
                entries_left = left;
                let path = folder.join(&name);
                let is_read = (rules.is_wanted)(&name) && self.is_file(&path, rules.limit, looked);
                let may_enter = depth < rules.depth && (rules.is_entered)(&name) && may_be_folder(&name);
                if !is_read && may_enter && self.is_folder(&path, looked) {
                    folders.push((path, depth + 1));
                }
            }
        }
    }

    /// Looks at a wanted file; tells whether there was one to look at.
    fn is_file(&mut self, path: &Path, limit: Limit, looked: &mut Looked) -> bool {
        let before = looked.count + looked.unreadable_count;
        self.file(path, limit, looked);
        before != looked.count + looked.unreadable_count
    }

    /// Whether it is a directory, and no link to one.
    fn is_folder(&self, path: &Path, looked: &mut Looked) -> bool {
        match self.host.lstat(path) {
            Ok(meta) => meta.is_directory(),
            Err(cause) => {
                note(looked, cause);
                false
            }
        }
    }

    /// Fills the buffer. Nothing to read is there if the file is absent, was read before, or is no file of bytes.
    fn read(&mut self, path: &Path, limit: Limit) -> Result<Option<Meta>, Unreadable> {
        let (mut file, meta) = match self.host.open(path) {
            Err(Unreadable { cause: Cause::NotRegular(kind), .. }) if holds_nothing(kind) => return Ok(None),
            Err(cause) if cause.is_absent() => return Ok(None),
            opened => opened?,
        };
        if !self.seen.insert((meta.dev, meta.ino)) {
            return Ok(None);
        }
        let most = limit.bytes(path);
        let spent = self.bytes_left.checked_sub(meta.size.min(most));
        self.bytes_left = spent.ok_or_else(|| {
            Unreadable::new(path, Cause::Unsupported(format!("not read, after {MAX_BYTES} bytes of others")))
        })?;
        self.buffer.clear();
        let fail = |error| Unreadable::from_io(path, &error);
        if meta.size <= most {
            file.take(most).read_to_end(&mut self.buffer).map_err(fail)?;
            return Ok(Some(meta));
        }
        // The newest of a log or a history is at its end, the header of everything else at its beginning.
        (&mut file).take(PART).read_to_end(&mut self.buffer).map_err(fail)?;
        self.buffer.push(b'\n');
        file.seek(SeekFrom::End(-PART.cast_signed())).map_err(fail)?;
        file.take(PART).read_to_end(&mut self.buffer).map_err(fail)?;
        Ok(Some(meta))
    }

    fn examine(&mut self, path: &Path, meta: &Meta, looked: &mut Looked) {
        looked.count += 1;
        if path.ends_with(".git/config") {
            self.note_remotes(path);
        }
        if path.extension().is_some_and(|extension| extension == "service" || extension == "conf") {
            let room = MAX_ENVIRONMENT_FILES.saturating_sub(self.environment_files.len());
            self.environment_files.extend(environment_files(&self.buffer).take(room).map(<[u8]>::to_vec));
        }
        let found = keys(&self.buffer);
        if found.is_empty() || self.is_planted() {
            return;
        }
        let is_public = is_public(self.host, path);
        for key in found {
            if looked.keys.len() == MAX_KEYS {
                return note(looked, Unreadable::new(path, Cause::TooMany { limit: MAX_KEYS }));
            }
            let line = 1 + memchr::memchr_iter(b'\n', &self.buffer[..key.at.min(self.buffer.len())]).count();
            looked.keys.push(Found {
                path: path.to_owned(),
                // Behind the gap of a large file, lines cannot be counted.
                line: (meta.size <= self.buffer.len() as u64).then_some(line),
                is_public,
                modified: meta.mtime,
                key,
            });
        }
    }

    /// Whether what was read is a decoy of ours, whole and unchanged: its key is nobody's.
    fn is_planted(&self) -> bool {
        // A memory that cannot be read excuses nothing.
        let planted = self.planted.get_or_init(|| Planted::of(self.host).unwrap_or_default());
        !planted.0.is_empty() && planted.is_content(&Sha256::digest(&self.buffer).into())
    }

    fn note_remotes(&mut self, path: &Path) {
        let room = MAX_KEYS.saturating_sub(self.remotes.len());
        let mut remotes: Vec<Remote> = Remote::of(path, &self.buffer).take(room).collect();
        if !remotes.is_empty() {
            let is_public = is_public(self.host, path);
            remotes.iter_mut().for_each(|remote| remote.is_public = is_public);
            self.remotes.append(&mut remotes);
        }
    }
}

impl Limit {
    fn bytes(self, path: &Path) -> u64 {
        match self {
            Self::Noted(limit) => limit,
            Self::Settings if is_state(path) => MAX_STATE,
            Self::Settings => MAX_SETTINGS,
        }
    }
}

/// Terraform's states grow, and are always meant.
fn is_state(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tfstate")
}

pub(super) fn note(looked: &mut Looked, cause: Unreadable) {
    if cause.is_absent() {
        return;
    }
    looked.unreadable_count += 1;
    if looked.unreadable.len() < MAX_NOTED {
        looked.unreadable.push(cause);
    }
}

/// Whether every account can read a file: it is open to others, and so is each directory on the way.
pub(super) fn is_public(host: &Host, path: &Path) -> bool {
    let Ok(trail) = Trail::to(host, path) else { return false };
    let Some((file, way)) = trail.places.split_last() else { return false };
    file.meta.mode & 0o004 != 0 && way.iter().all(|place| place.meta.mode & 0o001 != 0)
}

/// Sockets and devices keep no keys; /dev/null stands for "none" in many places.
fn holds_nothing(kind: Kind) -> bool {
    matches!(kind, Kind::Directory | Kind::Socket | Kind::CharacterDevice)
}

/// Names in one directory; those with more hold sessions, mail or caches.
const MAX_NAMES: usize = 20_000;
/// Of one tree: a look at each costs some microseconds.
const MAX_ENTRIES: usize = 50_000;
/// Of all files together: a second of reading.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;
/// Nobody reads more of one kind of place.
const MAX_KEYS: usize = 200;
const MAX_NOTED: usize = 20;
/// Of what only has the name of a setting.
const MAX_SETTINGS: u64 = 1024 * 1024;
const MAX_STATE: u64 = 16 * 1024 * 1024;
/// Of each end of a file that is not read whole; smaller than every limit.
const PART: u64 = 512 * 1024;
const MAX_ENVIRONMENT_FILES: usize = 500;
