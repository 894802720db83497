//! Under which time an event is sent: the record's own where that can be, and never one that CloudWatch Logs refuses.
//!
//! A record tells the time that its host believed in. The servers' clock says how wrong that is now; whether it was so
//! when the record was made nobody knows. So the correction is believed where it gives a time that can be, and the
//! record's own time otherwise; what is in the future either way cannot be true, and is sent under the present.
//! The record itself is not touched: its own time is in it.

/// All in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Now {
    /// The servers' time.
    pub(super) server: i64,
    /// How far they are ahead of this host.
    pub(super) skew: i64,
    /// What is older than this is not taken.
    pub(super) oldest: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    At(i64),
    TooOld,
}

impl Now {
    pub(super) fn when(&self, record: i64) -> When {
        let corrected = record.saturating_add(self.skew);
        // A host that is behind made its records too early; one that is ahead made only those wrong that lie ahead.
        let candidates = if self.skew > 0 { [corrected, record] } else { [record, corrected] };
        let can_be = |time: &i64| *time <= self.server.saturating_add(AHEAD);
        match candidates.into_iter().find(can_be) {
            Some(time) if time < self.oldest => When::TooOld,
            Some(time) => When::At(time),
            None => When::At(self.server),
        }
    }
}

/// Two clocks that agree may differ by a little; CloudWatch Logs allows two hours.
const AHEAD: i64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;

    fn now(skew: i64) -> Now {
        Now { server: 100 * DAY, skew, oldest: 86 * DAY }
    }

    #[test]
    fn a_record_has_its_own_time_where_that_can_be() {
        let days = |days: i64| days * DAY;
        for (skew, record, wanted, why) in [
            (0, days(99), When::At(days(99)), "the clock is right"),
            (0, days(80), When::TooOld, "older than is taken"),
            (0, days(120), When::At(days(100)), "made under a clock that was ahead and is right now"),
            (days(20), days(80), When::At(days(100)), "made under a clock that is behind"),
            (days(20), days(99), When::At(days(99)), "made before the clock fell behind"),
            (days(-20), days(120), When::At(days(100)), "made under a clock that is ahead"),
            (days(-20), days(99), When::At(days(99)), "made before the clock ran ahead"),
            (days(-20), days(200), When::At(days(100)), "made under a clock that was ahead by more"),
        ] {
            assert_eq!(now(skew).when(record), wanted, "{why}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_sent_ahead_of_the_servers_or_behind_what_they_take(record in any::<i64>(), skew in -(9 * 365 * DAY)..(9 * 365 * DAY)) {
            let now = now(skew);
            match now.when(record) {
                When::At(time) => prop_assert!(time >= now.oldest && time <= now.server + AHEAD),
                When::TooOld => {}
            }
        }
    }
}
