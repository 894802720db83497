//! Descriptors that the service manager keeps for us while we are dead: sd_pid_notify_with_fds(3), sd_listen_fds(3).
//!
//! What it hands back at the start is believed only as far as the kernel confirms it: whoever set the variables could have
//! put anything there.

#![expect(unsafe_code, reason = "a number in a variable becomes a descriptor that we own")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::inotify::Inotify;

/// A descriptor that was kept, and the name that we gave it.
#[derive(Debug)]
pub struct Stored {
    pub name: String,
    pub descriptor: OwnedFd,
}

/// Takes what was handed over to this process; once, and before anything else is opened.
pub fn take() -> Vec<Stored> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Vec::new();
    }
    let (pid, count, names) =
        (env::var_os("LISTEN_PID"), env::var_os("LISTEN_FDS"), env::var_os("LISTEN_FDNAMES"));
    let wanted = handed(pid.as_deref(), count.as_deref(), names.as_deref(), process::id());
    wanted
        .into_iter()
        .filter_map(|(number, name)| own(number).map(|descriptor| Stored { name, descriptor }))
        .collect()
}

/// The inotify instance that it is; anything else is closed.
pub fn inotify(descriptor: OwnedFd) -> Result<Inotify, String> {
    demand(&descriptor, "anon_inode:inotify")?;
    // SAFETY: the kernel has just said that the descriptor, which is ours alone, is an inotify instance.
    Ok(unsafe { Inotify::from_owned_fd(descriptor) })
}

/// The fanotify group that it is; anything else is closed.
pub fn fanotify(descriptor: OwnedFd) -> Result<OwnedFd, String> {
    demand(&descriptor, "anon_inode:[fanotify]")?;
    Ok(descriptor)
}

fn demand(descriptor: &OwnedFd, wanted: &str) -> Result<(), String> {
    let link = fs::read_link(format!("/proc/self/fd/{}", descriptor.as_raw_fd()));
    let kind = link.map_err(|error| format!("nobody can say what it is: {error}"))?;
    if kind.as_os_str() != wanted {
        return Err(format!("it is {}", kind.display()));
    }
    // Of another process it could be one that waits.
    fcntl(descriptor, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(|errno| errno.desc().to_owned())?;
    Ok(())
}

/// Numbers and names, as the variables have them.
fn handed(
    pid: Option<&OsStr>,
    count: Option<&OsStr>,
    names: Option<&OsStr>,
    own: u32,
) -> Vec<(RawFd, String)> {
    let number = |text: Option<&OsStr>| text?.to_str()?.parse::<u32>().ok();
    let count = match (number(pid), number(count)) {
        (Some(pid), Some(count)) if pid == own && count <= MOST => count,
        _ => return Vec::new(),
    };
    let names = names.and_then(OsStr::to_str).unwrap_or_default();
    let names = names.split(':').chain(std::iter::repeat("unknown"));
    (FIRST..).zip(names).take(count as usize).map(|(number, name)| (number, name.to_owned())).collect()
}

fn own(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: only asked whether it is open, which changes nothing whatever it is.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).ok()?;
    // SAFETY: it is open, and whoever started us says that it is for us; nobody here has opened anything that stays open
    // yet, and it is taken only once.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

/// SD_LISTEN_FDS_START.
const FIRST: RawFd = 3;
/// The unit lets fewer be kept.
const MOST: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::inotify::InitFlags;

    #[test]
    fn only_what_is_meant_for_this_process_is_taken() {
        let of = |pid: &str, count: &str, names: &str| {
            handed(Some(pid.as_ref()), Some(count.as_ref()), Some(names.as_ref()), 42)
        };
        let named = |names: &[(RawFd, &str)]| -> Vec<_> {
            names.iter().map(|(number, name)| (*number, (*name).to_owned())).collect()
        };
        assert_eq!(of("42", "2", "inputs:other"), named(&[(3, "inputs"), (4, "other")]));
        assert_eq!(of("42", "2", "inputs"), named(&[(3, "inputs"), (4, "unknown")]));
        for (pid, count) in [("41", "1"), ("", "1"), ("42", ""), ("42", "-1"), ("42", "65"), ("x", "y")] {
            assert_eq!(of(pid, count, "inputs"), [], "{pid} {count}");
        }
        assert_eq!(handed(None, Some("1".as_ref()), None, 42), []);
    }

    #[test]
    fn what_is_no_inotify_instance_is_refused_and_closed() {
        let (ours, theirs) = std::io::pipe().unwrap();
        let error = inotify(theirs.into()).unwrap_err();
        assert!(error.starts_with("it is pipe:"), "{error}");
        let mut ours = ours;
        assert_eq!(std::io::Read::read(&mut ours, &mut [0]).unwrap(), 0, "the other end is still open");
    }

    #[test]
    fn one_that_would_wait_waits_no_more() {
        let waits = Inotify::init(InitFlags::IN_CLOEXEC).unwrap();
        let adopted = inotify(waits.into()).unwrap();
        assert_eq!(adopted.read_events().unwrap_err(), nix::errno::Errno::EAGAIN);
    }
}
