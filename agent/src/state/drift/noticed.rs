//! What events tell of a difference, as a record has it.

use std::collections::BTreeMap;

use super::exact;
use super::sight::above;
use crate::finding::wire::body::{ActorBody, Noticed, OtherActor, Seen, Told};
use crate::watch::files::{How, Touched};

/// What was touched: the path itself, else what is above it, else something below it.
pub(super) fn of<'t, T>(
    touched: &BTreeMap<Vec<u8>, &'t T>,
    path: &[u8],
    is_tree: impl Fn(&T) -> bool,
) -> Option<&'t T> {
    let whole = |path: &[u8]| touched.get(path).copied().filter(|touched| is_tree(touched));
    let below = || {
        let first = [path, b"/"].concat();
        let (next, touched) = touched.range(first.clone()..).next()?;
        next.starts_with(&first).then_some(*touched)
    };
    touched.get(path).copied().or_else(|| above(path).rev().find_map(whole)).or_else(below)
}

/// What is not seen to happen was found by looking.
pub(super) fn told(touched: Option<&Touched>) -> Noticed {
    let Some(touched) = touched else { return Noticed { seen: Some(Seen::Sweep), ..Noticed::default() } };
    let mut actors = touched.actors.iter();
    Noticed {
        actor: actors.next().map(|actor| Box::new(ActorBody::of(actor))),
        others: actors.map(|actor| OtherActor::of(actor)).collect(),
        more_actors: touched.more_actors,
        how: touched.how.names().map(Told::new).collect(),
        count: Some(touched.count),
        seen: Some(if touched.how == How::FOUND { Seen::Sweep } else { Seen::Event }),
        first: Some(exact(touched.first)),
        last: Some(exact(touched.last)),
        alias: touched.alias.as_deref().map(crate::finding::wire::object::text),
        ..Noticed::default()
    }
}

pub(super) fn has_any(how: How, of: &[How]) -> bool {
    of.iter().any(|one| how.contains(*one))
}

/// What puts other bytes there.
pub(super) const WRITES: &[How] = &[How::CREATED, How::WRITTEN, How::MOVED_HERE, How::MODIFIED];
