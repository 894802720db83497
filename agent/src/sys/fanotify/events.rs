//! What read(2) of a fanotify group gives, as events: fanotify(7). The bytes are the kernel's, but the names in them are
//! anybody's.

use std::fmt;
use std::os::fd::RawFd;

use super::handles::Handle;

/// One thing that happened, or several of a kind that the kernel put together: then their order is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// `FAN_CREATE` and its like.
    pub mask: u64,
    /// Zero where the kernel does not tell.
    pub pid: u32,
    /// Where; for `FAN_RENAME`, where it was before.
    pub name: Option<Name<'a>>,
    /// Of `FAN_RENAME`: where it is now.
    pub new_name: Option<Name<'a>>,
    /// The file itself; of a directory that `name` is about without naming anything in it, that is `name.directory`.
    pub object: Option<Handle<'a>>,
    /// Only the number: whoever read it owns it.
    pub pidfd: Option<RawFd>,
}

impl Event<'_> {
    pub fn has(&self, any: u64) -> bool {
        self.mask & any != 0
    }

    /// More happened than the kernel had room for. It says nothing else then.
    pub fn is_overflow(&self) -> bool {
        self.has(libc::FAN_Q_OVERFLOW)
    }
}

/// A name in a directory; without a name it is the directory itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    pub directory: Handle<'a>,
    pub name: &'a [u8],
}

/// The bytes are no events. Nothing after them can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the kernel's events cannot be read: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// The events in a buffer, one after another; ends at the first that cannot be read.
#[derive(Debug, Clone)]
pub struct Events<'a> {
    rest: &'a [u8],
}

impl<'a> Events<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Result<Event<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match event(self.rest) {
            Ok((event, rest)) => {
                self.rest = rest;
                Some(Ok(event))
            }
            Err(malformed) => {
                self.rest = &[];
                Some(Err(malformed))
            }
        }
    }
}

/// struct fanotify_event_metadata, and the records that follow it.
fn event(bytes: &[u8]) -> Result<(Event<'_>, &[u8]), Malformed> {
    let header: &[u8; METADATA] = bytes.first_chunk().ok_or(Malformed("half of a header"))?;
    let length = u32_at(header, 0) as usize;
    let from = usize::from(u16::from_ne_bytes([header[6], header[7]]));
    if header[4] != VERSION {
        return Err(Malformed("another version of its header"));
    }
    if from < METADATA || length < from {
        return Err(Malformed("a length that cannot be"));
    }
    let (this, rest) = bytes.split_at_checked(length).ok_or(Malformed("half of an event"))?;
    let mask = u64::from_ne_bytes([8, 9, 10, 11, 12, 13, 14, 15].map(|at| header[at]));
    let pid = u32::try_from(i32_at(header, 20)).unwrap_or(0);
    let mut event = Event { mask, pid, name: None, new_name: None, object: None, pidfd: None };
    let mut records = &this[from..];
    while !records.is_empty() {
        let (kind, body, after) = record(records)?;
        event.take(kind, body)?;
        records = after;
    }
    Ok((event, rest))
}

/// struct fanotify_event_info_header: the kind of a record, what it holds, and what follows it.
fn record(bytes: &[u8]) -> Result<(u8, &[u8], &[u8]), Malformed> {
    let &[kind, _, low, high, ..] = bytes else { return Err(Malformed("half of a record's header")) };
    let length = usize::from(u16::from_ne_bytes([low, high]));
    if length < INFO {
        return Err(Malformed("a record's length that cannot be"));
    }
    let (this, rest) = bytes.split_at_checked(length).ok_or(Malformed("half of a record"))?;
    Ok((kind, &this[INFO..], rest))
}

impl<'a> Event<'a> {
    fn take(&mut self, kind: u8, body: &'a [u8]) -> Result<(), Malformed> {
        match kind {
            libc::FAN_EVENT_INFO_TYPE_FID => self.object = Some(named(body)?.directory),
            libc::FAN_EVENT_INFO_TYPE_DFID => {
                self.name = Some(Name { directory: named(body)?.directory, name: &[] });
            }
            libc::FAN_EVENT_INFO_TYPE_DFID_NAME | libc::FAN_EVENT_INFO_TYPE_OLD_DFID_NAME => {
                self.name = Some(named(body)?);
            }
            libc::FAN_EVENT_INFO_TYPE_NEW_DFID_NAME => self.new_name = Some(named(body)?),
            libc::FAN_EVENT_INFO_TYPE_PIDFD => {
                let number = body.first_chunk::<4>().ok_or(Malformed("half of a pidfd"))?;
                // Negative where the process is gone already.
                self.pidfd = Some(RawFd::from_ne_bytes(*number)).filter(|number| *number >= 0);
            }
            // What went wrong in a file system, and whatever comes with later kernels.
            _ => {}
        }
        Ok(())
    }
}

/// What follows the header in struct fanotify_event_info_fid: a file system, a handle, and a name that ends with a zero.
fn named(body: &[u8]) -> Result<Name<'_>, Malformed> {
    let (directory, rest) = Handle::split(body).ok_or(Malformed("half of a handle"))?;
    let end = rest.iter().position(|&byte| byte == 0).unwrap_or(rest.len());
    let name = &rest[..end];
    if name.contains(&b'/') || name.len() > MAX_NAME {
        return Err(Malformed("a name that no file can have"));
    }
    // The kernel's way to say that it is about the directory.
    Ok(Name { directory, name: if name == b"." { &[] } else { name } })
}

fn u32_at(bytes: &[u8; METADATA], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn i32_at(bytes: &[u8; METADATA], at: usize) -> i32 {
    u32_at(bytes, at).cast_signed()
}

/// sizeof(struct fanotify_event_metadata).
const METADATA: usize = 24;
/// sizeof(struct fanotify_event_info_header).
const INFO: usize = 4;
/// FANOTIFY_METADATA_VERSION.
const VERSION: u8 = 3;
/// NAME_MAX, thrice: some file systems count characters and not bytes.
const MAX_NAME: usize = 3 * 255;

#[cfg(test)]
mod tests;
