//! Where something is planted: a directory that no link leads to, and what is in it now.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Uid, fchmod, fchown, fstat, fsync, linkat,
    openat, openat2, statat, unlinkat,
};
use rustix::io::Errno;

use crate::host::object::Moment;

/// A directory, and a name in it.
#[derive(Debug)]
pub(super) struct Place {
    directory: OwnedFd,
    name: Vec<u8>,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// What has the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct There {
    pub(super) is_file: bool,
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) modified: Moment,
}

/// A file that is written and has no name yet, or has it only just.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    is_named: bool,
    pub(super) there: There,
}

impl Place {
    /// No part of the way to it may be a link: a link in a home is its owner's, who would lead root elsewhere.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or_else(|| io::Error::from(Errno::INVAL))?;
        let parent = path.parent().unwrap_or(Path::new("/"));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat2(CWD, parent, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?;
        let meta = fstat(&directory)?;
        Ok(Self { directory, name: name.as_bytes().to_vec(), uid: meta.st_uid, gid: meta.st_gid })
    }

    /// Nothing is opened for it: whoever opens a decoy is told.
    pub(super) fn there(&self) -> io::Result<Option<There>> {
        match statat(&self.directory, &*self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(meta) => Ok(Some(There::of(&meta))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// At most `limit` bytes of what is there, and what that was. A FIFO does not hold us up.
    pub(super) fn read(&self, limit: u64) -> io::Result<(There, Vec<u8>)> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(openat(&self.directory, &*self.name, flags, Mode::empty())?);
        let there = There::of(&fstat(&file)?);
        let mut bytes = Vec::new();
        if there.is_file {
            file.take(limit).read_to_end(&mut bytes)?;
        }
        Ok((there, bytes))
    }

    /// Mode 0600, the directory's owner. Without a name where the file system can do that: whoever sees it sees it whole.
    pub(super) fn draft(&self, content: &[u8]) -> io::Result<Draft> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let (file, is_named) = match openat(&self.directory, c".", flags | OFlags::TMPFILE, OWN) {
            Ok(file) => (file, false),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => {
                let new = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
                (openat(&self.directory, &*self.name, new, OWN)?, true)
            }
            Err(errno) => return Err(errno.into()),
        };
        match self.fill(File::from(file), content) {
            Ok((file, there)) => Ok(Draft { file, is_named, there }),
            Err(error) => {
                if is_named {
                    let _ = unlinkat(&self.directory, &*self.name, AtFlags::empty());
                }
                Err(error)
            }
        }
    }

    fn fill(&self, mut file: File, content: &[u8]) -> io::Result<(File, There)> {
        file.write_all(content)?;
        fchown(&file, Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))?;
        // The umask is somebody else's wish.
        fchmod(&file, OWN)?;
        fsync(&file)?;
        let there = There::of(&fstat(&file)?);
        Ok((file, there))
    }

    /// Gives it the name, if nothing has it.
    pub(super) fn publish(&self, draft: Draft) -> io::Result<()> {
        if !draft.is_named {
            // AT_EMPTY_PATH would need a capability; this is what open(2) recommends.
            let unnamed = format!("/proc/self/fd/{}", draft.file.as_raw_fd());
            linkat(CWD, unnamed, &self.directory, &*self.name, AtFlags::SYMLINK_FOLLOW)?;
        }
        Ok(fsync(&self.directory)?)
    }

    /// Takes a draft back that came to nothing.
    pub(super) fn discard(&self, draft: &Draft) {
        if draft.is_named && self.there().is_ok_and(|there| there == Some(draft.there)) {
            let _ = unlinkat(&self.directory, &*self.name, AtFlags::empty());
        }
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        unlinkat(&self.directory, &*self.name, AtFlags::empty())?;
        Ok(fsync(&self.directory)?)
    }
}

impl There {
    fn of(meta: &Stat) -> Self {
        let nanos = u32::try_from(meta.st_mtime_nsec).unwrap_or_default();
        Self {
            is_file: FileType::from_raw_mode(meta.st_mode) == FileType::RegularFile,
            inode: meta.st_ino,
            size: u64::try_from(meta.st_size).unwrap_or_default(),
            modified: Moment { seconds: meta.st_mtime, nanos },
        }
    }
}

const OWN: Mode = Mode::RUSR.union(Mode::WUSR);
