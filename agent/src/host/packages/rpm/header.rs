//! A header: the tagged values of one package, as they lie in rpm's database (rpm's docs/manual/format_header.md).
//!
//! Two counts, an index of entries (tag, type, offset, count), and a store that the offsets point into, all of them
//! big-endian. What rpm itself would refuse (lib/header.c, hdrblobVerifyInfo) is refused; then whatever is asked for lies
//! within the bytes.

use super::field::{be32, bytes as field, part};

/// Borrowed from the bytes, of which nothing is believed.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    index: &'a [u8],
    store: &'a [u8],
}

/// What is installed under which tag (rpm's include/rpm/rpmtag.h).
pub mod tag {
    pub const NAME: u32 = 1000;
    pub const VERSION: u32 = 1001;
    pub const RELEASE: u32 = 1002;
    pub const EPOCH: u32 = 1003;
    pub const INSTALL_TIME: u32 = 1008;
    pub const VENDOR: u32 = 1011;
    pub const ARCHITECTURE: u32 = 1022;
    pub const SOURCE_RPM: u32 = 1044;
    pub const MODULARITY_LABEL: u32 = 5096;
}

impl<'a> Header<'a> {
    /// The bytes as the database has them: two counts, the index, the store.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let short = || format!("a header of {} bytes", bytes.len());
        let entries = count(bytes, 0).ok_or_else(short)?;
        let stored = count(bytes, 4).ok_or_else(short)?;
        if entries == 0 || entries > MAX_ENTRIES || stored > MAX_HEADER {
            return Err(format!("a header that claims {entries} entries and {stored} bytes"));
        }
        let length = entries.checked_mul(ENTRY);
        let index = length.and_then(|length| part(bytes, INTRO, length)).ok_or_else(short)?;
        let store = bytes.get(INTRO + index.len()..).unwrap_or_default();
        if store.len() != stored {
            return Err(format!("a header that claims {stored} bytes and has {}", store.len()));
        }
        let header = Self { index, store };
        header.verify()?;
        Ok(header)
    }

    /// That every entry lies in the store, behind the one before it, and has all of its values.
    fn verify(&self) -> Result<(), String> {
        let mut end = 0;
        let mut entries = self.entries().peekable();
        // It says how far the part reaches that was signed; its own bytes follow that part.
        if entries.peek().is_some_and(Entry::is_region) {
            entries.next();
        }
        while let Some(entry) = entries.next() {
            let until = entries.peek().map_or(self.store.len(), |next| next.offset).min(self.store.len());
            let values = self.store.get(entry.offset..until);
            let length = values.and_then(|values| entry.length(values));
            match length.and_then(|length| length.checked_add(entry.offset)) {
                Some(next) if entry.offset >= end && entry.tag >= FIRST_TAG => end = next,
                _ => return Err(format!("a header whose tag {} is damaged", entry.tag)),
            }
        }
        Ok(())
    }

    /// A string, or the first of several.
    pub fn string(&self, tag: u32) -> Option<&'a [u8]> {
        self.strings(tag).next()
    }

    /// Every string of an array.
    pub fn strings(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let entry = self.entry(tag).filter(Entry::is_string);
        let (mut rest, count) = match entry {
            Some(entry) => (self.store.get(entry.offset..).unwrap_or_default(), entry.count),
            None => (&[][..], 0),
        };
        std::iter::from_fn(move || {
            let end = memchr::memchr(0, rest)?;
            let (string, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            Some(string)
        })
        .take(count)
    }

    /// Numbers of 8, 16, 32 or 64 bits.
    pub fn numbers(&self, tag: u32) -> impl Iterator<Item = u64> + use<'a> {
        let entry = self.entry(tag).filter(Entry::is_number);
        let (width, values) = match entry {
            Some(entry) => (entry.width(), self.store.get(entry.offset..).unwrap_or_default()),
            None => (1, &[][..]),
        };
        let count = entry.map_or(0, |entry| entry.count);
        values
            .chunks_exact(width)
            .take(count)
            .map(|value| value.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    /// The last one: what rpm itself adds as it installs goes before what the package says.
    fn entry(&self, tag: u32) -> Option<Entry> {
        self.entries().rev().find(|entry| entry.tag == tag)
    }

    fn entries(&self) -> impl DoubleEndedIterator<Item = Entry> + use<'a> {
        self.index.chunks_exact(ENTRY).filter_map(Entry::read)
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    tag: u32,
    kind: u32,
    offset: usize,
    count: usize,
}

impl Entry {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (tag, kind) = (be32(bytes, 0)?, be32(bytes, 4)?);
        Some(Self { tag, kind, offset: count(bytes, 8)?, count: count(bytes, 12)? })
    }

    fn is_region(&self) -> bool {
        REGIONS.contains(&self.tag)
    }

    fn is_string(&self) -> bool {
        matches!(self.kind, STRING | STRINGS | TRANSLATED)
    }

    fn is_number(&self) -> bool {
        (CHARACTER..=INT64).contains(&self.kind)
    }

    fn width(&self) -> usize {
        match self.kind {
            INT16 => 2,
            INT32 => 4,
            INT64 => 8,
            _ => 1,
        }
    }

    /// How many of `values` are this entry's; none if it has not all of them. A string array may claim what aligns the next
    /// entry, so that it is only known to be at least so long as there are strings.
    fn length(&self, values: &[u8]) -> Option<usize> {
        let is_one = self.count == 1 || self.kind != STRING;
        let length = match self.kind {
            STRING | STRINGS | TRANSLATED if is_one => {
                let ends = memchr::memchr_iter(0, values).count();
                (ends >= self.count).then_some(self.count)?
            }
            CHARACTER..=INT64 | BINARY => self.count.checked_mul(self.width())?,
            _ => return None,
        };
        let is_whole = self.count > 0 && length <= values.len() && self.offset.is_multiple_of(self.width());
        is_whole.then_some(length)
    }
}

