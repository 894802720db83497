//! Looks at single paths as soon as something was done to them, with the baseline held open.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::account::account;
use super::agreed::Agreed;
use super::clock::Clock;
use super::compare::is_same_by_metadata;
use super::comparing::Comparing;
use super::diff::{CannotCompare, Counts, Depth, Identity, agreed, demand_seal, texts, trusted};
use super::drift::{Drift, Fields, Matter, Unseen};
use super::found::{Found, Same};
use super::selection::{Scope, Selection, is_at_or_below};
use super::store::{Cache, Ordinal, Store};
use crate::finding::Severity;
use crate::host::files::Mounts;
use crate::host::object::{self, Moment};
use crate::host::packages::recorded::{self, Digest, Known};
use crate::host::tree::{Crew, Limits, Point, Pointed, Walk};
use crate::host::{Host, Kind, Text};
use crate::policy::Policy;
use crate::policy::rules::Rules;

/// A path to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Look {
    pub path: Vec<u8>,
    /// All that is below it as well.
    pub is_tree: bool,
}

/// What a look at some paths found.
#[derive(Debug, Clone)]
pub struct Looked {
    pub identity: Identity,
    pub at: Timestamp,
    /// Sorted. Where a directory on the way to a path is gone, it is that one, with all that was below it.
    pub looked: Vec<Look>,
    /// Sorted by path; the worst, where there are more than are told.
    pub drifts: Vec<Drift>,
    /// What is as agreed, and was changed in between; sorted by path.
    pub passed: Vec<Passed>,
    pub unseen: Vec<Unseen>,
    pub counts: Counts,
    /// How many contents were read.
    pub contents: u64,
}

/// It is as agreed, although it is not the object that was last seen there, or was changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    pub path: Vec<u8>,
    /// What a difference there weighs.
    pub severity: Severity,
    pub matter: Option<Matter>,
    /// It was agreed on, and is there; otherwise neither.
    pub is_there: bool,
    /// Its names change it: only what was done to itself counts.
    pub is_directory: bool,
}

/// A baseline, to look at what happens.
#[derive(Debug)]
pub struct Live {
    host: Host,
    policy: Arc<Policy>,
    rules: Arc<Rules>,
    directory: PathBuf,
    store: Store,
    /// What packages record, and whether that may be a SHA-256.
    known: Known,
    has_sha256: bool,
    /// How each path stood that is as agreed and yet was changed since it was agreed on.
    seen: HashMap<u64, (u64, Moment)>,
    key: std::hash::RandomState,
    /// Hashes that were found right, or wrong, and are not kept yet.
    hashed: Vec<(Ordinal, Option<Timestamp>)>,
}

impl Live {
    /// `None` where there is no baseline.
    pub fn open(host: Host, policy: Arc<Policy>, store: &Path) -> Result<Option<Self>, CannotCompare> {
        let directory = store.to_owned();
        let Some(store) = Store::open(store)? else { return Ok(None) };
        demand_seal(&policy, &store)?;
        let (rules, known) = (policy.rules(), Known::default());
        let (seen, key, hashed) = Default::default();
        let has_sha256 = recorded::has_sha256(&host);
        Ok(Some(Self { host, policy, rules, directory, store, known, has_sha256, seen, key, hashed }))
    }

    /// Whether nothing was agreed since it was opened.
    pub fn is_current(&self) -> bool {
        self.store.is_current()
    }

    pub fn identity(&self) -> Identity {
        self.store.identity()
    }

    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The directory that paths are below.
    pub fn root(&self) -> &Path {
        self.host.root_path()
    }

    /// Where the baseline is kept.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Reads what packages record, before anybody waits for it.
    pub fn warm(&mut self) {
        let _ = self.known.now(&self.host);
    }

    /// The package that has a file, and the digest that it records of it.
    pub fn recorded(&mut self, path: &[u8]) -> Option<(Text, Option<Digest>)> {
        let record = self.known.now(&self.host).ok()??.get(path)?;
        Some((record.owner.package.clone(), record.digest))
    }

