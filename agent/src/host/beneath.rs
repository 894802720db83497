//! Paths that cannot leave their root, and opens that cannot block.
//!
//! The kernel resolves with `openat2(RESOLVE_IN_ROOT)` (Linux 5.6; openat2(2)). Older kernels, and sandboxes
//! that refuse the call, get the same rules by hand: one component at a time with `O_NOFOLLOW`, links read and
//! resolved against the root, `..` at the root staying there.
//!
//! Everything is first opened with `O_PATH`, which touches no driver; only what turned out to be a regular
//! file is opened for reading.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::OnceLock;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};

use super::{Kind, Meta};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolver {
    ByHand,
    Kernel,
}

impl Resolver {
    pub(super) fn for_this_kernel() -> Self {
        static FOUND: OnceLock<Resolver> = OnceLock::new();
        *FOUND.get_or_init(|| {
            let probe =
                open_root(Path::new("/")).and_then(|root| resolve_in_kernel(&root, Path::new("/"), true));
            // ENOSYS before 5.6; EPERM from sandboxes that filter what they do not know.
            if probe.is_ok() { Self::Kernel } else { Self::ByHand }
        })
    }

    /// An `O_PATH` handle on what `path` names beneath `root`.
    pub(super) fn resolve(self, root: &OwnedFd, path: &Path, follow: bool) -> Result<OwnedFd, Errno> {
        match self {
            // Renames anywhere on the system keep the kernel from vouching for `..`; a busy one never stops.
            Self::Kernel => match resolve_in_kernel(root, path, follow) {
                Err(Errno::EAGAIN) => resolve_by_hand(root, path, follow),
                done => done,
            },
            Self::ByHand => resolve_by_hand(root, path, follow),
        }
    }
}

pub(super) fn open_root(root: &Path) -> Result<OwnedFd, Errno> {
    open(root, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
}

fn resolve_in_kernel(root: &OwnedFd, path: &Path, follow: bool) -> Result<OwnedFd, Errno> {
    let mut flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
    if !follow {
        flags |= OFlag::O_NOFOLLOW;
    }
    in_root(root, path, flags)
}

fn in_root(root: &OwnedFd, path: &Path, flags: OFlag) -> Result<OwnedFd, Errno> {
    let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_IN_ROOT);
    let mut attempts = 0;
    loop {
        match openat2(root, path, how) {
            // A rename raced with `..`: the kernel asks to be asked again (openat2(2), EAGAIN).
            Err(Errno::EAGAIN) if attempts < MAX_RACES => attempts += 1,
            Err(Errno::EINTR) => {}
            done => return done,
        }
    }
}

fn resolve_by_hand(root: &OwnedFd, path: &Path, follow: bool) -> Result<OwnedFd, Errno> {
    if path.as_os_str().is_empty() {
        return Err(Errno::ENOENT);
    }
    let mut pending: VecDeque<OsString> = VecDeque::new();
    push_components(&mut pending, path);
    let mut parents: Vec<OwnedFd> = Vec::new();
    let mut here = root.try_clone().map_err(|_| Errno::EMFILE)?;
    let mut links = 0;
    while let Some(name) = pending.pop_front() {
        if name == "." || name == ".." {
            if fstat(&here)?.st_mode & SFlag::S_IFMT.bits() != SFlag::S_IFDIR.bits() {
                return Err(Errno::ENOTDIR);
            }
            if name == ".."
                && let Some(parent) = parents.pop()
            {
                here = parent;
            }
            continue;
        }
        let next = open_component(&here, &name)?;
        let is_link = fstat(&next)?.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFLNK.bits();
        let is_last = pending.is_empty();
        if !is_link || (is_last && !follow) {
            parents.push(std::mem::replace(&mut here, next));
            continue;
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(Errno::ELOOP);
        }
        let target = readlinkat(&next, "")?;
        if target.as_bytes().starts_with(b"/") {
            parents.clear();
            here = root.try_clone().map_err(|_| Errno::EMFILE)?;
        }
        push_components(&mut pending, Path::new(&target));
    }
    Ok(here)
}

fn open_component(here: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(here, name, flags, Mode::empty())
}

/// Puts a path's components in front of what is still to be resolved.
///
/// A `.` is kept, because what is before it has to be a directory and a link before it is followed; a slash at the
/// end means the same (path_resolution(7)).
pub(super) fn push_components(pending: &mut VecDeque<OsString>, path: &Path) {
    let mut is_end = true;
    for component in path.as_os_str().as_bytes().rsplit(|&byte| byte == b'/') {
        match component {
            b"" if is_end => pending.push_front(".".into()),
            b"" => {}
            name => pending.push_front(OsStr::from_bytes(name).to_owned()),
        }
        is_end = false;
    }
}

/// The same object, now for reading. `handle` is known to be a regular file.
pub(super) fn reopen(
    resolver: Resolver,
    root: &OwnedFd,
    path: &Path,
    handle: &OwnedFd,
    meta: &Meta,
) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let magic = format!("/proc/self/fd/{}", handle.as_fd().as_raw_fd());
    match open(magic.as_str(), flags, Mode::empty()) {
        // No /proc here (an early boot, a bare chroot): open by name and make sure that it is the same object.
        Err(Errno::ENOENT) if resolver == Resolver::Kernel => {
            let fd = in_root(root, path, flags)?;
            let now = stat(&fd)?;
            if (now.dev, now.ino) == (meta.dev, meta.ino) { Ok(fd) } else { Err(Errno::ESTALE) }
        }
        // By hand there is no second way, and the file is there: this must not pass for an absent one.
        Err(Errno::ENOENT) if !Path::new("/proc/self/fd").exists() => Err(Errno::ENOSYS),
        done => done,
    }
}

pub(super) fn open_directory(handle: &OwnedFd) -> Result<Dir, Errno> {
    // Opening "." beneath an O_PATH directory needs no /proc and cannot leave it.
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Dir::from_fd(openat(handle, ".", flags, Mode::empty())?)
}

pub(super) fn stat(handle: &OwnedFd) -> Result<Meta, Errno> {
    Ok(meta(&fstat(handle)?))
}

#[expect(clippy::cast_sign_loss, reason = "a size is never negative")]
pub(super) fn meta(stat: &FileStat) -> Meta {
    let kind = match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFBLK => Kind::BlockDevice,
        SFlag::S_IFCHR => Kind::CharacterDevice,
        SFlag::S_IFDIR => Kind::Directory,
        SFlag::S_IFIFO => Kind::Fifo,
        SFlag::S_IFREG => Kind::File,
        SFlag::S_IFSOCK => Kind::Socket,
        SFlag::S_IFLNK => Kind::SymbolicLink,
        _ => Kind::Other,
    };
    Meta {
        kind,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: stat.st_size as u64,
        dev: stat.st_dev,
        ino: stat.st_ino,
        mtime: stat.st_mtime,
    }
}

/// As the kernel's own limit (path_resolution(7)).
const MAX_LINKS: u32 = 40;
/// Each round needs a rename by somebody else in the same microsecond; after that the slower way is the shorter one.
const MAX_RACES: u32 = 64;
