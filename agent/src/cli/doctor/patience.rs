//! A look at something that may never answer: a disk or a server that is gone holds whoever asks it.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What `look` comes back with, if it does in time. One that does not is left behind, and ends with us.
pub(super) fn within<T: Send + 'static>(
    time: Duration,
    look: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let looking = thread::Builder::new().name("look".to_owned()).spawn(move || {
        // Whoever waited may have gone.
        let _ = sender.send(look());
    });
    looking.ok().and_then(|_| receiver.recv_timeout(time).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_come_back_is_not_waited_for() {
        let (keep, kept) = mpsc::channel::<()>();
        // A hang here is the failure.
        assert_eq!(within(Duration::from_millis(10), move || kept.recv().is_ok()), None);
        drop(keep);
        assert_eq!(within(Duration::from_secs(600), || 7), Some(7));
    }
}
