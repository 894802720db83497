//! Whether the clock was set: metadata are only worth something while it was not.
//!
//! The time of an object's last change is the kernel's clock at that moment. Both of its clocks are corrected gently
//! together, so that the distance between them changes only when one of them is set.

use jiff::Timestamp;
use nix::time::{ClockId, clock_gettime};

use super::store::{Header, Reread};
use crate::host::Host;

/// A boot, and how far the time of day is from its begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) boot: String,
    pub(super) nanos: i64,
}

/// Whether the clock went on steadily since then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steady {
    /// It was not found to have been set; nobody watched, who would know if it was set back and forth.
    Unknown,
    No,
}

impl Steady {
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unwatched",
            Self::No => "stepped",
        }
    }
}

impl Clock {
    pub(super) fn now(host: &Host) -> Self {
        let boot = host.read("/proc/sys/kernel/random/boot_id", 64).unwrap_or_default();
        let boot = String::from_utf8_lossy(&boot).trim().to_owned();
        let of = |clock| {
            let time = clock_gettime(clock).unwrap_or(nix::sys::time::TimeSpec::new(0, 0));
            time.tv_sec().saturating_mul(1_000_000_000).saturating_add(time.tv_nsec())
        };
        let nanos = of(ClockId::CLOCK_REALTIME).saturating_sub(of(ClockId::CLOCK_BOOTTIME));
        Self { boot, nanos }
    }

    /// Of another boot nothing can be said.
    pub(super) fn since(&self, then: &Header) -> Steady {
        let is_comparable = !self.boot.is_empty() && self.boot == then.boot;
        match is_comparable && self.nanos.abs_diff(then.clock) > STEP {
            true => Steady::No,
            false => Steady::Unknown,
        }
    }

    /// Everything was read, from that moment on.
    pub(super) fn reread(self, at: Timestamp) -> Reread {
        Reread { boot: self.boot, clock: self.nanos, at }
    }

    /// Whether nobody is known to have set it since everything was read.
    pub(super) fn is_as_at(&self, reread: &Reread) -> bool {
        self.boot == reread.boot && self.nanos.abs_diff(reread.clock) <= STEP
    }
}

/// Two clocks are not read in the same moment; a busy machine may lie between.
const STEP: u64 = 100_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_two_clocks_tells_that_one_was_set() {
        let host = Host::at("/").unwrap();
        let now = Clock::now(&host);
        assert!(!now.boot.is_empty());
        let header = |boot: &str, clock: i64| Header {
            created: jiff::Timestamp::UNIX_EPOCH,
            algorithm: crate::host::object::Algorithm::Sha256,
            rules: [0; 32],
            root: Vec::new(),
            agent: String::new(),
            machine: [0; 32],
            boot: boot.to_owned(),
            clock,
            who: String::new(),
            why: String::new(),
        };
        assert_eq!(Clock::now(&host).since(&header(&now.boot, now.nanos)), Steady::Unknown);
        assert_eq!(now.since(&header(&now.boot, now.nanos - 3_600_000_000_000)), Steady::No);
        assert_eq!(now.since(&header("another", now.nanos - 3_600_000_000_000)), Steady::Unknown);
    }
}
