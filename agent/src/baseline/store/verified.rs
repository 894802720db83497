//! When the content of each entry was hashed last: one number an entry, overwritten in place, in pages that know when
//! they are damaged. It is no part of what was agreed; what of it is lost or damaged is not known, and hashed again.
//!
//! ```text
//! page: crc32c u32 | 1023 seconds u32
//! the first one: crc32c u32 | magic | version u64 | digest of the base | 1 and the last reread, or 0
//! ```

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use jiff::Timestamp;

use super::bytes::{Malformed, Push as _, Reader};
use super::damage::NotKept;
use super::head::replace;
use super::lock::Lock;
use super::{Ordinal, Store, files, section};
use crate::journal::storage::{Directory, Storage as _};

/// Everything was read since somebody set the clock: what was hashed from then on can be trusted by its metadata again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reread {
    pub boot: String,
    /// As [`super::Header::clock`].
    pub clock: i64,
    pub at: Timestamp,
}

impl Store {
    pub fn reread(&self) -> Option<Reread> {
        let version = self.base.about.version;
        let file = section::open(&self.directory.join(files::verified(version))).ok()?;
        first_page(&file, version, &self.base.digest)?
    }

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

    /// The content of these was hashed then, and is as agreed; or, without a time, was found not to be. Lost by a power
    /// cut, it is not known again.
    pub fn set_verified(
        &mut self,
        times: &[(Ordinal, Option<Timestamp>)],
        reread: Option<&Reread>,
    ) -> Result<(), NotKept> {
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
            all[index] = time.map_or(0, seconds);
            if pages.last() != Some(&(index / VALUES)) {
                pages.push(index / VALUES);
            }
        }
        pages.sort_unstable();
        pages.dedup();
        update(&lock.directory, version, &digest, reread, &all, &pages).map_err(NotKept::disk(&path))?;
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
    replace(directory, &files::verified(version), &bytes(version, base, None, &times))
}

fn bytes(version: u64, base: &[u8; 32], reread: Option<&Reread>, times: &[u32]) -> Vec<u8> {
    let mut bytes = written_first(version, base, reread).to_vec();
    for number in 0..times.len().div_ceil(VALUES) {
        bytes.extend_from_slice(&page(base, number, times));
    }
    bytes
}

fn update(
    directory: &Directory,
    version: u64,
    base: &[u8; 32],
    reread: Option<&Reread>,
    times: &[u32],
    pages: &[usize],
) -> io::Result<()> {
    let name = files::verified(version);
    let is_there = section::open(&directory.path().join(&name)).is_ok_and(|file| {
        first_page(&file, version, base).is_some()
            && file.metadata().is_ok_and(|meta| meta.len() > PAGE as u64)
    });
    if !is_there {
        return replace(directory, &name, &bytes(version, base, reread, times));
    }
    let mut file = directory.open(&name)?;
    if reread.is_some() {
        directory.write_at(&mut file, 0, &written_first(version, base, reread))?;
    }
    for &number in pages {
        directory.write_at(&mut file, offset(number), &page(base, number, times))?;
    }
    Ok(())
}

fn read(path: &Path, version: u64, base: &[u8; 32], slots: usize) -> Vec<u32> {
    let Some(file) = section::open(path).ok().filter(|file| first_page(file, version, base).is_some()) else {
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

/// What the first page has beside the names of its base; nothing where it is another's, or damaged.
fn first_page(file: &std::fs::File, version: u64, base: &[u8; 32]) -> Option<Option<Reread>> {
    let mut bytes = [0; PAGE];
    file.read_exact_at(&mut bytes, 0).ok()?;
    let expected = written_first(version, base, None);
    let is_whole = bytes[..4] == crc32c::crc32c(&bytes[4..]).to_le_bytes();
    let is_its = bytes[4..ABOUT] == expected[4..ABOUT];
    (is_whole && is_its).then(|| read_reread(&mut Reader::new(&bytes, ABOUT)).ok().flatten())
}

fn read_reread(reader: &mut Reader<'_>) -> Result<Option<Reread>, Malformed> {
    if reader.byte()? == 0 {
        return Ok(None);
    }
    let (boot, clock, at) = (reader.text()?.to_owned(), reader.distance()?, reader.distance()?);
    Ok(Timestamp::from_second(at).ok().map(|at| Reread { boot, clock, at }))
}

fn written_first(version: u64, base: &[u8; 32], reread: Option<&Reread>) -> [u8; PAGE] {
    let mut rest = Vec::new();
    if let Some(Reread { boot, clock, at }) = reread.filter(|reread| reread.boot.len() <= MAX_BOOT) {
        rest.push(1);
        rest.string(boot.as_bytes());
        rest.distance(*clock);
        rest.distance(at.as_second());
    }
    let mut page = [0; PAGE];
    page[4..12].copy_from_slice(&MAGIC);
    page[12..20].copy_from_slice(&version.to_le_bytes());
    page[20..ABOUT].copy_from_slice(base);
    page[ABOUT..ABOUT + rest.len()].copy_from_slice(&rest);
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
/// Up to here a page says whose times these are.
const ABOUT: usize = 52;
/// The id of a boot has 36.
const MAX_BOOT: usize = 64;
