//! What is to be told of paths as soon as something was done to them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::noticed::{self, WRITES, has_any};
use super::sight::Sight;
use super::{DriftState, Open, differing, exact};
use crate::baseline::drift::Drift;
use crate::baseline::live::{Look, Looked, Passed};
use crate::finding::Severity;
use crate::finding::wire::body::{DriftBody, DriftChange, ObjectDrift, Told, digest};
use crate::watch::files::{How, Touched};

type AllTouched<'t> = BTreeMap<Vec<u8>, &'t Touched>;

impl DriftState {
    /// As [`DriftState::compare`], of the paths that were looked at and of no others. What was found and not seen to
    /// happen need not be in `touched`.
    pub fn live(&mut self, looked: &Looked, touched: &AllTouched<'_>, now: Timestamp) -> Vec<DriftBody> {
        let now = exact(now);
        let mut changes: Vec<DriftBody> =
            looked.drifts.iter().filter_map(|drift| self.one(drift, touched, now)).collect();
        self.left_out = self.left_out.max(self.without_room(&mut changes));
        changes.extend(self.ended_at(looked, |path| noticed::told(touching(touched, path))));
        changes.extend(looked.passed.iter().filter_map(|passed| self.passed(passed, touched, now)));
        // What is open from now on differs from that baseline; whether another settles it, the next look can tell.
        self.compared.get_or_insert(looked.identity.state);
        self.finish(changes)
    }

    /// The worst first; what there is too much of is told by the next look at everything.
    pub(super) fn finish(&mut self, mut changes: Vec<DriftBody>) -> Vec<DriftBody> {
        changes.sort_by_cached_key(|change| self.urgency(change));
        self.untold = self.untold.max(changes.len().saturating_sub(self.most_told) as u64);
        changes.truncate(self.most_told);
        self.take_in(&changes);
        changes
    }

    fn one(&self, drift: &Drift, touched: &AllTouched<'_>, now: Timestamp) -> Option<DriftBody> {
        let touched = touching(touched, &drift.path);
        // Only an update of its package explains that it is as the package records it.
        let is_disputed = drift.is_explained() && touched.is_some_and(|touched| has_any(touched.how, WRITES));
        let digest = digest(drift);
        let (change, since) = match self.open.get(&drift.path) {
            _ if self.is_accounted(&drift.path, &digest) => return None,
            Some(open) if open.digest.as_str() == digest => return None,
            Some(open) => (DriftChange::Changed, open.since),
            // It is its package's, and told of that by the next look at everything.
            None if drift.is_explained() && !is_disputed => return None,
            None => (DriftChange::New, now),
        };
        let mut told = ObjectDrift::of(change, drift, since, &digest);
        told.noticed = noticed::told(touched);
        if is_disputed {
            (told.explained, told.severity, told.noticed.disputed) = (None, drift.severity, true);
        }
        Some(DriftBody::Object(Box::new(told)))
    }

    /// What is open, was looked at, and differs no more.
    pub(super) fn ended_at(
        &self,
        looked: &Looked,
        noticed: impl Fn(&[u8]) -> crate::finding::wire::body::Noticed,
    ) -> Vec<DriftBody> {
        let (sight, differ) = (Sight::at(looked), differing(&looked.drifts));
        let change = self.end(&looked.identity);
        let is_over = |path: &[u8]| !differ.contains(path) && sight.covers(path);
        let ended =
            self.open_at(&looked.looked).into_iter().filter(|(path, _)| is_over(path)).map(|(path, open)| {
                let ended = ObjectDrift::ended(change, path, open.since, open.digest.as_str());
                DriftBody::Object(Box::new(ObjectDrift { noticed: noticed(path), ..ended }))
            });
        ended.collect()
    }

    /// What is open of these places, and nothing else is gone through: a great many things may be open.
    fn open_at<'l>(&self, places: &'l [Look]) -> BTreeMap<&[u8], &Open> {
        let below = |place: &'l Look| {
            let first = if place.path == b"/" { b"/".to_vec() } else { [&place.path[..], b"/"].concat() };
            let from_there = self.open.range(first.clone()..);
            from_there.take_while(move |(path, _)| place.is_tree && path.starts_with(&first))
        };
        let itself = places.iter().filter_map(|place| self.open.get_key_value(&place.path));
        itself.chain(places.iter().flat_map(below)).map(|(path, open)| (path.as_slice(), open)).collect()
    }

    fn passed(&self, passed: &Passed, touched: &AllTouched<'_>, now: Timestamp) -> Option<DriftBody> {
        let Passed { path, severity, matter, is_there, is_directory } = passed;
        let touched = touched.get(path)?;
        let how = touched.how;
        // The names in a directory change it, and what comes and goes in it is told by itself.
        let counts = if *is_directory { has_any(how, TO_A_DIRECTORY) } else { has_any(how, TO_A_FILE) };
        if !counts || self.open.contains_key(path) || !is_there && matter.is_none() {
            return None;
        }
        let is_mild = matter.is_none() && !has_any(how, WRITES) && !has_any(how, GOES);
        let since = exact(touched.first).min(now);
        Some(DriftBody::Object(Box::new(ObjectDrift {
            severity: if is_mild { Severity::Low.min(*severity) } else { *severity },
            matter: matter.map(|matter| Told::new(matter.name())),
            noticed: noticed::told(Some(touched)),
            ..ObjectDrift::ended(DriftChange::Passed, path, since, "")
        })))
    }
}

fn touching<'t>(touched: &AllTouched<'t>, path: &[u8]) -> Option<&'t Touched> {
    noticed::of(touched, path, |touched| touched.is_tree)
}

const GOES: &[How] = &[How::DELETED, How::MOVED_AWAY];
const TO_A_DIRECTORY: &[How] = &[How::ATTRIBUTES, How::DELETED, How::MOVED_AWAY, How::MOVED_HERE];
const TO_A_FILE: &[How] = &[
    How::CREATED,
    How::WRITTEN,
    How::ATTRIBUTES,
    How::DELETED,
    How::MOVED_AWAY,
    How::MOVED_HERE,
    How::MODIFIED,
];

#[cfg(test)]
pub(in crate::state::drift) mod tests;
