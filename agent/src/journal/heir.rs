//! To whom belongs what root makes by hand in somebody else's directory: to whoever has the directory.
//!
//! The daemons run as users of their own. What an operator does as root (`guestward run`, `journal init-key`) would
//! otherwise leave files that they cannot go on with.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use nix::unistd::{Gid, Uid, chown, fchown, geteuid};

/// Whoever has the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heir {
    uid: Uid,
    gid: Gid,
    /// Others of the group make files there, too, and go on with each other's.
    is_shared: bool,
}

impl Heir {
    /// `None` where what we make is ours to keep: the directory is root's, or we are not.
    pub fn of(directory: &Metadata) -> Option<Self> {
        Self::when(geteuid(), directory)
    }

    fn when(we: Uid, directory: &Metadata) -> Option<Self> {
        let (uid, gid) = (Uid::from_raw(directory.uid()), Gid::from_raw(directory.gid()));
        let is_shared = directory.mode() & 0o020 != 0;
        (we.is_root() && !uid.is_root()).then_some(Self { uid, gid, is_shared })
    }

    /// A new file of this mode becomes its own.
    pub fn inherit(&self, file: &File, mode: u32) -> io::Result<()> {
        fchown(file, Some(self.uid), Some(self.gid))?;
        // Whoever of the group may read it, may then write it, too.
        let more = if self.is_shared { (mode & 0o040) >> 1 } else { 0 };
        file.set_permissions(Permissions::from_mode(mode | more))
    }

    /// So does a new directory, whose mode stays.
    pub fn inherit_directory(&self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.uid), Some(self.gid)).map_err(io::Error::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_leaves_something_to_others() {
        let folder = tempfile::tempdir().unwrap();
        chown(folder.path(), Some(Uid::from_raw(4_711)), Some(Gid::from_raw(4_712))).unwrap();
        let meta = std::fs::metadata(folder.path()).unwrap();
        assert_eq!(Heir::when(Uid::from_raw(4_711), &meta), None);
        let heir = Heir::when(Uid::from_raw(0), &meta).unwrap();
        assert_eq!((heir.uid.as_raw(), heir.gid.as_raw(), heir.is_shared), (4_711, 4_712, false));
        assert_eq!(Heir::of(&std::fs::metadata("/").unwrap()), None);
    }
}
