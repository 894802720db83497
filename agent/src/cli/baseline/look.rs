//! How far a long look has come, for a person who watches.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::baseline::diff::Progress;

/// Shown on standard error, if that is a terminal, and gone when it is dropped.
pub(super) struct Meter {
    since: Instant,
    is_watched: bool,
    shown: Mutex<Option<Instant>>,
}

impl Meter {
    pub(super) fn start() -> Self {
        Self { since: Instant::now(), is_watched: stderr().is_terminal(), shown: Mutex::new(None) }
    }

    pub(super) fn show(&self, progress: Progress) {
        let Ok(mut shown) = self.shown.try_lock() else { return };
        let is_due = shown.map_or(self.since.elapsed() > MOMENT, |last| last.elapsed() > MOMENT);
        if self.is_watched && is_due {
            *shown = Some(Instant::now());
            let _ = write!(stderr(), "\r\x1b[K{}", line(progress, self.since.elapsed()));
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let shown = self.shown.get_mut().is_ok_and(|shown| shown.is_some());
        if shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

/// `41200 of 163490 objects, 1.90 GB at 700 MB/s, 8 s left`.
fn line(progress: Progress, since: Duration) -> String {
    let Progress { objects, of_objects, bytes } = progress;
    let seconds = since.as_secs_f64().max(0.001);
    let of = if of_objects > 0 { format!(" of {of_objects}") } else { String::new() };
    let rate = bytes as f64 / seconds / 1e6;
    let mut line = format!("{objects}{of} objects, {} at {rate:.0} MB/s", size(bytes));
    let done = objects as f64 / of_objects.max(1) as f64;
    if of_objects > 0 && done > 0.01 && done < 1.0 {
        line.push_str(&format!(", {:.0} s left", seconds * (1.0 - done) / done));
    }
    line
}

pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// What is over sooner needs no explanation, and nobody reads faster.
const MOMENT: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_the_rate_and_the_time_that_is_left() {
        let progress = Progress { objects: 50, of_objects: 200, bytes: 1_000_000_000 };
        assert_eq!(
            line(progress, Duration::from_secs(2)),
            "50 of 200 objects, 1.00 GB at 500 MB/s, 6 s left"
        );
        let first = Progress { objects: 7, bytes: 1_500, ..Progress::default() };
        assert_eq!(line(first, Duration::from_secs(1)), "7 objects, 1.5 kB at 0 MB/s");
    }
}
