//! The file of a version, to read: checked as a whole when it is opened, and block by block when it is read.
//!
//! ```text
//! magic | header | block, block, … | packages | history | index | trailer
//! trailer: packages u64 | history u64 | index u64 | entries u64 | root digest | SHA-256 of all before | crc32c | magic
//! ```
//!
//! All but the trailer are sections (`store/section.rs`). It is read with pread(2) and never mapped: a file that
//! somebody cuts short is then an error and not a signal.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::bytes::{Malformed, Push, Reader};
use super::damage::{Damage, Fault};
use super::header::{Accepted, Header};
use super::index::Index;
use super::packages::Packages;
use super::section;

#[derive(Debug)]
pub(super) struct Base {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) about: About,
    pub(super) count: u32,
    pub(super) root: [u8; 32],
    pub(super) digest: [u8; 32],
    pub(super) packages: Packages,
    pub(super) index: Index,
    /// What was accepted and is part of this version: the last of it, oldest first.
    pub(super) history: Vec<Accepted>,
    /// Where the blocks end.
    end: u64,
}

/// What stands at the beginning of the file.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) version: u64,
    /// What identified the version before; zeros where there was none.
    pub(super) previous: [u8; 32],
    pub(super) header: Header,
}

impl About {
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        out.number(self.version);
        out.extend_from_slice(&self.previous);
        self.header.push(out);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { version: reader.number()?, previous: reader.array()?, header: Header::read(reader)? })
    }
}

#[derive(Debug)]
pub(super) struct Trailer {
    pub(super) packages: u64,
    pub(super) history: u64,
    pub(super) index: u64,
    pub(super) count: u64,
    pub(super) root: [u8; 32],
}

impl Trailer {
    /// What is hashed with all that comes before it.
    pub(super) fn hashed(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(TRAILER);
        for number in [self.packages, self.history, self.index, self.count] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.root);
        out
    }

    /// The rest of it.
    pub(super) fn sealed(hashed: &[u8], digest: &[u8; 32]) -> Vec<u8> {
        let mut out = digest.to_vec();
        let crc = crc32c::crc32c_append(crc32c::crc32c(hashed), digest);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&MAGIC_END);
        out
    }
}

impl Base {
    /// The version that its name says.
    pub(super) fn open(path: &Path, version: u64) -> Result<Self, Damage> {
        let disk = |cause| Damage::disk(path, cause);
        let file = section::open(path).map_err(disk)?;
        let size = file.metadata().map_err(disk)?.len();
        let at = size.checked_sub(TRAILER as u64).ok_or_else(|| Damage::new(path, None, Fault::Cut))?;
        let mut bytes = [0; TRAILER];
        file.read_exact_at(&mut bytes, at).map_err(disk)?;
        let (trailer, digest) = read_trailer(&bytes).map_err(|fault| Damage::new(path, at, fault))?;
        if sha256(&file, size - UNHASHED as u64).map_err(disk)? != digest {
            return Err(Damage::new(path, None, Fault::Checksum));
        }
        Self::read(path, file, at, &trailer, digest, version)
    }

    fn read(
        path: &Path,
        file: File,
        end: u64,
        trailer: &Trailer,
        digest: [u8; 32],
        version: u64,
    ) -> Result<Self, Damage> {
        let mut magic = [0; 8];
        file.read_exact_at(&mut magic, 0).map_err(|cause| Damage::disk(path, cause))?;
        if magic != MAGIC {
            return Err(Damage::new(path, 0, Fault::Malformed("it is no baseline")));
        }
        let malformed = |at| move |what| Damage::malformed(path, at, what);
        let (bytes, first) = section::read(&file, path, 8, end)?;
        let about = About::read(&mut Reader::new(&bytes, 0)).map_err(malformed(8))?;
        if about.version != version {
            return Err(Damage::new(path, 8, Fault::Foreign));
        }
        let count =
            u32::try_from(trailer.count).map_err(|_| malformed(end)(Malformed("too many entries")))?;
        let (bytes, _) = section::read(&file, path, trailer.packages, end)?;
        let packages = Packages::read(&mut Reader::new(&bytes, 0)).map_err(malformed(trailer.packages))?;
        let (bytes, _) = section::read(&file, path, trailer.history, end)?;
        let history = read_history(&bytes).map_err(malformed(trailer.history))?;
        let (bytes, _) = section::read(&file, path, trailer.index, end)?;
        let index = Index::read(&mut Reader::new(&bytes, 0), first, trailer.packages)
            .map_err(malformed(trailer.index))?;
        let (path, root) = (path.to_owned(), trailer.root);
        Ok(Self { path, file, about, count, root, digest, packages, index, history, end: trailer.packages })
    }

    /// The groups of a block.
    pub(super) fn block(&self, number: usize, into: &mut Vec<u8>) -> Result<(), Damage> {
        let (from, to) = self.span(number);
        section::read_whole(&self.file, &self.path, from, to, into)
    }

    /// Where a block lies.
    pub(super) fn span(&self, number: usize) -> (u64, u64) {
        let offset = |number| self.index.get(number).map_or(self.end, |(mark, _, _)| mark.offset);
        (offset(number), offset(number + 1))
    }

    pub(super) fn ordinal(&self, block: usize) -> u32 {
        self.index.get(block).map_or(self.count, |(mark, _, _)| mark.ordinal)
    }
}

fn read_trailer(bytes: &[u8; TRAILER]) -> Result<(Trailer, [u8; 32]), Fault> {
    let mut reader = Reader::new(bytes, 0);
    let mut read = || -> Result<_, Malformed> {
        let trailer = Trailer {
            packages: reader.u64()?,
            history: reader.u64()?,
            index: reader.u64()?,
            count: reader.u64()?,
            root: reader.array()?,
        };
        Ok((trailer, reader.array()?, reader.u32()?, reader.array()?))
    };
    let (trailer, digest, crc, magic): (_, _, _, [u8; 8]) =
        read().map_err(|what| Fault::Malformed(what.0))?;
    if magic != MAGIC_END {
        return Err(Fault::Cut);
    }
    if crc32c::crc32c(&bytes[..TRAILER - 12]) != crc {
        return Err(Fault::Checksum);
    }
    Ok((trailer, digest))
}

fn read_history(bytes: &[u8]) -> Result<Vec<Accepted>, Malformed> {
    let mut reader = Reader::new(bytes, 0);
    let count = reader.count(70)?;
    (0..count).map(|_| Accepted::read(&mut reader)).collect()
}

pub(super) fn push_history(out: &mut Vec<u8>, history: &[Accepted]) {
    let kept = &history[history.len().saturating_sub(MAX_HISTORY)..];
    out.number(kept.len() as u64);
    kept.iter().for_each(|accepted| accepted.push(out));
}

fn sha256(file: &File, length: u64) -> std::io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let mut at = 0;
    while at < length {
        let left = usize::try_from(length - at).unwrap_or(BUFFER).min(BUFFER);
        let count = match file.read_at(&mut buffer[..left], at) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&buffer[..count]);
        at += count as u64;
    }
    Ok(hash.finalize().into())
}

pub(super) const MAGIC: [u8; 8] = *b"GWBASE\x00\x01";
const MAGIC_END: [u8; 8] = *b"GWBASE\x00\xff";
const TRAILER: usize = 4 * 8 + 32 + UNHASHED;
/// The digest, and what follows it.
const UNHASHED: usize = 32 + 4 + 8;
/// In the processor's own cache.
const BUFFER: usize = 128 * 1024;
/// What a daemon that was away for long still finds.
const MAX_HISTORY: usize = 256;
