//! A look at the whole tree, compared with the baseline.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::account::account;
use super::clock::Clock;
pub use super::clock::Steady;
use super::comparing::Comparing;
use super::drift::{Change, Drift, Fields, Unseen};
use super::found::Found;
use super::selection::{Scope, Selection};
use super::store::{Cache, Damage, Entry, Fault, NotKept, PublicKey, Store};
use super::text;
use crate::host::files::Mounts;
use crate::host::packages::recorded;
use crate::host::tree::{Crew, Pace, Totals};
use crate::host::{Host, Text, Unreadable};
use crate::policy::Policy;

/// What to compare, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where the baseline is kept.
    pub store: PathBuf,
    /// Only what is at or below these paths; everything where there is none.
    pub paths: Vec<Vec<u8>>,
    pub depth: Depth,
    /// Gives way to the machine's own work, until this is set.
    pub polite_until: Option<Arc<AtomicBool>>,
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
    /// When the content was read that was longest taken to be as agreed; none, if nothing was taken so, or it is not
    /// known of any.
    pub oldest_hash: Option<Timestamp>,
    /// The first of what could not be looked at.
    pub unseen: Vec<Unseen>,
    pub identity: Identity,
    /// Whether the clock was set since the baseline was made, as far as can be told.
    pub clock: Steady,
    /// How far the look really went.
    pub depth: Depth,
    /// The rules are not those by which the baseline was made.
    pub has_other_rules: bool,
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
    /// It could not be written.
    NotKept(String),
    /// It was stopped.
    Interrupted,
}

impl From<Damage> for CannotCompare {
    fn from(damage: Damage) -> Self {
        match damage.fault {
            // It may be as good as ever.
            Fault::Disk(_) => Self::Unreadable(damage.to_string()),
            _ => Self::Damaged(format!("{damage}. {MEND}")),
        }
    }
}

impl From<Unreadable> for CannotCompare {
    fn from(cause: Unreadable) -> Self {
        Self::Unreadable(cause.to_string())
    }
}

impl From<NotKept> for CannotCompare {
    fn from(refused: NotKept) -> Self {
        match refused {
            NotKept::Damage(damage) => damage.into(),
            other => Self::NotKept(other.to_string()),
        }
    }
}

impl fmt::Display for CannotCompare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("there is no baseline; make one with `guestward baseline create`"),
            Self::Damaged(what) | Self::Unreadable(what) | Self::NotKept(what) => f.write_str(what),
            Self::Interrupted => f.write_str("it was stopped before its end"),
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
    let mut store = Store::open(&order.store)?.ok_or(CannotCompare::None)?;
    demand_seal(policy, &store)?;
    let (mounts, rules) = (Mounts::of(host)?, policy.rules());
    let selection = Selection::new(&order.paths);
    let now = Clock::now(host);
    let clock = now.since(store.header());
    let (depth, not_before) = trusted(order.depth, clock, &now, &store);
    let algorithm = policy.files_algorithm();
    let comparing = Comparing {
        not_before,
        has_sha256: recorded::has_sha256(host),
        ..Comparing::new(&store, &rules, &selection, depth, algorithm, began, order.most)
    };
    let pace = order.polite_until.as_ref().map(|hurry| pace(policy, hurry));
    let crew = if pace.is_some() { Crew { first: 1, most: 1 } } else { super::crew() };
    let of = Progress { of_objects: store.len(), ..Progress::default() };
    let told = |totals: Totals| tell(Progress { objects: totals.objects, bytes: totals.bytes, ..of });
    let walk = super::walk(host, &mounts, policy, pace.as_ref(), crew, is_over, &told);
    walk.run(&comparing, Scope::root(&rules, &selection))?;
    let mut found = comparing.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if is_over.load(Ordering::Relaxed) {
        return Err(CannotCompare::Interrupted);
    }
    if let Some(damage) = found.damage {
        return Err(damage.into());
    }
    found.trim(order.most);
    found.drifts.sort_by(|a, b| a.path.cmp(&b.path));
    explain(host, &store, &mut found);
    let verified = found.verified.iter().map(|ordinal| (*ordinal, Some(began)));
    let refuted = found.refuted.iter().map(|ordinal| (*ordinal, None));
    let is_reread = clock == Steady::No && depth == Depth::Full && order.paths.is_empty();
    let reread = is_reread.then(|| now.reread(began));
    // Who may only read has compared all the same.
    let _ = store.set_verified(&verified.chain(refuted).collect::<Vec<_>>(), reread.as_ref());
    Ok(Report {
        began,
        took: since.elapsed(),
        drifts: found.drifts,
        counts: found.counts,
        oldest_hash: found.oldest,
        unseen: found.unseen,
        identity: store.identity(),
        clock,
        depth,
        has_other_rules: store.header().rules != rules.digest(),
    })
}

