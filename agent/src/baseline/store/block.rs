//! A block: some hundred entries, grouped by directory, that are read and checked as one.
//!
//! ```text
//! length u32 | crc32c u32 | groups
//! group: bytes of the directory as before | the rest of it | entries | length | entry, entry, …
//! entry: bytes of the name as before | the rest of it | what entry.rs writes
//! ```
//!
//! Within a group an entry leans on the one before; the first one of a group leans on the first one of the block. So
//! whoever looks for a directory goes from group to group without reading what is in them.

use super::Entry;
use super::bytes::{Malformed, Push, Reader, shared};
use super::entry::{self, Context};
use super::packages::{Interner, Packages};

/// A block that grows.
#[derive(Debug, Default)]
pub(super) struct Builder {
    groups: Vec<u8>,
    /// The directory of the group before.
    before: Vec<u8>,
    directory: Vec<u8>,
    name: Vec<u8>,
    entries: Vec<u8>,
    count: u64,
    context: Context,
    /// What the first entry of the block had.
    first: Option<Context>,
}

impl Builder {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn is_full(&self) -> bool {
        self.groups.len() + self.entries.len() >= FULL
    }

    pub(super) fn push(&mut self, directory: &[u8], name: &[u8], entry: &Entry, packages: &mut Interner) {
        if self.count > 0 && self.directory != directory {
            self.end_group();
        }
        if self.count == 0 {
            self.directory.clear();
            self.directory.extend_from_slice(directory);
            self.name.clear();
            self.context = self.first.clone().unwrap_or_default();
        }
        let common = shared(&self.name, name);
        self.entries.number(common as u64);
        self.entries.string(&name[common..]);
        self.name.truncate(common);
        self.name.extend_from_slice(&name[common..]);
        entry::push(&mut self.entries, entry, &mut self.context, packages);
        self.first.get_or_insert_with(|| self.context.clone());
        self.count += 1;
    }

    fn end_group(&mut self) {
        let common = shared(&self.before, &self.directory);
        self.groups.number(common as u64);
        self.groups.string(&self.directory[common..]);
        self.groups.number(self.count);
        self.groups.string(&self.entries);
        self.before.clone_from(&self.directory);
        self.entries.clear();
        self.count = 0;
    }

    /// The groups; the next block begins.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        if self.count > 0 {
            self.end_group();
        }
        std::mem::take(self).groups
    }
}

/// Where somebody is in a block.
#[derive(Debug, Default)]
pub(super) struct Place {
    at: usize,
    pub(super) directory: Vec<u8>,
    pub(super) name: Vec<u8>,
    /// Entries of the group that are still to come.
    left: u64,
    /// Where the group ends.
    end: usize,
    context: Context,
    first: Option<Context>,
    /// Entries of the block that were passed.
    passed: u32,
}

/// A group as its head tells it.
struct Group<'a> {
    common: usize,
    rest: &'a [u8],
    count: u64,
    at: usize,
    end: usize,
}

impl Place {
    /// At the start of a block.
    pub(super) fn begin(&mut self) {
        (self.at, self.left, self.end, self.passed, self.first) = (0, 0, 0, 0, None);
        self.directory.clear();
        self.name.clear();
    }

    /// How many entries of the block came before the next one.
    pub(super) fn passed(&self) -> u32 {
        self.passed
    }

    /// Goes on to the first group that is not before the wanted one.
    pub(super) fn skip_to(
        &mut self,
        groups: &[u8],
        is_before: impl Fn(&[u8]) -> bool,
        packages: &Packages,
    ) -> Result<(), Malformed> {
        while self.at < groups.len() {
            let count = self.begin_group(groups)?;
            if !is_before(&self.directory) {
                break;
            }
            if self.first.is_none() {
                // What is first of the block is what all groups lean on.
                let mut reader = Reader::new(groups, self.at);
                reader.number()?;
                reader.string()?;
                entry::read(&mut reader, &mut self.context, packages, &mut Entry::blank())?;
                self.first = Some(self.context.clone());
            }
            let count = u32::try_from(count).map_err(|_| TOO_MANY)?;
            self.passed = self.passed.checked_add(count).ok_or(TOO_MANY)?;
            (self.left, self.at) = (0, self.end);
        }
        Ok(())
    }

    /// The next entry; its directory and name are in here. Whether there was one.
    pub(super) fn next(
        &mut self,
        groups: &[u8],
        packages: &Packages,
        into: &mut Entry,
    ) -> Result<bool, Malformed> {
        if self.left == 0 {
            if self.at >= groups.len() {
                return Ok(false);
            }
            self.begin_group(groups)?;
        }
        let mut reader = Reader::new(groups.get(..self.end).ok_or(BEYOND)?, self.at);
        let common = usize::try_from(reader.number()?).map_err(|_| TOO_MUCH_SHARED)?;
        if common > self.name.len() {
            return Err(TOO_MUCH_SHARED);
        }
        self.name.truncate(common);
        self.name.extend_from_slice(reader.string()?);
        entry::read(&mut reader, &mut self.context, packages, into)?;
        if self.first.is_none() {
            self.first = Some(self.context.clone());
        }
        self.at = reader.at();
        self.left -= 1;
        self.passed = self.passed.checked_add(1).ok_or(TOO_MANY)?;
        if self.left == 0 && self.at != self.end {
            return Err(BEYOND);
        }
        Ok(true)
    }

    /// How many entries it has.
    fn begin_group(&mut self, groups: &[u8]) -> Result<u64, Malformed> {
        let group = group(groups, self.at)?;
        if group.common > self.directory.len() {
            return Err(TOO_MUCH_SHARED);
        }
        self.directory.truncate(group.common);
        self.directory.extend_from_slice(group.rest);
        self.name.clear();
        (self.left, self.at, self.end) = (group.count, group.at, group.end);
        self.context = self.first.clone().unwrap_or_default();
        Ok(group.count)
    }
}

fn group(groups: &[u8], at: usize) -> Result<Group<'_>, Malformed> {
    let mut reader = Reader::new(groups, at);
    let common = usize::try_from(reader.number()?).map_err(|_| TOO_MUCH_SHARED)?;
    let rest = reader.string()?;
    let count = reader.number()?;
    let entries = reader.string()?;
    if count == 0 {
        return Err(Malformed("a directory without entries"));
    }
    Ok(Group { common, rest, count, at: reader.at() - entries.len(), end: reader.at() })
}

const TOO_MUCH_SHARED: Malformed = Malformed("a name shares more with the one before than that has");
const TOO_MANY: Malformed = Malformed("a block has too many entries");
const BEYOND: Malformed = Malformed("an entry does not end where it should");
/// So small that looking one entry up reads little, so large that the index stays small.
const FULL: usize = 8 * 1024;
