//! Whether the kernel takes its clock for synchronised: adjtimex(2).

#![expect(unsafe_code, reason = "adjtimex has no safe wrapper in the libraries that we have")]

use std::io;
use std::time::Duration;

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

#[cfg(test)]
mod tests {
    #[test]
    fn the_kernel_answers() {
        assert!(super::kept().is_ok());
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
        assert!(super::since_boot().unwrap().as_secs_f64() >= uptime - 1.0);
    }
}
