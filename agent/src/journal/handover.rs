//! A first key's way from the sensor to whoever carries it off the machine: one small file in the cursors' directory.
//!
//! - The sensor prepares it before the key is in force, and offers it only after: no key is ever in force that nobody
//!   has, and none is offered that is not in force.
//! - The shipper takes it when it is kept elsewhere, and then it is overwritten and gone.
//!
//! Each step is a rename, so that a crash leaves the step before or the step after, and both sides may try again.

use std::io;

use zeroize::Zeroizing;

use super::storage::{Directory, Storage as _};
use crate::finding::wire::key::FirstKey;

#[derive(Debug)]
pub struct Handover(Directory);

/// A first key's text, as it is to be kept elsewhere.
pub struct Offered {
    name: &'static str,
    pub text: Zeroizing<String>,
    pub first: FirstKey,
}

impl std::fmt::Debug for Offered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Offered")
            .field("name", &self.name)
            .field("first", &self.first)
            .finish_non_exhaustive()
    }
}

impl Handover {
    /// In the cursors' directory. Whoever may write there may overwrite the file, for it is the shipper's to erase.
    pub fn at(cursors: Directory) -> Self {
        Self(cursors.with_files(MODE))
    }

    /// On the disk when it returns, and offered to nobody yet.
    pub fn prepare(&self, first: &FirstKey) -> io::Result<()> {
        self.erase(NEXT)?;
        let mut file = self.0.create(NEXT)?;
        self.0.append(&mut file, first.to_json().as_bytes())?;
        self.0.sync(&mut file)?;
        self.0.sync_names()
    }

    /// What was prepared and never offered.
    pub fn prepared(&self) -> io::Result<Option<FirstKey>> {
        match self.read(NEXT) {
            Ok(offered) => Ok(offered.map(|offered| offered.first)),
            // Torn: nothing was in force when it was written.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn discard(&self) -> io::Result<()> {
        self.erase(NEXT)
    }

    /// In place of whatever was offered before, which is another epoch's.
    pub fn offer(&self) -> io::Result<()> {
        self.erase(TAKEN)?;
        self.erase(FILE)?;
        self.0.rename(NEXT, FILE)?;
        self.0.sync_names()
    }

    /// What is to be carried away, if anything is. An error of kind `InvalidData` is a file that is no key's.
    pub fn offered(&self) -> io::Result<Option<Offered>> {
        match self.read(TAKEN) {
            Ok(None) => self.read(FILE),
            // Only what is kept elsewhere is overwritten.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.erase(TAKEN)?;
                self.read(FILE)
            }
            taken => taken,
        }
    }

    /// It is kept elsewhere: here it is overwritten and gone. Another one that took its place meanwhile stays.
    pub fn take(&self, offered: &Offered) -> io::Result<()> {
        if offered.name == FILE {
            self.0.rename(FILE, TAKEN)?;
            self.0.sync_names()?;
        }
        match self.read(TAKEN)? {
            Some(taken) if *taken.text == *offered.text => self.erase(TAKEN),
            Some(_) => self.0.rename(TAKEN, FILE),
            None => Ok(()),
        }
    }

    fn read(&self, name: &'static str) -> io::Result<Option<Offered>> {
        let bytes = match self.0.read(name, 0, MAX_BYTES) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let text = std::str::from_utf8(&bytes).ok().map(str::trim_ascii_end);
        let first = text.and_then(|text| FirstKey::parse(text).ok());
        let (Some(text), Some(first)) = (text, first) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{name} is no first key")));
        };
        Ok(Some(Offered { name, text: Zeroizing::new(text.to_owned()), first }))
    }

    /// Overwritten, so that on a file system that writes in place nothing of it is left.
    fn erase(&self, name: &str) -> io::Result<()> {
        let mut file = match self.0.open(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            // A link or a FIFO is nothing of ours to write to.
            Err(_) => return self.0.remove(name),
        };
        let length = self.0.size(name)?.min(MAX_BYTES as u64);
        let zeros = vec![0; usize::try_from(length).unwrap_or(MAX_BYTES)];
        self.0.write_at(&mut file, 0, &zeros)?;
        self.0.sync(&mut file)?;
        self.0.remove(name)?;
        self.0.sync_names()
    }
}

/// In the cursors' directory.
pub const FILE: &str = "first-key.json";
const NEXT: &str = "first-key.json.next";
const TAKEN: &str = "first-key.json.taken";
/// The shipper overwrites it, which is more than reading; it could replace the file in any case.
const MODE: u32 = 0o660;
/// Many times a key's text.
const MAX_BYTES: usize = 4_096;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests;
