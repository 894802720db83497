//! What was accepted since a version was written, laid over it.

use std::borrow::BorrowMut;
use std::sync::Arc;

use super::base::Base;
use super::bytes::{Malformed, Push, Reader};
use super::cursor::{Cache, Cursor, Until};
use super::damage::Damage;
use super::entry::{self, Context};
use super::packages::{Interner, Packages};
use super::{Entry, Ordinal};
use crate::host::object::order;

/// The last word about one object.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) directory: Box<[u8]>,
    pub(super) name: Box<[u8]>,
    /// The how manyth change of the file it is.
    pub(super) number: u32,
    /// As [`alone`] writes it; `None` where it was accepted that it is gone.
    pub(super) entry: Option<Box<[u8]>>,
}

impl Change {
    fn key(&self) -> (&[u8], &[u8]) {
        (&self.directory, &self.name)
    }
}

/// Sorted, one for each object.
pub(super) type Changes = Vec<Arc<Change>>;

/// Later ones take the place of earlier ones.
pub(super) fn overlaid(earlier: &Changes, mut later: Changes) -> Changes {
    // Stable: of two about the same object, the later one stays behind the earlier one.
    later.sort_by(|a, b| order(a.key(), b.key()));
    let mut all: Changes = Vec::with_capacity(earlier.len() + later.len());
    let mut earlier = earlier.iter().peekable();
    for change in later {
        while let Some(before) = earlier.next_if(|before| order(before.key(), change.key()).is_lt()) {
            all.push(Arc::clone(before));
        }
        earlier.next_if(|before| before.key() == change.key());
        if all.last().is_some_and(|last| last.key() == change.key()) {
            all.pop();
        }
        all.push(change);
    }
    all.extend(earlier.cloned());
    all
}

/// An entry that leans on no other.
pub(super) fn alone(entry: &Entry) -> Vec<u8> {
    let mut out = Vec::new();
    out.string(entry.owner.as_ref().map_or(&b""[..], |owner| owner.package.as_bytes()));
    entry::push(&mut out, entry, &mut Context::default(), &mut Interner::default());
    out
}

pub(super) fn read_alone(bytes: &[u8]) -> Result<Entry, Malformed> {
    let mut reader = Reader::new(bytes, 0);
    let packages = Packages::one(reader.text()?);
    let entry = entry::read(&mut reader, &mut Context::default(), &packages)?;
    if reader.is_over() {
        Ok(entry)
    } else {
        Err(Malformed("an accepted entry does not end where it should"))
    }
}

/// An entry on its way out.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) directory: Vec<u8>,
    pub(super) name: Vec<u8>,
    pub(super) ordinal: Ordinal,
    pub(super) entry: Entry,
}

/// A version and what was accepted since, as one.
#[derive(Debug)]
pub(super) struct Overlaid<'s, C> {
    base: &'s Base,
    cursor: Cursor<'s, C>,
    /// What the cursor found, and was not told yet.
    held: Option<(u32, Entry)>,
    has_begun: bool,
    changes: &'s [Arc<Change>],
    until: Until,
}

impl<'s, C: BorrowMut<Cache>> Overlaid<'s, C> {
    pub(super) fn new(
        base: &'s Base,
        changes: &'s [Arc<Change>],
        cache: C,
        from: (&[u8], &[u8]),
        until: Until,
    ) -> Result<Self, Damage> {
        let cursor = Cursor::seek(base, cache, from, until.clone())?;
        let first = changes.partition_point(|change| order(change.key(), from).is_lt());
        Ok(Self { base, cursor, held: None, has_begun: false, changes: &changes[first..], until })
    }

    pub(super) fn next(&mut self) -> Result<Option<Found>, Damage> {
        if !self.has_begun {
            self.held = self.cursor.next()?;
            self.has_begun = true;
        }
        loop {
            let change =
                self.changes.first().filter(|change| !self.until.is_past(&change.directory, &change.name));
            let Some(change) = change else { return self.from_base() };
            if self.held.is_some() {
                match order(self.cursor.key(), change.key()) {
                    std::cmp::Ordering::Less => return self.from_base(),
                    std::cmp::Ordering::Equal => self.held = self.cursor.next()?,
                    std::cmp::Ordering::Greater => {}
                }
            }
            self.changes = &self.changes[1..];
            if let Some(bytes) = &change.entry {
                let malformed = |what| Damage::malformed(&super::files::delta_of(&self.base.path), 0, what);
                return Ok(Some(Found {
                    directory: change.directory.to_vec(),
                    name: change.name.to_vec(),
                    ordinal: Ordinal(self.base.count.saturating_add(change.number)),
                    entry: read_alone(bytes).map_err(malformed)?,
                }));
            }
        }
    }

    fn from_base(&mut self) -> Result<Option<Found>, Damage> {
        let Some((ordinal, entry)) = self.held.take() else { return Ok(None) };
        let (directory, name) = self.cursor.key();
        let (directory, name) = (directory.to_vec(), name.to_vec());
        self.held = self.cursor.next()?;
        Ok(Some(Found { directory, name, ordinal: Ordinal(ordinal), entry }))
    }
}
