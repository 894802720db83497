//! Whether a worker waits for a disk: then others could ask it something meanwhile.
//!
//! The time that passes does not tell, for a machine that has other work, or that is emulated, takes it as well. What
//! the thread had to be read from a device does.

use nix::sys::resource::{UsageWho, getrusage};

#[derive(Debug, Default)]
pub(super) struct Meter {
    /// What the thread had read from devices when it last looked; nothing before its first look.
    read: Option<i64>,
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
        let read = getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.block_reads());
        let before = std::mem::replace(self, Self { read: Some(read), asked: 0 }).read;
        // A thread begins with nothing read.
        read > before.unwrap_or(0)
    }
}

/// Objects: a call into the kernel more for each so many, and soon enough where each waits for the disk.
const EVERY: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_nothing_from_a_device_does_not_wait_however_long_it_takes() {
        // On a thread of its own, of which nothing was read before.
        let asked = || {
            let mut meter = Meter::default();
            let asked = |_| {
                std::thread::sleep(std::time::Duration::from_micros(100));
                meter.waits()
            };
            (0..4 * EVERY).any(asked)
        };
        assert!(!std::thread::spawn(asked).join().unwrap());
    }
}
