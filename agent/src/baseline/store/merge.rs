//! Makes a version of a version and what was accepted since: the same entries, the same root digest.

use std::io;

use super::base::About;
use super::cursor::{Cache, Until};
use super::damage::{Damage, Fault, NotKept};
use super::head::replace;
use super::header::Accepted;
use super::lock::Lock;
use super::publish::{next_version, publish};
use super::writer::Writer;
use super::{Store, files};
use crate::journal::storage::Storage as _;

impl Store {
    /// So much was accepted that looking at it costs more than writing all anew.
    pub fn is_due_for_merge(&self) -> bool {
        let changes = u64::from(self.delta.count);
        changes > MIN_CHANGES
            && (changes > MAX_CHANGES || changes.saturating_mul(PART) > self.base.count.into())
    }

    /// Until it returns, and whenever it is interrupted, the version before is there as it was.
    pub fn merge(&mut self) -> Result<(), NotKept> {
        let lock = Lock::take(&self.directory)?;
        self.refresh()?;
        let version = next_version(&self.directory)?;
        let about = About { version, previous: self.identity().state, header: self.header().clone() };
        let name = format!("{}{}", files::base(version), files::UNFINISHED);
        let disk = || NotKept::disk(&self.directory.join(&name));
        files::remove(&lock.directory, &name).map_err(disk())?;
        let file = lock.directory.create(&name).map_err(disk())?;
        let mut writer = Writer::begin(file, &about).map_err(disk())?;
        let mut verified = Vec::new();
        let mut all = self.overlaid(Cache::default(), (b"", b""), Until::End)?;
        while let Some(found) = all.next()? {
            writer.push(found.directory, found.name, found.entry).map_err(disk())?;
            verified.push(self.verified(found.ordinal));
        }
        let history: Vec<Accepted> = self.acceptances().cloned().collect();
        let written = writer.finish(&history).map_err(disk())?;
        if written.root != self.identity().root {
            // What it says of itself is not what is in it.
            return Err(Damage::new(
                &self.base.path,
                None,
                Fault::Malformed("its root digest is another one"),
            )
            .into());
        }
        self.carry_seal(&lock, version)?;
        publish(&lock.directory, version, &written, &verified)?;
        *self = Self::open(&self.directory)?.ok_or_else(|| NotKept::NoBaseline(self.directory.clone()))?;
        Ok(())
    }

    /// It stays good for what it sealed.
    fn carry_seal(&self, lock: &Lock, version: u64) -> Result<(), NotKept> {
        let disk = |cause| NotKept::Disk { path: self.directory.join(files::seal(version)), cause };
        let seal = lock.directory.read(&files::seal(self.base.about.version), 0, MAX_SEAL);
        match seal {
            Ok(text) => replace(&lock.directory, &files::seal(version), &text).map_err(disk),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(disk(error)),
        }
    }
}

/// One in twenty.
const PART: u64 = 20;
/// A small baseline is not written anew for each acceptance.
const MIN_CHANGES: u64 = 64;
/// What is accepted is kept in memory.
const MAX_CHANGES: u64 = 20_000;
/// Larger than any.
const MAX_SEAL: usize = 8192;
