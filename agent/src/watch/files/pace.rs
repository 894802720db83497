//! How often the same is told: at once, then after 100 ms, 200 ms, and so on up to ten seconds, for as long as it goes on.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Pace<K> {
    rests: HashMap<K, Rest>,
    room: usize,
    origin: Instant,
    /// When those that are over were looked for last.
    cleared: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Rest {
    until: Instant,
    wait: Duration,
}

impl Rest {
    /// It kept quiet for as long again as it had to rest.
    fn is_over(self, now: Instant) -> bool {
        now >= self.until + self.wait
    }
}

impl<K: Eq + Hash> Pace<K> {
    /// More than `room` are not remembered.
    pub(super) fn new(room: usize) -> Self {
        let origin = Instant::now();
        Self { rests: HashMap::new(), room, origin, cleared: origin }
    }

    /// Before anything was told.
    pub(super) fn origin(&self) -> Instant {
        self.origin
    }

    /// When it may be told again; none if it was not told lately.
    pub(super) fn not_before(&self, key: &K) -> Option<Instant> {
        self.rests.get(key).map(|rest| rest.until)
    }

    /// It is told now.
    pub(super) fn went(&mut self, key: K, now: Instant) {
        let before = self.rests.get(&key).filter(|rest| !rest.is_over(now));
        let wait = before.map_or(FIRST, |rest| (rest.wait * 2).min(LONGEST));
        if before.is_none() && self.rests.len() >= self.room {
            self.rests.retain(|_, rest| !rest.is_over(now));
            if self.rests.len() >= self.room {
                // So many are no few noisy ones, of which each had to be slowed down.
                self.rests.clear();
            }
        }
        self.rests.insert(key, Rest { until: now + wait, wait });
    }

    /// Gives back what is over.
    pub(super) fn forget(&mut self, now: Instant) {
        if self.rests.is_empty() || now < self.cleared + CLEARS {
            return;
        }
        self.cleared = now;
        self.rests.retain(|_, rest| !rest.is_over(now));
        if self.rests.is_empty() {
            self.rests = HashMap::new();
        }
    }
}

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);
const CLEARS: Duration = Duration::from_secs(5);