/// How far a look has to go, and what was hashed before which time its metadata do not speak for.
pub(super) fn trusted(
    wanted: Depth,
    clock: Steady,
    now: &Clock,
    store: &Store,
) -> (Depth, Option<Timestamp>) {
    match (wanted, clock) {
        // What hides behind a clock that was set shows in the contents only, and these are read once for each step.
        (Depth::Metadata { .. }, Steady::No) => match store.reread().filter(|reread| now.is_as_at(reread)) {
            Some(reread) => (wanted, Some(reread.at)),
            None => (Depth::Full, None),
        },
        _ => (wanted, None),
    }
}

/// Where the policy names a key, only what that key has sealed is what was agreed, with what was accepted since.
pub(super) fn demand_seal(policy: &Policy, store: &Store) -> Result<(), CannotCompare> {
    let Some(path) = policy.files_seal_key() else { return Ok(()) };
    let key = PublicKey::read(path).map_err(|why| CannotCompare::Unreadable(why.to_string()))?;
    let what = match store.sealed()? {
        Some(sealed) if sealed.by == key => return Ok(()),
        Some(_) => "its seal is by another key",
        None => "it carries no seal",
    };
    let path = Text::from_bytes(path.as_os_str().as_encoded_bytes());
    Err(CannotCompare::Damaged(format!(
        "the baseline cannot be trusted: {what}, and files.seal-key of the policy demands one by {path}. {MEND}, and seal that"
    )))
}

fn pace(policy: &Policy, hurry: &Arc<AtomicBool>) -> Pace {
    let percent = u32::try_from(policy.files_cpu()).unwrap_or(100);
    Pace::new(policy.files_rate(), percent).until(Arc::clone(hurry))
}

/// What packages say of what differs, and which lines of a text do.
fn explain(host: &Host, store: &Store, found: &mut Found) {
    if found.drifts.is_empty() {
        return;
    }
    let owner = |drift: &Drift| Some(agreed(store, drift)?.owner?.package.to_string());
    let recorded = recorded::of(host, found.drifts.iter().map(|drift| drift.path.as_slice()));
    found.counts.explained = account(recorded.as_ref().map(Option::as_ref), &mut found.drifts, owner);
    texts(store, &mut found.drifts);
}

pub(super) fn agreed(store: &Store, drift: &Drift) -> Option<Entry> {
    store.entry(&drift.path, &mut Cache::default()).ok().flatten().map(|(_, entry)| entry)
}

/// Which lines differ, where they were kept.
pub(super) fn texts(store: &Store, drifts: &mut [Drift]) {
    let texts = drifts
        .iter_mut()
        .filter(|drift| drift.change == Change::Modified && drift.fields.contains(Fields::CONTENT));
    for drift in texts.take(MAX_TEXTS) {
        let after = drift.after.as_ref().and_then(|after| after.text.as_deref()).and_then(text::keep);
        let before = agreed(store, drift).and_then(|entry| text::Kept::again(&entry.text?));
        if let (Some(before), Some(after)) = (before, after) {
            drift.text = Some(text::difference(&before, &after)).filter(|text| !text.is_empty());
        }
    }
}

/// What to do with a baseline that cannot be believed: it is the operator's to judge.
const MEND: &str = "Find out who changed it; then bring it back from a copy, or make another with `guestward baseline \
                    create --replace --reason TEXT`";
/// Who reads more of them reads the files.
const MAX_TEXTS: usize = 1_000;
