//! What was accepted since a version was written: frames that are only ever appended to.
//!
//! ```text
//! magic | version u64 | digest of the base | crc32c
//! frame: length u32 | crc32c u32 | chain hash | payload            chain hash: SHA-256(the one before | payload)
//! payload: 1 | changes…      or, last of an acceptance:      2 | entries in all | what was accepted
//! ```
//!
//! An acceptance counts when its last frame is whole. What follows the last one that counts was never told to anybody as
//! accepted: it is cut off before the next one is written. The head (`store/head.rs`) knows how many there must be.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::base::Base;
use super::bytes::{Malformed, Push, Reader};
use super::damage::{Damage, Fault};
use super::header::Accepted;
use super::overlay::{Change, Changes, alone, overlaid, read_alone};
use super::{Entry, section};
use crate::host::object::split;

/// As far as it counts.
#[derive(Debug, Clone)]
pub(super) struct Delta {
    pub(super) changes: Changes,
    /// How many changes there were, also to the same object.
    pub(super) count: u32,
    /// Where the next frame goes.
    pub(super) end: u64,
    /// After each acceptance; first that of the header.
    pub(super) chains: Vec<[u8; 32]>,
    pub(super) accepted: Vec<Accepted>,
    /// Entries in all, with what was accepted.
    pub(super) entries: u64,
    pub(super) root: [u8; 32],
    /// Bytes that do not count.
    pub(super) torn: u64,
}

/// The beginning of a new one.
pub(super) fn header(version: u64, base: &[u8; 32]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&version.to_le_bytes());
    out.extend_from_slice(base);
    out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
    out
}

impl Delta {
    /// Of a version that was just written.
    pub(super) fn empty(version: u64, base: &[u8; 32], entries: u64, root: [u8; 32]) -> Self {
        let header = header(version, base);
        Self {
            changes: Vec::new(),
            count: 0,
            end: header.len() as u64,
            chains: vec![Sha256::digest(&header).into()],
            accepted: Vec::new(),
            entries,
            root,
            torn: 0,
        }
    }

    pub(super) fn read(path: &Path, base: &Base) -> Result<Self, Damage> {
        let disk = |cause| Damage::disk(path, cause);
        let file = section::open(path).map_err(disk)?;
        let size = file.metadata().map_err(disk)?.len();
        let mut delta = Self::empty(base.about.version, &base.digest, base.count.into(), base.root);
        let expected = header(base.about.version, &base.digest);
        let mut bytes = vec![0; expected.len()];
        file.read_exact_at(&mut bytes, 0).map_err(disk)?;
        if bytes != expected {
            let (body, crc) = bytes.split_at(expected.len() - 4);
            let is_whole = crc == crc32c::crc32c(body).to_le_bytes() && body.starts_with(&MAGIC);
            return Err(Damage::new(path, 0, if is_whole { Fault::Foreign } else { Fault::Checksum }));
        }
        let mut pending = Pending::at(&delta);
        while let Some((payload, end)) = frame(&file, pending.end, size, &pending.chain) {
            pending.chain = chain(&pending.chain, &payload);
            pending.end = end;
            // It is what was written: if it makes no sense, it is no torn write.
            let taken = delta.take(&mut pending, &payload);
            taken.map_err(|what| Damage::malformed(path, pending.end, what))?;
        }
        delta.torn = size.saturating_sub(delta.end);
        Ok(delta)
    }

    fn take(&mut self, pending: &mut Pending, payload: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(payload, 0);
        match reader.byte()? {
            CHANGES => {
                while !reader.is_over() {
                    let path = reader.string()?;
                    let entry = match reader.byte()? {
                        0 => None,
                        _ => Some(Box::from(reader.string()?)),
                    };
                    entry.as_deref().map(read_alone).transpose()?;
                    pending.push(path, entry)?;
                }
                Ok(())
            }
            ACCEPTED => {
                let entries = reader.number()?;
                let accepted = Accepted::read(&mut reader)?;
                self.accept(std::mem::replace(pending, Pending::at(self)), accepted, entries);
                *pending = Pending::at(self);
                Ok(())
            }
            _ => Err(Malformed("a frame is of a kind that there is not")),
        }
    }

