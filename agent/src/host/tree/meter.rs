//! Whether a worker waits, for a disk or for its turn, more than it works.

use std::time::{Duration, Instant};

use super::pace::processor_time;

#[derive(Debug)]
pub(super) struct Meter {
    since: Instant,
    /// What the thread had taken of a processor then.
    processor: Duration,
    /// How often it was asked since.
    asked: u32,
}

impl Meter {
    /// On the thread that is to work.
    pub(super) fn start() -> Self {
        Self { since: Instant::now(), processor: processor_time(), asked: 0 }
    }

    /// Asked after each object. It looks now and then, and judges what was between.
    pub(super) fn waits(&mut self) -> bool {
        self.asked += 1;
        if self.asked < EVERY {
            return false;
        }
        let last = std::mem::replace(self, Self::start());
        is_waiting(self.since - last.since, self.processor.saturating_sub(last.processor))
    }
}

fn is_waiting(passed: Duration, worked: Duration) -> bool {
    worked * 2 < passed
}

/// Objects: a millisecond of work, and soon enough where each waits for the disk.
const EVERY: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sleeps_waits() {
        let mut meter = Meter::start();
        let asleep = |_| {
            std::thread::sleep(Duration::from_micros(100));
            meter.waits()
        };
        assert_eq!((0..2 * EVERY).map(asleep).filter(|waits| *waits).count(), 2);
    }

    #[test]
    fn who_has_had_most_of_a_processor_does_not() {
        let millis = Duration::from_millis;
        assert!(!is_waiting(millis(10), millis(9)));
        assert!(!is_waiting(millis(10), millis(5)));
        assert!(is_waiting(millis(10), millis(4)));
    }
}
