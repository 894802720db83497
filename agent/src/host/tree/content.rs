//! The content of a regular file: its digest, of a moment in which it stood still.

use std::ffi::CStr;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fd::{AsFd as _, OwnedFd};
use rustix::fs::{OFlags, SeekFrom, Stat, fstat, seek};
use rustix::io::{Errno, pread};

use super::Reading;
use super::directory::{Directory, open_quietly};
use super::look::{self, Look};
use super::worker::Worker;
use super::xattrs::{self, Of};
use crate::host::Kind;
use crate::host::object::{Content, Flags, Moment, Object, Trouble, Verity};
use crate::sys::verity;

/// Why there is no digest.
enum No {
    /// It may be there another time.
    Again(Trouble),
    Never(Trouble),
    /// Nobody wants it any more.
    Over,
}

impl Worker<'_, '_> {
    /// Reads what was seen under a name. The object told is the one that was read, although another may have been seen.
    /// Nothing, if the walk is over.
    pub(super) fn content(
        &mut self,
        directory: &Directory,
        name: &CStr,
        mut look: Look,
        reading: &Reading,
        with_xattrs: bool,
    ) -> Option<Object> {
        let mut trouble = Trouble::Unstable;
        for _ in 0..TRIES {
            match self.attempt(directory, name, &mut look, reading, with_xattrs) {
                Ok(()) => {
                    self.read_one();
                    return Some(look.object);
                }
                Err(No::Again(cause)) => trouble = cause,
                Err(No::Never(cause)) => {
                    look.object.content = Content::Unread(cause);
                    // Whom the content is kept from may still see the rest.
                    let is_there = !matches!(cause, Trouble::Gone | Trouble::Replaced);
                    return Some(if is_there {
                        self.extras(directory, name, look.object, with_xattrs)
                    } else {
                        look.object
                    });
                }
                Err(No::Over) => return None,
            }
        }
        look.object.content = Content::Unread(trouble);
        Some(self.extras(directory, name, look.object, with_xattrs))
    }

    fn attempt(
        &mut self,
        directory: &Directory,
        name: &CStr,
        look: &mut Look,
        reading: &Reading,
        with_xattrs: bool,
    ) -> Result<(), No> {
        let size = wanted(reading, look.object.size);
        if size > self.ground.limits.max_file {
            return Err(No::Never(Trouble::TooLarge));
        }
        let fd = open_quietly(&directory.fd, name, FILE).map_err(|errno| refused(directory, name, errno))?;
        // What one read takes is compared after it: a question less for each of the many small files.
        if size > ONE_READ && !is_as_seen(&fstat(&fd).map_err(failed)?, &look.object) {
            adopt(look, &fd)?;
        }
        if reading.length.is_none() && !self.ground.limits.is_watched && is_fresh(look.object.changed) {
            // Its times have the grain of the kernel's clock: another write in the same grain would leave no trace.
            thread::sleep(GRAIN);
            adopt(look, &fd)?;
            if is_fresh(look.object.changed) {
                return Err(No::Again(Trouble::Unstable));
            }
        }
        let length = wanted(reading, look.object.size);
        if length > self.ground.limits.max_file {
            return Err(No::Never(Trouble::TooLarge));
        }
        if with_xattrs {
            let (list, trouble) = xattrs::read(Of::Open(fd.as_fd()), &mut self.buffer);
            (look.object.xattrs, look.object.xattr_trouble) = (list, trouble);
        }
        look.object.verity = measured(&fd, &look.object);
        let mut text = Vec::new();
        if let Err(no) = self.hash(&fd, length, look.is_sparse, reading, &mut text) {
            self.digests.reset();
            if matches!(no, No::Over) || is_as_seen(&fstat(&fd).map_err(failed)?, &look.object) {
                return Err(no);
            }
            adopt(look, &fd)?;
            return Err(No::Again(Trouble::Unstable));
        }
        let (digest, beside) = self.digests.finish(reading);
        let after = fstat(&fd).map_err(failed)?;
        let is_still = match reading.length {
            Some(_) => is_one(&after, &look.object) && size_of(&after) >= length,
            None => is_as_seen(&after, &look.object),
        };
        if !is_still {
            adopt(look, &fd)?;
            return Err(No::Again(Trouble::Unstable));
        }
        look.object.content = Content::Hashed { algorithm: reading.algorithm, digest, length };
        (look.object.md5, look.object.sha256) = (beside.md5, beside.sha256);
        look.object.text = (reading.keep > 0).then(|| text.into_boxed_slice());
        Ok(())
    }

