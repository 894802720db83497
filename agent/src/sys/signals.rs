//! The signals that a daemon obeys, waited for on a thread of their own instead of caught in the middle of anything:
//! signal(7), sigwait(3).
//!
//! SIGPIPE stays ignored, as Rust's start-up leaves it: a reader that went away is an error of that write.

use nix::errno::Errno;
use nix::sys::signal::{SIGHUP, SIGINT, SIGTERM, SigSet};

/// What somebody wants of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: `systemctl stop`.
    Terminate,
    /// SIGINT: ctrl-c on a terminal.
    Interrupt,
    /// SIGHUP: `systemctl reload`.
    Reload,
}

/// Proof that the signals wait for [`Signals::wait`] instead of ending the process.
#[derive(Debug)]
pub struct Signals {
    set: SigSet,
}

impl Signals {
    /// Keeps the signals back. To be called first of all: threads inherit it, and one that started earlier would still
    /// take a signal and end the process.
    pub fn block() -> Result<Self, Errno> {
        let set = SigSet::from_iter([SIGTERM, SIGINT, SIGHUP]);
        set.thread_block()?;
        Ok(Self { set })
    }

    /// The next signal; blocks until there is one.
    pub fn wait(&self) -> Signal {
        match self.set.wait() {
            Ok(SIGHUP) => Signal::Reload,
            Ok(SIGINT) => Signal::Interrupt,
            // sigwait fails for numbers that are no signals, and ours are some. Should it ever, stopping in good order
            // beats a daemon that can only be killed.
            Ok(_) | Err(_) => Signal::Terminate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Command, Stdio};

    use nix::sys::signal::kill;
    use nix::unistd::Pid;

    #[test]
    fn the_signals_are_kept_back_from_the_thread_that_asked_and_from_those_it_starts() {
        let blocked = std::thread::spawn(|| {
            let before = SigSet::thread_get_mask().unwrap();
            assert!(!before.contains(SIGTERM));
            Signals::block().unwrap();
            std::thread::spawn(|| SigSet::thread_get_mask().unwrap()).join().unwrap()
        });
        let blocked = blocked.join().unwrap();
        assert!([SIGTERM, SIGINT, SIGHUP].iter().all(|signal| blocked.contains(*signal)));
    }

    #[test]
    fn each_signal_is_told_to_the_one_who_waits() {
        // The child's own threads must not take the signals either, and a mask is inherited.
        let before = SigSet::thread_get_mask().unwrap();
        Signals::block().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sys::signals::tests::a_child_tells_what_it_was_sent", "--nocapture"])
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .spawn();
        before.thread_set_mask().unwrap();
        let mut child = child.unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut told = |word: &str| assert!(lines.any(|line| line.ends_with(word)), "never told {word}");

        told("waiting");
        kill(pid, nix::sys::signal::SIGHUP).unwrap();
        told("Reload");
        // Ignored by Rust's start-up, or this would be the end of it.
        kill(pid, nix::sys::signal::SIGPIPE).unwrap();
        kill(pid, SIGINT).unwrap();
        told("Interrupt");
        kill(pid, SIGTERM).unwrap();
        told("Terminate");
        assert!(child.wait().unwrap().success());
    }

    /// Not a test by itself: what the test above starts.
    #[test]
    fn a_child_tells_what_it_was_sent() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        let signals = Signals::block().unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "\nwaiting").unwrap();
        loop {
            let signal = signals.wait();
            writeln!(out, "{signal:?}").unwrap();
            if signal == Signal::Terminate {
                return;
            }
        }
    }

    const CHILD: &str = "GUESTWARD_TEST_SIGNALS_CHILD";
}
