//! What happened to one path until somebody is told of it.

use std::sync::Arc;

use jiff::Timestamp;

use super::{How, MAX_ACTORS, Touched};
use crate::host::actor::Actor;

/// One event, or several by the same process one after another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Touch {
    pub(super) path: Arc<[u8]>,
    pub(super) is_tree: bool,
    pub(super) how: How,
    pub(super) count: u64,
    pub(super) at: Timestamp,
    pub(super) settle: Settle,
    /// Under which name, where that is another one.
    pub(super) alias: Option<Arc<[u8]>>,
}

impl Touch {
    /// Whether this one went on with what another one did to the same path; `self` stands for both then.
    pub(super) fn absorb(&mut self, later: &Self) -> bool {
        if self.path != later.path || self.alias != later.alias {
            return false;
        }
        self.is_tree |= later.is_tree;
        self.how.insert(later.how);
        self.count += later.count;
        self.at = later.at;
        if self.settle != Settle::AtOnce && later.settle != Settle::AsItIs {
            self.settle = later.settle;
        }
        true
    }
}

/// When a path has become what it is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settle {
    /// It is.
    AtOnce,
    /// It is, unless it was made just before: files are given to their owners before they are written.
    AsItIs,
    /// It was deleted: something may follow in its place.
    Deleted,
    /// It was made: it will be written to and closed.
    Created,
}

/// Everything about a path but the path.
#[derive(Debug, Clone)]
pub(super) struct Gathered {
    is_tree: bool,
    how: How,
    count: u64,
    first: Timestamp,
    last: Timestamp,
    actors: Vec<Arc<Actor>>,
    more_actors: u64,
    alias: Option<Arc<[u8]>>,
}

impl Gathered {
    pub(super) fn of(touch: &Touch, actor: Option<Arc<Actor>>) -> Self {
        Self {
            is_tree: touch.is_tree,
            how: touch.how,
            count: touch.count,
            first: touch.at,
            last: touch.at,
            actors: actor.into_iter().collect(),
            more_actors: 0,
            alias: touch.alias.clone(),
        }
    }

    pub(super) fn add(&mut self, touch: &Touch, actor: Option<Arc<Actor>>) {
        self.is_tree |= touch.is_tree;
        self.how.insert(touch.how);
        self.count += touch.count;
        self.last = self.last.max(touch.at);
        if let Some(actor) = actor {
            self.did(actor);
        }
        if touch.alias.is_some() {
            self.alias.clone_from(&touch.alias);
        }
    }

    /// Puts what is known from elsewhere before this.
    pub(super) fn follows(&mut self, earlier: Self) {
        self.is_tree |= earlier.is_tree;
        self.how.insert(earlier.how);
        self.count += earlier.count;
        self.first = self.first.min(earlier.first);
        self.last = self.last.max(earlier.last);
        self.more_actors += earlier.more_actors;
        for actor in earlier.actors {
            match self.actors.iter().any(|known| is_same(known, &actor)) {
                true => {}
                false if self.actors.len() < MAX_ACTORS => self.actors.push(actor),
                false => self.more_actors += 1,
            }
        }
        self.alias = self.alias.take().or(earlier.alias);
    }

    /// The last one comes first.
    fn did(&mut self, actor: Arc<Actor>) {
        if let Some(at) = self.actors.iter().position(|known| is_same(known, &actor)) {
            self.actors.remove(at);
        } else if self.actors.len() == MAX_ACTORS {
            self.actors.pop();
            self.more_actors += 1;
        }
        self.actors.insert(0, actor);
    }

    pub(super) fn touched(self, path: &[u8]) -> Touched {
        Touched {
            path: path.to_vec(),
            is_tree: self.is_tree,
            how: self.how,
            count: self.count,
            first: self.first,
            last: self.last,
            actors: self.actors,
            more_actors: self.more_actors,
            alias: self.alias.map(|alias| alias.to_vec()),
        }
    }
}

/// One process that executes one program.
fn is_same(one: &Arc<Actor>, other: &Arc<Actor>) -> bool {
    let file = |actor: &Actor| actor.program.as_ref().map(|program| (program.device, program.inode));
    Arc::ptr_eq(one, other) || one.pid == other.pid && one.began == other.began && file(one) == file(other)
}