    fn accept(&mut self, pending: Pending, accepted: Accepted, entries: u64) {
        self.changes = overlaid(&self.changes, pending.changes);
        (self.count, self.end, self.entries, self.root) =
            (pending.count, pending.end, entries, accepted.after);
        self.chains.push(pending.chain);
        self.accepted.push(accepted);
    }

    pub(super) fn chain(&self) -> [u8; 32] {
        self.chains.last().copied().unwrap_or_default()
    }

    /// The changes of an acceptance, as frames; the last one is [`Self::end_frame`]'s.
    pub(super) fn frames(
        &self,
        changes: &[(Vec<u8>, Option<Entry>)],
    ) -> Result<(Vec<u8>, Pending), Malformed> {
        let (mut out, mut pending) = (Vec::new(), Pending::at(self));
        let mut payload = vec![CHANGES];
        for (path, entry) in changes {
            let entry = entry.as_ref().map(|entry| alone(entry).into_boxed_slice());
            payload.string(path);
            payload.push(entry.is_some().into());
            if let Some(bytes) = &entry {
                payload.string(bytes);
            }
            pending.push(path, entry)?;
            if payload.len() >= FULL {
                pending.frame(&mut out, &payload);
                payload.truncate(1);
            }
        }
        if payload.len() > 1 {
            pending.frame(&mut out, &payload);
        }
        Ok((out, pending))
    }

    /// Makes it count; it is for the caller to have it on the disk first, or to forget all.
    pub(super) fn end_frame(
        &mut self,
        out: &mut Vec<u8>,
        mut pending: Pending,
        accepted: Accepted,
        entries: u64,
    ) {
        let mut payload = vec![ACCEPTED];
        payload.number(entries);
        accepted.push(&mut payload);
        pending.frame(out, &payload);
        self.accept(pending, accepted, entries);
    }
}

/// An acceptance on its way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) changes: Changes,
    count: u32,
    end: u64,
    chain: [u8; 32],
}

impl Pending {
    fn at(delta: &Delta) -> Self {
        Self { changes: Vec::new(), count: delta.count, end: delta.end, chain: delta.chain() }
    }

    fn push(&mut self, path: &[u8], entry: Option<Box<[u8]>>) -> Result<(), Malformed> {
        let (directory, name) = split(path);
        let number = self.count;
        self.count = number.checked_add(1).ok_or(Malformed("more changes than can be counted"))?;
        self.changes.push(Arc::new(Change { directory: directory.into(), name: name.into(), number, entry }));
        Ok(())
    }

    fn frame(&mut self, out: &mut Vec<u8>, payload: &[u8]) {
        self.chain = chain(&self.chain, payload);
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let checked = [&self.chain[..], payload].concat();
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&crc32c::crc32c(&checked).to_le_bytes());
        out.extend_from_slice(&checked);
        self.end += (FRAME_HEAD + payload.len()) as u64;
    }
}

/// The payload of a frame that is whole, and where it ends.
fn frame(file: &File, at: u64, size: u64, before: &[u8; 32]) -> Option<(Vec<u8>, u64)> {
    let mut head = [0; FRAME_HEAD];
    file.read_exact_at(&mut head, at).ok()?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    let from = at.checked_add(FRAME_HEAD as u64)?;
    let end = from.checked_add(length.into())?;
    if end > size || length > MAX_FRAME {
        return None;
    }
    let mut payload = vec![0; usize::try_from(length).ok()?];
    file.read_exact_at(&mut payload, from).ok()?;
    let crc = crc32c::crc32c_append(crc32c::crc32c(&head[8..]), &payload).to_le_bytes();
    (head[4..8] == crc && head[8..] == chain(before, &payload)).then_some((payload, end))
}

fn chain(before: &[u8; 32], payload: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(before).chain_update(payload).finalize().into()
}

const MAGIC: [u8; 8] = *b"GWDELTA\x01";
const CHANGES: u8 = 1;
const ACCEPTED: u8 = 2;
const FRAME_HEAD: usize = 4 + 4 + 32;
/// When the next frame is begun.
const FULL: usize = 256 * 1024;
/// A full one, and an entry of the largest kind.
const MAX_FRAME: u32 = 4 * 1024 * 1024;
