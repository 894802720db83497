//! The pages of a database in SQLite, those of its log before those of its file.

use super::super::field::{be16, be32};
use super::super::source::{Source, malformed};
use super::wal::Log;
use crate::host::Cause;

#[derive(Debug)]
pub(super) struct Pages {
    main: Source,
    log: Option<Log>,
    size: usize,
    /// The end of each page may be set aside for an extension's own use.
    pub(super) usable: usize,
    /// How many there are, of which none has the number 0.
    pub(super) count: u32,
}

impl Pages {
    pub(super) fn new(mut main: Source, log: Option<Log>) -> Result<Self, Cause> {
        if main.size == 0 {
            return Err(malformed("it is empty"));
        }
        let header = main.bytes(0, HEADER)?.to_vec();
        if !header.starts_with(MAGIC) {
            return Err(malformed("it is no database of SQLite"));
        }
        let size = match be16(&header, 16) {
            Some(1) => 65536,
            Some(size) if size >= 512 && size.is_power_of_two() => usize::from(size),
            _ => return Err(malformed("its pages have no size that SQLite knows")),
        };
        let log = log.filter(|log| !log.is_empty());
        if log.as_ref().is_some_and(|log| log.page_size() != size) {
            return Err(malformed("its log has pages of another size"));
        }
        let in_file = u32::try_from(main.size / size as u64).unwrap_or(u32::MAX);
        let count = log.as_ref().map_or(in_file, Log::page_count);
        let mut pages = Self { main, log, size, usable: size, count };
        // The log may have another first page.
        let first = pages.get(1)?;
        let (reserved, encoding) = (first.get(20).copied().unwrap_or(0), be32(first, 56));
        // None yet in a database that nothing was ever written to.
        if !matches!(encoding, Some(0 | 1)) {
            return Err(Cause::Unsupported("a database of SQLite in UTF-16".to_owned()));
        }
        pages.usable = size.saturating_sub(usize::from(reserved));
        if pages.usable < MIN_USABLE {
            return Err(malformed("its pages have no room"));
        }
        Ok(pages)
    }

    pub(super) fn get(&mut self, number: u32) -> Result<&[u8], Cause> {
        if number == 0 || number > self.count {
            return Err(malformed(format!("it refers to page {number} of {}", self.count)));
        }
        if let Some(log) = &mut self.log
            && let Some(at) = log.find(number)
        {
            return log.page(at);
        }
        let at = u64::from(number).saturating_sub(1).saturating_mul(self.size as u64);
        self.main.bytes(at, self.size)
    }

    /// Whether the log was begun anew since it was read: then what was in it is in the file, with what came after.
    pub(super) fn has_moved(&mut self) -> bool {
        self.log.as_mut().is_some_and(Log::has_moved)
    }

    /// As many bytes as all pages have together.
    pub(super) fn room(&self) -> u64 {
        u64::from(self.count).saturating_mul(self.size as u64)
    }
}

const MAGIC: &[u8] = b"SQLite format 3\0";
pub(super) const HEADER: usize = 100;
const MIN_USABLE: usize = 480;
