//! A first key for the journal's epoch, whoever is to keep it.

use jiff::Timestamp;

use super::draft;
use super::start::{CannotRun, disk};
use crate::finding::Severity;
use crate::finding::wire::body::Lifecycle;
use crate::finding::wire::key::FirstKey;
use crate::finding::wire::record::Kind;
use crate::journal::key::Key;
use crate::journal::seal::Ratchet;
use crate::journal::{Directory, Journal, Refused};

pub(super) struct Made {
    pub(super) key: Key<Directory>,
    pub(super) first: FirstKey,
}

/// `hand_over` puts the first state where it survives; only then is the key in force, so that no checkpoint is ever
/// sealed with a key that nobody has.
pub(super) fn put_in_force(
    journal: &mut Journal<Directory>,
    seal: Directory,
    ratchet: Ratchet,
    hand_over: impl FnOnce(&FirstKey) -> Result<(), CannotRun>,
    now: Timestamp,
) -> Result<Made, CannotRun> {
    // What opening has to say comes first, so that the next seq is the key's first.
    journal.append(&[], now).map_err(|refused| untaken(&refused))?;
    let (agent, epoch, from_seq) = (journal.speaker().agent, journal.speaker().epoch, journal.head().seq + 1);
    let first = ratchet.first_key(agent, epoch, from_seq);
    hand_over(&first)?;
    let path = seal.path().to_owned();
    let key = Key::create(seal, epoch, ratchet).map_err(disk("keep the key in", &path))?;
    Ok(Made { key, first })
}

pub(super) fn record(
    journal: &mut Journal<Directory>,
    first: &FirstKey,
    now: Timestamp,
) -> Result<(), CannotRun> {
    let event = Lifecycle::KeyCreated { from_seq: first.from_seq };
    let recorded = journal.append(&[draft(Kind::Lifecycle, Severity::Medium, event.to_json())], now);
    recorded.map(drop).map_err(|refused| untaken(&refused))
}

fn untaken(refused: &Refused) -> CannotRun {
    CannotRun::Other(refused.to_string())
}
