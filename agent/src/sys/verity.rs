//! What fs-verity measured of a file that it sealed: FS_IOC_MEASURE_VERITY, which has no safe wrapper.

use std::os::fd::{AsFd, AsRawFd as _};

use nix::errno::Errno;

/// The number of the algorithm and the digest; ENODATA where the file is not sealed.
#[expect(unsafe_code, reason = "the one room that speaks to the kernel")]
pub fn measure(file: impl AsFd) -> Result<(u16, Box<[u8]>), Errno> {
    let mut asked = Asked { algorithm: 0, size: ROOM, digest: [0; MAX] };
    // SAFETY: the kernel writes the header, and no more of the digest than `size` says that there is room for.
    let done = unsafe { libc::ioctl(file.as_fd().as_raw_fd(), MEASURE as _, &raw mut asked) };
    Errno::result(done)?;
    let digest = asked.digest.get(..usize::from(asked.size)).ok_or(Errno::EOVERFLOW)?;
    Ok((asked.algorithm, digest.into()))
}

/// struct fsverity_digest with the room that the longest one takes.
#[repr(C)]
struct Asked {
    algorithm: u16,
    size: u16,
    digest: [u8; MAX],
}

/// FS_VERITY_MAX_DIGEST_SIZE.
pub const MAX: usize = 64;
const ROOM: u16 = 64;
/// `_IOWR('f', 134, struct fsverity_digest)`, whose size is that of its header.
pub const MEASURE: u32 = 3 << 30 | 4 << 16 | (b'f' as u32) << 8 | 134;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_sealed_has_no_digest() {
        let file = std::fs::File::open("/etc/passwd").unwrap();
        let refusal = measure(&file).unwrap_err();
        // Where the kernel or the file system knows nothing of it.
        assert!([Errno::ENODATA, Errno::ENOTTY, Errno::EOPNOTSUPP].contains(&refusal), "{refusal}");
    }
}
