//! What differs becomes what is agreed: by somebody's decision, with name and reason.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use super::create::{Owners, entry};
use super::diff::{CannotCompare, Depth, Identity, Order, Progress, check};
use super::drift::{Change, Drift, Records};
use super::store::{self, Acceptance, Store};
use crate::host::packages::recorded;
use crate::host::{Host, Kind};
use crate::policy::Policy;

/// What is to be taken in.
#[derive(Debug, Clone)]
pub struct Decision {
    pub of: Of,
    pub who: String,
    pub why: String,
}

#[derive(Debug, Clone)]
pub enum Of {
    /// Whatever differs at or below these paths.
    Paths(Vec<Vec<u8>>),
    /// What one of these packages accounts for.
    Packages(Vec<String>),
    Everything,
}

/// What was taken in, and what it made of the baseline.
#[derive(Debug)]
pub struct Taken {
    pub drifts: Vec<Drift>,
    pub before: Identity,
    pub after: Identity,
}

/// Looks at what there is now, all of it, and agrees to what was decided.
pub fn accept(
    host: &Host,
    policy: &Policy,
    directory: &Path,
    decision: &Decision,
    tell: &(dyn Fn(Progress) + Sync),
) -> Result<Taken, CannotCompare> {
    let paths = match &decision.of {
        Of::Paths(paths) => paths.clone(),
        Of::Packages(_) | Of::Everything => Vec::new(),
    };
    let store = directory.to_owned();
    let order = Order { store, paths, depth: Depth::Full, polite_until: None, most: usize::MAX };
    let report = check(host, policy, &order, &AtomicBool::new(false), tell)?;
    let before = report.identity;
    let mut drifts = report.drifts;
    drifts.retain(|drift| decision.of.has(drift) && is_known(drift));
    if drifts.is_empty() {
        return Ok(Taken { drifts, before, after: before });
    }
    let changes = changes(host, policy, &mut drifts);
    let mut store = Store::open(directory)?.ok_or(CannotCompare::None)?;
    let Decision { who, why, .. } = decision.clone();
    let after = store.accept(&Acceptance { when: Timestamp::now(), who, why, changes })?;
    if store.is_due_for_merge() {
        store.merge()?;
    }
    Ok(Taken { drifts, before, after })
}

/// Of what could not be read nobody can say that it is as it should be.
fn is_known(drift: &Drift) -> bool {
    drift.change != Change::Unstable
}

fn changes(host: &Host, policy: &Policy, drifts: &mut [Drift]) -> Vec<store::Change> {
    let rules = policy.rules();
    let paths: Vec<Vec<u8>> = drifts.iter().map(|drift| drift.path.clone()).collect();
    // Without knowing its package, what is there is there all the same.
    let recorded = recorded::of(host, paths.iter().map(Vec::as_slice)).ok().flatten();
    let owners = Owners::of(recorded.as_ref());
    let change = |drift: &mut Drift| {
        let owner = owners.get(&drift.path);
        let rule = rules.of_path(&drift.path);
        let entry = drift.after.as_mut().zip(rule).map(|(after, rule)| {
            (after.md5, after.sha256) = (None, None);
            entry(after, rule, owner)
        });
        (drift.path.clone(), entry)
    };
    drifts.iter_mut().map(change).collect()
}

impl Of {
    fn has(&self, drift: &Drift) -> bool {
        let Self::Packages(wanted) = self else { return true };
        drift.package.as_ref().is_some_and(|accounted| {
            let full = accounted.package.split(' ').next().unwrap_or_default();
            let plain = full.split(':').next().unwrap_or_default();
            let is_named = wanted.iter().any(|name| name == full || name == plain);
            // A configuration file changed by hand is nothing that the package did, and neither is a mode.
            is_named
                && match accounted.records {
                    Records::Same => true,
                    Records::Listed => is_way(drift),
                    Records::Configuration | Records::Differs | Records::Unknown => false,
                }
        })
    }
}

/// A new directory or link that a package lists. Of those nothing more is ever recorded; anybody's to write it is not.
fn is_way(drift: &Drift) -> bool {
    let is_new = drift.change == Change::Added;
    drift.after.as_ref().is_some_and(|after| match after.kind {
        Kind::Directory => is_new && after.uid == 0 && after.mode & 0o6022 == 0,
        Kind::SymbolicLink => is_new && after.uid == 0,
        _ => false,
    })
}