    /// Feeds the first `length` bytes to the digests, and not one that was added since.
    fn hash(
        &mut self,
        fd: &OwnedFd,
        length: u64,
        is_sparse: bool,
        reading: &Reading,
        text: &mut Vec<u8>,
    ) -> Result<(), No> {
        let mut at = 0;
        // Up to where there is no hole, as far as is known.
        let mut solid = if is_sparse { 0 } else { length };
        while at < length {
            if self.ground.is_over() {
                return Err(No::Over);
            }
            if at >= solid {
                let (start, end) = next_data(fd, at, length);
                self.zeros(start - at, reading, text)?;
                (at, solid) = (start, end);
                continue;
            }
            let most = self.buffer.len().min(usize::try_from(solid - at).unwrap_or(usize::MAX));
            match pread(fd, &mut self.buffer[..most], at) {
                // It became shorter.
                Ok(0) => return Err(No::Again(Trouble::Unstable)),
                Ok(count) => {
                    at += count as u64;
                    self.feed(count, reading, text);
                    self.spent(count as u64, count as u64);
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        Ok(())
    }

    /// A hole is as many zeros, which no disk needs to be asked for.
    fn zeros(&mut self, mut count: u64, reading: &Reading, text: &mut Vec<u8>) -> Result<(), No> {
        self.buffer.fill(0);
        while count > 0 {
            if self.ground.is_over() {
                return Err(No::Over);
            }
            let some = self.buffer.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            self.feed(some, reading, text);
            self.spent(some as u64, 0);
            count -= some as u64;
        }
        Ok(())
    }

    fn feed(&mut self, count: usize, reading: &Reading, text: &mut Vec<u8>) {
        let bytes = &self.buffer[..count];
        self.digests.update(reading, bytes);
        let room = reading.keep - text.len().min(reading.keep);
        text.extend_from_slice(&bytes[..count.min(room)]);
    }
}

/// What is open now is what is told of, if it can be.
fn adopt(look: &mut Look, fd: &OwnedFd) -> Result<(), No> {
    let found = look::of(fd).map_err(failed)?;
    if found.object.kind != Kind::File {
        return Err(No::Never(Trouble::Replaced));
    }
    *look = found;
    Ok(())
}

/// Why a name could not be opened that stood for a regular file a moment ago.
fn refused(directory: &Directory, name: &CStr, errno: Errno) -> No {
    let is_file =
        || look::at(&directory.fd, name, directory.is_distant).is_ok_and(|now| now.object.kind == Kind::File);
    match look::trouble(errno) {
        // Exchanged to and fro.
        Trouble::Replaced if is_file() => No::Again(Trouble::Replaced),
        cause => No::Never(cause),
    }
}

/// Of a file that fs-verity sealed. A kernel that measures no more does not make the file unknown: its flag is told.
fn measured(fd: &OwnedFd, seen: &Object) -> Option<Box<Verity>> {
    if !seen.flags.contains(Flags::VERITY) {
        return None;
    }
    verity::measure(fd).ok().map(|(algorithm, digest)| Box::new(Verity { algorithm, digest }))
}

fn failed(errno: Errno) -> No {
    No::Never(look::trouble(errno))
}

fn wanted(reading: &Reading, size: u64) -> u64 {
    reading.length.map_or(size, |length| length.min(size))
}

/// From where on there is data, and up to where. Without an answer there is nothing but data.
fn next_data(fd: &OwnedFd, at: u64, length: u64) -> (u64, u64) {
    match seek(fd, SeekFrom::Data(at)) {
        Ok(start) if start >= at => {
            let start = start.min(length);
            let end = seek(fd, SeekFrom::Hole(start)).ok().filter(|end| *end > start);
            (start, end.map_or(length, |end| end.min(length)))
        }
        Err(Errno::NXIO) => (length, length),
        _ => (at, length),
    }
}

fn is_one(found: &Stat, seen: &Object) -> bool {
    (found.st_dev, found.st_ino) == (seen.device, seen.inode)
}

fn is_as_seen(found: &Stat, seen: &Object) -> bool {
    let is_at = |seconds, nanos, seen: Moment| (seconds, nanos) == (seen.seconds, u64::from(seen.nanos));
    is_one(found, seen)
        && size_of(found) == seen.size
        && is_at(found.st_mtime, found.st_mtime_nsec, seen.modified)
        && is_at(found.st_ctime, found.st_ctime_nsec, seen.changed)
}

fn size_of(found: &Stat) -> u64 {
    u64::try_from(found.st_size).unwrap_or(0)
}

/// Whether it was changed so shortly ago that the clock may not have moved since.
fn is_fresh(changed: Moment) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let changed = u64::try_from(changed.seconds)
        .map_or(Duration::ZERO, |seconds| Duration::new(seconds, changed.nanos));
    now.checked_sub(changed).is_some_and(|age| age < GRAIN)
}

/// As the buffer has room for.
const ONE_READ: u64 = 128 * 1024;
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);
/// A file that changes each time is one that somebody writes to all the time.
const TRIES: usize = 3;
/// Two ticks of the slowest kernel's clock (CONFIG_HZ=100).
const GRAIN: Duration = Duration::from_millis(20);
