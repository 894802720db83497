//! deb(5), a package as it is published: its SHA-256, and the md5sums of its control part.
//!
//! Both come from the same bytes, read once: nobody can change the file between the two.

use std::fmt;
use std::io::{self, BufRead, ErrorKind, Read};

use sha2::{Digest as _, Sha256};

use super::tar;
use crate::host::packages::lists::{Compression, Decoder};

/// What a package says of itself.
#[derive(Debug)]
pub struct Deb {
    /// Of the whole file.
    pub sha256: [u8; 32],
    /// `None` where it was built without; an error where the file cannot be understood.
    pub md5sums: io::Result<Option<Vec<u8>>>,
}

/// Reads a package of that many bytes; fewer or more of them are an error.
pub fn read(source: impl BufRead, size: u64) -> io::Result<Deb> {
    let mut source = Hashing { source, sha256: Sha256::new(), left: size };
    let md5sums = archive(&mut source);
    // The digest is of all of it, whatever the first part of it says.
    source.skip(u64::MAX)?;
    if source.left > 0 || !source.source.fill_buf()?.is_empty() {
        return Err(malformed("its size changed while it was read"));
    }
    Ok(Deb { sha256: source.sha256.finalize().into(), md5sums })
}

/// ar(5): members with a header of sixty bytes each.
fn archive(source: &mut Hashing<impl BufRead>) -> io::Result<Option<Vec<u8>>> {
    let mut magic = [0; MAGIC.len()];
    source.read_exact(&mut magic)?;
    if magic != *MAGIC {
        return Err(malformed("not an archive of ar(1)"));
    }
    let (mut version, mut control) = (None, None);
    while let Some(member) = Member::next(source)? {
        if member.name() == b"debian-binary" {
            let content = member.content(source, MAX_VERSION)?;
            if !content.starts_with(b"2.") || version.replace(content).is_some() {
                return Err(malformed("not a package of version 2"));
            }
        } else if let Some(form) = member.name().strip_prefix(b"control.tar") {
            let compression = compression(form)?;
            if control.replace((member.content(source, MAX_CONTROL)?, compression)).is_some() {
                return Err(malformed("a package with two control parts"));
            }
        } else {
            member.skip(source)?;
        }
    }
    match (version, control) {
        (Some(_), Some((bytes, compression))) => md5sums(&bytes, compression),
        _ => Err(malformed("a package without a control part or a version")),
    }
}

/// Out of the control part, as it was packed.
fn md5sums(bytes: &[u8], compression: Compression) -> io::Result<Option<Vec<u8>>> {
    let mut unpacked = Vec::new();
    Decoder::new(bytes, compression)?.take(MAX_CONTROL + 1).read_to_end(&mut unpacked)?;
    if unpacked.len() as u64 > MAX_CONTROL {
        return Err(malformed(TOO_LARGE));
    }
    tar::member(&unpacked, b"md5sums").map(|found| found.map(<[u8]>::to_vec)).map_err(malformed)
}

/// The forms that dpkg-deb takes a control part in.
fn compression(form: &[u8]) -> io::Result<Compression> {
    match form {
        b"" => Ok(Compression::None),
        b".gz" => Ok(Compression::Gzip),
        b".xz" => Ok(Compression::Xz),
        b".zst" => Ok(Compression::Zstd),
        _ => Err(malformed("a control part in a form that is not understood")),
    }
}

/// The header of a member.
struct Member {
    header: [u8; HEADER],
    size: u64,
}

impl Member {
    /// `None` at the end of the archive.
    fn next(source: &mut Hashing<impl BufRead>) -> io::Result<Option<Self>> {
        if source.left == 0 {
            return Ok(None);
        }
        let mut header = [0; HEADER];
        source.read_exact(&mut header)?;
        if &header[58..] != b"`\n" {
            return Err(malformed("a header of ar without its end"));
        }
        let size = decimal(&header[48..58]).ok_or_else(|| malformed("a header of ar without a size"))?;
        Ok(Some(Self { header, size }))
    }

    /// Without the slash that System V's ar puts behind it.
    fn name(&self) -> &[u8] {
        let name = self.header[..16].trim_ascii_end();
        name.strip_suffix(b"/").unwrap_or(name)
    }

    fn content(&self, source: &mut Hashing<impl BufRead>, limit: u64) -> io::Result<Vec<u8>> {
        if self.size > limit {
            return Err(malformed(TOO_LARGE));
        }
        let mut content = Vec::new();
        source.take(self.size).read_to_end(&mut content)?;
        if content.len() as u64 != self.size {
            return Err(malformed(CUT_SHORT));
        }
        source.skip(self.size % 2)?;
        Ok(content)
    }

    /// The next one begins at an even place; behind the last one, there may be nothing to make it so.
    fn skip(&self, source: &mut Hashing<impl BufRead>) -> io::Result<()> {
        if source.skip(self.size)? < self.size {
            return Err(malformed(CUT_SHORT));
        }
        source.skip(self.size % 2)?;
        Ok(())
    }
}

/// Digits with blanks behind them.
fn decimal(field: &[u8]) -> Option<u64> {
    let digits = field.trim_ascii_end();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// Hashes whatever is taken out of it, and gives no more than it should.
struct Hashing<R> {
    source: R,
    sha256: Sha256,
    left: u64,
}

impl<R: BufRead> Hashing<R> {
    /// Passes so many bytes, or those that there are; says how many.
    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut passed = 0;
        while passed < count {
            let length = self.pass(count - passed, |_| {})?;
            if length == 0 {
                break;
            }
            passed += length;
        }
        Ok(passed)
    }

    /// Shows some of the next bytes to `each`; none are left when it returns zero.
    fn pass(&mut self, limit: u64, each: impl FnOnce(&[u8])) -> io::Result<u64> {
        let limit = usize::try_from(limit.min(self.left)).unwrap_or(usize::MAX);
        if limit == 0 {
            return Ok(0);
        }
        while let Err(error) = self.source.fill_buf() {
            if error.kind() != ErrorKind::Interrupted {
                return Err(error);
            }
        }
        let bytes = self.source.fill_buf()?;
        let bytes = &bytes[..bytes.len().min(limit)];
        self.sha256.update(bytes);
        each(bytes);
        let length = bytes.len();
        self.source.consume(length);
        self.left -= length as u64;
        Ok(length as u64)
    }
}

impl<R: BufRead> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = buffer.len() as u64;
        let length = self.pass(limit, |bytes| buffer[..bytes.len()].copy_from_slice(bytes))?;
        Ok(usize::try_from(length).unwrap_or(usize::MAX))
    }
}

impl<R> fmt::Debug for Hashing<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hashing").field("left", &self.left).finish_non_exhaustive()
    }
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;
/// `2.0` and the end of a line.
const MAX_VERSION: u64 = 64;
/// Packed and unpacked: the largest of Debian's has some ten megabytes, nearly all of it md5sums.
pub const MAX_CONTROL: u64 = 16 * 1024 * 1024;
const TOO_LARGE: &str = "a control part that is larger than any";
const CUT_SHORT: &str = "an archive of ar(1) that is cut short";

#[cfg(test)]
mod tests;
