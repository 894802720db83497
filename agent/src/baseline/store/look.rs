//! Looks in a baseline: one directory's slice, all below a path, one object.

use std::borrow::BorrowMut;

use super::cursor::{Cache, Cursor, Until};
use super::damage::Damage;
use super::digest::{Told, Tree};
use super::overlay::{Agreed, Next, Overlaid, Seen};
use super::{Entry, Ordinal, Store};
use crate::host::object;

/// Entries of one directory, in order.
#[derive(Debug)]
pub struct Slice<'s, 'c>(Overlaid<'s, &'c mut Cache>);

impl Slice<'_, '_> {
    /// The next one, where it need not be kept: several times as fast as the iterator.
    pub fn advance(&mut self) -> Result<Option<Seen<'_>>, Damage> {
        self.0.next()
    }
}

impl Iterator for Slice<'_, '_> {
    type Item = Result<Agreed, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take(|_, name| name.to_vec()).transpose()
    }
}

/// As [`Slice`], with a cache of its own, and with one entry in hand.
#[derive(Debug)]
pub struct InHand<'s> {
    overlaid: Overlaid<'s, Cache>,
    held: Option<Next<'s>>,
}

impl<'s> InHand<'s> {
    /// `None` behind the last.
    pub fn seen(&self) -> Option<Seen<'_>> {
        self.held.as_ref().map(|held| self.overlaid.seen(held))
    }

    /// For the next look.
    pub fn into_cache(self) -> Cache {
        self.overlaid.into_cache()
    }

    /// Goes on to the next one.
    pub fn step(&mut self) -> Result<(), Damage> {
        self.held = self.overlaid.advance()?;
        Ok(())
    }
}

/// Entries with their paths, in order: what is below a directory follows all that is in it.
#[derive(Debug)]
pub struct Below<'s> {
    first: Option<Result<Agreed, Damage>>,
    rest: Overlaid<'s, Cache>,
}

impl Iterator for Below<'_> {
    type Item = Result<Agreed, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        self.rest.take(object::path).transpose()
    }
}

impl Store {
    /// What was agreed of a directory, from a name on and before another; all of it where they are `None`.
    pub fn slice<'s, 'c>(
        &'s self,
        directory: &[u8],
        cache: &'c mut Cache,
        from: Option<&[u8]>,
        to: Option<&[u8]>,
    ) -> Result<Slice<'s, 'c>, Damage> {
        let until = Until::In(directory.to_vec(), to.map(<[u8]>::to_vec));
        self.overlaid(cache, (directory, from.unwrap_or_default()), until).map(Slice)
    }

    /// The same, at its first entry.
    pub fn in_hand(
        &self,
        directory: &[u8],
        from: Option<&[u8]>,
        to: Option<&[u8]>,
        cache: Cache,
    ) -> Result<InHand<'_>, Damage> {
        let until = Until::In(directory.to_vec(), to.map(<[u8]>::to_vec));
        let overlaid = self.overlaid(cache, (directory, from.unwrap_or_default()), until)?;
        let mut in_hand = InHand { overlaid, held: None };
        in_hand.step()?;
        Ok(in_hand)
    }

    /// What was agreed of one object.
    pub fn entry(&self, path: &[u8], cache: &mut Cache) -> Result<Option<(Ordinal, Entry)>, Damage> {
        let (directory, name) = object::split(path);
        let mut overlaid = self.overlaid(cache, (directory, name), Until::In(directory.to_vec(), None))?;
        let found = overlaid.take(|_, name| name.to_vec())?;
        Ok(found.filter(|(of, ..)| of == name).map(|(_, ordinal, entry)| (ordinal, entry)))
    }

    /// What was agreed of an object, and of all that is below it.
    pub fn below(&self, path: &[u8]) -> Result<Below<'_>, Damage> {
        let path = path.strip_suffix(b"/").unwrap_or(path);
        if path.is_empty() {
            return self.all();
        }
        let first = self.entry(path, &mut Cache::default())?;
        let first = first.map(|(ordinal, entry)| Ok((path.to_vec(), ordinal, entry)));
        let rest = self.overlaid(Cache::default(), (path, b""), Until::Below(path.to_vec()))?;
        Ok(Below { first, rest })
    }

    pub fn all(&self) -> Result<Below<'_>, Damage> {
        Ok(Below { first: None, rest: self.overlaid(Cache::default(), (b"", b""), Until::End)? })
    }

    /// Goes through everything that was agreed, in order.
    pub fn each(&self, mut tell: impl FnMut(Seen<'_>)) -> Result<(), Damage> {
        let mut all = self.overlaid(Cache::default(), (b"", b""), Until::End)?;
        while let Some(seen) = all.next()? {
            tell(seen);
        }
        Ok(())
    }

    /// The path of an entry, and what was agreed of it.
    pub fn at(&self, ordinal: Ordinal) -> Result<Option<(Vec<u8>, Entry)>, Damage> {
        if let Some(number) = ordinal.0.checked_sub(self.base.count) {
            let change = self.delta.changes.iter().find(|change| change.number == number);
            let Some(change) = change else { return Ok(None) };
            let path = object::path(&change.directory, &change.name);
            return Ok(self.entry(&path, &mut Cache::default())?.map(|(_, entry)| (path, entry)));
        }
        let Some((_, directory, name)) = self.base.index.get(self.base.index.of_ordinal(ordinal.0)) else {
            return Ok(None);
        };
        let mut cursor = Cursor::seek(&self.base, Cache::default(), (directory, name), Until::End)?;
        while cursor.next()? {
            if cursor.entry().0 >= ordinal.0 {
                let (directory, name) = cursor.key();
                let path = object::path(directory, name);
                return Ok((cursor.entry().0 == ordinal.0).then(|| (path, cursor.take())));
            }
        }
        Ok(None)
    }

    /// The digests of a directory and of those below it, down to a depth: where two machines differ.
    pub fn digests(&self, path: &[u8], depth: usize) -> Result<Vec<Told>, Damage> {
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let above = path.iter().filter(|&&byte| byte == b'/').count();
        let mut tree = Tree::telling(Some(above.saturating_add(depth)));
        let mut rest = self.overlaid(Cache::default(), (path, b""), Until::Below(path.to_vec()))?;
        while let Some(found) = rest.next()? {
            tree.push(found.directory, found.name, found.entry);
        }
        let (_, mut told) = tree.finish();
        told.retain(|(of, _)| super::digest::is_within(of, path));
        Ok(told)
    }

    pub(super) fn overlaid<C: BorrowMut<Cache>>(
        &self,
        cache: C,
        from: (&[u8], &[u8]),
        until: Until,
    ) -> Result<Overlaid<'_, C>, Damage> {
        Overlaid::new(&self.base, &self.delta.changes, cache, from, until)
    }
}