fn count(bytes: &[u8], at: usize) -> Option<usize> {
    field(bytes, at).map(u32::from_be_bytes).and_then(|count| usize::try_from(count).ok())
}

const INTRO: usize = 8;
const ENTRY: usize = 16;
const REGIONS: std::ops::Range<u32> = 61..64;
/// HEADER_I18NTABLE; below it are regions, of which only the first entry may be one.
const FIRST_TAG: u32 = 100;
/// HEADER_TAGS_MAX.
const MAX_ENTRIES: usize = 0xffff;
/// rpm allows four times as much; a package of a hundred thousand files has about 20 MB.
pub(super) const MAX_HEADER: usize = 64 * 1024 * 1024;

const CHARACTER: u32 = 1;
const INT16: u32 = 3;
const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const BINARY: u32 = 7;
const STRINGS: u32 = 8;
const TRANSLATED: u32 = 9;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Entries of tag, type, count and value.
    fn built(entries: &[(u32, u32, u32, &[u8])]) -> Vec<u8> {
        let (mut index, mut store) = (Vec::new(), Vec::new());
        for (tag, kind, count, value) in entries {
            let align = Entry { tag: *tag, kind: *kind, offset: 0, count: 1 }.width();
            store.resize(store.len().next_multiple_of(align), 0);
            for number in [*tag, *kind, u32::try_from(store.len()).unwrap(), *count] {
                index.extend(number.to_be_bytes());
            }
            store.extend_from_slice(value);
        }
        let count = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
        [&count(entries.len())[..], &count(store.len()), &index, &store].concat()
    }

    #[test]
    fn values_are_told_by_their_tags() {
        let bytes = built(&[
            (1000, STRING, 1, b"x\0"),
            (1003, INT32, 1, &7_u32.to_be_bytes()),
            (1117, STRINGS, 3, b"a\0\0bc\0"),
            (5096, TRANSLATED, 1, b"m\0"),
        ]);
        let header = Header::parse(&bytes).unwrap();
        assert_eq!(header.string(1000), Some(&b"x"[..]));
        assert_eq!(header.numbers(1003).collect::<Vec<_>>(), [7]);
        assert_eq!(header.strings(1117).collect::<Vec<_>>(), [&b"a"[..], b"", b"bc"]);
        assert_eq!(header.string(5096), Some(&b"m"[..]));
        // Neither absent nor of another type.
        assert_eq!((header.string(1003), header.numbers(1000).next(), header.string(1)), (None, None, None));
    }

    #[test]
    fn what_rpm_adds_goes_before_what_the_package_says() {
        let bytes =
            built(&[(1000, STRING, 1, b"old\0"), (1001, STRING, 1, b"1\0"), (1000, STRING, 1, b"new\0")]);
        assert_eq!(Header::parse(&bytes).unwrap().string(1000), Some(&b"new"[..]));
    }

    #[test]
    fn a_claim_beyond_the_bytes_is_refused() {
        let whole = built(&[(1000, STRING, 1, b"x\0"), (1003, INT32, 1, &7_u32.to_be_bytes())]);
        assert!(Header::parse(&whole).is_ok());
        for at in 0..whole.len() {
            assert!(Header::parse(&whole[..at]).is_err(), "cut at {at}");
        }
        for at in [0, 4, 16, 20, 32, 36] {
            let mut claim = whole.clone();
            claim[at..at + 4].fill(0xff);
            assert!(Header::parse(&claim).is_err(), "4 GB at {at}");
        }
        let no_end = built(&[(1000, STRING, 1, b"xyz")]);
        assert!(Header::parse(&no_end).is_err(), "a string without an end");
    }

    proptest! {
        #[test]
        fn no_bytes_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..200), entries in 0_u8..12) {
            let mut bytes = bytes;
            if bytes.len() > 8 {
                let stored = bytes.len().saturating_sub(8 + 16 * usize::from(entries));
                bytes[..8].copy_from_slice(&[0, 0, 0, entries, 0, 0, 0, u8::try_from(stored).unwrap()]);
            }
            if let Ok(header) = Header::parse(&bytes) {
                for entry in header.entries() {
                    let strings = header.strings(entry.tag).count();
                    let numbers = header.numbers(entry.tag).count();
                    prop_assert!(strings + numbers <= bytes.len());
                }
            }
        }
    }
}
