//! Whether a worker waits for a disk: then others could ask it something meanwhile.
//!
//! The time that passes does not tell, for a machine that has other work, or that is emulated, takes it as well. What
//! the thread had to be read from a device does.

use nix::sys::resource::{UsageWho, getrusage};

#[derive(Debug, Default)]
pub(super) struct Meter {
    /// What the thread had read from devices when it last looked.
    read: i64,
    /// How often it was asked since.
    asked: u32,
}

impl Meter {
    /// Asked after each object, on the thread that works. It looks now and then, and judges what was between.
    pub(super) fn waits(&mut self) -> bool {
        self.asked += 1;
        if self.asked < EVERY {
            return false;
        }
        self.asked = 0;
        self.judge(getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.block_reads()))
    }

    /// A thread begins with nothing read.
    fn judge(&mut self, read: i64) -> bool {
        read > std::mem::replace(&mut self.read, read)
    }
}

/// Objects: a call into the kernel more for each so many, and soon enough where each waits for the disk.
const EVERY: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_from_a_device_waits_and_no_longer_than_that() {
        let mut meter = Meter::default();
        assert_eq!([0, 0, 5, 5, 6].map(|read| meter.judge(read)), [false, false, true, false, true]);
    }
}
