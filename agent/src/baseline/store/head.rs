//! The head: what was agreed last, in a file of its own, so that an older file in place of a newer one is noticed.
//!
//! It is written when all that it names is on the disk. So a version or an acceptance that it does not know yet is
//! whole if it is there; one that it knows, and that is not there, was lost.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::bytes::{Malformed, Reader};
use super::damage::{Damage, Fault};
use super::{files, section};
use crate::journal::storage::{Directory, Storage as _};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) version: u64,
    pub(super) base: [u8; 32],
    /// Acceptances since that version was written.
    pub(super) accepted: u64,
    /// The chain hash of the last of them.
    pub(super) chain: [u8; 32],
}

impl Head {
    pub(super) fn read(directory: &Path) -> Result<Option<Self>, Damage> {
        let path = directory.join(files::HEAD);
        let file = match section::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Damage::disk(&path, error)),
        };
        let mut bytes = [0; SIZE];
        file.read_exact_at(&mut bytes, 0).map_err(|cause| Damage::disk(&path, cause))?;
        let crc = crc32c::crc32c(&bytes[..SIZE - 4]).to_le_bytes();
        if bytes[SIZE - 4..] != crc || bytes[..8] != MAGIC {
            return Err(Damage::new(&path, 0, Fault::Checksum));
        }
        Self::parse(&mut Reader::new(&bytes, 8)).map(Some).map_err(|what| Damage::malformed(&path, 0, what))
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            version: reader.u64()?,
            base: reader.array()?,
            accepted: reader.u64()?,
            chain: reader.array()?,
        })
    }

    /// On the disk when it returns.
    pub(super) fn write(&self, directory: &Directory) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(SIZE);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&self.base);
        bytes.extend_from_slice(&self.accepted.to_le_bytes());
        bytes.extend_from_slice(&self.chain);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        replace(directory, files::HEAD, &bytes)
    }
}

/// A small file, whole or as it was.
pub(super) fn replace(directory: &Directory, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = format!("{name}{}", files::UNFINISHED);
    files::remove(directory, &unfinished)?;
    let mut file = directory.create(&unfinished)?;
    directory.append(&mut file, bytes)?;
    directory.sync(&mut file)?;
    directory.rename(&unfinished, name)?;
    directory.sync_names()
}

const MAGIC: [u8; 8] = *b"GWHEAD\x00\x01";
const SIZE: usize = 8 + 8 + 32 + 8 + 32 + 4;
