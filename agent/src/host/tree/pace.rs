//! Giving way to the machine's own work: so many bytes a second, and so much of one processor.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

/// Shared by all workers of a walk: what they may take together.
#[derive(Debug)]
pub struct Pace {
    /// Bytes a second.
    rate: u64,
    /// Percent of one processor.
    cpu: u32,
    /// Nothing is waited for any more.
    hurry: Arc<AtomicBool>,
    free: Mutex<Free>,
}

/// From when on each is free again.
#[derive(Debug, Clone, Copy)]
struct Free {
    disk: Instant,
    processor: Instant,
}

impl Pace {
    /// Nothing may be zero: it is taken for one, so that a walk comes to its end.
    pub fn new(bytes_per_second: u64, percent_of_a_processor: u32) -> Self {
        let now = Instant::now();
        Self {
            rate: bytes_per_second.max(1),
            cpu: percent_of_a_processor.max(1),
            hurry: Arc::default(),
            free: Mutex::new(Free { disk: now, processor: now }),
        }
    }

    /// Until this is set: from then on it takes what it can get.
    #[must_use]
    pub fn until(mut self, hurry: Arc<AtomicBool>) -> Self {
        self.hurry = hurry;
        self
    }

    /// What has just been read and computed is paid for with waiting.
    pub(super) fn pay(&self, bytes: u64, processor: Duration, is_over: &AtomicBool) {
        let now = Instant::now();
        let reading = Duration::from_secs_f64(seconds(bytes, self.rate));
        let until = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody saves up for a storm: what was not used a moment ago is gone.
            free.disk = free.disk.max(now) + reading;
            free.processor = free.processor.max(now) + processor * 100 / self.cpu;
            free.disk.max(free.processor)
        };
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let hurries = is_over.load(Ordering::Relaxed) || self.hurry.load(Ordering::Relaxed);
            if left < SHORTEST || hurries {
                return;
            }
            thread::sleep(left.min(LONGEST));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody sees a second's millionth")]
fn seconds(bytes: u64, rate: u64) -> f64 {
    // Even a rate of one byte a second does not make a wait that a Duration cannot hold.
    (bytes as f64 / rate as f64).min(1e9)
}

/// What this thread took of a processor so far.
pub(super) fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// A shorter sleep costs more than it gives; it is made up for with the next.
const SHORTEST: Duration = Duration::from_millis(2);
/// Who ends a walk does not wait longer for it.
const LONGEST: Duration = Duration::from_millis(100);
