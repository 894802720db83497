//! Whether the kernel takes its clock for synchronised: adjtimex(2). And when somebody sets it: timerfd_create(2).

#![expect(unsafe_code, reason = "adjtimex has no safe wrapper in the libraries that we have")]

use std::io;
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId as TimerClock, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::time::{ClockId, clock_gettime};

/// How the kernel takes its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Somebody keeps it right, as the kernel was told.
    pub is_synchronised: bool,
    /// How far off it may be by now, as whoever keeps it reckons. Without anybody it means nothing.
    pub most_off: Duration,
}

/// A container shares its host's clock.
pub fn kept() -> io::Result<Kept> {
    // SAFETY: timex is numbers and padding, for all of which zero is a value; with no mode set nothing is changed.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a whole timex of our own, which the kernel fills in and does not keep.
    let state = unsafe { libc::adjtimex(&raw mut timex) };
    if state < 0 {
        return Err(io::Error::last_os_error());
    }
    let is_synchronised = state != libc::TIME_ERROR && timex.status & libc::STA_UNSYNC == 0;
    let most_off = Duration::from_micros(u64::try_from(timex.maxerror).unwrap_or(0));
    Ok(Kept { is_synchronised, most_off })
}

/// Since the machine started, sleep included.
pub fn since_boot() -> io::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_BOOTTIME)?.into())
}

/// Waits until somebody sets the clock: what a file's times say of what came after what is worth nothing then.
#[derive(Debug)]
pub struct Steps {
    timer: TimerFd,
    /// The wall clock less the time since boot, in nanoseconds.
    offset: i128,
}

/// The clock was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stepped {
    /// How far, in nanoseconds; backwards where it is negative.
    pub nanos: i128,
}

impl Steps {
    pub fn new() -> io::Result<Self> {
        let timer = TimerFd::new(TimerClock::CLOCK_REALTIME, TimerFlags::TFD_CLOEXEC)?;
        // Only a timer that is armed is cancelled when the clock is set.
        let never = Expiration::OneShot(TimeSpec::new(NEVER, 0));
        let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
        timer.set(never, flags)?;
        Ok(Self { timer, offset: offset()? })
    }

    /// Blocks until the clock is set. Several steps that come at once are one.
    pub fn wait(&mut self) -> io::Result<Stepped> {
        // A read that is cancelled is what we wait for, and no error to the library.
        self.timer.wait()?;
        let now = offset()?;
        let nanos = now - self.offset;
        self.offset = now;
        Ok(Stepped { nanos })
    }
}

fn offset() -> io::Result<i128> {
    let nanos = |time: TimeSpec| i128::from(time.tv_sec()) * 1_000_000_000 + i128::from(time.tv_nsec());
    Ok(nanos(clock_gettime(ClockId::CLOCK_REALTIME)?) - nanos(clock_gettime(ClockId::CLOCK_BOOTTIME)?))
}

/// In the year 2242: beyond it the kernel's own nanoseconds end in 2262.
const NEVER: i64 = 8_589_934_592;

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    #[test]
    fn a_clock_that_nobody_sets_is_waited_for() {
        let steps = super::Steps::new().unwrap();
        let mut waits = [PollFd::new(steps.timer.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut waits, PollTimeout::from(50_u8)), Ok(0));
    }

    #[test]
    fn the_kernel_answers() {
        assert!(super::kept().is_ok());
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
        assert!(super::since_boot().unwrap().as_secs_f64() >= uptime - 1.0);
    }
}
