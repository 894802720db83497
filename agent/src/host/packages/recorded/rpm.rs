//! What rpm records: of each file its digest, its mode, whose it is and where a link leads, in the headers of its database.
//!
//! One header is read after the other and nothing of it kept but thirty-two bytes a file, and thirty-two more for each
//! digest. Where two packages say different things of one path, both stay: of a directory they often do, and of a file
//! where one stands for both architectures.

mod people;

use std::hash::BuildHasher as _;

use people::People;

use super::gather::is_wanted;
use super::{Digest, Entry, Kind, Names, Owner, Recorded, alternatives};
use crate::host::packages::rpm::files::{self, CONFIGURATION, File, GHOST, MAY_BE_MISSING};
use crate::host::packages::rpm::gather as headers;
use crate::host::packages::rpm::header::Header;
use crate::host::{Host, Kind as Object, Text, Unreadable};

/// What rpm makes of a file, beside its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// With the type; without it of a ghost, which may be of any.
    pub mode: Option<u16>,
    /// The ids of the names that are recorded; `None` where the machine knows no such name.
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub(super) target: Option<u64>,
    /// Its package says that it may be missing, or does not bring it at all.
    pub may_be_missing: bool,
}

impl Made {
    /// The type that is recorded.
    pub fn kind(&self) -> Option<Object> {
        match self.mode? & 0o170_000 {
            0o100_000 => Some(Object::File),
            0o040_000 => Some(Object::Directory),
            0o120_000 => Some(Object::SymbolicLink),
            0o010_000 => Some(Object::Fifo),
            0o140_000 => Some(Object::Socket),
            0o060_000 => Some(Object::BlockDevice),
            0o020_000 => Some(Object::CharacterDevice),
            _ => None,
        }
    }

    /// Whether it leads somewhere that is recorded.
    pub fn is_link(&self) -> bool {
        self.target.is_some()
    }
}

/// What the sixteen bytes of an entry stand for.
#[derive(Debug, Default)]
pub(super) struct Told {
    sums: Vec<[u8; 32]>,
    people: People,
}

/// Sixteen bytes.
#[derive(Clone, Copy)]
struct Packed {
    /// One more than its place in `sums`; 0 is none.
    sum: u32,
    mode: u16,
    /// Its place in `people`.
    people: u16,
    target: u64,
}

impl Packed {
    fn to_bytes(self) -> [u8; 16] {
        let number = u128::from(self.sum)
            | u128::from(self.mode) << 32
            | u128::from(self.people) << 48
            | u128::from(self.target) << 64;
        number.to_le_bytes()
    }

    #[expect(clippy::cast_possible_truncation, reason = "each part is cut out of the whole")]
    fn from_bytes(bytes: [u8; 16]) -> Self {
        let number = u128::from_le_bytes(bytes);
        Self {
            sum: number as u32,
            mode: (number >> 32) as u16,
            people: (number >> 48) as u16,
            target: (number >> 64) as u64,
        }
    }
}

impl Told {
    pub(super) fn of(&self, entry: &Entry) -> (Option<Digest>, Option<Made>) {
        if entry.bits & SAYS_NOTHING != 0 {
            return (None, None);
        }
        let packed = Packed::from_bytes(entry.said);
        let (uid, gid) = self.people.get(packed.people);
        let made = Made {
            mode: (entry.bits & HAS_MODE != 0).then_some(packed.mode),
            uid,
            gid,
            target: (entry.bits & HAS_TARGET != 0).then_some(packed.target),
            may_be_missing: entry.bits & MISSING != 0,
        };
        let place = usize::try_from(packed.sum).ok().and_then(|sum| sum.checked_sub(1));
        let sum = place.and_then(|place| self.sums.get(place));
        let digest = sum.map(|sum| match entry.bits & IS_MD5 {
            0 => Digest::Sha256(*sum),
            _ => Digest::Md5(*sum.first_chunk().unwrap_or(&[0; 16])),
        });
        (digest, Some(made))
    }
}

/// Sorted hashes say what is wanted; without them, everything is.
pub(super) fn gather(host: &Host, names: Names, wanted: Option<&[u64]>) -> Result<Recorded, Unreadable> {
    let mut gather = Gather { wanted, names, people: People::of(host)?, path: Vec::new() };
    let (mut found, _) = headers(host, |found, header| gather.package(header, found))?;
    for place in ALTERNATIVES {
        alternatives::each(host, place, |link| gather.alternative(link, &mut found))?;
    }
    Ok(found.finish(gather))
}

struct Gather<'a> {
    wanted: Option<&'a [u64]>,
    names: Names,
    people: People,
    path: Vec<u8>,
}

/// What was found so far, until rpm changes its database and all begins anew.
#[derive(Default)]
struct Found {
    sums: Vec<[u8; 32]>,
    packages: Vec<Owner>,
    entries: Vec<Entry>,
    /// The package that keeps alternatives: the best of [`KEEPERS`] so far.
    keeper: Option<(usize, u32)>,
}

