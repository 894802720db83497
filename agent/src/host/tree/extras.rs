//! What an object has beside metadata and content: extended attributes, and where a symbolic link leads. It is read by
//! name, for most of these objects cannot be opened, or should not be.

use std::ffi::CStr;
use std::io::Write as _;

use rustix::fd::AsRawFd as _;
use rustix::fs::readlinkat_raw;
use rustix::io::Errno;

use super::directory::Directory;
use super::look::{self, Look};
use super::worker::Worker;
use super::xattrs::{self, Of};
use crate::host::Kind;
use crate::host::object::{Object, Trouble};

impl Worker<'_, '_> {
    /// Of the object that was seen under a name, or of the one of its kind that has taken its place.
    pub(super) fn extras(
        &mut self,
        directory: &Directory,
        name: &CStr,
        seen: Object,
        with_xattrs: bool,
    ) -> Object {
        let mut object = seen;
        if !with_xattrs && object.kind != Kind::SymbolicLink {
            return object;
        }
        for _ in 0..TRIES {
            let target = self.target(directory, name, &mut object);
            let xattrs = self.xattrs(directory, name, &mut object, with_xattrs);
            let now = match look_again(directory, name) {
                Ok(now) => now.object,
                Err(errno) => return with_trouble(object, look::trouble(errno)),
            };
            if look::is_same(&now, &object) {
                let trouble = target.err().or(xattrs.err()).map(look::trouble);
                object.xattr_trouble = object.xattr_trouble.or(trouble);
                return object;
            }
            if now.kind != object.kind {
                return with_trouble(object, Trouble::Replaced);
            }
            object = Object { content: object.content, ..now };
        }
        with_trouble(object, Trouble::Unstable)
    }

    fn target(&mut self, directory: &Directory, name: &CStr, object: &mut Object) -> Result<(), Errno> {
        if object.kind == Kind::SymbolicLink {
            // No longer than a path can be, and the buffer is.
            let length = readlinkat_raw(&directory.fd, name, &mut self.buffer[..])?;
            object.target = Some(self.buffer[..length].into());
        }
        Ok(())
    }

    fn xattrs(
        &mut self,
        directory: &Directory,
        name: &CStr,
        object: &mut Object,
        is_wanted: bool,
    ) -> Result<(), Errno> {
        if !is_wanted {
            return Ok(());
        }
        if !self.ground.has_descriptors {
            return Err(Errno::NOSYS);
        }
        // getxattrat(2) came with Linux 6.13; before it, a descriptor's own link has to stand for the directory.
        self.path.clear();
        let fd = directory.fd.as_raw_fd();
        write!(self.path, "/proc/self/fd/{fd}/").map_err(|_| Errno::NOMEM)?;
        self.path.extend_from_slice(name.to_bytes_with_nul());
        let path = CStr::from_bytes_with_nul(&self.path).map_err(|_| Errno::INVAL)?;
        (object.xattrs, object.xattr_trouble) = xattrs::read(Of::Name(path), &mut self.buffer);
        Ok(())
    }
}

fn look_again(directory: &Directory, name: &CStr) -> Result<Look, Errno> {
    // The root is in no directory.
    if name.is_empty() {
        return look::of(&directory.fd);
    }
    look::at(&directory.fd, name, directory.is_distant)
}

fn with_trouble(mut object: Object, trouble: Trouble) -> Object {
    object.xattr_trouble = Some(trouble);
    object
}

/// As for a content.
const TRIES: usize = 3;