    /// For the watch.
    pub fn agreed(&self) -> Result<Agreed, CannotCompare> {
        let agreed = Agreed::default();
        agreed.replace(Some(self))?;
        Ok(agreed)
    }

    /// Looks at these paths and at nothing beside them. What nobody agreed on is looked at with all that is below it.
    pub fn look(&mut self, paths: &[Look]) -> Result<Looked, CannotCompare> {
        self.look_for(paths, |_| true)
    }

    /// As [`Live::look`], but nobody wants to know of other differences than these.
    pub fn look_for(
        &mut self,
        paths: &[Look],
        is_wanted: impl Fn(&Drift) -> bool,
    ) -> Result<Looked, CannotCompare> {
        let at = Timestamp::now();
        let mounts = Mounts::of(&self.host)?;
        let (points, strange) = self.points(paths)?;
        let (mut found, pointed) = self.compare(at, &mounts, &points)?;
        found.drifts.retain(is_wanted);
        found.trim(MOST);
        found.drifts.sort_by(|a, b| a.path.cmp(&b.path));
        self.explain(&mut found);
        let mut passed = self.passed(std::mem::take(&mut found.same));
        passed.extend(self.planted(strange, &found));
        passed.sort_by(|a, b| a.path.cmp(&b.path));
        self.remember(at, &found);
        let looked = pointed.looked.into_iter().map(|(path, is_tree)| Look { path, is_tree });
        let mut looked: Vec<Look> = looked.collect();
        looked.sort_unstable();
        let Found { drifts, unseen, counts, .. } = found;
        let (identity, contents) = (self.store.identity(), pointed.totals.files);
        Ok(Looked { identity, at, looked, drifts, passed, unseen, counts, contents })
    }

    /// Writes down which hashes were found right or wrong. By itself that is done now and then.
    pub fn keep(&mut self) {
        let hashed = std::mem::take(&mut self.hashed);
        if !hashed.is_empty() {
            // Who may only read has looked all the same.
            let _ = self.store.set_verified(&hashed, None);
        }
    }

    fn compare(
        &self,
        at: Timestamp,
        mounts: &Mounts,
        points: &[Point],
    ) -> Result<(Found, Pointed), CannotCompare> {
        let now = Clock::now(&self.host);
        let steady = now.since(self.store.header());
        let wanted = Depth::Metadata { rehash: None };
        let (depth, not_before) = trusted(wanted, steady, &now, &self.store);
        let (selection, algorithm) = (Selection::default(), self.policy.files_algorithm());
        let comparing = Comparing {
            not_before,
            is_live: true,
            has_sha256: self.has_sha256,
            ..Comparing::new(&self.store, &self.rules, &selection, depth, algorithm, at, MOST)
        };
        let walk = Walk {
            host: &self.host,
            mounts,
            crew: Crew { first: 1, most: 1 },
            pace: None,
            limits: Limits { max_file: self.policy.files_max_bytes(), is_watched: true },
            file_systems: self.policy.network_file_systems(),
            // Whoever ends the sensor does not wait for it.
            is_over: &AtomicBool::new(false),
            tell: &|_| {},
        };
        let last = RefCell::new((Vec::new(), Some(Scope::root(&self.rules, &selection))));
        // Names of one directory come one after another.
        let scope = |directory: &[u8]| {
            let mut last = last.borrow_mut();
            if last.0 != directory {
                *last = (directory.to_vec(), Scope::within(&self.rules, directory));
            }
            last.1.clone()
        };
        let pointed = walk.point(&comparing, &scope, points)?;
        let mut found = comparing.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        match found.damage.take() {
            Some(damage) => Err(damage.into()),
            None => Ok((found, pointed)),
        }
    }

