//! Whether the kernel takes its clock for synchronised: adjtimex(2).

#![expect(unsafe_code, reason = "adjtimex has no safe wrapper in the libraries that we have")]

use std::io;

/// Whether somebody keeps the clock right, as the kernel was told. A container shares its host's clock.
pub fn is_synchronised() -> io::Result<bool> {
    // SAFETY: timex is numbers and padding, for all of which zero is a value; with no mode set nothing is changed.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a whole timex of our own, which the kernel fills in and does not keep.
    let state = unsafe { libc::adjtimex(&raw mut timex) };
    if state < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(state != libc::TIME_ERROR && timex.status & libc::STA_UNSYNC == 0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_kernel_answers() {
        assert!(super::is_synchronised().is_ok());
    }
}
