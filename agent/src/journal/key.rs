//! The key that seals checkpoints, as it is kept: the state of its turn, and no earlier one.
//!
//! It lies in two slots that are overwritten in place. On a file system that writes in place (ext4, xfs) an earlier
//! state is gone when the next is there; on one that copies on write (btrfs), or on a disk that moves sectors by
//! itself, its bytes may linger where only the disk's owner finds them.

use std::fmt;
use std::io;

use zeroize::Zeroizing;

use super::Sealing;
use super::seal::Ratchet;
use super::slots::{self, PAYLOAD, Slots};
use super::storage::Storage;
use crate::finding::wire::record::{Hash, Id};

/// The key of an epoch.
#[derive(Debug)]
pub struct Key<S: Storage> {
    storage: S,
    slots: Slots<S::File>,
    epoch: Id,
    ratchet: Ratchet,
}

/// Why there is no key where there ought to be one.
#[derive(Debug)]
pub enum NoKey {
    /// Its file is there, and neither state in it is whole.
    Damaged,
    Disk(io::Error),
}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => f.write_str("the key that seals checkpoints is damaged"),
            Self::Disk(error) => write!(f, "cannot read the key that seals checkpoints: {error}"),
        }
    }
}

impl std::error::Error for NoKey {}

impl From<io::Error> for NoKey {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl<S: Storage> Key<S> {
    /// The key of this epoch, if it has one. `sealed` is the state that sealed the journal's last checkpoint: should
    /// the power have failed between that and the key's next step, it is taken now.
    pub fn open(storage: S, epoch: Id, sealed: Option<u64>) -> Result<Option<Self>, NoKey> {
        if !storage.names()?.iter().any(|name| name == FILE) {
            return Ok(None);
        }
        let [newest, _] = slots::read(&storage, FILE)?;
        let (of, ratchet) = newest.map(|slot| parse(&slot.payload)).ok_or(NoKey::Damaged)?;
        if of != epoch {
            return Ok(None);
        }
        let slots = Slots::open(&storage, FILE)?;
        let mut key = Self { storage, slots, epoch, ratchet };
        match sealed {
            Some(sealed) if sealed >= key.ratchet.index() => {
                key.ratchet.advance_to(sealed.saturating_add(1)).map_err(|_| NoKey::Damaged)?;
                key.keep()?;
            }
            _ => key.slots.erase_older(&key.storage)?,
        }
        Ok(Some(key))
    }

    /// A new one, over whatever key was there.
    pub fn create(storage: S, epoch: Id, ratchet: Ratchet) -> io::Result<Self> {
        let slots = Slots::open(&storage, FILE)?;
        let mut key = Self { storage, slots, epoch, ratchet };
        key.keep()?;
        Ok(key)
    }

    /// Forgets a key for good: that of another machine has no business here.
    pub fn erase(storage: &S) -> io::Result<()> {
        if !storage.names()?.iter().any(|name| name == FILE) {
            return Ok(());
        }
        let mut slots = Slots::open(storage, FILE)?;
        slots.erase_all(storage)?;
        storage.remove(FILE)?;
        storage.sync_names()
    }

    fn keep(&mut self) -> io::Result<()> {
        let mut payload = Zeroizing::new([0; PAYLOAD]);
        payload[..8].copy_from_slice(self.epoch.as_bytes());
        payload[8..16].copy_from_slice(&self.ratchet.index().to_le_bytes());
        payload[16..48].copy_from_slice(self.ratchet.key());
        self.slots.write(&self.storage, *payload)?;
        self.slots.erase_older(&self.storage)
    }
}

impl<S: Storage> Sealing for Key<S> {
    fn index(&self) -> u64 {
        self.ratchet.index()
    }

    fn mac(&self, covered: &[u8]) -> Hash {
        self.ratchet.mac(covered)
    }

    fn advance(&mut self) -> io::Result<()> {
        self.ratchet.advance();
        self.keep()
    }
}

fn parse(payload: &[u8; PAYLOAD]) -> (Id, Ratchet) {
    let mut epoch = [0; 8];
    epoch.copy_from_slice(&payload[..8]);
    let mut index = [0; 8];
    index.copy_from_slice(&payload[8..16]);
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&payload[16..48]);
    (Id::new(epoch), Ratchet::resume(u64::from_le_bytes(index), key))
}

const FILE: &str = "key.slots";

#[cfg(test)]
mod tests {
    use super::super::storage::Directory;
    use super::*;

    const EPOCH: [u8; 8] = [1; 8];

    fn storage(folder: &tempfile::TempDir) -> Directory {
        Directory::create(&folder.path().join("seal"), 0o700, None).unwrap()
    }

    fn first() -> Ratchet {
        Ratchet::new(Zeroizing::new([7; 32]))
    }

    #[test]
    fn a_key_is_kept_and_its_earlier_states_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut expected = first();
        let mut key = Key::create(storage(&folder), Id::new(EPOCH), first()).unwrap();
        for _ in 0..5 {
            let before = *expected.key();
            key.advance().unwrap();
            expected.advance();
            let bytes = std::fs::read(folder.path().join("seal/key.slots")).unwrap();
            assert!(memchr::memmem::find(&bytes, &before).is_none(), "an earlier state is still on the disk");
            assert!(memchr::memmem::find(&bytes, expected.key()).is_some());
        }
        let again = Key::open(storage(&folder), Id::new(EPOCH), Some(4)).unwrap().unwrap();
        assert_eq!((again.index(), again.mac(b"x")), (5, expected.mac(b"x")));
    }

    #[test]
    fn a_key_that_a_power_cut_left_behind_catches_up() {
        let folder = tempfile::tempdir().unwrap();
        Key::create(storage(&folder), Id::new(EPOCH), first()).unwrap();
        let key = Key::open(storage(&folder), Id::new(EPOCH), Some(0)).unwrap().unwrap();
        let mut expected = first();
        expected.advance();
        assert_eq!((key.index(), key.mac(b"x")), (1, expected.mac(b"x")));
    }

    #[test]
    fn no_key_another_epochs_key_and_a_damaged_key_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Key::open(storage(&folder), Id::new(EPOCH), None).unwrap().is_none());
        Key::create(storage(&folder), Id::new(EPOCH), first()).unwrap();
        assert!(Key::open(storage(&folder), Id::new([2; 8]), None).unwrap().is_none());
        let path = folder.path().join("seal/key.slots");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.fill(0x55);
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(Key::open(storage(&folder), Id::new(EPOCH), None), Err(NoKey::Damaged)));
        Key::erase(&storage(&folder)).unwrap();
        assert!(Key::open(storage(&folder), Id::new(EPOCH), None).unwrap().is_none());
    }
}
