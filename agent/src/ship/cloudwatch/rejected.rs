//! Which events of a request CloudWatch Logs did not keep although it said 200.
//!
//! `tooNewLogEventStartIndex` is the first that is too new; `tooOldLogEventEndIndex` and `expiredLogEventEndIndex` are
//! one behind the last that is too old (for all groups, and for this group's retention): exclusive, which is where
//! others are off by one.

use std::ops::Range;

use aws_sdk_cloudwatchlogs::types::RejectedLogEventsInfo;

/// What became of each event of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Split {
    /// As the servers see it.
    pub(super) too_old: Range<usize>,
    pub(super) accepted: Range<usize>,
    pub(super) too_new: Range<usize>,
}

impl Split {
    /// Of a request of so many events. Indexes that cannot be are cut to what can.
    pub(super) fn of(count: usize, rejected: Option<&RejectedLogEventsInfo>) -> Self {
        let index = |index: Option<i32>| index.map(|index| usize::try_from(index).unwrap_or(0).min(count));
        let old = rejected.and_then(|info| index(info.too_old_log_event_end_index()));
        let expired = rejected.and_then(|info| index(info.expired_log_event_end_index()));
        let new = rejected.and_then(|info| index(info.too_new_log_event_start_index()));
        let old = old.max(expired).unwrap_or(0);
        let new = new.unwrap_or(count).max(old);
        Self { too_old: 0..old, accepted: old..new, too_new: new..count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn info(old: Option<i32>, expired: Option<i32>, new: Option<i32>) -> RejectedLogEventsInfo {
        RejectedLogEventsInfo::builder()
            .set_too_old_log_event_end_index(old)
            .set_expired_log_event_end_index(expired)
            .set_too_new_log_event_start_index(new)
            .build()
    }

    #[test]
    fn the_end_of_what_is_too_old_is_exclusive() {
        let split = Split::of(10, Some(&info(Some(2), Some(3), Some(8))));
        assert_eq!(split, Split { too_old: 0..3, accepted: 3..8, too_new: 8..10 });
        assert_eq!(Split::of(10, None), Split { too_old: 0..0, accepted: 0..10, too_new: 10..10 });
    }

    proptest! {
        #[test]
        fn whatever_the_indexes_every_event_is_one_of_the_three(count in 0usize..20, old in any::<Option<i32>>(), expired in any::<Option<i32>>(), new in any::<Option<i32>>()) {
            let split = Split::of(count, Some(&info(old, expired, new)));
            prop_assert!(split.too_old.start == 0 && split.too_old.end == split.accepted.start);
            prop_assert!(split.accepted.end == split.too_new.start && split.too_new.end == count);
        }
    }
}
