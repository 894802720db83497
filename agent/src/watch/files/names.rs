//! Paths for handles. What a handle stands for is asked of the kernel, and remembered of directories until one of them
//! is moved or deleted.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::stat::{FileStat, fstat, lstat};

use super::disks::{Disks, Seat};
use crate::sys::fanotify::{Handle, open_by_handle};

#[derive(Debug, Default)]
pub(super) struct Names {
    directories: HashMap<Box<[u8]>, Place>,
}

/// Where a directory is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    At(Arc<Directory>),
    /// It is no more. Whoever deleted it, or what it was in, was told of by another event.
    Gone,
    /// Nobody knows.
    Unknown,
}

#[derive(Debug, Default)]
pub(super) struct Directory {
    /// All paths under which it is seen, and whether anything in it or below is of interest.
    pub(super) paths: Vec<(Vec<u8>, bool)>,
}

impl Names {
    /// Where they were no longer counts.
    pub(super) fn forget(&mut self) {
        self.directories.clear();
    }

    /// That one is no more, and whatever was in it went before.
    pub(super) fn forget_one(&mut self, handle: Handle<'_>) {
        self.directories.remove(handle.bytes());
    }

    pub(super) fn directory(
        &mut self,
        disks: &mut Disks,
        handle: Handle<'_>,
        leads_on: impl Fn(&[u8]) -> bool,
    ) -> Place {
        if let Some(known) = self.directories.get(handle.bytes()) {
            return known.clone();
        }
        let place = match found(disks, handle) {
            Found::Seen { paths, .. } => {
                let with = |path: Vec<u8>| {
                    let leads = leads_on(&path);
                    (path, leads)
                };
                Place::At(Arc::new(Directory { paths: paths.into_iter().map(with).collect() }))
            }
            Found::Hidden => Place::At(Arc::new(Directory::default())),
            Found::Gone => Place::Gone,
            // Another try may do.
            Found::Unknown => return Place::Unknown,
        };
        if self.directories.len() == MAX_DIRECTORIES {
            self.directories.clear();
        }
        self.directories.insert(handle.bytes().into(), place.clone());
        place
    }
}

/// What became of a handle.
#[derive(Debug)]
pub(super) enum Found {
    /// Its paths, and `st_dev` and `st_ino`.
    Seen {
        paths: Vec<Vec<u8>>,
        device: u64,
        inode: u64,
    },
    /// It exists, where we see nothing of it.
    Hidden,
    Gone,
    Unknown,
}

/// Asks the kernel, for each file system that it may be on.
pub(super) fn found(disks: &mut Disks, handle: Handle<'_>) -> Found {
    let mut worst = Found::Gone;
    let candidates: Vec<usize> = disks.with_id(handle.file_system()).collect();
    for at in candidates {
        let Some(disk) = disks.get_mut(at) else { continue };
        match on_disk(&mut disk.seats, handle) {
            Found::Gone => {}
            Found::Seen { mut paths, device, inode } => {
                over(disks, &mut paths);
                return Found::Seen { paths, device, inode };
            }
            other => worst = other,
        }
    }
    worst
}

fn on_disk(seats: &mut [Seat], handle: Handle<'_>) -> Found {
    let mut worst = Found::Hidden;
    for at in 0..seats.len() {
        let opened = seats[at].anchor().and_then(|anchor| open_by_handle(anchor, handle));
        let file = match opened {
            Ok(file) => file,
            Err(Errno::ESTALE) => return Found::Gone,
            // Something else lies on that mount, or it was taken away.
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => continue,
            Err(_) => {
                worst = Found::Unknown;
                continue;
            }
        };
        match path_on(&seats[at], &file) {
            Some(Seen::At(inside, found)) => {
                let paths =
                    seats.iter().filter_map(|seat| Some(joined(&seat.point, below(&inside, &seat.root)?)));
                return Found::Seen { paths: paths.collect(), device: found.st_dev, inode: found.st_ino };
            }
            Some(Seen::Deleted) => return Found::Gone,
            Some(Seen::Outside) => {}
            None => worst = Found::Unknown,
        }
    }
    worst
}

enum Seen {
    /// The path within its file system.
    At(Vec<u8>, FileStat),
    Deleted,
    Outside,
}

/// Where a file is that was opened through a mount: proc_pid_fd(5).
fn path_on(seat: &Seat, file: &OwnedFd) -> Option<Seen> {
    let found = fstat(file).ok()?;
    let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()?.into_os_string().into_vec();
    if found.st_nlink == 0 {
        return Some(Seen::Deleted);
    }
    let Some(rest) = below(&path, &seat.point) else { return Some(Seen::Outside) };
    // Names may end like that; and what lies outside of a mount's own part has a path that leads elsewhere.
    let is_doubtful = path.ends_with(DELETED) || !seat.is_whole();
    if is_doubtful && !is_at(&path, found.st_dev, found.st_ino) {
        return Some(if path.ends_with(DELETED) { Seen::Deleted } else { Seen::Outside });
    }
    Some(Seen::At(joined(&seat.root, rest), found))
}

/// Whether the file with these `st_dev` and `st_ino` has this name.
pub(super) fn is_at(path: &[u8], device: u64, inode: u64) -> bool {
    lstat(Path::new(OsStr::from_bytes(path)))
        .is_ok_and(|there| (there.st_dev, there.st_ino) == (device, inode))
}

/// Adds the paths at which overlays show it.
fn over(disks: &Disks, paths: &mut Vec<Vec<u8>>) {
    let mut more = Vec::new();
    for overlay in disks.overlays() {
        let Some(upper) = &overlay.upper else { continue };
        more.extend(paths.iter().filter_map(|path| Some(joined(&overlay.point, below(path, upper)?))));
    }
    paths.append(&mut more);
}

/// What is left of a path below a directory: empty, or beginning with a slash.
pub(super) fn below<'a>(path: &'a [u8], directory: &[u8]) -> Option<&'a [u8]> {
    if directory == b"/" {
        return path
            .first()
            .filter(|first| **first == b'/')
            .map(|_| if path.len() == 1 { b"" } else { path });
    }
    path.strip_prefix(directory).filter(|rest| rest.first().is_none_or(|first| *first == b'/'))
}

pub(super) fn joined(directory: &[u8], rest: &[u8]) -> Vec<u8> {
    match (directory, rest) {
        (b"/", b"") => b"/".to_vec(),
        (b"/", rest) => rest.to_vec(),
        (directory, rest) => [directory, rest].concat(),
    }
}

/// A name in a directory; without a name the directory.
pub(super) fn child(directory: &[u8], name: &[u8]) -> Vec<u8> {
    match (directory, name) {
        (directory, b"") => directory.to_vec(),
        (b"/", name) => [b"/", name].concat(),
        (directory, name) => [directory, b"/", name].concat(),
    }
}

/// Whether a file that has no name has this one as long as it has none: d_tmpfile() in the kernel.
pub(super) fn is_nameless(name: &[u8]) -> bool {
    name.strip_prefix(b"#").is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

const DELETED: &[u8] = b" (deleted)";
/// Of about 200 bytes each.
const MAX_DIRECTORIES: usize = 16_384;

#[cfg(test)]
mod tests;
