//! What was accepted since a version was written, laid over it.

use std::borrow::BorrowMut;
use std::cmp::Ordering;
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
    let mut entry = Entry::blank();
    entry::read(&mut reader, &mut Context::default(), &packages, &mut entry)?;
    if reader.is_over() {
        Ok(entry)
    } else {
        Err(Malformed("an accepted entry does not end where it should"))
    }
}

/// An entry as it was agreed, until the next one is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub directory: &'a [u8],
    pub name: &'a [u8],
    pub ordinal: Ordinal,
    pub entry: &'a Entry,
}

/// A version and what was accepted since, as one.
#[derive(Debug)]
pub(super) struct Overlaid<'s, C> {
    base: &'s Base,
    cursor: Cursor<'s, C>,
    /// What the cursor is at.
    state: State,
    changes: &'s [Arc<Change>],
    until: Until,
    /// Of the change that was told last.
    changed: Entry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Something that was told already, or nothing yet.
    Told,
    /// Something that is to be told.
    Held,
    Over,
}

/// Who has the next entry.
#[derive(Debug)]
pub(super) enum Next<'s> {
    Base,
    Change(&'s Change),
}

impl<'s, C: BorrowMut<Cache>> Overlaid<'s, C> {
    pub(super) fn new(
        base: &'s Base,
        changes: &'s [Arc<Change>],
        cache: C,
        from: (&[u8], &[u8]),
        until: Until,
    ) -> Result<Self, Damage> {
        let first = changes.partition_point(|change| order(change.key(), from).is_lt());
        let cursor = Cursor::seek(base, cache, from, until.clone())?;
        let (changes, changed) = (&changes[first..], Entry::blank());
        Ok(Self { base, cursor, state: State::Told, changes, until, changed })
    }

    pub(super) fn into_cache(self) -> C {
        self.cursor.into_cache()
    }

    pub(super) fn next(&mut self) -> Result<Option<Seen<'_>>, Damage> {
        let next = self.advance()?;
        Ok(next.map(|next| self.seen(&next)))
    }

    /// What [`Self::advance`] came to.
    pub(super) fn seen(&self, next: &Next<'s>) -> Seen<'_> {
        match next {
            Next::Base => {
                let ((directory, name), (ordinal, entry)) = (self.cursor.key(), self.cursor.entry());
                Seen { directory, name, ordinal: Ordinal(ordinal), entry }
            }
            Next::Change(change) => {
                let (directory, name, ordinal) = (&*change.directory, &*change.name, self.ordinal(change));
                Seen { directory, name, ordinal, entry: &self.changed }
            }
        }
    }

    /// The same, to keep.
    pub(super) fn take(&mut self, keep: impl Fn(&[u8], &[u8]) -> Vec<u8>) -> Result<Option<Agreed>, Damage> {
        Ok(match self.advance()? {
            None => None,
            Some(Next::Base) => {
                let (directory, name) = self.cursor.key();
                let (kept, (ordinal, _)) = (keep(directory, name), self.cursor.entry());
                Some((kept, Ordinal(ordinal), self.cursor.take()))
            }
            Some(Next::Change(change)) => {
                let kept = keep(&change.directory, &change.name);
                Some((kept, self.ordinal(change), std::mem::replace(&mut self.changed, Entry::blank())))
            }
        })
    }

    pub(super) fn advance(&mut self) -> Result<Option<Next<'s>>, Damage> {
        loop {
            if self.state == State::Told {
                self.state = if self.cursor.next()? { State::Held } else { State::Over };
            }
            let changes: &'s [Arc<Change>] = self.changes;
            let change =
                changes.first().filter(|change| !self.until.is_past(&change.directory, &change.name));
            let which = match (self.state, change) {
                (State::Held, Some(change)) => order(self.cursor.key(), change.key()),
                (State::Held, None) => Ordering::Less,
                (_, Some(_)) => Ordering::Greater,
                (_, None) => return Ok(None),
            };
            if which != Ordering::Greater {
                self.state = State::Told;
            }
            if which == Ordering::Less {
                return Ok(Some(Next::Base));
            }
            let Some((change, rest)) = changes.split_first() else { return Ok(None) };
            self.changes = rest;
            if let Some(bytes) = &change.entry {
                let malformed =
                    |what| Damage::malformed(&super::files::delta_of(&self.base.path), None, what);
                self.changed = read_alone(bytes).map_err(malformed)?;
                return Ok(Some(Next::Change(change)));
            }
        }
    }

    fn ordinal(&self, change: &Change) -> Ordinal {
        Ordinal(self.base.count.saturating_add(change.number))
    }
}

/// The name or the path of an object, whichever was asked for, and what was agreed of it.
pub type Agreed = (Vec<u8>, Ordinal, Entry);
