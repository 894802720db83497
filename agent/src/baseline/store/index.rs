//! The first key of each block, and where it lies: what is kept in memory of a baseline.

use std::cmp::Ordering;

use super::bytes::{Malformed, Push, Reader};
use crate::host::object::order;

#[derive(Debug, Default)]
pub(super) struct Index {
    /// Directories and names, one after another.
    keys: Vec<u8>,
    marks: Vec<Mark>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    key: usize,
    directory: usize,
    name: usize,
    /// Where the block begins in the file.
    pub(super) offset: u64,
    /// How many entries come before it.
    pub(super) ordinal: u32,
}

impl Index {
    pub(super) fn add(&mut self, directory: &[u8], name: &[u8], offset: u64, ordinal: u32) {
        let key = self.keys.len();
        self.keys.extend_from_slice(directory);
        self.keys.extend_from_slice(name);
        self.marks.push(Mark { key, directory: directory.len(), name: name.len(), offset, ordinal });
    }

    pub(super) fn push(&self, out: &mut Vec<u8>) {
        out.number(self.marks.len() as u64);
        for number in 0..self.marks.len() {
            let Some((mark, directory, name)) = self.get(number) else { continue };
            out.string(directory);
            out.string(name);
            out.number(mark.offset);
            out.number(mark.ordinal.into());
        }
    }

    /// Blocks lie one after another from `from` on, and end before `to`.
    pub(super) fn read(reader: &mut Reader<'_>, from: u64, to: u64) -> Result<Self, Malformed> {
        let count = reader.count(4)?;
        let mut index = Self { keys: Vec::new(), marks: Vec::with_capacity(count) };
        for _ in 0..count {
            let (directory, name) = (reader.string()?, reader.string()?);
            let (offset, ordinal) = (reader.number()?, reader.number32()?);
            let is_next = match index.marks.last() {
                None => offset == from && ordinal == 0,
                Some(last) => offset > last.offset && offset < to && ordinal > last.ordinal,
            };
            let before = index.marks.len().checked_sub(1).and_then(|last| index.get(last));
            if !is_next || before.is_some_and(|(_, d, n)| order((d, n), (directory, name)) != Ordering::Less)
            {
                return Err(Malformed("the index is not in order"));
            }
            index.add(directory, name, offset, ordinal);
        }
        if index.marks.is_empty() != (from == to) {
            return Err(Malformed("the index names other blocks than there are"));
        }
        Ok(index)
    }

    pub(super) fn len(&self) -> usize {
        self.marks.len()
    }

    /// A block with its first key.
    pub(super) fn get(&self, number: usize) -> Option<(Mark, &[u8], &[u8])> {
        let mark = *self.marks.get(number)?;
        let name = mark.key + mark.directory;
        Some((mark, self.keys.get(mark.key..name)?, self.keys.get(name..name + mark.name)?))
    }

    /// The block in which an entry is.
    pub(super) fn of_ordinal(&self, ordinal: u32) -> usize {
        self.marks.partition_point(|mark| mark.ordinal <= ordinal).saturating_sub(1)
    }

    /// The block in which a key is, if it is anywhere.
    pub(super) fn find(&self, directory: &[u8], name: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.marks.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let is_after = self.get(middle).is_none_or(|(_, d, n)| order((d, n), (directory, name)).is_gt());
            if is_after { high = middle } else { low = middle + 1 }
        }
        low.saturating_sub(1)
    }
}
