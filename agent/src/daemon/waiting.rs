//! Records that the disk has not taken yet. Bounded: beyond that the least urgent go, and are counted by kind.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::finding::Severity;
use crate::finding::wire::gap::{Cause, Gap};
use crate::finding::wire::record::Kind;
use crate::journal::Draft;

#[derive(Debug, Default)]
pub(super) struct Waiting {
    drafts: VecDeque<Draft>,
    bytes: usize,
    lost: Option<Gap>,
    /// Whether a change, of a finding or of a file, was among what was lost.
    has_lost_findings: bool,
}

impl Waiting {
    pub(super) fn push(&mut self, draft: Draft) {
        self.bytes += draft.body.len();
        self.drafts.push_back(draft);
        while self.drafts.len() > MAX_RECORDS || self.bytes > MAX_BYTES {
            self.drop_one();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.drafts.is_empty() && self.lost.is_none()
    }

    /// Whether a change was lost since this was asked last.
    pub(super) fn take_lost_findings(&mut self) -> bool {
        std::mem::take(&mut self.has_lost_findings)
    }

    pub(super) fn len(&self) -> usize {
        self.drafts.len()
    }

    /// Everything in order. What was lost is told first: it happened first.
    pub(super) fn batch(&self, now: Timestamp) -> Vec<Draft> {
        let gap = self.lost.as_ref().map(|gap| Draft {
            time: now,
            kind: Kind::Gap,
            severity: Severity::Critical,
            body: gap.to_json(),
        });
        gap.into_iter().chain(self.drafts.iter().cloned()).collect()
    }

    /// So many of the last batch are on the disk.
    pub(super) fn accepted(&mut self, count: usize) {
        let mut count = count;
        if count > 0 && self.lost.take().is_some() {
            count -= 1;
        }
        for draft in self.drafts.drain(..count.min(self.drafts.len())) {
            self.bytes -= draft.body.len();
        }
    }

    /// The least urgent, and of those the oldest.
    fn drop_one(&mut self) {
        let least = self.drafts.iter().enumerate().min_by_key(|(index, draft)| (draft.severity, *index));
        let Some(draft) = least.map(|(index, _)| index).and_then(|index| self.drafts.remove(index)) else {
            return;
        };
        self.bytes -= draft.body.len();
        self.has_lost_findings |= matches!(draft.kind, Kind::Finding | Kind::Drift | Kind::Inventory);
        let gap = self.lost.get_or_insert_with(|| Gap::new(Cause::Disk));
        gap.count(Some(draft.kind), Some(draft.severity), 1);
    }
}

/// Days of an ordinary host's records, and a few megabytes at most.
const MAX_RECORDS: usize = 4_096;
const MAX_BYTES: usize = 2 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(n: usize, severity: Severity) -> Draft {
        Draft { time: Timestamp::UNIX_EPOCH, kind: Kind::Finding, severity, body: format!("{{\"n\":{n}}}") }
    }

    #[test]
    fn the_least_urgent_go_first_and_are_counted() {
        let mut waiting = Waiting::default();
        for n in 0..MAX_RECORDS + 10 {
            waiting.push(draft(n, if n % 2 == 0 { Severity::High } else { Severity::Low }));
        }
        assert_eq!(waiting.len(), MAX_RECORDS);
        let batch = waiting.batch(Timestamp::UNIX_EPOCH);
        assert_eq!(
            batch[0].body,
            r#"{"cause":"disk","lost":[{"kind":"finding","severity":"low","count":10}]}"#
        );
        assert_eq!(batch[1].body, r#"{"n":0}"#);
        assert_eq!(batch[2].body, r#"{"n":2}"#, "1 was the oldest of the least urgent");
    }

    #[test]
    fn what_was_accepted_goes_and_the_rest_stays_in_order() {
        let mut waiting = Waiting::default();
        for n in 0..MAX_RECORDS + 1 {
            waiting.push(draft(n, Severity::Low));
        }
        waiting.accepted(3);
        let batch = waiting.batch(Timestamp::UNIX_EPOCH);
        assert_eq!((batch.len(), batch[0].body.as_str()), (MAX_RECORDS - 2, r#"{"n":3}"#));
        waiting.accepted(batch.len());
        assert!(waiting.is_empty());
        assert_eq!(waiting.bytes, 0);
    }
}
