//! When what is due. Monotonic time only: the wall clock may jump, and nothing here moves with it.

use std::time::{Duration, Instant};

/// A moment to wait for, or none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Timer(Option<Instant>);

impl Timer {
    pub(super) fn set(&mut self, at: Instant) {
        self.0 = Some(at);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Sooner, if it was to be later.
    pub(super) fn by(&mut self, at: Instant) {
        self.0 = self.0.map(|set| set.min(at));
    }

    /// Whether its moment has come; it comes once.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        self.0.take_if(|at| *at <= now).is_some()
    }
}

/// A timer that comes again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beat {
    every: Option<Duration>,
    next: Timer,
}

impl Beat {
    pub(super) fn every(interval: Option<Duration>, now: Instant) -> Self {
        Self { every: interval, next: Timer(interval.map(|interval| now + interval)) }
    }

    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        let is_due = self.next.take_due(now);
        if let (true, Some(every)) = (is_due, self.every) {
            self.next.set(now + every);
        }
        is_due
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Timers {
    pub(super) posture: Timer,
    pub(super) heartbeat: Timer,
    pub(super) inventory: Timer,
    /// When the files are compared with the baseline.
    pub(super) files: Timer,
    /// When more of what was lost is told.
    pub(super) lost: Timer,
    pub(super) checkpoint: Timer,
    /// The journal refused, and is asked again.
    pub(super) retry: Timer,
    /// AWS has not said yet who we are, and is asked again.
    pub(super) identity: Timer,
    pub(super) watchdog: Beat,
    /// Whether anything was recorded since the last checkpoint.
    is_dirty: bool,
}

impl Timers {
    pub(super) fn with_watchdog(interval: Option<Duration>, now: Instant) -> Self {
        Self { watchdog: Beat::every(interval, now), ..Self::default() }
    }

    pub(super) fn next(&self, settle: Option<Instant>) -> Instant {
        let Self { posture, heartbeat, files, lost, checkpoint, retry, identity, watchdog, .. } = *self;
        let timers = [posture, heartbeat, files, lost, checkpoint, retry, identity, watchdog.next];
        let soonest = timers.iter().filter_map(|timer| timer.0).chain(settle).min();
        soonest.unwrap_or_else(|| Instant::now() + LONGEST_SLEEP)
    }

    /// Something was recorded: it is sealed before long.
    pub(super) fn recorded(&mut self, now: Instant, delay: Duration) {
        if !self.is_dirty {
            self.is_dirty = true;
            self.checkpoint.set(now + delay);
        }
    }

    /// No checkpoint could be written: what it was to seal is not forgotten.
    pub(super) fn not_sealed(&mut self, again: Instant) {
        self.checkpoint.set(again);
    }

    /// A checkpoint was written: the next comes within the hour, whatever happens.
    pub(super) fn sealed(&mut self, now: Instant) {
        self.is_dirty = false;
        self.checkpoint.set(now + LONGEST_SILENCE);
    }
}

/// Up to a tenth more or less, so that a fleet that was started at once does not look at once for ever.
pub(super) fn jittered(interval: Duration) -> Duration {
    let mut random = [0; 2];
    // Without randomness there is no jitter, and no harm.
    let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    let share = f64::from(u16::from_le_bytes(random)) / f64::from(u16::MAX);
    interval.mul_f64(0.9 + 0.2 * share)
}

const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// Whoever reads the records knows after an hour that nothing came, and not only that nothing arrived.
const LONGEST_SILENCE: Duration = Duration::from_secs(60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_sealed_a_while_after_the_first_of_them_and_else_every_hour() {
        let start = Instant::now();
        let mut timers = Timers::default();
        timers.recorded(start, Duration::from_secs(60));
        timers.recorded(start + Duration::from_secs(50), Duration::from_secs(60));
        assert!(!timers.checkpoint.take_due(start + Duration::from_secs(59)));
        assert!(timers.checkpoint.take_due(start + Duration::from_secs(60)));
        timers.sealed(start + Duration::from_secs(60));
        assert!(!timers.checkpoint.take_due(start + Duration::from_secs(3600)));
        assert!(timers.checkpoint.take_due(start + Duration::from_secs(3660)));
    }

    #[test]
    fn what_could_not_be_sealed_is_sealed_soon_and_not_in_an_hour() {
        let start = Instant::now();
        let mut timers = Timers::default();
        timers.recorded(start, Duration::from_secs(60));
        assert!(timers.checkpoint.take_due(start + Duration::from_secs(60)));
        timers.not_sealed(start + Duration::from_secs(62));
        timers.recorded(start + Duration::from_secs(61), Duration::from_secs(60));
        assert!(timers.checkpoint.take_due(start + Duration::from_secs(62)));
    }

    #[test]
    fn another_policy_makes_a_timer_sooner_and_never_later() {
        let start = Instant::now();
        let mut timer = Timer::default();
        timer.by(start);
        assert!(!timer.is_set(), "what waits for nothing still does");
        timer.set(start + Duration::from_secs(3600));
        timer.by(start + Duration::from_secs(1));
        timer.by(start + Duration::from_secs(60));
        assert!(timer.take_due(start + Duration::from_secs(1)));
    }

    #[test]
    fn jitter_stays_within_a_tenth() {
        for _ in 0..1000 {
            let jittered = jittered(Duration::from_secs(100));
            assert!((90.0..=110.0).contains(&jittered.as_secs_f64()), "{jittered:?}");
        }
    }
}
