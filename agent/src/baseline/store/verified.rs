//! When the content of each entry was hashed last: one number an entry, overwritten in place, in pages that know when
//! they are damaged. It is no part of what was agreed; what of it is lost or damaged is not known, and hashed again.
//!
//! ```text
//! page: crc32c u32 | 1023 seconds u32          the first one: crc32c u32 | magic | version u64 | digest of the base
//! ```

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use jiff::Timestamp;

use super::damage::NotKept;
use super::head::replace;
use super::lock::Lock;
use super::{Ordinal, Store, files, section};
use crate::journal::storage::{Directory, Storage as _};

impl Store {
    /// `None` where that is not known.
    pub fn verified(&self, ordinal: Ordinal) -> Option<Timestamp> {
        let times = self.verified.get_or_init(|| self.read_verified());
        let seconds = *times.get(usize::try_from(ordinal.0).ok()?)?;
        if seconds == 0 { None } else { Timestamp::from_second(seconds.into()).ok() }
    }

    fn read_verified(&self) -> Vec<u32> {
        let path = self.directory.join(files::verified(self.base.about.version));
        read(&path, self.base.about.version, &self.base.digest, self.slots())
    }

    fn slots(&self) -> usize {
        let slots = self.base.count.saturating_add(self.delta.count);
        usize::try_from(slots).unwrap_or(usize::MAX)
    }

    /// The content of these was hashed then, and is as agreed. Lost by a power cut, it is not known again.
    pub fn set_verified(&mut self, times: &[(Ordinal, Timestamp)]) -> Result<(), NotKept> {
        let (version, digest) = (self.base.about.version, self.base.digest);
        let lock = Lock::take(&self.directory)?;
        if files::newest(&self.directory).ok().flatten() != Some(version) {
            // Another version has other ordinals.
            return Ok(());
        }
        let name = files::verified(version);
        let path = self.directory.join(&name);
        let mut all = read(&path, version, &digest, self.slots());
        all.resize(self.slots(), 0);
        let mut pages: Vec<usize> = Vec::new();
        for (ordinal, time) in times {
            let Some(index) = usize::try_from(ordinal.0).ok().filter(|index| *index < all.len()) else {
                continue;
            };
            all[index] = seconds(*time);
            if pages.last() != Some(&(index / VALUES)) {
                pages.push(index / VALUES);
            }
        }
        pages.sort_unstable();
        pages.dedup();
        update(&lock.directory, version, &digest, &all, &pages).map_err(NotKept::disk(&path))?;
        self.verified = all.into();
        Ok(())
    }
}

/// All of it, for a new version.
pub(super) fn write(
    directory: &Directory,
    version: u64,
    base: &[u8; 32],
    times: &[Option<Timestamp>],
) -> io::Result<()> {
    let times: Vec<u32> = times.iter().map(|time| time.map_or(0, seconds)).collect();
    replace(directory, &files::verified(version), &bytes(version, base, &times))
}

fn bytes(version: u64, base: &[u8; 32], times: &[u32]) -> Vec<u8> {
    let mut bytes = first_page(version, base).to_vec();
    for number in 0..times.len().div_ceil(VALUES) {
        bytes.extend_from_slice(&page(base, number, times));
    }
    bytes
}

fn update(
    directory: &Directory,
    version: u64,
    base: &[u8; 32],
    times: &[u32],
    pages: &[usize],
) -> io::Result<()> {
    let name = files::verified(version);
    let is_there = section::open(&directory.path().join(&name)).is_ok_and(|file| {
        is_first_page(&file, version, base) && file.metadata().is_ok_and(|meta| meta.len() > PAGE as u64)
    });
    if !is_there {
        return replace(directory, &name, &bytes(version, base, times));
    }
    let mut file = directory.open(&name)?;
    for &number in pages {
        directory.write_at(&mut file, offset(number), &page(base, number, times))?;
    }
    Ok(())
}

fn read(path: &Path, version: u64, base: &[u8; 32], slots: usize) -> Vec<u32> {
    let Some(file) = section::open(path).ok().filter(|file| is_first_page(file, version, base)) else {
        return Vec::new();
    };
    let mut times = Vec::with_capacity(slots);
    let mut bytes = [0; PAGE];
    for number in 0..slots.div_ceil(VALUES) {
        let is_whole = file.read_exact_at(&mut bytes, offset(number)).is_ok()
            && bytes[..4] == checksum(base, number, &bytes[4..]).to_le_bytes();
        let left = (slots - times.len()).min(VALUES);
        match is_whole {
            true => {
                times.extend(bytes[4..].as_chunks().0.iter().take(left).map(|four| u32::from_le_bytes(*four)))
            }
            false => times.resize(times.len() + left, 0),
        }
    }
    times
}

fn is_first_page(file: &std::fs::File, version: u64, base: &[u8; 32]) -> bool {
    let mut bytes = [0; PAGE];
    file.read_exact_at(&mut bytes, 0).is_ok() && bytes == first_page(version, base)
}

fn first_page(version: u64, base: &[u8; 32]) -> [u8; PAGE] {
    let mut page = [0; PAGE];
    page[4..12].copy_from_slice(&MAGIC);
    page[12..20].copy_from_slice(&version.to_le_bytes());
    page[20..52].copy_from_slice(base);
    let crc = crc32c::crc32c(&page[4..]);
    page[..4].copy_from_slice(&crc.to_le_bytes());
    page
}

fn page(base: &[u8; 32], number: usize, times: &[u32]) -> [u8; PAGE] {
    let mut page = [0; PAGE];
    let from = (number * VALUES).min(times.len());
    let values = &times[from..times.len().min(from + VALUES)];
    for (four, value) in page[4..].as_chunks_mut().0.iter_mut().zip(values) {
        *four = value.to_le_bytes();
    }
    let crc = checksum(base, number, &page[4..]);
    page[..4].copy_from_slice(&crc.to_le_bytes());
    page
}

/// Of a page in its place: another one's bytes are not taken for its own.
fn checksum(base: &[u8; 32], number: usize, values: &[u8]) -> u32 {
    let place = crc32c::crc32c_append(crc32c::crc32c(base), &(number as u64).to_le_bytes());
    crc32c::crc32c_append(place, values)
}

fn offset(number: usize) -> u64 {
    (number as u64 + 1) * PAGE as u64
}

fn seconds(time: Timestamp) -> u32 {
    u32::try_from(time.as_second()).unwrap_or(0)
}

const MAGIC: [u8; 8] = *b"GWVERIF\x01";
const PAGE: usize = 4096;
const VALUES: usize = PAGE / 4 - 1;
