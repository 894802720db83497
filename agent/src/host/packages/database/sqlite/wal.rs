//! The log of changes that were committed and are not in the file yet (sqlite.org/fileformat2.html, 4).

use std::collections::HashMap;

use super::super::field::{be32, bytes as field};
use super::super::source::Source;
use crate::host::Cause;

#[derive(Debug)]
pub(in crate::host::packages) struct Log {
    source: Source,
    header: [u8; HEADER],
    page_size: usize,
    page_count: u32,
    /// Where the last committed state of a page is.
    at: HashMap<u32, u64>,
}

impl Log {
    /// Up to the last commit whose every frame is whole, as SQLite does it. No log where the header is not valid: then
    /// nothing was ever committed to it.
    pub(in crate::host::packages) fn read(mut source: Source) -> Result<Option<Self>, Cause> {
        if source.size < HEADER as u64 {
            return Ok(None);
        }
        let header: [u8; HEADER] = field(source.bytes(0, HEADER)?, 0).unwrap_or([0; HEADER]);
        let Some((mut sum, page_size)) = begin(&header) else { return Ok(None) };
        if be32(&header, 4) != Some(VERSION) {
            return Err(Cause::Unsupported("a log of SQLite of another version".to_owned()));
        }
        let mut log = Self { source, header, page_size, page_count: 0, at: HashMap::new() };
        let mut pending = Vec::new();
        let mut at = HEADER as u64;
        let length = FRAME + page_size;
        while at.saturating_add(length as u64) <= log.source.size {
            let frame = log.source.bytes(at, length)?;
            let Some(head) = field::<FRAME>(frame, 0) else { break };
            sum.add(head.get(..8).unwrap_or_default());
            sum.add(frame.get(FRAME..).unwrap_or_default());
            let is_of_this_log = head.get(8..16) == header.get(16..24);
            let (Some(page), Some(count)) = (be32(&head, 0), be32(&head, 4)) else { break };
            if !is_of_this_log || !sum.is(&head, 16) || page == 0 {
                break;
            }
            pending.push((page, at + FRAME as u64));
            if count != 0 {
                log.at.extend(pending.drain(..));
                log.page_count = count;
            }
            at += length as u64;
        }
        Ok(Some(log))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.page_count == 0
    }

    pub(super) fn page_size(&self) -> usize {
        self.page_size
    }

    /// How many pages the database has with the last commit.
    pub(super) fn page_count(&self) -> u32 {
        self.page_count
    }

    pub(super) fn find(&self, page: u32) -> Option<u64> {
        self.at.get(&page).copied()
    }

    pub(super) fn page(&mut self, at: u64) -> Result<&[u8], Cause> {
        self.source.bytes(at, self.page_size)
    }

    pub(super) fn has_moved(&mut self) -> bool {
        self.source.forget();
        self.source.bytes(0, HEADER).map_or(true, |header| header != self.header)
    }
}

/// The checksum that the frames go on from, and the size of a page; none if this is no header.
fn begin(header: &[u8; HEADER]) -> Option<(Sum, usize)> {
    let is_big = match be32(header, 0)? {
        LITTLE => false,
        BIG => true,
        _ => return None,
    };
    let size = usize::try_from(be32(header, 8)?).ok()?;
    let mut sum = Sum { is_big, a: 0, b: 0 };
    sum.add(header.get(..24)?);
    ((512..=65536).contains(&size) && size.is_power_of_two() && sum.is(header, 24)).then_some((sum, size))
}

/// Of words in the byte order of the machine that began the log.
#[derive(Debug)]
struct Sum {
    is_big: bool,
    a: u32,
    b: u32,
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        let word = if self.is_big { u32::from_be_bytes } else { u32::from_le_bytes };
        for [a, b, c, d, e, f, g, h] in bytes.as_chunks().0 {
            self.a = self.a.wrapping_add(word([*a, *b, *c, *d])).wrapping_add(self.b);
            self.b = self.b.wrapping_add(word([*e, *f, *g, *h])).wrapping_add(self.a);
        }
    }

    fn is(&self, bytes: &[u8], at: usize) -> bool {
        (be32(bytes, at), be32(bytes, at + 4)) == (Some(self.a), Some(self.b))
    }
}

const HEADER: usize = 32;
const FRAME: usize = 24;
const VERSION: u32 = 3_007_000;
const LITTLE: u32 = 0x377f_0682;
const BIG: u32 = 0x377f_0683;
