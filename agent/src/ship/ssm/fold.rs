//! Record after record becomes a posture: how every check stands, as far as the records tell.
//!
//! Findings tell changes, and an inventory tells every verdict: where the two differ, records were missed, and the
//! inventory is right. Before the first inventory of an epoch nobody knows what is missing, so nothing is told of it.

use sha2::{Digest as _, Sha256};

use crate::finding::wire::base64url;
use crate::finding::wire::body::{Change, FindingBody, InventoryBody, PatchesBody, Told, badness};
use crate::finding::wire::folded::{Folded, Open, Rest, Standing};
use crate::finding::wire::record::{self, Kind};
use crate::finding::{Severity, Verdict};
use crate::journal::Entry;

/// What a record changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Touched {
    Nothing,
    Something,
    /// A critical finding came, changed or went: whoever waits for a report need not wait longer.
    Critical,
}

/// Takes in a record, once: one that comes again changes nothing.
pub(super) fn take(folded: &mut Folded, entry: &Entry) -> Touched {
    let position = entry.position;
    let is_other = folded.epoch != Some(position.epoch);
    if is_other {
        // Another epoch's findings are another machine's, or have another proof.
        *folded = Folded::default();
        folded.epoch = Some(position.epoch);
    } else if position.seq <= folded.seq {
        return Touched::Nothing;
    }
    let touched = match entry.kind {
        Kind::Finding => finding(folded, &entry.line),
        Kind::Inventory => inventory(folded, &entry.line),
        _ => None,
    };
    if touched.is_some() {
        folded.seq = position.seq;
    }
    let whose = if is_other { Touched::Something } else { Touched::Nothing };
    touched.unwrap_or(whose)
}

/// `None`: not a record of this version, of which there is nothing to say.
fn finding(folded: &mut Folded, line: &[u8]) -> Option<Touched> {
    let record = record::parse(line).ok()?;
    let body = FindingBody::parse(record.body).ok()?;
    folded.time = record.time.parse().ok()?;
    change(folded, &body);
    Some(if body.severity == Severity::Critical { Touched::Critical } else { Touched::Something })
}

fn inventory(folded: &mut Folded, line: &[u8]) -> Option<Touched> {
    let record = record::parse(line).ok()?;
    let time = record.time.parse().ok()?;
    if let Some(patches) = PatchesBody::parse(record.body) {
        folded.patches = Some(patches.ok()?);
    } else {
        replace(folded, &InventoryBody::parse(record.body).ok()?);
    }
    folded.time = time;
    Some(Touched::Something)
}

fn change(folded: &mut Folded, body: &FindingBody) {
    let key = key(&body.subject);
    let is_open = matches!(body.verdict, Some(Verdict::Fail | Verdict::Unknown));
    match body.verdict {
        Some(verdict) if is_open && body.change != Change::Resolved => {
            let standing = folded.checks.entry(body.check.clone()).or_default();
            let before = standing.open.insert(key, open(body, verdict));
            if before.is_none() && body.change == Change::Changed {
                standing.one_less_of_the_rest();
            }
            make_room(folded);
        }
        verdict => {
            let Some(standing) = folded.checks.get_mut(&body.check) else { return };
            if standing.open.remove(&key).is_none() {
                standing.one_less_of_the_rest();
            }
            // Without a verdict its subject is gone or its check turned off, which is no proof that anything is well.
            let settled = verdict.filter(|_| !is_open).into_iter().chain(standing.settled);
            standing.settled = settled.max_by_key(|verdict| badness(*verdict));
            if standing.verdict().is_none() {
                folded.checks.remove(&body.check);
            }
        }
    }
}

/// The truth about every check; of what is open, as much as agrees with it.
fn replace(folded: &mut Folded, body: &InventoryBody) {
    folded.is_whole = true;
    folded.checks.retain(|check, _| body.verdicts.contains_key(check));
    for (check, verdict) in body.verdicts.iter().take(MAX_CHECKS) {
        folded.checks.entry(check.clone()).or_default().agree_with(*verdict);
    }
}

impl Standing {
    /// The worst of all; `None` if nothing is known.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        let open = self.open.values().map(|open| open.verdict);
        let all = open.chain(self.rest.map(|rest| rest.verdict)).chain(self.settled);
        all.max_by_key(|verdict| badness(*verdict))
    }

    fn agree_with(&mut self, truth: Verdict) {
        let is_open = matches!(truth, Verdict::Fail | Verdict::Unknown);
        self.settled = (!is_open).then_some(truth);
        let is_possible = |verdict: Verdict| is_open && badness(verdict) <= badness(truth);
        self.open.retain(|_, open| is_possible(open.verdict));
        self.rest = self.rest.filter(|rest| is_possible(rest.verdict));
        if self.verdict() != Some(truth) {
            let count = self.rest.map_or(0, |rest| rest.count).max(1);
            self.rest = Some(Rest { count, verdict: truth });
        }
    }

    fn one_less_of_the_rest(&mut self) {
        let left = self.rest.map(|rest| Rest { count: rest.count.saturating_sub(1), ..rest });
        self.rest = left.filter(|rest| rest.count > 0);
    }

    fn one_more_of_the_rest(&mut self, verdict: Verdict) {
        let rest = self.rest.unwrap_or(Rest { count: 0, verdict });
        let worst = if badness(verdict) > badness(rest.verdict) { verdict } else { rest.verdict };
        self.rest = Some(Rest { count: rest.count.saturating_add(1), verdict: worst });
    }
}

fn open(body: &FindingBody, verdict: Verdict) -> Open {
    Open {
        verdict,
        severity: body.severity,
        title: body.title.clone(),
        since: body.since,
        is_suppressed: body.suppression.as_ref().is_some_and(|decision| decision.is_in_force()),
    }
}

/// What weighs least is counted from now on, and no more than that.
fn make_room(folded: &mut Folded) {
    let count: usize = folded.checks.values().map(|standing| standing.open.len()).sum();
    if count > MAX_OPEN {
        let all = folded
            .checks
            .iter()
            .flat_map(|(check, standing)| standing.open.iter().map(move |(key, open)| (check, key, open)));
        let least = all.min_by_key(|(check, key, open)| (open.severity, badness(open.verdict), *check, *key));
        if let Some((check, key)) = least.map(|(check, key, _)| (check.clone(), key.clone()))
            && let Some(standing) = folded.checks.get_mut(&check)
            && let Some(open) = standing.open.remove(&key)
        {
            standing.one_more_of_the_rest(open.verdict);
        }
    }
    if folded.checks.len() > MAX_CHECKS {
        folded.checks.pop_last();
    }
}

fn key(subject: &Told) -> String {
    base64url(Sha256::digest(subject.as_str()).get(..KEY_BYTES).unwrap_or_default())
}

/// Enough to be looked at one by one; a few megabytes at the most.
const MAX_OPEN: usize = 2_000;
/// Ten times as many as there are.
const MAX_CHECKS: usize = 2_000;
/// No two subjects meet by chance.
const KEY_BYTES: usize = 12;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests;
