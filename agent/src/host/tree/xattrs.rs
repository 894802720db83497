//! The extended attributes of an object, within bounds: xattr(7).

use std::ffi::CStr;

use rustix::fd::BorrowedFd;
use rustix::fs::{fgetxattr, flistxattr, lgetxattr, llistxattr};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::look;
use crate::host::object::{MAX_WHOLE, Trouble, Value, Xattr};

/// What they are of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of<'a> {
    Open(BorrowedFd<'a>),
    /// A path below `/proc/self/fd`: the name in a directory that is held open. No link is followed.
    Name(&'a CStr),
}

/// Sorted by name, and why they are not all there. `buffer` is scratch, of [`SCRATCH`] bytes.
pub(super) fn read(of: Of<'_>, buffer: &mut [u8]) -> (Vec<Xattr>, Option<Trouble>) {
    let (names, value) = buffer.split_at_mut(MAX_LIST);
    let length = match of.list(names) {
        Ok(0) | Err(Errno::OPNOTSUPP) => return (Vec::new(), None),
        Ok(length) => length,
        Err(errno) => return (Vec::new(), Some(trouble(errno))),
    };
    let mut list = Vec::new();
    let mut trouble_ = None;
    for name in names[..length].split_inclusive(|&byte| byte == 0) {
        let Ok(name) = CStr::from_bytes_with_nul(name) else { continue };
        if list.len() == MAX_ATTRIBUTES {
            trouble_ = Some(Trouble::TooMany);
            break;
        }
        match of.get(name, value) {
            Ok(length) => list.push(Xattr { name: name.to_bytes().into(), value: kept(&value[..length]) }),
            // It went meanwhile: the object is found to have changed, and looked at again.
            Err(Errno::NODATA) => {}
            Err(errno) => trouble_ = Some(trouble(errno)),
        }
    }
    list.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    (list, trouble_)
}

impl Of<'_> {
    fn list(self, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Self::Open(fd) => flistxattr(fd, buffer),
            Self::Name(path) => llistxattr(path, buffer),
        }
    }

    fn get(self, name: &CStr, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Self::Open(fd) => fgetxattr(fd, name, buffer),
            Self::Name(path) => lgetxattr(path, name, buffer),
        }
    }
}

fn kept(value: &[u8]) -> Value {
    if value.len() <= MAX_WHOLE {
        return Value::Whole(value.into());
    }
    // No longer than the buffer.
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    Value::Digest { length, digest: Sha256::digest(value).into() }
}

fn trouble(errno: Errno) -> Trouble {
    match errno {
        Errno::TOOBIG | Errno::RANGE => Trouble::TooMany,
        errno => look::trouble(errno),
    }
}

/// XATTR_LIST_MAX; of a longer list the kernel tells nothing either.
const MAX_LIST: usize = 64 * 1024;
/// XATTR_SIZE_MAX.
const MAX_VALUE: usize = 64 * 1024;
pub(super) const SCRATCH: usize = MAX_LIST + MAX_VALUE;
/// A label, two ACLs, capabilities, an appraisal and a few of a user's own are some ten.
const MAX_ATTRIBUTES: usize = 512;
