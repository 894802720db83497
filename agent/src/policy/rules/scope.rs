//! Patterns, stepped through a component at a time.
//!
//! A scope is what is left of the patterns in a directory. The scopes of a tree are few (all of /usr/share has the same
//! one), so each is made once and shared: to ask for a name allocates nothing, and below a lone `**` nothing is compared.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::pattern::Part;

/// What holds in a directory.
#[derive(Debug, Clone)]
pub struct Scope(Arc<Node>);

/// A pattern and whose it is.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) rule: usize,
    pub(super) is_nothing: bool,
    pub(super) parts: Vec<Part>,
}

/// A pattern of which the first parts are behind us; the next one is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place {
    pattern: usize,
    at: usize,
}

#[derive(Debug)]
struct Node {
    /// Sorted; of patterns that still can decide anything.
    places: Vec<Place>,
    /// The last rule that matches everything from here on.
    everything: Option<usize>,
    /// Rules of single names, which are later than that one: sorted by name, the last rule of each.
    literals: Vec<(Box<[u8]>, usize)>,
    /// The same for what is no literal, the last rule first.
    globs: Vec<(usize, Part)>,
    /// Whether nothing but `**` is left, so that all below is the same.
    is_uniform: bool,
    is_worth_it: bool,
}

impl Scope {
    /// Whether anything below can be compared.
    pub(super) fn is_worth_it(&self) -> bool {
        self.0.is_worth_it
    }
}

/// The patterns, and the scopes that were met.
#[derive(Debug)]
pub(super) struct Graph {
    patterns: Vec<Compiled>,
    met: Mutex<HashMap<Vec<Place>, Scope>>,
}

impl Graph {
    pub(super) fn new(patterns: Vec<Compiled>) -> (Self, Scope) {
        let graph = Self { patterns, met: Mutex::default() };
        let mut places = Vec::new();
        for pattern in 0..graph.patterns.len() {
            graph.put(Place { pattern, at: 0 }, &mut places);
        }
        let root = graph.scope(graph.pruned(places));
        (graph, root)
    }

    /// The last rule that matches a name.
    pub(super) fn last(&self, scope: &Scope, name: &[u8]) -> Option<usize> {
        let node = &scope.0;
        let mut last = node.everything;
        if let Ok(at) = node.literals.binary_search_by(|(literal, _)| (**literal).cmp(name)) {
            last = last.max(Some(node.literals[at].1));
        }
        let later = node.globs.iter().take_while(|(rule, _)| Some(*rule) > last);
        later.into_iter().find(|(_, part)| part.matches(name)).map_or(last, |(rule, _)| Some(*rule))
    }

    /// What holds in a directory below; `None` where no pattern is left.
    pub(super) fn step(&self, scope: &Scope, name: &[u8]) -> Option<Scope> {
        let node = &scope.0;
        if node.is_uniform {
            return Some(scope.clone());
        }
        let mut next = Vec::with_capacity(node.places.len());
        for &place in &node.places {
            match self.part(place) {
                Some(Part::Any) => self.put(place, &mut next),
                Some(part) if part.matches(name) => {
                    self.put(Place { at: place.at + 1, ..place }, &mut next);
                }
                _ => {}
            }
        }
        let next = self.pruned(next);
        if next == node.places {
            return Some(scope.clone());
        }
        if next.is_empty() {
            return None;
        }
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scope) = met.get(&next) {
            return Some(scope.clone());
        }
        let scope = self.scope(next);
        if met.len() < MAX_MET {
            met.insert(scope.0.places.clone(), scope.clone());
        }
        Some(scope)
    }

    fn part(&self, place: Place) -> Option<&Part> {
        self.patterns[place.pattern].parts.get(place.at)
    }

    /// A `**` may stand for nothing: what follows it is there, too. What is at its end matches nothing below.
    fn put(&self, place: Place, places: &mut Vec<Place>) {
        match self.part(place) {
            None => {}
            Some(Part::Any) => {
                places.push(place);
                self.put(Place { at: place.at + 1, ..place }, places);
            }
            Some(_) => places.push(place),
        }
    }

    /// Without what a later rule decides anyway.
    fn pruned(&self, mut places: Vec<Place>) -> Vec<Place> {
        let everything = self.everything(&places);
        places.retain(|place| {
            let rule = self.patterns[place.pattern].rule;
            Some(rule) > everything || (Some(rule) == everything && self.is_everything(*place))
        });
        places.sort_unstable();
        places.dedup();
        // One that matches everything is as good as two.
        let mut is_there = false;
        places.retain(|place| !self.is_everything(*place) || !std::mem::replace(&mut is_there, true));
        places
    }

    fn everything(&self, places: &[Place]) -> Option<usize> {
        let all = places.iter().filter(|place| self.is_everything(**place));
        all.map(|place| self.patterns[place.pattern].rule).max()
    }

    /// Whether the `**` at the end of a pattern is next.
    fn is_everything(&self, place: Place) -> bool {
        self.patterns[place.pattern].parts.len() == place.at + 1 && self.part(place) == Some(&Part::Any)
    }

    fn scope(&self, places: Vec<Place>) -> Scope {
        let everything = self.everything(&places);
        let (mut literals, mut globs) = (Vec::new(), Vec::new());
        for &place in &places {
            let Compiled { rule, parts, .. } = &self.patterns[place.pattern];
            let is_last = match &parts[place.at + 1..] {
                [] => true,
                [rest] => *rest == Part::Any,
                _ => false,
            };
            match &parts[place.at] {
                Part::Any => {}
                _ if !is_last => {}
                Part::Literal(literal) => literals.push((literal.clone(), *rule)),
                part => globs.push((*rule, part.clone())),
            }
        }
        // The last rule of each name goes first and is the one that stays.
        literals.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        literals.dedup_by(|a, b| a.0 == b.0);
        globs.sort_by_key(|(rule, _)| std::cmp::Reverse(*rule));
        let is_uniform = places.iter().all(|place| self.is_everything(*place));
        let is_worth_it = places.iter().any(|place| !self.patterns[place.pattern].is_nothing);
        Scope(Arc::new(Node { places, everything, literals, globs, is_uniform, is_worth_it }))
    }
}

/// The built-in rules have some hundred scopes. Patterns can be made up that have any number.
const MAX_MET: usize = 4_096;
