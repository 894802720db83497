//! The wish that shipping end: set once, seen by everybody who waits.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SIGINT, SIGTERM, SigSet};

#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    pub fn new() -> Self {
        Self::default()
    }

    /// Set by SIGTERM or SIGINT. To be called before any other thread is started: they inherit what is kept back.
    pub fn on_signal() -> io::Result<Self> {
        let signals = SigSet::from_iter([SIGTERM, SIGINT]);
        signals.thread_block()?;
        let stop = Self::new();
        let asked = stop.clone();
        let wait = move || {
            // sigwait fails for numbers that are no signals, and ours are some.
            let _ = signals.wait();
            asked.set();
        };
        thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
        Ok(stop)
    }

    pub fn set(&self) {
        *self.lock() = true;
        self.0.1.notify_all();
    }

    pub fn is_set(&self) -> bool {
        *self.lock()
    }

    /// Waits so long, or until it is set: then the answer is true, at once.
    pub fn wait(&self, time: Duration) -> bool {
        let set = self.0.1.wait_timeout_while(self.lock(), time, |set| !*set);
        *set.unwrap_or_else(PoisonError::into_inner).0
    }

    pub fn wait_until_set(&self) {
        drop(self.0.1.wait_while(self.lock(), |set| !*set));
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        // A flag cannot be half set.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
