//! What the runs of package managers touched, kept until each is over: it is looked at once, as a whole.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::gathered::{Gathered, Touch};
use super::who::{Ended, OfRun, UpdateId};
use super::{Held, OfUpdate, Update};
use crate::host::actor::Actor;

#[derive(Debug)]
pub(super) struct Runs {
    held: Held,
    runs: BTreeMap<UpdateId, Run>,
    /// Of all runs together.
    count: usize,
    room: usize,
    /// When there is something of others to tell, at the earliest.
    meanwhile: Option<Instant>,
}

#[derive(Debug, Default)]
struct Run {
    paths: HashMap<Arc<[u8]>, (Gathered, bool)>,
    /// Somebody outside of it touched these, too: they are no part of it, whatever it does to them later.
    shared: HashSet<Arc<[u8]>>,
    /// What others than the package manager touched, and is not told yet: when for the first time, and when last.
    others: HashMap<Arc<[u8]>, (Instant, Instant)>,
    is_cut: bool,
}

impl Runs {
    pub(super) fn new(held: Held, room: usize) -> Self {
        Self { held, runs: BTreeMap::new(), count: 0, room, meanwhile: None }
    }

    /// Whether it is kept as a part of that run; everybody else's it has to be otherwise.
    pub(super) fn take(&mut self, of: OfRun, touch: &Touch, actor: Option<Arc<Actor>>, now: Instant) -> bool {
        let run = self.runs.entry(of.id).or_default();
        if run.shared.contains(&touch.path) {
            return false;
        }
        if let Some((gathered, by_manager)) = run.paths.get_mut(&touch.path) {
            gathered.add(touch, actor);
            *by_manager &= of.is_manager;
            self.is_of_others(of, &touch.path, now);
            return true;
        }
        if self.count >= self.room {
            run.is_cut = true;
            return false;
        }
        self.count += 1;
        self.held.hold(&touch.path);
        run.paths.insert(touch.path.clone(), (Gathered::of(touch, actor), of.is_manager));
        self.is_of_others(of, &touch.path, now);
        true
    }

    fn is_of_others(&mut self, of: OfRun, path: &Arc<[u8]>, now: Instant) {
        let Some(run) = self.runs.get_mut(&of.id).filter(|_| !of.is_manager) else { return };
        run.others.entry(path.clone()).or_insert((now, now)).1 = now;
        self.meanwhile.get_or_insert(now + REST);
    }

    /// When [`Runs::meanwhile`] has to be asked next.
    pub(super) fn due(&self) -> Option<Instant> {
        self.meanwhile
    }

    /// What others touched and have left alone for a while, of all runs; at most so many, each once until it is touched again.
    pub(super) fn meanwhile(&mut self, now: Instant, most: usize) -> Vec<OfUpdate> {
        let mut told = Vec::new();
        if self.meanwhile.is_none_or(|due| due > now) {
            return told;
        }
        for run in self.runs.values_mut() {
            let paths = &run.paths;
            run.others.retain(|path, (first, last)| {
                let Some((gathered, by_manager)) = paths.get(path) else { return false };
                let has_rested = now >= *last + REST || now >= *first + LONGEST;
                if !has_rested || told.len() >= most {
                    return true;
                }
                let touched = gathered.clone().touched(path);
                told.push(OfUpdate { touched, by_manager: *by_manager });
                false
            });
        }
        self.meanwhile = self.runs.values().any(|run| !run.others.is_empty()).then(|| now + REST);
        told.sort_unstable_by(|one, other| one.touched.path.cmp(&other.touched.path));
        told
    }

    /// Somebody outside touched this, and all below it if it is a tree: it is part of no run. What the runs did to it until
    /// now, for whoever looks at it; it is held still.
    pub(super) fn leave(&mut self, path: &Arc<[u8]>, is_tree: bool) -> Vec<(Arc<[u8]>, Gathered)> {
        let mut left = Vec::new();
        for run in self.runs.values_mut() {
            let mut gone: Vec<Arc<[u8]>> =
                run.paths.get_key_value(path).map(|(path, _)| path.clone()).into_iter().collect();
            if is_tree {
                gone.extend(run.paths.keys().filter(|below| is_below(below, path)).cloned());
            }
            for path in gone {
                if let Some((gathered, _)) = run.paths.remove(&path) {
                    self.count -= 1;
                    run.shared.insert(path.clone());
                    left.push((path, gathered));
                }
            }
        }
        left
    }

    /// The path has to be handed over already, for somebody outside: what the run does to it goes along.
    pub(super) fn share(&mut self, of: OfRun, path: &Arc<[u8]>) {
        let run = self.runs.entry(of.id).or_default();
        if !run.paths.contains_key(path) && run.shared.len() < self.room {
            run.shared.insert(path.clone());
        }
    }

    pub(super) fn contains(&self, path: &[u8]) -> bool {
        self.runs.values().any(|run| run.paths.contains_key(path))
    }

    /// None where it touched nothing that anybody wants to know of.
    pub(super) fn finish(&mut self, ended: Ended) -> Option<Update> {
        let run = self.runs.remove(&ended.id)?;
        self.count -= run.paths.len();
        let mut touched: Vec<OfUpdate> = run
            .paths
            .into_iter()
            .map(|(path, (gathered, by_manager))| OfUpdate { touched: gathered.touched(&path), by_manager })
            .collect();
        touched.sort_unstable_by(|one, other| one.touched.path.cmp(&other.touched.path));
        let Ended { manager, by, began, ended, is_cut, .. } = ended;
        let is_cut = is_cut || run.is_cut;
        (!touched.is_empty() || is_cut).then_some(Update { manager, by, began, ended, touched, is_cut })
    }
}

fn is_below(path: &[u8], directory: &[u8]) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.first() == Some(&b'/'))
}

/// Scripts write a file, move it into its place and give it to its owner, one after another.
const REST: Duration = Duration::from_secs(1);
/// Whoever goes on and on is looked at all the same.
const LONGEST: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
