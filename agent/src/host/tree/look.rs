//! What statx(2) says of an object.

use std::ffi::CStr;

use rustix::fd::AsFd;
use rustix::fs::{AtFlags, FileType, Statx, StatxAttributes, StatxFlags, StatxTimestamp, makedev, statx};
use rustix::io::Errno;

use crate::host::Kind;
use crate::host::object::{Content, Flags, Moment, Object, Trouble};

/// An object, and what the walk needs to know of where it lies.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) object: Object,
    /// None before Linux 5.8.
    pub(super) mount: Option<u64>,
    /// Fewer blocks than its size needs: there are holes in it.
    pub(super) is_sparse: bool,
}

/// What a name in a directory stands for; a link is not followed, and nothing is mounted for it. Without `is_distant`
/// no file server is asked: what is not known yet is not waited for.
pub(super) fn at(directory: impl AsFd, name: &CStr, is_distant: bool) -> Result<Look, Errno> {
    let sync = if is_distant { AtFlags::empty() } else { AtFlags::STATX_DONT_SYNC };
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | sync;
    statx(directory, name, flags, WANTED).map(|found| look(&found))
}

/// What is open.
pub(super) fn of(open: impl AsFd) -> Result<Look, Errno> {
    statx(open, c"", AtFlags::EMPTY_PATH, WANTED).map(|found| look(&found))
}

fn look(found: &Statx) -> Look {
    let has = |flags: StatxFlags| found.stx_mask & flags.bits() != 0;
    let mode = u32::from(found.stx_mode);
    let object = Object {
        kind: kind(FileType::from_raw_mode(mode)),
        mode: mode & 0o7777,
        uid: found.stx_uid,
        gid: found.stx_gid,
        size: found.stx_size,
        device: makedev(found.stx_dev_major, found.stx_dev_minor),
        inode: found.stx_ino,
        links: found.stx_nlink,
        rdev: makedev(found.stx_rdev_major, found.stx_rdev_minor),
        modified: moment(found.stx_mtime),
        changed: moment(found.stx_ctime),
        born: has(StatxFlags::BTIME).then(|| moment(found.stx_btime)),
        flags: flags(found.stx_attributes & found.stx_attributes_mask),
        content: Content::Unasked,
        target: None,
        xattrs: Vec::new(),
        xattr_trouble: None,
        verity: None,
        md5: None,
        sha256: None,
        text: None,
    };
    Look {
        object,
        mount: has(StatxFlags::MNT_ID).then_some(found.stx_mnt_id),
        is_sparse: found.stx_blocks < found.stx_size / BLOCK,
    }
}

/// Whether both tell of one object in one state.
pub(super) fn is_same(a: &Object, b: &Object) -> bool {
    is_one(a, b) && (a.size, a.modified, a.changed) == (b.size, b.modified, b.changed)
}

/// Whether both tell of one object.
pub(super) fn is_one(a: &Object, b: &Object) -> bool {
    (a.kind, a.device, a.inode) == (b.kind, b.device, b.inode)
}

/// Why something of an object that was there is not known.
pub(super) fn trouble(errno: Errno) -> Trouble {
    match errno {
        Errno::ACCESS | Errno::PERM => Trouble::Denied,
        Errno::NOENT => Trouble::Gone,
        // What was a regular file is a link or a directory now, or a socket.
        Errno::LOOP | Errno::NOTDIR | Errno::ISDIR | Errno::NXIO | Errno::NODEV => Trouble::Replaced,
        errno => Trouble::Failed(errno.raw_os_error()),
    }
}

fn moment(time: StatxTimestamp) -> Moment {
    Moment { seconds: time.tv_sec, nanos: time.tv_nsec }
}

fn kind(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::SymbolicLink,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::CharacterDevice => Kind::CharacterDevice,
        FileType::BlockDevice => Kind::BlockDevice,
        _ => Kind::Other,
    }
}

fn flags(attributes: StatxAttributes) -> Flags {
    let pairs = FLAGS.iter().filter(|(attribute, _)| attributes.contains(*attribute));
    pairs.fold(Flags::default(), |flags, (_, flag)| flags.with(*flag))
}

const WANTED: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME).union(StatxFlags::MNT_ID);
const FLAGS: [(StatxAttributes, Flags); 6] = [
    (StatxAttributes::IMMUTABLE, Flags::IMMUTABLE),
    (StatxAttributes::APPEND, Flags::APPEND),
    (StatxAttributes::VERITY, Flags::VERITY),
    (StatxAttributes::NODUMP, Flags::NODUMP),
    (StatxAttributes::ENCRYPTED, Flags::ENCRYPTED),
    (StatxAttributes::COMPRESSED, Flags::COMPRESSED),
];
/// In which stx_blocks counts, whatever the file system's own are.
const BLOCK: u64 = 512;
