//! What has room: the worst, and of those that weigh the same what is open already.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{DriftState, Open};
use crate::finding::Severity;
use crate::finding::wire::body::{DriftBody, DriftChange};

impl DriftState {
    /// Takes out what would have no room if it were told; returns how many these are.
    pub(super) fn without_room(&self, changes: &mut Vec<DriftBody>) -> u64 {
        let is_new =
            |body: &DriftBody| matches!(body, DriftBody::Object(drift) if drift.change == DriftChange::New);
        let new = changes.iter().filter(|change| is_new(change)).count();
        let excess = (self.open.len() + new).saturating_sub(self.max_open);
        if excess == 0 {
            return 0;
        }
        let mut severities: Vec<Severity> = self.open.values().map(|open| open.severity).collect();
        severities.extend(changes.iter().filter(|change| is_new(change)).map(DriftBody::severity));
        severities.sort_unstable_by_key(|severity| Reverse(*severity));
        let last = severities.get(self.max_open.saturating_sub(1)).copied();
        let Some(last) = last else { return 0 };
        // Of those that weigh as much as the last that has room, what is open stays, and then comes first who is first.
        let above = severities.iter().filter(|severity| **severity > last).count();
        let open = self.open.values().filter(|open| open.severity == last).count();
        let mut room = self.max_open.saturating_sub(above + open);
        let before = changes.len();
        changes.retain(|change| {
            if !is_new(change) || change.severity() > last {
                return true;
            }
            let has_room = change.severity() == last && room > 0;
            room -= usize::from(has_room);
            has_room
        });
        (before - changes.len()) as u64
    }

    /// Makes room. What was open longest of the most severe stays.
    pub(super) fn trim(&mut self) {
        if self.open.len() > self.max_open {
            let kept: BTreeSet<Vec<u8>> =
                self.by_weight().take(self.max_open).map(|(path, _)| path.clone()).collect();
            self.open.retain(|path, _| kept.contains(path));
        }
    }

    pub(super) fn by_weight(&self) -> impl Iterator<Item = (&Vec<u8>, &Open)> {
        let mut open: Vec<_> = self.open.iter().collect();
        open.sort_by_key(|(path, open)| (Reverse(open.severity), open.since, *path));
        open.into_iter()
    }
}
