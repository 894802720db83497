//! Cursors: how far each shipper has come. The shipper writes its own; the sensor reads them all before it frees room.

use std::fmt;
use std::io;

use super::slots::{self, PAYLOAD, Payload, Slots};
use super::storage::Storage;
use crate::finding::wire::record::Id;

/// A place in the journal: everything up to this record has been delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The number of the segment that holds it; those before it have been delivered whole.
    pub segment: u64,
    pub epoch: Id,
    pub seq: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seq {} of epoch {}", self.seq, self.epoch)
    }
}

impl Position {
    /// Whether whoever stands here has more to deliver than whoever stands there.
    pub fn is_before(&self, other: &Self) -> bool {
        match self.epoch == other.epoch {
            true => self.seq < other.seq,
            false => self.segment < other.segment,
        }
    }

    fn to_payload(self) -> Payload {
        let mut payload = [0; PAYLOAD];
        payload[..8].copy_from_slice(&self.segment.to_le_bytes());
        payload[8..16].copy_from_slice(self.epoch.as_bytes());
        payload[16..24].copy_from_slice(&self.seq.to_le_bytes());
        payload
    }

    fn parse(payload: &Payload) -> Option<Self> {
        Some(Self {
            segment: u64::from_le_bytes(payload[..8].try_into().ok()?),
            epoch: Id::new(payload[8..16].try_into().ok()?),
            seq: u64::from_le_bytes(payload[16..24].try_into().ok()?),
        })
    }
}

/// A shipper's own cursor.
#[derive(Debug)]
pub struct Cursor<S: Storage> {
    storage: S,
    slots: Slots<S::File>,
    at: Option<Position>,
}

impl<S: Storage> Cursor<S> {
    /// `shipper` is a name that can be a file's: `local`, `cloudwatch`.
    pub fn open(storage: S, shipper: &str) -> io::Result<Self> {
        let name = file_name(shipper);
        let [newest, _] = slots::read(&storage, &name)?;
        let slots = Slots::open(&storage, &name)?;
        Ok(Self { storage, slots, at: newest.and_then(|slot| Position::parse(&slot.payload)) })
    }

    /// Where the shipper stands; `None` before its first delivery, or when the cursor was damaged.
    pub fn at(&self) -> Option<Position> {
        self.at
    }

    /// On the disk when it returns.
    pub fn advance(&mut self, to: Position) -> io::Result<()> {
        self.slots.write(&self.storage, to.to_payload())?;
        self.at = Some(to);
        Ok(())
    }
}

/// Where a shipper stands, as its file says now: to show.
pub fn newest<S: Storage>(storage: &S, shipper: &str) -> io::Result<Option<Position>> {
    let [newest, _] = slots::read(storage, &file_name(shipper))?;
    Ok(newest.and_then(|slot| Position::parse(&slot.payload)))
}

/// Where a shipper stood for certain, whatever happens to the power: to delete by.
pub fn durable<S: Storage>(storage: &S, shipper: &str) -> io::Result<Option<Position>> {
    Ok(slots::durable(storage, &file_name(shipper))?.and_then(|slot| Position::parse(&slot.payload)))
}

fn file_name(shipper: &str) -> String {
    format!("{shipper}.cursor")
}
