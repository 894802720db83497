//! A stretch of a file that knows its length and its checksum: length u32, crc32c u32, and the bytes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::damage::{Damage, Fault};

pub(in crate::baseline) fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    // Nothing is written that is longer: whoever writes sees to that, and who reads would refuse it.
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&crc32c::crc32c(bytes).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// What begins at `at` and ends at `end` or before; and where it ends.
pub(in crate::baseline) fn read(
    file: &File,
    path: &Path,
    at: u64,
    end: u64,
) -> Result<(Vec<u8>, u64), Damage> {
    let body = at.saturating_add(HEAD as u64);
    if body > end {
        return Err(Damage::new(path, at, Fault::Cut));
    }
    let mut head = [0; HEAD];
    file.read_exact_at(&mut head, at).map_err(|cause| Damage::disk(path, cause))?;
    let length = length(&head);
    if u64::from(length) > end - body || length > MAX {
        return Err(Damage::new(path, at, Fault::Malformed("a part is longer than it can be")));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, body).map_err(|cause| Damage::disk(path, cause))?;
    check(&head, &bytes).map_err(|fault| Damage::new(path, at, fault))?;
    Ok((bytes, body + u64::from(length)))
}

/// Exactly what lies from `at` to `end`, with its head, into a buffer that is used again.
pub(in crate::baseline) fn read_whole(
    file: &File,
    path: &Path,
    at: u64,
    end: u64,
    into: &mut Vec<u8>,
) -> Result<(), Damage> {
    let fits = |span: &u64| *span >= HEAD as u64 && *span <= u64::from(MAX);
    let span = end.checked_sub(at).filter(fits).and_then(|span| usize::try_from(span).ok());
    let span =
        span.ok_or_else(|| Damage::new(path, at, Fault::Malformed("a block is longer than it can be")))?;
    into.resize(span, 0);
    file.read_exact_at(into, at).map_err(|cause| Damage::disk(path, cause))?;
    let (head, bytes) = into.split_at(HEAD);
    let head = head.try_into().unwrap_or([0; HEAD]);
    if usize::try_from(length(&head)) != Ok(bytes.len()) {
        return Err(Damage::new(
            path,
            at,
            Fault::Malformed("a block does not end where the next one begins"),
        ));
    }
    check(&head, bytes).map_err(|fault| Damage::new(path, at, fault))
}

fn length(head: &[u8; HEAD]) -> u32 {
    u32::from_le_bytes([head[0], head[1], head[2], head[3]])
}

fn check(head: &[u8; HEAD], bytes: &[u8]) -> Result<(), Fault> {
    let expected = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    if crc32c::crc32c(bytes) == expected { Ok(()) } else { Err(Fault::Checksum) }
}

/// A regular file to read; what somebody put in its place neither hangs us nor leads us elsewhere.
pub(in crate::baseline) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file")),
    }
}

pub(in crate::baseline) const HEAD: usize = 8;
/// The index of ten million entries is a tenth of this.
const MAX: u32 = 256 * 1024 * 1024;
