//! Going through a directory with all that is below it, from one open directory to the next.
//!
//! A path is never opened whole, so none is too long, and none can be exchanged for another on the way: each step is
//! relative to a directory that is held open, and follows no link. Mounts are known before they are touched, because
//! the mere question what lies on a dead network file system has no end.

use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::dir::{Dir, OwningIter};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fstatat};
use nix::sys::statfs::{self, FsType, fstatfs};

use super::mounts::Mounts;
use crate::host::{Cause, Host, Kind, Meta, Text, Unreadable, beneath};
use crate::sys::xattr;

/// What one who follows a walk does with it.
pub(super) trait Follower {
    /// An object was found, in a directory that everybody may enter or in one that not everybody may. Whether to go
    /// into it, if it is a directory.
    fn found(&mut self, path: &[u8], meta: &Meta, reach: Reach) -> bool;
    /// A regular file that can be executed has capabilities, as they stand in its extended attribute.
    fn capable(&mut self, path: &[u8], meta: &Meta, attribute: &[u8]);
    /// A directory could not be read, or not to its end.
    fn unread(&mut self, cause: Unreadable);
    /// A mount that is not gone into, by the type of its file system.
    fn other(&mut self, path: &[u8], kind: &str);
}

/// Whether everybody may enter every directory on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Everybody,
    Some,
}

impl Reach {
    fn through(self, meta: &Meta) -> Self {
        if meta.mode & 0o001 == 0 { Self::Some } else { self }
    }
}

/// The mounts and the bounds of one or more walks.
#[derive(Debug)]
pub(super) struct Walker<'a> {
    /// The type of the file system on each mount point; `None` if its files are to be looked at.
    points: HashMap<&'a [u8], Option<&'a str>>,
    /// The directories in which there are such points.
    parents: HashSet<&'a [u8]>,
    pace: Pace,
    asks_capabilities: bool,
    /// How many objects were found so far, over all walks.
    pub(super) objects: u64,
}

struct Level {
    fd: OwnedFd,
    entries: OwningIter,
    /// How long the path is up to this directory.
    length: usize,
    dev: u64,
    has_points: bool,
    /// How what is in it is reached.
    reach: Reach,
}

impl<'a> Walker<'a> {
    pub(super) fn new(mounts: &'a Mounts) -> Self {
        let mut points = HashMap::new();
        // Of several on one point the kernel tells the newest last.
        for mount in &mounts.list {
            let kind = (!mount.is_local_disk()).then_some(mount.kind.as_str());
            points.insert(mount.point.as_os_str().as_bytes(), kind);
        }
        let parents = points.keys().map(|point| parent(point)).collect();
        Self { points, parents, pace: Pace::start(), asks_capabilities: xattr::is_possible(), objects: 0 }
    }

    /// Whether files can be asked for their capabilities here.
    pub(super) fn asks_capabilities(&self) -> bool {
        self.asks_capabilities
    }

    /// Goes through `start` (absolute, without links) and below; nothing, if it is absent or no directory.
    pub(super) fn walk(
        &mut self,
        host: &Host,
        start: &str,
        follower: &mut dyn Follower,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), Unreadable> {
        let place = Path::new(start);
        if let Some(kind) = self.other(start.as_bytes()) {
            follower.other(start.as_bytes(), kind);
            return Ok(());
        }
        let fail = |errno| Unreadable::from_errno(place, errno);
        let meta = match host.lstat(place) {
            Err(cause) if cause.is_absent() => return Ok(()),
            meta => meta?,
        };
        if !meta.is_directory() {
            return Ok(());
        }
        self.objects += 1;
        if !follower.found(start.as_bytes(), &meta, Reach::Everybody) {
            return Ok(());
        }
        let handle = host.resolver.resolve(&host.root, place, false).map_err(fail)?;
        let mut path = start.trim_end_matches('/').as_bytes().to_vec();
        let mut levels = Vec::new();
        match openat(&handle, c".", OPEN, Mode::empty())
            .and_then(|fd| self.level(fd, &path, &meta, Reach::Everybody))
        {
            Ok(level) => levels.push(level),
            Err(errno) => follower.unread(fail(errno)),
        }
        while let Some(level) = levels.last_mut() {
            path.truncate(level.length);
            let entry = match level.entries.next() {
                Some(Ok(entry)) => entry,
                Some(Err(errno)) => {
                    follower.unread(Unreadable::from_errno(&owned(&path), errno));
                    levels.pop();
                    continue;
                }
                None => {
                    levels.pop();
                    continue;
                }
            };
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            path.push(b'/');
            path.extend_from_slice(name.to_bytes());
            if self.objects >= MAX_OBJECTS {
                let cause =
                    Cause::Unsupported(format!("more than {MAX_OBJECTS} objects, the rest not looked at"));
                return Err(Unreadable::new(owned(&path), cause));
            }
            let depth = levels.len();
            let Some(level) = levels.last_mut() else { break };
            if let Some(next) = self.step(level, name, &path, depth, follower) {
                levels.push(next);
            }
            if self.objects.is_multiple_of(CHUNK) {
                self.pace.pause();
                progress(self.objects);
            }
        }
        Ok(())
    }

