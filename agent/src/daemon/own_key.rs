//! A first key that the sensor makes by itself, where the policy says that every epoch is sealed.
//!
//! The order is what matters: prepared, in force, recorded, offered. Whatever happens in between, the next start (or
//! the next checkpoint) finds which step was the last and goes on from there.

use std::io;

use jiff::Timestamp;

use super::Daemon;
use super::first_key::{self, Made};
use super::start::{self, CannotRun, disk, random_key};
use crate::finding::wire::key::FirstKey;
use crate::finding::wire::record::Id;
use crate::journal::handover::{FILE, Handover};
use crate::journal::key::Key;
use crate::journal::places::Places;
use crate::journal::seal::Ratchet;
use crate::journal::{Directory, Journal, Sealing as _};

/// Where a first key goes, and where the key itself is kept.
pub(super) struct OwnKey<'a> {
    pub(super) places: &'a Places,
    pub(super) handover: Handover,
}

impl OwnKey<'_> {
    /// Sees to it that the epoch has a key if it is to have one, and that its first state is offered to whoever
    /// carries it away. `key` is the key in force; it is set as soon as there is one, also where the rest fails.
    pub(super) fn settle(
        &self,
        journal: &mut Journal<Directory>,
        key: &mut Option<Key<Directory>>,
        is_wanted: bool,
        now: Timestamp,
    ) -> Result<(), CannotRun> {
        let prepared = self.handover.prepared().map_err(|cause| self.trouble("read")(cause))?;
        let epoch = journal.speaker().epoch;
        match (&*key, prepared) {
            (Some(key), Some(first)) if is_of(&first, key, epoch) => self.offer(journal, &first, now),
            (None, _) if is_wanted => {
                let ratchet = Ratchet::new(random_key().map_err(self.trouble("make a key for"))?);
                let made = self.put_in_force(journal, ratchet, now)?;
                *key = Some(made.key);
                self.offer(journal, &made.first, now)
            }
            // Of a key that never was in force here.
            (_, Some(_)) => self.handover.discard().map_err(self.trouble("remove")),
            (_, None) => Ok(()),
        }
    }

    fn put_in_force(
        &self,
        journal: &mut Journal<Directory>,
        ratchet: Ratchet,
        now: Timestamp,
    ) -> Result<Made, CannotRun> {
        let seal = start::seal(self.places)?;
        let prepare =
            |first: &FirstKey| self.handover.prepare(first).map_err(self.trouble("write the key to"));
        first_key::put_in_force(journal, seal, ratchet, prepare, now)
    }

    /// What is told twice, for a crash in between, says the same.
    fn offer(
        &self,
        journal: &mut Journal<Directory>,
        first: &FirstKey,
        now: Timestamp,
    ) -> Result<(), CannotRun> {
        first_key::record(journal, first, now)?;
        self.handover.offer().map_err(self.trouble("write the key to"))
    }

    fn trouble(&self, what: &'static str) -> impl FnOnce(io::Error) -> CannotRun {
        let path = self.places.cursors().join(FILE);
        move |cause| disk(what, &path)(cause)
    }
}

impl Daemon {
    /// Before a checkpoint, and when another policy came.
    pub(super) fn settle_key(&mut self) {
        let is_wanted = self.policy.seal_parameter().is_some();
        let settled = start::own_key(&self.places)
            .and_then(|own| own.settle(&mut self.journal, &mut self.key, is_wanted, Timestamp::now()));
        self.is_key_settled = settled.is_ok();
        self.key_trouble = settled.err().map(|error| error.to_string());
    }
}

/// Whether the key in force has come from that one.
fn is_of(first: &FirstKey, key: &Key<Directory>, epoch: Id) -> bool {
    let mut ratchet = Ratchet::from(first);
    first.epoch == epoch && ratchet.advance_to(key.index()).is_ok() && ratchet.proves(PROBE, &key.mac(PROBE))
}

/// No line of a journal, and so no seal of one.
const PROBE: &[u8] = b"guestward own key";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests;
