//! fanotify(7): one descriptor that tells of changes on whole file systems, with handles in place of paths.
//!
//! No wrapper on crates.io hands out the records in which the handles and names are.

#![expect(unsafe_code, reason = "fanotify_init and fanotify_mark, for what no safe wrapper offers")]

mod events;
mod handles;

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::fs;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::read;

pub use events::{Event, Events, Malformed, Name};
pub use handles::{FileSystem, Handle, Numbers, handle_of, open_by_handle};

/// A queue of events, with all that is marked for it.
#[derive(Debug)]
pub struct Group {
    descriptor: OwnedFd,
    features: Features,
}

/// What a group tells besides names and handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// The file that a name was given to or taken from, and both names of a rename in one event: Linux 5.17.
    pub targets: bool,
    /// A descriptor of the process: Linux 5.15.
    pub pidfd: bool,
}

impl Group {
    /// The best that the kernel offers. EPERM without CAP_SYS_ADMIN; EINVAL or ENOSYS before Linux 5.9.
    pub fn new(wants_pidfd: bool) -> Result<Self, Errno> {
        let mut refusal = Errno::ENOSYS;
        for (targets, pidfd) in [(true, wants_pidfd), (true, false), (false, wants_pidfd), (false, false)] {
            match Self::with(Features { targets, pidfd }) {
                // What the kernel does not know.
                Err(Errno::EINVAL) => refusal = Errno::EINVAL,
                done => return done,
            }
        }
        Err(refusal)
    }

    fn with(features: Features) -> Result<Self, Errno> {
        let base = libc::FAN_CLASS_NOTIF | libc::FAN_CLOEXEC | libc::FAN_NONBLOCK | NAMES;
        let targets = if features.targets { libc::FAN_REPORT_TARGET_FID } else { 0 };
        let pidfd = if features.pidfd { libc::FAN_REPORT_PIDFD } else { 0 };
        let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_LARGEFILE;
        // SAFETY: nothing is handed over but numbers.
        let made = unsafe { libc::fanotify_init(base | targets | pidfd, flags.cast_unsigned()) };
        let number = Errno::result(made)?;
        // SAFETY: the kernel has just made it, for us alone.
        let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
        Ok(Self { descriptor, features })
    }

    /// One that an earlier process made and somebody kept for us: believed only as far as the kernel confirms it.
    pub fn adopt(descriptor: OwnedFd) -> Result<Self, String> {
        let number = descriptor.as_raw_fd();
        let said = |error: std::io::Error| format!("nobody can say what it is: {error}");
        let kind = fs::read_link(format!("/proc/self/fd/{number}")).map_err(said)?;
        if kind.as_os_str() != "anon_inode:[fanotify]" {
            return Err(format!("it is {}", kind.display()));
        }
        let about = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).map_err(said)?;
        let flags = flags(&about).ok_or("the kernel does not say what it tells")?;
        if flags & NAMES != NAMES {
            return Err("it tells no names".to_owned());
        }
        // Of another process it could be one that waits.
        fcntl(&descriptor, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(|errno| errno.desc().to_owned())?;
        let features = Features {
            targets: flags & libc::FAN_REPORT_TARGET_FID != 0,
            pidfd: flags & libc::FAN_REPORT_PIDFD != 0,
        };
        Ok(Self { descriptor, features })
    }

    pub fn features(&self) -> Features {
        self.features
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    /// Adds to what is told of the whole file system on which something is open (not with O_PATH).
    pub fn mark_file_system(&self, on: BorrowedFd<'_>, mask: u64) -> Result<(), Errno> {
        let flags = libc::FAN_MARK_ADD | libc::FAN_MARK_FILESYSTEM;
        self.mark(flags, mask, on.as_raw_fd(), None)
    }

    /// Takes away from what is told of a file system; nothing of it is left when nothing is told any more.
    pub fn unmark_file_system(&self, on: BorrowedFd<'_>, mask: u64) -> Result<(), Errno> {
        let flags = libc::FAN_MARK_REMOVE | libc::FAN_MARK_FILESYSTEM;
        self.mark(flags, mask, on.as_raw_fd(), None)
    }

    /// Adds to what is told of one file, under whatever name. No link is followed.
    pub fn mark_file(&self, path: &[u8], mask: u64) -> Result<(), Errno> {
        let flags = libc::FAN_MARK_ADD | libc::FAN_MARK_DONT_FOLLOW;
        self.mark(flags, mask, libc::AT_FDCWD, Some(path))
    }

    /// Takes the marks of single files away, all of them.
    pub fn unmark_files(&self) -> Result<(), Errno> {
        self.mark(libc::FAN_MARK_FLUSH, 0, libc::AT_FDCWD, Some(b"/"))
    }

    /// Takes the marks of file systems away, all of them.
    pub fn unmark_file_systems(&self) -> Result<(), Errno> {
        self.mark(libc::FAN_MARK_FLUSH | libc::FAN_MARK_FILESYSTEM, 0, libc::AT_FDCWD, Some(b"/"))
    }

    fn mark(&self, flags: u32, mask: u64, at: RawFd, path: Option<&[u8]>) -> Result<(), Errno> {
        let path = path.map(CString::new).transpose().map_err(|_| Errno::EINVAL)?;
        let path = path.as_deref().map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: the path ends with a zero and lives until the call is over; without one the kernel takes `at` itself.
        let done = unsafe { libc::fanotify_mark(self.descriptor.as_raw_fd(), flags, mask, at, path) };
        Errno::result(done).map(drop)
    }

    /// What has happened since, as much as there is room for; nothing, if that is nothing. EINVAL where there is no room for
    /// even one event: a few KiB are enough.
    pub fn read<'a>(&self, buffer: &'a mut [u8]) -> Result<Option<Batch<'a>>, Errno> {
        let count = loop {
            match read(&self.descriptor, buffer) {
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) | Ok(0) => return Ok(None),
                count => break count?,
            }
        };
        let bytes = buffer.get(..count).ok_or(Errno::EOVERFLOW)?;
        Ok(Some(Batch { bytes, processes: self.own_processes(bytes) }))
    }

    /// The descriptors that came with the events are ours from now on.
    fn own_processes(&self, bytes: &[u8]) -> BTreeMap<RawFd, OwnedFd> {
        if !self.features.pidfd {
            return BTreeMap::new();
        }
        let numbers = Events::of(bytes).map_while(Result::ok).filter_map(|event| event.pidfd);
        // SAFETY: read(2) has just opened it for this event, and only here it is owned.
        numbers.map(|number| (number, unsafe { OwnedFd::from_raw_fd(number) })).collect()
    }
}

/// What one read gave.
#[derive(Debug)]
pub struct Batch<'a> {
    bytes: &'a [u8],
    processes: BTreeMap<RawFd, OwnedFd>,
}

impl<'a> Batch<'a> {
    pub fn events(&self) -> Events<'a> {
        Events::of(self.bytes)
    }

    /// The process of an event in this batch, where its descriptor came along.
    pub fn process(&self, event: &Event<'_>) -> Option<BorrowedFd<'_>> {
        self.processes.get(&event.pidfd?).map(AsFd::as_fd)
    }
}

/// `fanotify flags:…` of proc_pid_fdinfo(5), in hexadecimal digits.
fn flags(about: &str) -> Option<u32> {
    let line = about.lines().find_map(|line| line.strip_prefix("fanotify flags:"))?;
    u32::from_str_radix(line.split_whitespace().next()?, 16).ok()
}

const NAMES: u32 = libc::FAN_REPORT_FID | libc::FAN_REPORT_DFID_NAME;

#[cfg(test)]
mod tests;
