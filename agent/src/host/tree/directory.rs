//! A directory that is held open, and how the walk comes to it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use super::look;
use crate::host::object::Object;
use crate::host::{Cause, Host, Unreadable};

#[derive(Debug)]
pub(super) struct Directory {
    pub(super) fd: OwnedFd,
    /// The root's is empty.
    pub(super) path: Vec<u8>,
    pub(super) mount: Option<u64>,
    pub(super) device: u64,
    /// There are mount points right in it.
    pub(super) has_points: bool,
    /// Its file system has to be asked to know anything.
    pub(super) is_distant: bool,
    _held: Held,
}

impl Directory {
    pub(super) fn new(fd: OwnedFd, path: Vec<u8>, place: Place, has_points: bool, held: Held) -> Self {
        let Place { mount, device, is_distant, .. } = place;
        Self { fd, path, mount, device, has_points, is_distant, _held: held }
    }

    pub(super) fn path_of(&self, name: &[u8]) -> Vec<u8> {
        let mut path = Vec::with_capacity(self.path.len() + 1 + name.len());
        path.extend_from_slice(&self.path);
        if !name.is_empty() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        path
    }
}

/// Which directory is meant, as it was seen from the one that holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) mount: Option<u64>,
    pub(super) is_distant: bool,
}

/// A directory that is to be gone into.
#[derive(Debug)]
pub(super) struct Next {
    /// The one that holds it; none, if there is none, or if too many are held open already.
    pub(super) parent: Option<Arc<Directory>>,
    pub(super) path: Vec<u8>,
    pub(super) place: Place,
}

impl Next {
    pub(super) fn open(&self, host: &Host) -> Result<OwnedFd, Unreadable> {
        let fail = |errno| unreadable(&self.path, errno);
        let fd = match &self.parent {
            Some(parent) => {
                let name = &self.path[(parent.path.len() + 1).min(self.path.len())..];
                open_quietly(&parent.fd, name, DIRECTORY).map_err(fail)?
            }
            None => self.open_from_root(host).map_err(fail)?,
        };
        let found = look::of(&fd).map_err(fail)?.object;
        if (found.device, found.inode) == (self.place.device, self.place.inode) {
            Ok(fd)
        } else {
            Err(exchanged(&self.path))
        }
    }

    /// Step by step, so that neither is a link followed nor a path too long.
    fn open_from_root(&self, host: &Host) -> Result<OwnedFd, Errno> {
        let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut here = openat(&host.root, c".", step, Mode::empty())?;
        for name in self.path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            here = openat(&here, name, step, Mode::empty())?;
        }
        open_quietly(&here, c".", DIRECTORY)
    }
}

/// Opens without leaving a trace of having read; without the right to that, with one.
pub(super) fn open_quietly<P: rustix::path::Arg + Copy>(
    directory: &OwnedFd,
    name: P,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    match openat(directory, name, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => openat(directory, name, flags, Mode::empty()),
        done => done,
    }
}

/// How many directories the jobs of one walk hold open.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    count: Arc<AtomicUsize>,
    most: usize,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Held(Arc<AtomicUsize>);

impl Holding {
    pub(super) fn new() -> Self {
        let soft = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let most = usize::try_from(soft / SHARE).unwrap_or(MOST).min(MOST);
        Self { count: Arc::default(), most }
    }

    pub(super) fn one(&self) -> Held {
        self.count.fetch_add(1, Ordering::Relaxed);
        Held(Arc::clone(&self.count))
    }

    /// Whether directories that are to be gone into should be found again later rather than held.
    pub(super) fn is_short(&self) -> bool {
        self.count.load(Ordering::Relaxed) >= self.most
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where an object that was seen lies.
pub(super) fn place(object: &Object, mount: Option<u64>, is_distant: bool) -> Place {
    Place { device: object.device, inode: object.inode, mount, is_distant }
}

pub(super) fn unreadable(path: &[u8], errno: Errno) -> Unreadable {
    match errno {
        // No directory any more, though it was one a moment ago.
        Errno::LOOP | Errno::NOTDIR => exchanged(path),
        errno => Unreadable::from_errno(&shown(path), nix::errno::Errno::from_raw(errno.raw_os_error())),
    }
}

fn exchanged(path: &[u8]) -> Unreadable {
    Unreadable::new(shown(path), Cause::Unsupported("exchanged while it was looked at".to_owned()))
}

pub(super) fn shown(path: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(if path.is_empty() { b"/" } else { path }))
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK);
/// Of the files that the process may have open, a quarter is the walk's to hold.
const SHARE: u64 = 4;
/// Beyond it nothing is won: only a tree made for it holds more than a few hundred.
const MOST: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, symlink};

    #[test]
    fn a_directory_that_nobody_holds_is_found_again_from_the_root_and_never_through_a_link() {
        let root = tempfile::tempdir().unwrap();
        let deep = "/a".repeat(100);
        fs::create_dir_all(root.path().join(&deep[1..])).unwrap();
        symlink("a", root.path().join("b")).unwrap();
        let meta = fs::metadata(root.path().join(&deep[1..])).unwrap();
        let place = Place { device: meta.dev(), inode: meta.ino(), mount: None, is_distant: false };
        let host = Host::at(root.path()).unwrap();
        let open = |path: &str, place| Next { parent: None, path: path.into(), place }.open(&host).map(drop);
        open(&deep, place).unwrap();
        let through_link = deep.replacen("/a", "/b", 1);
        assert_eq!(open(&through_link, place).unwrap_err(), exchanged(through_link.as_bytes()));
        let another = Place { inode: place.inode + 1, ..place };
        assert_eq!(open(&deep, another).unwrap_err(), exchanged(deep.as_bytes()));
    }

    #[test]
    fn what_is_let_go_is_not_counted() {
        let holding = Holding { count: Arc::default(), most: 2 };
        let (first, _second) = (holding.one(), holding.one());
        assert!(holding.is_short());
        drop(first);
        assert!(!holding.is_short());
    }
}
