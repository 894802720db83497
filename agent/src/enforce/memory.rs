//! What was planted, kept so that exactly that is taken back: `enforce/planted` in the state.
//!
//! The state is the sensor's user's, and what is remembered here root removes. So the directory is ours, and what somebody
//! else could have written is refused. Nobody else may read it either: it tells which files are decoys.

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{
    CWD, Mode, OFlags, ResolveFlags, fchmod, fstat, fsync, mkdirat, openat, openat2, renameat, unlinkat,
};
use rustix::io::Errno;

use crate::host::planted::{MAX_DECOYS, PLACE, Planted};
use crate::host::{Host, Unreadable};
use crate::journal::Directory;

#[derive(Debug)]
pub(super) struct Memory {
    directory: OwnedFd,
    pub(super) planted: Planted,
}

impl Memory {
    /// As it is, without making anything.
    pub(super) fn look(state: &Path) -> Result<Planted, Unreadable> {
        Planted::of(&Host::at("/")?.state_at(state))
    }

    /// To be changed.
    pub(super) fn open(state: &Path) -> Result<Self, String> {
        let told = |error: io::Error| format!("{}: {error}", state.join(PLACE).display());
        let directory = directory(state).map_err(told)?;
        let planted = Self::look(state).map_err(|cause| cause.to_string())?;
        Ok(Self { directory, planted })
    }

    /// On the disk when it returns.
    pub(super) fn save(&self) -> io::Result<()> {
        if self.planted.0.len() > MAX_DECOYS {
            return Err(io::Error::other(format!("more than {MAX_DECOYS} decoys to remember")));
        }
        match unlinkat(&self.directory, NEXT, rustix::fs::AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let mut file = std::fs::File::from(openat(&self.directory, NEXT, flags, mode)?);
        file.write_all(self.planted.to_text().as_bytes())?;
        fchmod(&file, mode)?;
        fsync(&file)?;
        renameat(&self.directory, NEXT, &self.directory, FILE)?;
        Ok(fsync(&self.directory)?)
    }
}

/// Made where it is missing.
fn directory(state: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    drop(Directory::create(state, 0o755, None)?);
    let state = openat2(CWD, state, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS)?;
    match mkdirat(&state, OWN, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    let directory = openat2(&state, OWN, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?;
    let meta = fstat(&directory)?;
    let is_ours = meta.st_uid == rustix::process::geteuid().as_raw() && meta.st_mode & 0o022 == 0;
    match is_ours {
        true => Ok(directory),
        false => Err(io::Error::other("others than root can write there; who put it there?")),
    }
}

const OWN: &str = "enforce";
const FILE: &str = "planted";
const NEXT: &str = "planted.next";