    /// Looks at one entry; the directory to go on with, if it is one.
    fn step(
        &mut self,
        level: &Level,
        name: &CStr,
        path: &[u8],
        depth: usize,
        follower: &mut dyn Follower,
    ) -> Option<Level> {
        if level.has_points
            && let Some(kind) = self.other(path)
        {
            // Of one that is only memory, the directory's own mode is worth knowing: it may be /tmp.
            if MEMORY.contains(&kind)
                && let Ok(stat) = fstatat(&level.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW)
            {
                self.objects += 1;
                follower.found(path, &beneath::meta(&stat), level.reach);
            }
            follower.other(path, kind);
            return None;
        }
        let flags = AtFlags::AT_SYMLINK_NOFOLLOW | AtFlags::AT_NO_AUTOMOUNT;
        let meta = match fstatat(&level.fd, name, flags) {
            Ok(stat) => beneath::meta(&stat),
            // It went while we read the directory.
            Err(Errno::ENOENT) => return None,
            Err(errno) => {
                follower.unread(Unreadable::from_errno(&owned(path), errno));
                return None;
            }
        };
        self.objects += 1;
        let goes_on = follower.found(path, &meta, level.reach);
        if meta.kind == Kind::File && meta.mode & 0o111 != 0 && self.asks_capabilities {
            match xattr::capability(&level.fd, name) {
                Ok(None) => {}
                Ok(Some(attribute)) => follower.capable(path, &meta, &attribute),
                Err(errno) => follower.unread(Unreadable::from_errno(&owned(path), errno)),
            }
        }
        if !goes_on || meta.kind != Kind::Directory {
            return None;
        }
        if depth >= MAX_DEPTH {
            let cause = Cause::Unsupported(format!("deeper than {MAX_DEPTH} directories, not looked into"));
            follower.unread(Unreadable::new(shortened(path), cause));
            return None;
        }
        let opened = openat(&level.fd, name, OPEN | OFlag::O_NOFOLLOW, Mode::empty());
        let fd = match opened {
            Ok(fd) => fd,
            Err(Errno::ENOENT) => return None,
            Err(Errno::ELOOP | Errno::ENOTDIR) => {
                let cause = Cause::Unsupported("exchanged while it was looked at".to_owned());
                follower.unread(Unreadable::new(owned(path), cause));
                return None;
            }
            Err(errno) => {
                follower.unread(Unreadable::from_errno(&owned(path), errno));
                return None;
            }
        };
        // A mount that mountinfo does not know: mounted since, or below another root. A subvolume of btrfs, too.
        if meta.dev != level.dev && !self.points.contains_key(path) && !is_on_local_disk(&fd) {
            follower.other(path, "a file system that is not on a local disk");
            return None;
        }
        match self.level(fd, path, &meta, level.reach) {
            Ok(level) => Some(level),
            Err(errno) => {
                follower.unread(Unreadable::from_errno(&owned(path), errno));
                None
            }
        }
    }

    fn level(&self, fd: OwnedFd, path: &[u8], meta: &Meta, reach: Reach) -> Result<Level, Errno> {
        // The stream does not lend its descriptor, so there are two of them.
        let entries = Dir::from_fd(fd.try_clone().map_err(|_| Errno::EMFILE)?)?.into_iter();
        let key: &[u8] = if path.is_empty() { b"/" } else { path };
        Ok(Level {
            fd,
            entries,
            length: path.len(),
            dev: meta.dev,
            has_points: self.parents.contains(key),
            reach: reach.through(meta),
        })
    }

    fn other(&self, path: &[u8]) -> Option<&'a str> {
        self.points.get(path).copied().flatten()
    }
}

fn parent(point: &[u8]) -> &[u8] {
    match point.iter().rposition(|&byte| byte == b'/') {
        Some(0) | None => b"/",
        Some(end) => &point[..end],
    }
}

fn is_on_local_disk(fd: &OwnedFd) -> bool {
    fstatfs(fd).is_ok_and(|found| LOCAL.contains(&found.filesystem_type()))
}

fn owned(path: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(path))
}

/// A path that is too long to be read, for one who reads it.
fn shortened(path: &[u8]) -> PathBuf {
    PathBuf::from(Text::from_bytes_within(path, MAX_SHOWN).as_str())
}

/// Gives way to the machine's own work: where objects come slowly, the disk or the processors are busy, and a part of
/// the time is left to the others. At most a quarter is added to a walk, nothing on a machine that has them at hand.
#[derive(Debug)]
struct Pace {
    since: Instant,
}

impl Pace {
    fn start() -> Self {
        Self { since: Instant::now() }
    }

    fn pause(&mut self) {
        let took = self.since.elapsed();
        if took > BRISK {
            std::thread::sleep((took / 4).min(MAX_PAUSE));
        }
        self.since = Instant::now();
    }
}

const OPEN: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC).union(OFlag::O_NONBLOCK);
/// A file server with more is no longer walked in a sitting; a root file system has some 200,000.
const MAX_OBJECTS: u64 = 20_000_000;
/// Each level holds two descriptors, and a process has 1,024; real trees end before 40.
const MAX_DEPTH: usize = 256;
/// After so many objects it is told how far we are, and a pause may be due.
const CHUNK: u64 = 4_096;
/// What a chunk takes four times over on a slow machine that has the objects in memory.
const BRISK: Duration = Duration::from_millis(40);
/// Nobody is served by a walk that sleeps for seconds because one read took a minute.
const MAX_PAUSE: Duration = Duration::from_millis(250);
const MAX_SHOWN: usize = 200;
/// File systems that answer at once.
const MEMORY: &[&str] = &["ramfs", "tmpfs"];
/// As the types in mounts.rs; the kernel has one number for ext2, ext3 and ext4.
const LOCAL: &[FsType] = &[
    statfs::BTRFS_SUPER_MAGIC,
    statfs::EXT4_SUPER_MAGIC,
    statfs::F2FS_SUPER_MAGIC,
    statfs::OVERLAYFS_SUPER_MAGIC,
    statfs::REISERFS_SUPER_MAGIC,
    statfs::XFS_SUPER_MAGIC,
    ZFS_SUPER_MAGIC,
];
/// Not in the kernel's own headers: ZFS lives outside of it.
const ZFS_SUPER_MAGIC: FsType = FsType(0x2fc1_2fc1);
