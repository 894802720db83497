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
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::finding::wire::record::Id;

    fn at(folder: &Path) -> Handover {
        Handover::at(Directory::create(&folder.join("cursors"), 0o770, None).unwrap())
    }

    fn first(of: u8) -> FirstKey {
        let (agent, epoch) = (Id::new([1; 8]), Id::new([of; 8]));
        FirstKey { agent, epoch, from_seq: 2, index: 0, key: Zeroizing::new([of; 32]) }
    }

    fn files(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder.join("cursors")).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn what_is_prepared_is_offered_to_nobody_until_it_is_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let handover = at(folder.path());
        handover.prepare(&first(1)).unwrap();
        assert!(handover.offered().unwrap().is_none());
        assert_eq!(handover.prepared().unwrap(), Some(first(1)));
        handover.offer().unwrap();
        let offered = handover.offered().unwrap().unwrap();
        assert_eq!((&offered.first, &*offered.text), (&first(1), &*first(1).to_json()));
        handover.take(&offered).unwrap();
        assert_eq!(files(folder.path()), [""; 0]);
        assert!(handover.offered().unwrap().is_none());
    }

    #[test]
    fn the_file_is_overwritten_before_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let handover = at(folder.path());
        handover.prepare(&first(1)).unwrap();
        handover.offer().unwrap();
        let path = folder.path().join("cursors").join(FILE);
        let other_name = folder.path().join("the same inode");
        fs::hard_link(&path, &other_name).unwrap();
        handover.take(&handover.offered().unwrap().unwrap()).unwrap();
        assert!(fs::read(&other_name).unwrap().iter().all(|&byte| byte == 0));
    }

    #[test]
    fn a_newer_key_is_not_taken_with_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let handover = at(folder.path());
        handover.prepare(&first(1)).unwrap();
        handover.offer().unwrap();
        let old = handover.offered().unwrap().unwrap();
        handover.prepare(&first(2)).unwrap();
        handover.offer().unwrap();
        handover.take(&old).unwrap();
        assert_eq!(handover.offered().unwrap().unwrap().first, first(2));
    }

    #[test]
    fn a_shipper_that_was_killed_while_it_took_the_key_ends_what_it_began() {
        let folder = tempfile::tempdir().unwrap();
        let handover = at(folder.path());
        let cursors = folder.path().join("cursors");
        fs::write(cursors.join(TAKEN), first(1).to_json().as_bytes()).unwrap();
        let offered = handover.offered().unwrap().unwrap();
        handover.take(&offered).unwrap();
        fs::write(cursors.join(TAKEN), [0; 100]).unwrap();
        assert!(handover.offered().unwrap().is_none());
        assert_eq!(files(folder.path()), [""; 0]);
    }

    #[test]
    fn what_is_no_key_is_said_to_be_none_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let handover = at(folder.path());
        fs::write(folder.path().join("cursors").join(FILE), "secret").unwrap();
        let error = handover.offered().unwrap_err();
        assert_eq!(error.to_string(), "first-key.json is no first key");
        assert_eq!(files(folder.path()), [FILE]);
    }
}
