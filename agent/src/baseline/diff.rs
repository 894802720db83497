//! A look at the whole tree, compared with the baseline.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::drift::{Drift, Unseen};
use crate::host::Host;
use crate::policy::Policy;

/// What to compare, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where the baseline is kept.
    pub store: PathBuf,
    /// Only what is at or below these paths; everything where there is none.
    pub paths: Vec<Vec<u8>>,
    pub depth: Depth,
    /// Gives way to the machine's own work.
    pub is_polite: bool,
    /// No more differences than so many are told one by one; the worst stay.
    pub most: usize,
}

/// How far a look goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every content is read.
    Full,
    /// What has the inode, size, ctime and flags that were agreed is not read, unless its hash is older than so.
    Metadata { rehash: Option<Duration> },
}

/// What a look found.
#[derive(Debug, Clone)]
pub struct Report {
    pub began: Timestamp,
    pub took: Duration,
    /// Sorted by path; at most as many as were asked for.
    pub drifts: Vec<Drift>,
    pub counts: Counts,
    /// The first of what could not be looked at.
    pub unseen: Vec<Unseen>,
    pub identity: Identity,
}

/// Whose baseline it was compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identity {
    pub version: u64,
    /// The same on machines that agree in everything that is not each machine's own.
    pub root: [u8; 32],
    /// Of the very files that it is kept in.
    pub state: [u8; 32],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Objects that were looked at.
    pub objects: u64,
    /// Of those, contents that were read and found as agreed.
    pub by_hash: u64,
    /// Of those, contents that were taken to be as agreed because their metadata are.
    pub by_metadata: u64,
    /// Bytes that were hashed.
    pub bytes: u64,
    pub added: u64,
    pub removed: u64,
    pub modified: u64,
    pub unstable: u64,
    /// Of all these, how many a package accounts for.
    pub explained: u64,
    /// Directories and objects that could not be looked at.
    pub unseen: u64,
}

impl Counts {
    pub fn drifts(&self) -> u64 {
        self.added + self.removed + self.modified + self.unstable
    }

    pub(super) fn add(&mut self, other: &Self) {
        let Self {
            objects,
            by_hash,
            by_metadata,
            bytes,
            added,
            removed,
            modified,
            unstable,
            explained,
            unseen,
        } = other;
        self.objects += objects;
        self.by_hash += by_hash;
        self.by_metadata += by_metadata;
        self.bytes += bytes;
        self.added += added;
        self.removed += removed;
        self.modified += modified;
        self.unstable += unstable;
        self.explained += explained;
        self.unseen += unseen;
    }
}

/// Why there was no look.
#[derive(Debug)]
pub enum CannotCompare {
    /// There is no baseline.
    None,
    /// There is one, and it cannot be trusted. It is never made anew by itself.
    Damaged(String),
    /// The root cannot be looked at.
    Unreadable(String),
}

impl fmt::Display for CannotCompare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("there is no baseline; make one with `guestward baseline create`"),
            Self::Damaged(what) | Self::Unreadable(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for CannotCompare {}

/// How far a look has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    pub objects: u64,
    /// As many as the baseline has.
    pub of_objects: u64,
    pub bytes: u64,
    pub of_bytes: u64,
}

/// Looks, and compares.
pub fn check(
    host: &Host,
    policy: &Policy,
    order: &Order,
    is_over: &AtomicBool,
    tell: &(dyn Fn(Progress) + Sync),
) -> Result<Report, CannotCompare> {
    let (began, since) = (Timestamp::now(), Instant::now());
    let store = Store::open(&order.store)?.ok_or(CannotCompare::None)?;
    let mounts = Mounts::of(host)?;
    let rules = policy.rules();
    let selection = Selection::new(&order.paths);
    let clock = store.header().clock.against(&Clock::now());
    let depth = match (order.depth, clock) {
        // What is hidden behind a clock that was set shows only in the contents.
        (Depth::Metadata { .. }, Steady::No) => Depth::Full,
        (depth, _) => depth,
    };
    let comparing = Comparing {
        store: &store,
        rules: &rules,
        selection: &selection,
        depth,
        algorithm: policy.files_algorithm(),
        now: began,
        most: order.most,
        found: Mutex::default(),
    };
    let of = Progress { of_objects: store.len(), of_bytes: store.header().bytes, ..Progress::default() };
    let told = |totals: Totals| tell(Progress { objects: totals.objects, bytes: totals.bytes, ..of });
    let walk = super::walk(host, &mounts, policy, order.is_polite, depth == Depth::Full, is_over, &told);
    walk.run(&comparing, Scope::root(&rules, &selection))?;
    if is_over.load(Ordering::Relaxed) {
        return Err(CannotCompare::Interrupted);
    }
    let mut found = comparing.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(damage) = found.damage {
        return Err(damage.into());
    }
    found.trim(order.most);
    account(host, &store, &rules, &mut found);
    store.set_verified(&found.verified, began);
    Ok(Report {
        began,
        took: since.elapsed(),
        drifts: found.drifts,
        counts: found.counts,
        unseen: found.unseen,
        identity: store.identity(),
        clock,
        depth,
    })
}
