//! A socket's place in the file system, and the directory that it stands in.

use std::fmt;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _, chown, lchown,
};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::unistd::{Gid, Group, User, geteuid};

use super::ask::{Why, reach};

/// Makes the directory for sockets if there is none; one that others could write into or put elsewhere is refused.
pub fn run_dir(path: &Path, mode: u32, group: Option<Gid>) -> Result<(), NoPlace> {
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => own(path, mode, group),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => trusted(path),
        Err(error) => Err(NoPlace::new(path, Refusal::Os(error))),
    }
}

/// Why a socket cannot stand there.
#[derive(Debug)]
pub struct NoPlace {
    pub path: PathBuf,
    pub refusal: Refusal,
}

#[derive(Debug)]
pub enum Refusal {
    /// A live process answers there.
    Taken,
    NotASocket,
    NotADirectory,
    /// Others than root and we decide what is there.
    Foreign {
        uid: u32,
    },
    WorldWritable,
    Os(io::Error),
}

impl NoPlace {
    fn new(path: &Path, refusal: Refusal) -> Self {
        Self { path: path.to_owned(), refusal }
    }
}

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.refusal {
            Refusal::Taken => write!(f, "another process answers at {path}; stop it first"),
            Refusal::NotASocket => write!(f, "{path} is in the way and no socket; remove it"),
            Refusal::NotADirectory => write!(f, "{path} is in the way and no directory; remove it"),
            Refusal::Foreign { uid } => {
                write!(f, "{path} belongs to user {uid}, who could replace it; remove it")
            }
            Refusal::WorldWritable => write!(f, "everybody may write to {path}; chmod o-w it"),
            Refusal::Os(error) => write!(f, "cannot use {path}: {error}"),
        }
    }
}

impl std::error::Error for NoPlace {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.refusal {
            Refusal::Os(error) => Some(error),
            _ => None,
        }
    }
}

/// A name in the file system that is ours as long as it leads to our socket.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    id: (u64, u64),
}

impl Place {
    pub(super) fn take(path: &Path, mode: u32, group: Option<Gid>) -> Result<(UnixListener, Self), NoPlace> {
        let fail = |error| NoPlace::new(path, Refusal::Os(error));
        clear(path)?;
        let socket = UnixListener::bind(path).map_err(fail)?;
        let meta = fs::symlink_metadata(path).map_err(fail)?;
        // From here on a failure takes the socket away again.
        let place = Self { path: path.to_owned(), id: (meta.dev(), meta.ino()) };
        own(path, mode, group)?;
        socket.set_nonblocking(true).map_err(fail)?;
        Ok((socket, place))
    }

    pub(super) fn leave_to(&self, user: &str, group: &str) {
        if !geteuid().is_root() {
            return;
        }
        let user = User::from_name(user).ok().flatten().map(|user| user.uid.as_raw());
        let group = Group::from_name(group).ok().flatten().map(|group| group.gid.as_raw());
        // Where there are no such users, no service will want it.
        let _ = lchown(&self.path, user, group);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|meta| (meta.dev(), meta.ino()) == self.id) {
            // What stays is a stale socket, and the next start removes those.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes what a dead process left.
fn clear(path: &Path) -> Result<(), NoPlace> {
    let fail = |refusal| NoPlace::new(path, refusal);
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(fail(Refusal::Os(error))),
        Ok(meta) if !meta.file_type().is_socket() => return Err(fail(Refusal::NotASocket)),
        Ok(_) => {}
    }
    match reach(path, Instant::now()) {
        // A full queue is a live process's too.
        Ok(_) | Err(Why::TooSlow) => Err(fail(Refusal::Taken)),
        Err(Why::Absent) => Ok(()),
        Err(Why::Refused) => fs::remove_file(path).map_err(|error| fail(Refusal::Os(error))),
        Err(Why::Os(error)) => Err(fail(Refusal::Os(error))),
        Err(_) => Err(fail(Refusal::Os(io::ErrorKind::PermissionDenied.into()))),
    }
}

/// The mode is set and not only asked for: the umask takes away of what is asked for.
fn own(path: &Path, mode: u32, group: Option<Gid>) -> Result<(), NoPlace> {
    let set = || {
        // The group first: the mode must never grant to another group what is meant for this one.
        if group.is_some() {
            chown(path, None, group.map(Gid::as_raw))?;
        }
        fs::set_permissions(path, Permissions::from_mode(mode))
    };
    set().map_err(|error| NoPlace::new(path, Refusal::Os(error)))
}

fn trusted(path: &Path) -> Result<(), NoPlace> {
    let fail = |refusal| NoPlace::new(path, refusal);
    let os = |error| fail(Refusal::Os(error));
    let is_foreign = |uid: u32| uid != 0 && uid != geteuid().as_raw();
    // A link is its owner's to change, and so is what it leads to.
    for meta in [fs::symlink_metadata(path).map_err(os)?, fs::metadata(path).map_err(os)?] {
        if is_foreign(meta.uid()) {
            return Err(fail(Refusal::Foreign { uid: meta.uid() }));
        }
    }
    let meta = fs::metadata(path).map_err(os)?;
    match meta.is_dir() {
        false => Err(fail(Refusal::NotADirectory)),
        true if meta.mode() & 0o002 != 0 => Err(fail(Refusal::WorldWritable)),
        true => Ok(()),
    }
}
