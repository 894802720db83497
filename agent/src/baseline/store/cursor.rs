//! Goes through the entries of a version in order, from any place on.

use std::borrow::BorrowMut;

use super::Entry;
use super::base::Base;
use super::block::Place;
use super::bytes::Malformed;
use super::damage::Damage;
use super::digest::is_within;
use super::section;
use crate::host::object::{directories, order};

/// The block that was read last. Whoever looks in a baseline has one of his own, and looks faster where he looked before.
#[derive(Debug, Default)]
pub struct Cache {
    /// Of which version, and which of its blocks.
    of: Option<([u8; 32], usize)>,
    section: Vec<u8>,
}

/// Up to where somebody goes.
#[derive(Debug, Clone)]
pub(super) enum Until {
    End,
    /// Before a name of one directory, or to its end.
    In(Vec<u8>, Option<Vec<u8>>),
    /// All that is below a directory.
    Below(Vec<u8>),
}

impl Until {
    pub(super) fn is_past(&self, directory: &[u8], name: &[u8]) -> bool {
        match self {
            Self::End => false,
            Self::In(wanted, to) => directory != wanted || to.as_deref().is_some_and(|to| name >= to),
            Self::Below(above) => !is_within(directory, above),
        }
    }
}

#[derive(Debug)]
pub(super) struct Cursor<'s, C> {
    base: &'s Base,
    cache: C,
    block: usize,
    place: Place,
    /// The entry that was read last, and its ordinal.
    entry: Entry,
    ordinal: u32,
    /// Where to begin, until that is reached.
    from: Option<(Vec<u8>, Vec<u8>)>,
    until: Until,
    is_over: bool,
}

impl<'s, C: BorrowMut<Cache>> Cursor<'s, C> {
    /// What is not before this place.
    pub(super) fn seek(
        base: &'s Base,
        mut cache: C,
        (directory, name): (&[u8], &[u8]),
        until: Until,
    ) -> Result<Self, Damage> {
        let block = base.index.find(directory, name);
        let mut place = Place::default();
        let is_over = base.index.len() == 0;
        if !is_over {
            let cache = cache.borrow_mut();
            load(base, cache, block)?;
            let is_before = |of: &[u8]| directories(of, directory).is_lt();
            place
                .skip_to(groups(cache), is_before, &base.packages)
                .map_err(|what| malformed(base, block, what))?;
        }
        let from = Some((directory.to_vec(), name.to_vec()));
        Ok(Self { base, cache, block, place, entry: Entry::blank(), ordinal: 0, from, until, is_over })
    }

    /// Whether there is a next entry; [`Self::key`] and [`Self::entry`] tell it.
    pub(super) fn next(&mut self) -> Result<bool, Damage> {
        while !self.is_over {
            let cache = self.cache.borrow_mut();
            load(self.base, cache, self.block)?;
            let passed = self.place.passed();
            let next = self.place.next(groups(cache), &self.base.packages, &mut self.entry);
            if !next.map_err(|what| malformed(self.base, self.block, what))? {
                self.next_block();
                continue;
            }
            let key = (&self.place.directory[..], &self.place.name[..]);
            if let Some((directory, name)) = &self.from {
                if order(key, (directory, name)).is_lt() {
                    continue;
                }
                self.from = None;
            }
            if self.until.is_past(key.0, key.1) {
                self.is_over = true;
                break;
            }
            self.ordinal = self.base.ordinal(self.block).saturating_add(passed);
            return Ok(true);
        }
        Ok(false)
    }

    pub(super) fn into_cache(self) -> C {
        self.cache
    }

    pub(super) fn key(&self) -> (&[u8], &[u8]) {
        (&self.place.directory, &self.place.name)
    }

    pub(super) fn entry(&self) -> (u32, &Entry) {
        (self.ordinal, &self.entry)
    }

    pub(super) fn take(&mut self) -> Entry {
        std::mem::replace(&mut self.entry, Entry::blank())
    }

    fn next_block(&mut self) {
        self.block += 1;
        self.place.begin();
        // A block of which already the first entry is too far need not be read.
        let first = self.base.index.get(self.block);
        self.is_over = first.is_none_or(|(_, directory, name)| self.until.is_past(directory, name));
    }
}

fn load(base: &Base, cache: &mut Cache, block: usize) -> Result<(), Damage> {
    let wanted = Some((base.digest, block));
    if cache.of != wanted {
        cache.of = None;
        base.block(block, &mut cache.section)?;
        cache.of = wanted;
    }
    Ok(())
}

fn groups(cache: &Cache) -> &[u8] {
    cache.section.get(section::HEAD..).unwrap_or_default()
}

fn malformed(base: &Base, block: usize, what: Malformed) -> Damage {
    Damage::malformed(&base.path, base.span(block).0, what)
}
