//! The file system that a directory is on, and whether it takes what it is told to keep.

use std::path::Path;

use nix::errno::Errno;
use rustix::fs::{Mode, OFlags, StatVfsMountFlags, fsync, open, statfs, statvfs};
use rustix::io::write;

/// What a directory is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSystem {
    /// As mount(8) calls it; one that we do not know has its number in `magic` alone.
    pub name: &'static str,
    pub kind: Kind,
    pub magic: u64,
    pub is_read_only: bool,
    /// For whoever is not root.
    pub free: u64,
    pub free_inodes: u64,
    /// Some file systems do not count them, and say none.
    pub counts_inodes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Disk,
    /// Gone with the next start.
    Memory,
    /// Layers, of which the upper one may be thrown away: containers, live systems.
    Layers,
    /// Another machine's, or another process's.
    Remote,
    /// Made to be read.
    Image,
    Unknown,
}

/// How far what is written can be made to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flushed {
    /// A file without a name was written, flushed, and is gone.
    File,
    /// Files without names are not to be had here; the directory itself was flushed.
    Directory,
}

pub fn file_system(path: &Path) -> Result<FileSystem, Errno> {
    let of = statfs(path).map_err(errno)?;
    let room = statvfs(path).map_err(errno)?;
    let magic = u64::from_ne_bytes(of.f_type.to_ne_bytes());
    let (name, kind) = named(magic);
    Ok(FileSystem {
        name,
        kind,
        magic,
        is_read_only: room.f_flag.contains(StatVfsMountFlags::RDONLY),
        free: room.f_bavail.saturating_mul(room.f_frsize),
        free_inodes: room.f_favail,
        counts_inodes: room.f_files > 0,
    })
}

/// Tries it in a directory. No name in it comes or goes, and its times stay what they are.
pub fn flush(directory: &Path) -> Result<Flushed, Errno> {
    let unnamed = open(directory, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::RUSR);
    match unnamed {
        Ok(file) => {
            write(&file, b"guestward doctor\n").map_err(errno)?;
            fsync(&file).map_err(errno)?;
            Ok(Flushed::File)
        }
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR | rustix::io::Errno::NOENT) => {
            let directory =
                open(directory, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(errno)?;
            fsync(&directory).map_err(errno)?;
            Ok(Flushed::Directory)
        }
        Err(other) => Err(errno(other)),
    }
}

fn named(magic: u64) -> (&'static str, Kind) {
    let known = KNOWN.iter().find(|(known, _, _)| *known == magic);
    known.map_or(("", Kind::Unknown), |&(_, name, kind)| (name, kind))
}

fn errno(errno: rustix::io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error())
}

/// include/uapi/linux/magic.h, and of those outside of it what statfs(2) lists.
const KNOWN: &[(u64, &str, Kind)] = &[
    (0xef53, "ext4", Kind::Disk),
    (0x5846_5342, "xfs", Kind::Disk),
    (0x9123_683e, "btrfs", Kind::Disk),
    (0xf2f5_2010, "f2fs", Kind::Disk),
    (0x2fc1_2fc1, "zfs", Kind::Disk),
    (0xca45_1a4e, "bcachefs", Kind::Disk),
    (0x3153_464a, "jfs", Kind::Disk),
    (0x5265_4973, "reiserfs", Kind::Disk),
    (0x0102_1994, "tmpfs", Kind::Memory),
    (0x8584_58f6, "ramfs", Kind::Memory),
    (0x794c_7630, "overlay", Kind::Layers),
    (0x6969, "nfs", Kind::Remote),
    (0x517b, "smb", Kind::Remote),
    (0xff53_4d42, "cifs", Kind::Remote),
    (0xfe53_4d42, "smb3", Kind::Remote),
    (0x00c3_6400, "ceph", Kind::Remote),
    (0x0102_1997, "9p", Kind::Remote),
    (0x5346_414f, "afs", Kind::Remote),
    (0x6b41_4653, "afs", Kind::Remote),
    (0x6573_5546, "fuse", Kind::Remote),
    (0x0bd0_0bd0, "lustre", Kind::Remote),
    (0x0116_1970, "gfs2", Kind::Remote),
    (0x7461_636f, "ocfs2", Kind::Remote),
    (0x4750_4653, "gpfs", Kind::Remote),
    (0x7371_7368, "squashfs", Kind::Image),
    (0xe0f5_e1e2, "erofs", Kind::Image),
    (0x9660, "iso9660", Kind::Image),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn trying_changes_no_name_and_no_time() {
        let folder = tempfile::tempdir().unwrap();
        let times = || {
            let meta = fs::metadata(folder.path()).unwrap();
            (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec())
        };
        let before = times();
        flush(folder.path()).unwrap();
        assert_eq!(times(), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn file_systems_are_called_by_their_names() {
        let proc = file_system("/proc".as_ref()).unwrap();
        assert_eq!((proc.name, proc.kind, proc.magic), ("", Kind::Unknown, 0x9fa0));
        for (magic, name, kind) in [
            (0xef53, "ext4", Kind::Disk),
            (0x6969, "nfs", Kind::Remote),
            (0x0102_1994, "tmpfs", Kind::Memory),
        ] {
            assert_eq!(named(magic), (name, kind));
        }
        assert!(KNOWN.iter().enumerate().all(|(at, (magic, ..))| KNOWN[..at].iter().all(|k| k.0 != *magic)));
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        assert_eq!(file_system("/no/such/place".as_ref()).unwrap_err(), Errno::ENOENT);
        assert_eq!(flush("/no/such/place".as_ref()).unwrap_err(), Errno::ENOENT);
        assert!(flush("/proc/self".as_ref()).is_err());
    }
}
