//! Paths that were touched and are not handed over yet: each once, with when its time comes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::gathered::{Gathered, Settle, Touch};
use super::pace::Pace;
use super::{Held, Touched};
use crate::host::actor::Actor;

#[derive(Debug)]
pub(super) struct Pending {
    held: Held,
    paths: HashMap<Arc<[u8]>, Entry>,
    /// By when they are due, then in the order in which they came.
    order: BTreeSet<(Instant, u64, Arc<[u8]>)>,
    pace: Pace<Arc<[u8]>>,
    came: u64,
    room: usize,
}

#[derive(Debug)]
struct Entry {
    gathered: Gathered,
    /// Without regard to its pace.
    settled: Instant,
    due: Instant,
    came: u64,
    first: Instant,
}

/// What became of a touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    New,
    Known,
    /// There are too many already.
    NoRoom,
}

impl Pending {
    pub(super) fn new(held: Held, room: usize) -> Self {
        let (paths, order) = (HashMap::new(), BTreeSet::new());
        Self { held, paths, order, pace: Pace::new(room), came: 0, room }
    }

    pub(super) fn take(&mut self, touch: &Touch, actor: Option<Arc<Actor>>, now: Instant) -> Taken {
        if let Some(entry) = self.paths.get_mut(&touch.path) {
            entry.gathered.add(touch, actor);
            let settled = entry.settles(touch.settle, now);
            self.move_to(&touch.path, settled);
            return Taken::Known;
        }
        if self.is_full() {
            return Taken::NoRoom;
        }
        self.held.hold(&touch.path);
        self.insert(&touch.path, Gathered::of(touch, actor), now + delay(touch.settle), now);
        Taken::New
    }

    /// What was kept elsewhere, and is held for that already.
    pub(super) fn take_over(&mut self, path: &Arc<[u8]>, earlier: Gathered, now: Instant) {
        match self.paths.get_mut(path) {
            Some(entry) => {
                entry.gathered.follows(earlier);
                // It is handed over once, and so it is held once.
                self.held.release(std::iter::once(&path[..]));
            }
            None => self.insert(path, earlier, now, now),
        }
    }

    fn insert(&mut self, path: &Arc<[u8]>, gathered: Gathered, settled: Instant, now: Instant) {
        let due = self.pace.not_before(path).map_or(settled, |pace| settled.max(pace));
        self.came += 1;
        self.order.insert((due, self.came, path.clone()));
        let entry = Entry { gathered, settled, due, came: self.came, first: now };
        self.paths.insert(path.clone(), entry);
    }

    fn move_to(&mut self, path: &Arc<[u8]>, settled: Instant) {
        let Some(entry) = self.paths.get_mut(path) else { return };
        let due = self.pace.not_before(path).map_or(settled, |pace| settled.max(pace));
        entry.settled = settled;
        if due != entry.due {
            self.order.remove(&(entry.due, entry.came, path.clone()));
            self.order.insert((due, entry.came, path.clone()));
            entry.due = due;
        }
    }

    /// It has become what it is to be, as somebody found out.
    pub(super) fn hurry(&mut self, path: &Arc<[u8]>, now: Instant) {
        self.move_to(path, now);
    }

    pub(super) fn contains(&self, path: &[u8]) -> bool {
        self.paths.contains_key(path)
    }

    pub(super) fn is_full(&self) -> bool {
        self.paths.len() >= self.room
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.order.first().map(|(due, _, _)| *due)
    }

    /// Those whose time has come, at most so many. They are no longer kept, but held until somebody releases them.
    pub(super) fn ready(&mut self, now: Instant, most: usize) -> Vec<Touched> {
        self.pace.forget(now);
        let mut ready = Vec::new();
        while ready.len() < most && self.due().is_some_and(|due| due <= now) {
            let Some((_, _, path)) = self.order.pop_first() else { break };
            let Some(entry) = self.paths.remove(&path) else { continue };
            ready.push(entry.gathered.touched(&path));
            self.pace.went(path, now);
        }
        if self.paths.is_empty() && self.paths.capacity() > KEPT {
            // A storm is over: what it took is given back.
            self.paths = HashMap::new();
        }
        ready
    }
}

impl Entry {
    /// What has settled stays settled; else the last event decides, but not for ever.
    fn settles(&self, settle: Settle, now: Instant) -> Instant {
        if self.settled <= now {
            return self.settled;
        }
        match settle {
            Settle::AtOnce => now,
            Settle::AsItIs => self.settled,
            settle => (now + delay(settle)).min(self.first + LONGEST),
        }
    }
}

fn delay(settle: Settle) -> Duration {
    match settle {
        Settle::AtOnce | Settle::AsItIs => Duration::ZERO,
        Settle::Deleted => DELETED,
        Settle::Created => CREATED,
    }
}

/// A file that is replaced by deleting it first is back within that.
const DELETED: Duration = Duration::from_millis(10);
/// Whoever makes a file writes it and closes it, which is told; who does not, keeps it open.
const CREATED: Duration = Duration::from_millis(500);
/// Deleting and making it again and again does not put it off further.
const LONGEST: Duration = Duration::from_secs(1);
const KEPT: usize = 1_024;

#[cfg(test)]
mod tests;
