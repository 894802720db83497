//! Files by their handles: open_by_handle_at(2). A handle stands for one file for as long as it exists, under whatever
//! name, and never for another.

#![expect(unsafe_code, reason = "neither name_to_handle_at nor open_by_handle_at has a safe wrapper")]

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use nix::errno::Errno;

/// A file system's id, the type of a handle, and the handle: as the kernel lays them one after another in its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handle<'a>(&'a [u8]);

impl<'a> Handle<'a> {
    /// The handle that bytes begin with, and what follows it.
    pub fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let length: &[u8; 4] = bytes.get(FSID..FSID + 4)?.first_chunk()?;
        let length = u32::from_ne_bytes(*length) as usize;
        if length > MAX {
            return None;
        }
        let (handle, rest) = bytes.split_at_checked(HEADER + length)?;
        Some((Self(handle), rest))
    }

    /// All of it; [`Handle::split`] makes the same of it again.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// The id that statfs(2) tells of its file system.
    pub fn file_system(self) -> FileSystem {
        let mut id = [0; FSID];
        id.copy_from_slice(&self.0[..FSID]);
        FileSystem(id)
    }

    fn kind(self) -> i32 {
        let mut kind = [0; 4];
        kind.copy_from_slice(&self.0[FSID + 4..HEADER]);
        i32::from_ne_bytes(kind)
    }

    fn own(self) -> &'a [u8] {
        &self.0[HEADER..]
    }
}

/// `f_fsid`. Copies of one disk have one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileSystem([u8; FSID]);

impl FileSystem {
    pub fn of(file: impl AsFd) -> Result<Self, Errno> {
        let mut answer = MaybeUninit::<libc::statfs>::uninit();
        // SAFETY: the kernel writes one struct statfs to where there is room for it.
        Errno::result(unsafe { libc::fstatfs(file.as_fd().as_raw_fd(), answer.as_mut_ptr()) })?;
        // SAFETY: it has done so.
        let answer = unsafe { answer.assume_init() };
        // SAFETY: fsid_t is two 32-bit numbers without padding, of which every bit is a value.
        Ok(Self(unsafe { std::mem::transmute::<libc::fsid_t, [u8; FSID]>(answer.f_fsid) }))
    }
}

/// The handle of an open file, in the bytes of [`Handle::bytes`]. EOPNOTSUPP where its file system has none.
pub fn handle_of(file: impl AsFd) -> Result<Box<[u8]>, Errno> {
    let id = FileSystem::of(file.as_fd())?;
    let mut asked = Room { length: ROOM, kind: 0, bytes: [0; MAX] };
    let mut mount = 0;
    let descriptor = file.as_fd().as_raw_fd();
    // SAFETY: the name is empty and ends with a zero; the kernel writes no more bytes of the handle than `length` says that
    // there is room for.
    let done = unsafe {
        libc::name_to_handle_at(
            descriptor,
            c"".as_ptr(),
            (&raw mut asked).cast(),
            &raw mut mount,
            libc::AT_EMPTY_PATH,
        )
    };
    Errno::result(done)?;
    let own = asked.bytes.get(..asked.length as usize).ok_or(Errno::EOVERFLOW)?;
    let parts = [&id.0[..], &asked.length.to_ne_bytes(), &asked.kind.to_ne_bytes(), own];
    Ok(parts.concat().into())
}

/// The file, opened only to be named: O_PATH. `mount` is anything that is open on a mount of its file system, and decides
/// where the path leads from. ESTALE where the file is no more.
pub fn open_by_handle(mount: BorrowedFd<'_>, handle: Handle<'_>) -> Result<OwnedFd, Errno> {
    let own = handle.own();
    let length = u32::try_from(own.len()).map_err(|_| Errno::EOVERFLOW)?;
    let mut asked = Room { length, kind: handle.kind(), bytes: [0; MAX] };
    asked.bytes.get_mut(..own.len()).ok_or(Errno::EOVERFLOW)?.copy_from_slice(own);
    let flags = libc::O_PATH | libc::O_CLOEXEC | libc::O_NOFOLLOW;
    // SAFETY: the kernel reads as many bytes of the handle as `length` says, and they are there.
    let opened = unsafe { libc::open_by_handle_at(mount.as_raw_fd(), (&raw mut asked).cast(), flags) };
    let number = Errno::result(opened)?;
    // SAFETY: the kernel has just made it, for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// struct file_handle with the room that the longest one takes.
#[repr(C)]
struct Room {
    length: u32,
    kind: i32,
    bytes: [u8; MAX],
}

/// Where in its handles a file system writes the number of the inode. It saves opening each file only to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Whoever wants to know has to open it.
    Unknown,
    /// FILEID_INO32_GEN and FILEID_INO32_GEN_PARENT: ext4, and most others.
    Short,
    /// The same with the flag for 64 bits: xfs.
    Long,
    /// Generation first, then the number in two halves: tmpfs.
    Memory,
}

impl Numbers {
    /// What fits a file of which both are known. Handles differ between file systems of one type, too.
    pub fn fitting(handle: Handle<'_>, inode: u64) -> Self {
        let ways = [Self::Short, Self::Long, Self::Memory];
        ways.into_iter().find(|way| way.inode(handle) == Some(inode)).unwrap_or(Self::Unknown)
    }

    /// None of a handle that this file system would not have made so.
    pub fn inode(self, handle: Handle<'_>) -> Option<u64> {
        let own = handle.own();
        let word = |at: usize| -> Option<u64> {
            own.get(at * 4..)?.first_chunk::<4>().map(|word| u64::from(u32::from_ne_bytes(*word)))
        };
        match (self, handle.kind(), own.len()) {
            (Self::Short, INO32, 8) | (Self::Short, INO32_PARENT, 12 | 16) => word(0),
            (Self::Long, XFS_INO64, 12) | (Self::Long, XFS_INO64_PARENT, 24) => {
                own.first_chunk::<8>().map(|number| u64::from_ne_bytes(*number))
            }
            (Self::Memory, INO32, 12) => Some(word(1)? | word(2)? << 32),
            _ => None,
        }
    }
}

/// Sizes of fsid_t, and of it with what comes before the handle's own bytes.
const FSID: usize = 8;
const HEADER: usize = FSID + 8;
/// MAX_HANDLE_SZ.
const MAX: usize = 128;
const ROOM: u32 = 128;
/// enum fid_type in the kernel's exportfs.h.
const INO32: i32 = 1;
const INO32_PARENT: i32 = 2;
/// With XFS_FILEID_TYPE_64FLAG.
const XFS_INO64: i32 = 0x81;
const XFS_INO64_PARENT: i32 = 0x82;

#[cfg(test)]
mod tests;
