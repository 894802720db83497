//! The servers' time: the host's own, corrected by what the Date header of their answers says.
//!
//! Signatures are valid for five minutes around the server's time, and CloudWatch Logs refuses events that are two
//! hours ahead of it: a host with a wrong clock could deliver nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use aws_smithy_types::date_time::{DateTime, Format};
use jiff::Timestamp;

/// Shared by all who send.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn new() -> Self {
        Self::default()
    }

    /// How many milliseconds the servers are ahead of this host.
    pub fn skew(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// The servers' time.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.host().saturating_add(self.skew()))
            .unwrap_or_else(|_| Timestamp::now())
    }

    /// Takes note of a Date header (RFC 9110, section 6.6.1) that came just now.
    pub(in crate::ship) fn seen(&self, date: &str) {
        let Ok(server) = DateTime::from_str(date, Format::HttpDate) else { return };
        let Some(server) = server.secs().checked_mul(1000) else { return };
        let skew = server.saturating_sub(self.host());
        // The header has whole seconds, and an answer takes its time: what is less is no skew.
        let skew = if skew.abs() < SMALL { 0 } else { skew };
        self.0.store(skew, Ordering::Relaxed);
    }

    #[expect(clippy::unused_self, reason = "the other half of the same question")]
    fn host(&self) -> i64 {
        Timestamp::now().as_millisecond()
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        let now = SystemTime::now();
        let skew = Duration::from_millis(self.skew().unsigned_abs());
        if self.skew() < 0 { now.checked_sub(skew) } else { now.checked_add(skew) }.unwrap_or(now)
    }
}

/// A signature has five minutes, and events may be two hours ahead.
const SMALL: i64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_is_wrong_by_years_knows_the_servers_time() {
        let clock = Clock::new();
        clock.seen("Sun, 06 Nov 1994 08:49:37 GMT");
        let off = clock.now().as_second() - 784_111_777;
        assert!((0..60).contains(&off), "{off} seconds");
    }

    #[test]
    fn a_second_is_no_skew_and_garbage_no_time() {
        let clock = Clock::new();
        for date in ["", "yesterday", "Thu, 99 Foo 9999 99:99:99 GMT"] {
            clock.seen(date);
            assert_eq!(clock.skew(), 0, "{date}");
        }
    }
}
