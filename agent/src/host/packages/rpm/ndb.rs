//! rpm's database in its own form, ndb, as SUSE has it (rpm's lib/backend/ndb/rpmpkg.c).
//!
//! `Packages.db` begins with pages of slots, each of which says where in the file a package's header is, in blocks of
//! sixteen bytes. A header stands between a head and a tail, with a checksum; all numbers are little-endian.

use std::collections::HashSet;
use std::path::Path;

use super::field::{le32, part};
use super::header::MAX_HEADER;
use super::source::{Source, malformed};
use super::{MAX_PACKAGES, Visit, settled};
use crate::host::{Cause, Host, Unreadable};

/// Hands each header to `visit`.
pub(super) fn each(host: &Host, path: &Path, visit: &mut Visit<'_>) -> Result<(), Unreadable> {
    let before = settled::stamp(host, path);
    let mut source = Source::open(host, path)?;
    let read = packages(&mut source, visit);
    if settled::stamp(host, path) != before {
        return Err(settled::moved(path));
    }
    read.map_err(|cause| Unreadable::new(path, cause))
}

fn packages(source: &mut Source, visit: &mut Visit<'_>) -> Result<(), Cause> {
    for slot in slots(source)? {
        let blob = blob(source, &slot)?;
        if visit(blob)?.is_break() {
            break;
        }
    }
    Ok(())
}

struct Slot {
    package: u32,
    at: u64,
    blocks: u32,
}

/// The slots that are in use, in the order of what they point to.
fn slots(source: &mut Source) -> Result<Vec<Slot>, Cause> {
    let size = source.size;
    let header = source.bytes(0, HEADER)?;
    if le32(header, 0) != Some(MAGIC) {
        return Err(malformed("it is no database of rpm's own form"));
    }
    if le32(header, 4) != Some(VERSION) {
        return Err(Cause::Unsupported("rpm's own form of another version".to_owned()));
    }
    let pages = u64::from(le32(header, 12).unwrap_or(0));
    if pages == 0 || pages.saturating_mul(PAGE as u64) > size || !size.is_multiple_of(BLOCK) {
        return Err(malformed("it was cut short"));
    }
    let (mut slots, mut known) = (Vec::new(), HashSet::new());
    for page in 0..pages {
        let bytes = source.bytes(page * PAGE as u64, PAGE)?;
        let slots_here = bytes.get(if page == 0 { HEADER } else { 0 }..).unwrap_or_default();
        for bytes in slots_here.chunks_exact(SLOT) {
            let damaged = || malformed(format!("page {page} of its slots is damaged"));
            let [magic, package, block, blocks] = [0, 4, 8, 12].map(|at| le32(bytes, at).unwrap_or(0));
            if magic != SLOT_MAGIC {
                return Err(damaged());
            }
            if block == 0 {
                continue;
            }
            let at = u64::from(block).saturating_mul(BLOCK);
            if package == 0 || blocks == 0 || at < pages.saturating_mul(PAGE as u64) || !known.insert(package)
            {
                return Err(damaged());
            }
            if slots.len() == MAX_PACKAGES {
                return Err(Cause::TooMany { limit: MAX_PACKAGES });
            }
            slots.push(Slot { package, at, blocks });
        }
    }
    slots.sort_unstable_by_key(|slot| slot.at);
    Ok(slots)
}

/// A package's header.
fn blob<'a>(source: &'a mut Source, slot: &Slot) -> Result<&'a [u8], Cause> {
    let damaged = || malformed(format!("the header of package {} is damaged", slot.package));
    let length = usize::try_from(u64::from(slot.blocks) * BLOCK).map_err(|_| damaged())?;
    if length > MAX_HEADER {
        return Err(malformed(format!("the header of package {} is too large", slot.package)));
    }
    let bytes = source.bytes(slot.at, length)?;
    let (summed, tail) =
        length.checked_sub(TAIL).and_then(|at| bytes.split_at_checked(at)).ok_or_else(damaged)?;
    let stored = le32(bytes, 12).ok_or_else(damaged)?;
    let stored_length = usize::try_from(stored).map_err(|_| damaged())?;
    let blocks = (stored_length.checked_add(HEAD + TAIL)).map(|whole| whole.div_ceil(SLOT));
    let is_whole = le32(bytes, 0) == Some(HEAD_MAGIC)
        && le32(bytes, 4) == Some(slot.package)
        && blocks == usize::try_from(slot.blocks).ok()
        && le32(tail, 4) == Some(stored)
        && le32(tail, 8) == Some(TAIL_MAGIC)
        && le32(tail, 0) == Some(adler32(summed));
    let blob = part(bytes, HEAD, stored_length).filter(|_| is_whole);
    blob.ok_or_else(damaged)
}

/// RFC 1950.
fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    // As many as cannot overflow.
    for some in bytes.chunks(5552) {
        for byte in some {
            a = a.wrapping_add(u32::from(*byte));
            b = b.wrapping_add(a);
        }
        a %= 65521;
        b %= 65521;
    }
    (b << 16) | a
}

const fn magic(name: [u8; 4]) -> u32 {
    u32::from_le_bytes(name)
}

const MAGIC: u32 = magic(*b"RpmP");
const SLOT_MAGIC: u32 = magic(*b"Slot");
const HEAD_MAGIC: u32 = magic(*b"BlbS");
const TAIL_MAGIC: u32 = magic(*b"BlbE");
const VERSION: u32 = 0;
const HEADER: usize = 32;
const PAGE: usize = 4096;
const SLOT: usize = 16;
const BLOCK: u64 = 16;
const HEAD: usize = 16;
const TAIL: usize = 12;
