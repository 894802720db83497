//! The double's time: the host's, ahead or behind it by what a test says, or standing still.

use std::sync::Mutex;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

#[derive(Debug, Default)]
pub(crate) struct Clock(Mutex<Setting>);

#[derive(Debug, Default, Clone, Copy)]
struct Setting {
    offset: i64,
    stopped_at: Option<i64>,
}

impl Clock {
    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        let Setting { offset, stopped_at } = *self.0.lock().expect("a clock");
        stopped_at.unwrap_or_else(|| Timestamp::now().as_millisecond()) + offset
    }

    pub(crate) fn offset(&self, milliseconds: i64) {
        self.0.lock().expect("a clock").offset = milliseconds;
    }

    /// From now on it is always now, on a whole second.
    pub(crate) fn freeze(&self) {
        self.0.lock().expect("a clock").stopped_at = Some(Timestamp::now().as_second() * 1000);
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, as the Date header has it.
pub(crate) fn http_date(milliseconds: i64) -> String {
    stamp(milliseconds).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// `20261122T120000Z`, as signatures have it.
pub(crate) fn basic(seconds: i64) -> String {
    stamp(seconds * 1000).strftime("%Y%m%dT%H%M%SZ").to_string()
}

pub(crate) fn parse_basic(text: &str) -> Option<i64> {
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// `2026-11-22 12:00:00.000`, as Logs Insights shows it.
pub(crate) fn insights(milliseconds: i64) -> String {
    stamp(milliseconds).strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
}

/// `2026-11-22T12:00:00Z`
pub(crate) fn rfc3339(milliseconds: i64) -> String {
    stamp(milliseconds).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn stamp(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).expect("a time within ten thousand years")
}
