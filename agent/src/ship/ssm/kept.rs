//! The folded posture's file, in the cursors' directory: all of it or the one before, whatever happens in between.

use std::io;
use std::path::PathBuf;

use crate::finding::wire::folded::Folded;
use crate::journal::{Directory, Storage as _};

#[derive(Debug)]
pub(super) struct Kept {
    cursors: PathBuf,
}

impl Kept {
    pub(super) fn at(cursors: PathBuf) -> Self {
        Self { cursors }
    }

    /// `None` if it is not there, or damaged.
    pub(super) fn read(&self) -> Option<Folded> {
        let bytes = Directory::open(&self.cursors).ok()?.read(FILE, 0, MAX_BYTES + 1).ok()?;
        if bytes.len() > MAX_BYTES { None } else { Folded::from_bytes(&bytes).ok() }
    }

    /// On the disk when it returns.
    pub(super) fn write(&self, folded: &Folded) -> io::Result<()> {
        let directory = Directory::create(&self.cursors, 0o750, None)?;
        let _ = directory.remove(NEXT);
        let mut file = directory.create(NEXT)?;
        directory.append(&mut file, &folded.to_bytes())?;
        directory.sync(&mut file)?;
        directory.rename(NEXT, FILE)?;
        directory.sync_names()
    }
}

const FILE: &str = "ssm.json";
const NEXT: &str = "ssm.json.next";
/// Several times what the fold's own bounds allow.
const MAX_BYTES: usize = 32 * 1024 * 1024;
