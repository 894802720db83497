//! `guestward journal init-key`: a first key, told once to whoever keeps it elsewhere, and never again.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use jiff::Timestamp;

use super::first_key;
use super::start::{CannotRun, disk, open_journal, random, random_key, seal};
use crate::finding::wire::key::FirstKey;
use crate::journal::places::Places;
use crate::journal::seal::Ratchet;
use crate::policy::Policy;

/// Makes a key for the journal's epoch, or for a new one, and writes its first state to `file`, which must not exist.
///
/// The file is on the disk before the key is in force: whatever happens in between, no checkpoint is ever sealed with
/// a key that nobody has.
pub fn init_key(
    places: &Places,
    policy: &Policy,
    file: &Path,
    is_new_epoch: bool,
) -> Result<FirstKey, CannotRun> {
    let now = Timestamp::now();
    let mut opened = open_journal(places, policy, now)?;
    let has_key = !matches!(opened.key, Ok(None));
    if has_key && !is_new_epoch {
        return Err(CannotRun::Other(format!(
            "epoch {} has a key already, and its first state is gone from this machine; --new-epoch begins another epoch",
            opened.journal.speaker().epoch
        )));
    }
    // Made before anything changes: a file that is refused must not have cost the key that there was.
    let place = Place::make(file)?;
    let ratchet = Ratchet::new(random_key().map_err(disk("make a key for", file))?);
    if is_new_epoch {
        let mut failed = None;
        opened.journal.new_epoch(
            &mut || {
                random().unwrap_or_else(|error| {
                    failed = Some(error);
                    [0; 8]
                })
            },
            now,
        );
        if let Some(cause) = failed {
            return Err(disk("make an epoch for", file)(cause));
        }
    }
    let seal = seal(places)?;
    let write = |first: &FirstKey| place.write(&first.to_json());
    let made = first_key::put_in_force(&mut opened.journal, seal, ratchet, write, now)?;
    first_key::record(&mut opened.journal, &made.first, now)?;
    Ok(made.first)
}

/// The operator's new file. One that came to nothing goes again.
struct Place<'a> {
    path: &'a Path,
    file: File,
    is_written: bool,
}

impl<'a> Place<'a> {
    fn make(path: &'a Path) -> Result<Self, CannotRun> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(disk("write the key to", path))?;
        Ok(Self { path, file, is_written: false })
    }

    fn write(mut self, json: &str) -> Result<(), CannotRun> {
        let written = writeln!(self.file, "{json}").and_then(|()| self.file.sync_all());
        written.map_err(disk("write the key to", self.path))?;
        self.is_written = true;
        Ok(())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.is_written {
            // An empty file tells nobody a key.
            let _ = fs::remove_file(self.path);
        }
    }
}