    /// In the order of the tree, none of them below another; and those that nobody agreed on.
    fn points(&self, paths: &[Look]) -> Result<(Vec<Point>, Vec<Vec<u8>>), CannotCompare> {
        let mut sorted: Vec<&Look> = paths.iter().collect();
        sorted.sort_by(|a, b| object::order(object::split(&a.path), object::split(&b.path)));
        let (mut points, mut strange) = (Vec::<Point>::with_capacity(sorted.len()), Vec::new());
        let (mut cache, mut trees) = (Cache::default(), Trees::default());
        for look in sorted {
            let (directory, name) = object::split(&look.path);
            let agreed = self.store.entry(&look.path, &mut cache)?;
            if agreed.is_none() {
                strange.push(look.path.clone());
            }
            let was_directory = agreed.is_some_and(|(_, entry)| entry.object.kind == Kind::Directory);
            let is_tree = look.is_tree || !was_directory;
            match points.last_mut() {
                Some(last) if last.directory == directory && last.name == name => last.is_tree |= is_tree,
                _ => {
                    points.push(Point { directory: directory.to_vec(), name: name.to_vec(), is_tree });
                }
            }
            if is_tree {
                trees.add(&look.path);
            }
        }
        points.retain(|point| !trees.has_above(&point.directory));
        Ok((points, strange))
    }

    /// What packages say of what differs, and which lines of a text do.
    fn explain(&mut self, found: &mut Found) {
        if found.drifts.is_empty() {
            return;
        }
        let Self { store, known, host, .. } = self;
        let owner = |drift: &Drift| Some(agreed(store, drift)?.owner?.package.to_string());
        found.counts.explained = account(known.now(host), &mut found.drifts, owner);
        texts(store, &mut found.drifts);
    }

    /// Of what is as agreed, what is another object than the last time, or was changed since.
    fn passed(&mut self, same: Vec<Same>) -> Vec<Passed> {
        if self.seen.len() > MOST_SEEN {
            self.seen.clear();
        }
        let mut passed = Vec::new();
        for Same { path, inode, changed, severity, matter, is_directory } in same {
            let state = (inode, changed);
            if self.seen.insert(self.key.hash_one(&path), state) != Some(state) {
                passed.push(Passed { path, severity, matter, is_there: true, is_directory });
            }
        }
        passed
    }

    /// What nobody agreed on and is not there, where it would have mattered.
    fn planted(&self, strange: Vec<Vec<u8>>, found: &Found) -> Vec<Passed> {
        let is_told = |path: &[u8]| {
            found.drifts.binary_search_by(|drift| drift.path[..].cmp(path)).is_ok()
                || found.unseen.iter().any(|unseen| is_at_or_below(path, &unseen.path))
        };
        let planted = |path: Vec<u8>| {
            let matter = Matter::of_path(&path)?;
            let rule = self.rules.of_path(&path)?;
            let severity = Matter::severity(Some(matter), &path, rule);
            let (matter, is_there, is_directory) = (Some(matter), false, false);
            Some(Passed { path, severity, matter, is_there, is_directory })
        };
        strange.into_iter().filter(|path| !is_told(path)).filter_map(planted).collect()
    }

    fn remember(&mut self, at: Timestamp, found: &Found) {
        self.hashed.extend(found.verified.iter().map(|ordinal| (*ordinal, Some(at))));
        self.hashed.extend(found.refuted.iter().map(|ordinal| (*ordinal, None)));
        // Whoever goes by the metadata would take it for the same.
        let is_hidden = |drift: &Drift| match (&drift.before, &drift.after) {
            (Some(before), Some(after)) => {
                drift.fields.contains(Fields::CONTENT) && is_same_by_metadata(before, after)
            }
            _ => false,
        };
        if self.hashed.len() >= BATCH || found.drifts.iter().any(is_hidden) {
            self.keep();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.keep();
    }
}

/// Paths that are looked at with all that is below them.
#[derive(Default)]
struct Trees(HashSet<Vec<u8>>);

impl Trees {
    fn add(&mut self, path: &[u8]) {
        self.0.insert(if path == b"/" { Vec::new() } else { path.to_vec() });
    }

    /// Whether this directory or one above it is one of them.
    fn has_above(&self, directory: &[u8]) -> bool {
        let above =
            directory.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &directory[..at]);
        above.chain([directory]).any(|path| self.0.contains(path))
    }
}

/// As many as a comparison of everything tells.
const MOST: usize = 20_000;
/// A megabyte.
const MOST_SEEN: usize = 16 * 1024;
/// Hashes that wait to be kept: a page of what is written.
const BATCH: usize = 1_024;

#[cfg(test)]
mod tests;
