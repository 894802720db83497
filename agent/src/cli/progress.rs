//! Says on standard error what is being read, once that takes longer than a moment and if a person watches.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

pub(super) struct Progress {
    started: Instant,
    watched: bool,
    shown: bool,
}

impl Progress {
    pub(super) fn start() -> Self {
        Self { started: Instant::now(), watched: stderr().is_terminal(), shown: false }
    }

    pub(super) fn show(&mut self, what: &str) {
        if self.watched && self.started.elapsed() >= MOMENT {
            self.shown = true;
            let _ = write!(stderr(), "\r\x1b[Klooking at {what}");
        }
    }

    pub(super) fn finish(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

/// What is over sooner needs no explanation.
const MOMENT: Duration = Duration::from_millis(300);
