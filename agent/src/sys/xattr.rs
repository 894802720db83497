//! Extended attributes of a name in a directory that is held open: xattr(7).

use std::ffi::CStr;
use std::os::fd::{AsRawFd as _, OwnedFd};

use nix::errno::Errno;

/// Whether a name can be asked at all: without `/proc` there is no way from a descriptor to its directory.
pub fn is_possible() -> bool {
    std::path::Path::new(DESCRIPTORS).exists()
}

/// The bytes of `security.capability`, capabilities(7); `None` where the file has none. No link is followed.
pub fn capability(directory: &OwnedFd, name: &CStr) -> Result<Option<Vec<u8>>, Errno> {
    // getxattrat(2) came with Linux 6.13; before it, a descriptor's own link has to stand for the directory.
    let mut path = format!("{DESCRIPTORS}/{}/", directory.as_raw_fd()).into_bytes();
    path.extend_from_slice(name.to_bytes());
    let mut buffer = [0_u8; MAX];
    match rustix::fs::lgetxattr(path.as_slice(), "security.capability", &mut buffer[..]) {
        Ok(length) => Ok(Some(buffer[..length].to_vec())),
        Err(errno) => match Errno::from_raw(errno.raw_os_error()) {
            // None there, a file system that knows of none, and a file that went in the meantime.
            Errno::ENODATA | Errno::EOPNOTSUPP | Errno::ENOENT => Ok(None),
            errno => Err(errno),
        },
    }
}

/// Whether attributes of the class `trusted` are seen: CAP_SYS_ADMIN, xattr(7).
pub fn sees_trusted() -> bool {
    let sets = rustix::thread::capabilities(None);
    sets.is_ok_and(|sets| sets.effective.contains(rustix::thread::CapabilitySet::SYS_ADMIN))
}

const DESCRIPTORS: &str = "/proc/self/fd";
/// struct vfs_ns_cap_data has 24 bytes.
const MAX: usize = 64;