impl Gather<'_> {
    fn package(&mut self, header: &Header<'_>, found: &mut Found) -> Result<(), String> {
        let index =
            u32::try_from(found.packages.len()).map_err(|_| "there are too many packages".to_owned())?;
        let name = header.string(files::NAME).unwrap_or_default();
        let keeper = KEEPERS.iter().position(|keeper| keeper.as_bytes() == name);
        if let Some(rank) = keeper.filter(|rank| found.keeper.is_none_or(|(best, _)| *rank < best)) {
            found.keeper = Some((rank, index));
        }
        found.packages.push(Owner {
            package: Text::from_bytes_within(&files::key(header), MAX_NAME),
            version: Text::from_bytes_within(&files::evr(header), MAX_NAME).to_string(),
        });
        let algorithm = files::algorithm(header);
        files::each(header, |file| self.file(file, algorithm, index, found))
    }

    fn file(&mut self, file: &File<'_>, algorithm: u64, package: u32, found: &mut Found) {
        let mut path = std::mem::take(&mut self.path);
        let hash = self.names.hash(file.path(&mut path));
        self.path = path;
        if is_wanted(self.wanted, hash) {
            let (digest, packed, bits) = self.packed(file, algorithm, found);
            let kind = match (file.is(CONFIGURATION), digest) {
                (true, _) => Kind::Configuration,
                (false, Some(_)) => Kind::Recorded,
                (false, None) => Kind::Listed,
            };
            found.entries.push(Entry { hash, said: packed.to_bytes(), package, kind, bits });
        }
    }

    fn packed(&mut self, file: &File<'_>, algorithm: u64, found: &mut Found) -> (Option<Digest>, Packed, u8) {
        let is_ghost = file.is(GHOST);
        let digest = Digest::of_rpm(algorithm, file.digest).filter(|_| !is_ghost);
        let mut bits = if file.is(MAY_BE_MISSING) || is_ghost { MISSING } else { 0 };
        let sum = digest.map_or(0, |digest| {
            bits |= if matches!(digest, Digest::Md5(_)) { IS_MD5 } else { 0 };
            found.add(digest)
        });
        // Of a ghost rpm --verify compares the permissions, and nothing that says what it is.
        let mode = file.mode.map(|mode| if is_ghost { mode & 0o7777 } else { mode });
        bits |= if mode.is_some() { HAS_MODE } else { 0 };
        let is_link = !is_ghost && !file.target.is_empty();
        bits |= if is_link { HAS_TARGET } else { 0 };
        let packed = Packed {
            sum,
            mode: mode.unwrap_or(0),
            people: self.people.of_names(file.user, file.group),
            target: if is_link { self.names.key.hash_one(file.target) } else { 0 },
        };
        (digest, packed, bits)
    }

    fn alternative(&self, link: &[u8], found: &mut Found) {
        let hash = self.names.hash(link);
        if let Some((_, package)) = found.keeper.filter(|_| is_wanted(self.wanted, hash)) {
            let (kind, bits) = (Kind::Listed, SAYS_NOTHING);
            found.entries.push(Entry { hash, said: [0; 16], package, kind, bits });
        }
    }
}

impl Found {
    fn finish(self, gather: Gather<'_>) -> Recorded {
        let Self { mut sums, packages, mut entries, .. } = self;
        sums.shrink_to_fit();
        let (names, told) = (gather.names, Told { sums, people: gather.people });
        entries.sort_unstable_by_key(|entry| (entry.hash, entry.kind, entry.package));
        entries.dedup_by(|next, one| {
            (next.hash, next.kind, next.bits) == (one.hash, one.kind, one.bits)
                && told.of(next) == told.of(one)
        });
        entries.shrink_to_fit();
        Recorded { entries, packages, names, told: Some(told) }
    }

    /// One more than its place; 0 where there is no more room.
    fn add(&mut self, digest: Digest) -> u32 {
        let mut sum = [0; 32];
        let bytes = digest.bytes();
        sum.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        let place = u32::try_from(self.sums.len() + 1).unwrap_or(0);
        if place != 0 {
            self.sums.push(sum);
        }
        place
    }
}

const HAS_MODE: u8 = 1;
const HAS_TARGET: u8 = 1 << 1;
const IS_MD5: u8 = 1 << 2;
const MISSING: u8 = 1 << 3;
/// A link of an alternative.
const SAYS_NOTHING: u8 = 1 << 4;
/// chkconfig's, and that of openSUSE and Mageia, which is dpkg's program.
pub(super) const ALTERNATIVES: [&str; 2] = ["/var/lib/alternatives", "/var/lib/rpm/alternatives"];
/// Whose alternatives(8) is; the first that is installed.
const KEEPERS: [&str; 3] = ["alternatives", "update-alternatives", "chkconfig"];
const MAX_NAME: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_entry_of_rpm_s_takes_no_more_than_one_of_dpkg_s() {
        assert_eq!(size_of::<Entry>(), 32);
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(sum: u32, mode: u16, people: u16, target: u64) {
            let packed = Packed::from_bytes(Packed { sum, mode, people, target }.to_bytes());
            prop_assert_eq!(
                (packed.sum, packed.mode, packed.people, packed.target),
                (sum, mode, people, target)
            );
        }
    }
}
