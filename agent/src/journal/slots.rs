//! A few bytes that change often and must never be half of one state and half of another: two slots, written in turn.
//!
//! The next state goes over the older slot and is synced before the one after it is begun. So whoever sees two
//! whole slots knows that the older one is on the disk, without asking the writer; and a torn write leaves the
//! other slot as it was.

use std::io;

use super::storage::Storage;

/// What a slot holds, with zeros behind it.
pub(super) type Payload = [u8; PAYLOAD];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    generation: u64,
    pub(super) payload: Payload,
}

/// Both slots, as far as they are whole: the newest first.
pub(super) fn read<S: Storage>(storage: &S, name: &str) -> io::Result<[Option<Slot>; 2]> {
    let bytes = match storage.read(name, 0, 2 * SLOT) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok([None, None]),
        Err(error) => return Err(error),
    };
    let mut slots = [parse(bytes.get(..SLOT)), parse(bytes.get(SLOT..2 * SLOT))];
    if slots[1].map(|slot| slot.generation) > slots[0].map(|slot| slot.generation) {
        slots.swap(0, 1);
    }
    Ok(slots)
}

/// The state that is on the disk for certain. Of two whole slots it is the older one. Where one is whole and the other
/// torn, the torn one is the write that was under way, and that is begun only when the other is on the disk.
pub(super) fn durable<S: Storage>(storage: &S, name: &str) -> io::Result<Option<Slot>> {
    let [newest, older] = read(storage, name)?;
    if older.is_some() || newest.is_none() {
        return Ok(older);
    }
    let bytes = storage.read(name, 0, 2 * SLOT)?;
    let is_torn = |slot: &[u8]| parse(Some(slot)).is_none() && slot.iter().any(|&byte| byte != 0);
    Ok(newest.filter(|_| bytes.chunks(SLOT).any(is_torn)))
}

/// The file, to write.
#[derive(Debug)]
pub(super) struct Slots<F> {
    file: F,
    /// The last state that was synced.
    newest: Option<Slot>,
}

impl<F> Slots<F> {
    pub(super) fn open<S: Storage<File = F>>(storage: &S, name: &str) -> io::Result<Self> {
        let [newest, _] = read(storage, name)?;
        match storage.open(name) {
            Ok(file) => Ok(Self { file, newest }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut file = storage.create(name)?;
                storage.append(&mut file, &[0; 2 * SLOT])?;
                storage.sync(&mut file)?;
                storage.sync_names()?;
                Ok(Self { file, newest: None })
            }
            Err(error) => Err(error),
        }
    }

    /// On the disk when it returns. After an error the state is the one before, or this one.
    pub(super) fn write<S: Storage<File = F>>(&mut self, storage: &S, payload: Payload) -> io::Result<()> {
        let generation = self.newest.map_or(0, |slot| slot.generation).saturating_add(1);
        let slot = Slot { generation, payload };
        storage.write_at(&mut self.file, offset(generation), &slot.to_bytes())?;
        storage.sync(&mut self.file)?;
        self.newest = Some(slot);
        Ok(())
    }

    /// Overwrites the state before the newest one, for states that must be forgotten.
    pub(super) fn erase_older<S: Storage<File = F>>(&mut self, storage: &S) -> io::Result<()> {
        let Some(newest) = self.newest else { return Ok(()) };
        storage.write_at(&mut self.file, offset(newest.generation.wrapping_add(1)), &[0; SLOT])?;
        storage.sync(&mut self.file)
    }

    /// Overwrites both states.
    pub(super) fn erase_all<S: Storage<File = F>>(&mut self, storage: &S) -> io::Result<()> {
        storage.write_at(&mut self.file, 0, &[0; 2 * SLOT])?;
        storage.sync(&mut self.file)?;
        self.newest = None;
        Ok(())
    }
}

/// Even generations go to one slot, odd ones to the other.
fn offset(generation: u64) -> u64 {
    (generation % 2) * SLOT as u64
}

impl Slot {
    fn to_bytes(self) -> [u8; SLOT] {
        let mut bytes = [0; SLOT];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.generation.to_le_bytes());
        bytes[16..16 + PAYLOAD].copy_from_slice(&self.payload);
        let check = crc32c::crc32c(&bytes[..16 + PAYLOAD]);
        bytes[16 + PAYLOAD..20 + PAYLOAD].copy_from_slice(&check.to_le_bytes());
        bytes
    }
}

fn parse(bytes: Option<&[u8]>) -> Option<Slot> {
    let bytes: &[u8; SLOT] = bytes?.try_into().ok()?;
    let check = u32::from_le_bytes(bytes[16 + PAYLOAD..20 + PAYLOAD].try_into().ok()?);
    if bytes[..8] != MAGIC || crc32c::crc32c(&bytes[..16 + PAYLOAD]) != check {
        return None;
    }
    Some(Slot {
        generation: u64::from_le_bytes(bytes[8..16].try_into().ok()?),
        payload: bytes[16..16 + PAYLOAD].try_into().ok()?,
    })
}

const MAGIC: [u8; 8] = *b"GWSLOT\x00\x01";
pub(super) const PAYLOAD: usize = 64;
/// One sector of a disk, so that a torn write tears one slot.
const SLOT: usize = 512;
