//! The wish that shipping end, for good or to begin anew with another policy: seen by everybody who waits.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::sys::signals::{Signal, Signals};

#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<(Mutex<Option<Why>>, Condvar)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Asked,
    /// SIGHUP: the policy is to be read again.
    Reload,
}

impl Stop {
    pub fn new() -> Self {
        Self::default()
    }

    /// Set by signals, which were blocked before any other thread was started.
    pub fn on_signal(signals: Signals) -> io::Result<Self> {
        let stop = Self::new();
        let asked = stop.clone();
        let wait = move || {
            loop {
                asked.set_to(match signals.wait() {
                    Signal::Reload => Why::Reload,
                    Signal::Terminate | Signal::Interrupt => Why::Asked,
                });
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
        Ok(stop)
    }

    pub fn set(&self) {
        self.set_to(Why::Asked);
    }

    /// Ends whatever has not been told to end yet.
    pub fn set_if_unset(&self) {
        if !self.is_set() {
            self.set();
        }
    }

    fn set_to(&self, why: Why) {
        let mut set = self.lock();
        // Whoever wants it to end wants more than whoever wants it to go on.
        if *set != Some(Why::Asked) {
            *set = Some(why);
        }
        drop(set);
        self.0.1.notify_all();
    }

    /// Whether shipping ended only to begin anew; then it is set no more.
    pub fn take_reload(&self) -> bool {
        self.lock().take_if(|why| *why == Why::Reload).is_some()
    }

    pub fn is_set(&self) -> bool {
        self.lock().is_some()
    }

    /// Waits so long, or until it is set: then the answer is true, at once.
    pub fn wait(&self, time: Duration) -> bool {
        let set = self.0.1.wait_timeout_while(self.lock(), time, |set| set.is_none());
        set.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }

    pub fn wait_until_set(&self) {
        drop(self.0.1.wait_while(self.lock(), |set| set.is_none()));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Why>> {
        // A wish cannot be half set.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_to_end_goes_before_a_wish_to_begin_anew() {
        let stop = Stop::new();
        stop.set_to(Why::Reload);
        assert!(stop.is_set() && stop.take_reload() && !stop.is_set());
        stop.set();
        stop.set_to(Why::Reload);
        assert!(!stop.take_reload() && stop.is_set());
    }
}
