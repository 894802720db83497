//! Single files that are marked besides: decoys, whose opening is told, and hot files, whose every write is.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use super::Singles;
use super::names::below;
use crate::sys::fanotify::{Group, Handle, handle_of};

#[derive(Debug)]
pub(super) struct MarkedFiles {
    files: Vec<File>,
    /// Those that once had their names, too: a decoy that was moved away is one still.
    decoys: HashMap<Box<[u8]>, usize>,
}

#[derive(Debug)]
struct File {
    path: Vec<u8>,
    mask: u64,
    handle: Option<Box<[u8]>>,
}

impl MarkedFiles {
    pub(super) fn new(decoys: Vec<Vec<u8>>, hot: Vec<Vec<u8>>) -> Self {
        let of =
            |paths: Vec<Vec<u8>>, mask| paths.into_iter().map(move |path| File { path, mask, handle: None });
        let files = of(decoys, libc::FAN_OPEN).chain(of(hot, libc::FAN_MODIFY)).collect();
        Self { files, decoys: HashMap::new() }
    }

    /// Whether it is these that are marked.
    pub(super) fn is(&self, singles: &Singles) -> bool {
        let of = |mask: u64| self.files.iter().filter(move |file| file.mask == mask).map(|file| &file.path);
        of(libc::FAN_OPEN).eq(&singles.decoys) && of(libc::FAN_MODIFY).eq(&singles.hot)
    }

    /// Marks what has the names now, whether or not it was marked: a mark goes with its mount.
    pub(super) fn renew_all(&mut self, group: &Group) {
        self.files.iter_mut().for_each(|file| file.handle = None);
        (0..self.files.len()).for_each(|at| self.renew_one(at, group));
    }

    /// Whether any of them is below this directory.
    pub(super) fn leads_on(&self, directory: &[u8]) -> bool {
        self.files.iter().any(|file| below(&file.path, directory).is_some())
    }

    /// Something happened to this name, or with `is_tree` to a directory of this name.
    pub(super) fn renew(&mut self, path: &[u8], is_tree: bool, group: &Group) {
        for at in 0..self.files.len() {
            let own = &self.files[at].path;
            if own == path || is_tree && below(own, path).is_some() {
                self.renew_one(at, group);
            }
        }
    }

    /// The decoy that this file is.
    pub(super) fn decoy(&self, handle: Handle<'_>) -> Option<&[u8]> {
        self.decoys.get(handle.bytes()).and_then(|at| self.files.get(*at)).map(|file| &file.path[..])
    }

    fn renew_one(&mut self, at: usize, group: &Group) {
        let File { path, mask, handle } = &mut self.files[at];
        // Between looking and marking it may be replaced again; then there is an event of that, too.
        let Ok(now) = identity(path) else { return *handle = None };
        if handle.as_ref() == Some(&now) || group.mark_file(path, *mask).is_err() {
            return;
        }
        if *mask == libc::FAN_OPEN {
            if self.decoys.len() == MAX_DECOYS {
                self.decoys.clear();
            }
            self.decoys.insert(now.clone(), at);
        }
        *handle = Some(now);
    }
}

fn identity(path: &[u8]) -> Result<Box<[u8]>, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    handle_of(open(Path::new(OsStr::from_bytes(path)), flags, Mode::empty())?)
}

/// With those of before.
const MAX_DECOYS: usize = 4_096;
