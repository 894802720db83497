//! Accepts changes: what is agreed differs from then on, all of an acceptance or nothing of it.

use std::path::Path;

use jiff::Timestamp;

use super::cursor::{Cache, Until};
use super::damage::{Damage, NotKept};
use super::delta::Delta;
use super::digest::Tree;
use super::head::Head;
use super::header::Accepted;
use super::lock::Lock;
use super::overlay::{Changes, Overlaid, overlaid};
use super::{Entry, Store, check, files};
use crate::baseline::diff::Identity;
use crate::host::object::split;
use crate::journal::storage::Storage as _;

/// An operator's decision that what is there is as it should be.
#[derive(Debug, Clone)]
pub struct Acceptance {
    pub when: Timestamp,
    /// At most 256 characters.
    pub who: String,
    /// At most 1,000.
    pub why: String,
    /// By path: what is there now; `None` where nothing is. Of two with the same path the later one counts.
    pub changes: Vec<Change>,
}

/// A path, and what is to be agreed of it.
pub type Change = (Vec<u8>, Option<Entry>);

impl Store {
    /// On the disk when it returns. After an error it may be there all the same, whole; it is never there in part.
    pub fn accept(&mut self, acceptance: &Acceptance) -> Result<Identity, NotKept> {
        check::words(&acceptance.who, &acceptance.why).map_err(NotKept::Refused)?;
        for (path, entry) in &acceptance.changes {
            let (directory, name) = split(path);
            entry
                .iter()
                .try_for_each(|entry| check::entry(directory, name, entry))
                .map_err(NotKept::Refused)?;
        }
        let lock = Lock::take(&self.directory)?;
        self.refresh()?;
        let mut delta = self.delta.clone();
        let refused = |what: super::bytes::Malformed| NotKept::Refused(what.0.to_owned());
        let (mut frames, pending) = delta.frames(&acceptance.changes).map_err(refused)?;
        let changes = overlaid(&delta.changes, pending.changes.clone());
        let (entries, after) = self.measure(&changes)?;
        let accepted = Accepted {
            seq: self.seq().saturating_add(1),
            when: acceptance.when,
            who: acceptance.who.clone(),
            why: acceptance.why.clone(),
            count: acceptance.changes.len() as u64,
            paths: acceptance.changes.iter().take(MAX_PATHS).map(|(path, _)| path.clone()).collect(),
            before: self.delta.root,
            after,
        };
        let begins = delta.end;
        delta.end_frame(&mut frames, pending, accepted, entries);
        delta.torn = 0;
        self.append(&lock, begins, &frames)?;
        self.keep(&lock, delta)?;
        Ok(self.identity())
    }

    /// Somebody else may have accepted something, or made another version, since we looked.
    pub(super) fn refresh(&mut self) -> Result<(), NotKept> {
        let version = files::newest(&self.directory).map_err(|cause| Damage::disk(&self.directory, cause))?;
        let is_same = version == Some(self.base.about.version)
            && self.delta_size() == Some(self.delta.end + self.delta.torn)
            && Head::read(&self.directory)? == self.head;
        if !is_same {
            *self =
                Self::open(&self.directory)?.ok_or_else(|| NotKept::NoBaseline(self.directory.clone()))?;
        }
        Ok(())
    }

    fn delta_size(&self) -> Option<u64> {
        let path = self.directory.join(files::delta(self.base.about.version));
        path.symlink_metadata().ok().map(|meta| meta.len())
    }

    /// How many entries there would be, and their root digest.
    pub(super) fn measure(&self, changes: &Changes) -> Result<(u64, [u8; 32]), Damage> {
        let mut all = Overlaid::new(&self.base, changes, Cache::default(), (b"", b""), Until::End)?;
        let (mut tree, mut entries) = (Tree::new(), 0);
        while let Some(found) = all.next()? {
            tree.push(found.directory, found.name, found.entry);
            entries += 1;
        }
        Ok((entries, tree.finish().0))
    }

    fn append(&self, lock: &Lock, at: u64, frames: &[u8]) -> Result<(), NotKept> {
        let name = files::delta(self.base.about.version);
        let disk = || NotKept::disk(&self.directory.join(&name));
        let mut file = lock.directory.open(&name).map_err(disk())?;
        // What a power cut left there.
        file.set_len(at).map_err(disk())?;
        let appended = lock.directory.append(&mut file, frames);
        appended.and_then(|()| lock.directory.sync(&mut file)).map_err(|cause| {
            // Whoever is told that it failed should not find it done.
            let _ = file.set_len(at).and_then(|()| file.sync_all());
            disk()(cause)
        })
    }

    fn keep(&mut self, lock: &Lock, delta: Delta) -> Result<(), NotKept> {
        self.delta = delta;
        let head = Head {
            version: self.base.about.version,
            base: self.base.digest,
            accepted: self.delta.accepted.len() as u64,
            chain: self.delta.chain(),
        };
        let path: &Path = &self.directory.join(files::HEAD);
        head.write(&lock.directory).map_err(NotKept::disk(path))?;
        self.head = Some(head);
        Ok(())
    }
}

/// What tells an operator which acceptance it was.
const MAX_PATHS: usize = 10;
