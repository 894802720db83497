//! What this kernel can do, found out by asking for it in a way that leaves nothing behind.
//!
//! A group of fanotify is closed again, nobody goes on listening for processes, of BPF nothing is loaded, and no ruleset of Landlock is made.

mod bpf;
mod connector;
mod disk;
mod fanotify;
mod landlock;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

pub use bpf::{cgroup_programs, programs};
pub use connector::process_events;
pub use disk::{FileSystem, Flushed, Kind, file_system, flush};
pub use fanotify::{Report, marks_file_system, reports};
pub use landlock::landlock;

/// Whether the kernel has it, as far as it tells whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    Yes,
    No(Errno),
    /// It does not tell: for want of a right, or because a filter of system calls answers in its place.
    Untold(Errno),
}

impl Has {
    /// These mean that the kernel does not know what it was asked for; anything else says nothing about it.
    fn of<T>(answer: Result<T, Errno>, absent: &[Errno]) -> Self {
        match answer {
            Ok(_) => Self::Yes,
            Err(errno) if absent.contains(&errno) => Self::No(errno),
            Err(errno) => Self::Untold(errno),
        }
    }
}

/// Whether the kernel keeps an audit trail. Its socket is only opened; nobody is asked for anything through it.
pub fn audit() -> Has {
    let opened =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkAudit);
    Has::of(opened, &[Errno::EPROTONOSUPPORT])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_does_not_tell_is_neither_there_nor_absent() {
        let absent = [Errno::ENOSYS, Errno::EINVAL];
        assert_eq!(Has::of(Ok(()), &absent), Has::Yes);
        assert_eq!(Has::of::<()>(Err(Errno::EINVAL), &absent), Has::No(Errno::EINVAL));
        assert_eq!(Has::of::<()>(Err(Errno::EPERM), &absent), Has::Untold(Errno::EPERM));
    }

    #[test]
    fn asking_leaves_no_descriptor_behind() {
        // In a process of its own: other tests open files in this one.
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sys::probe::tests::a_child_that_asks_for_everything", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Not a test by itself: what the test above starts.
    #[test]
    fn a_child_that_asks_for_everything() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let before = open();
        for _ in 0..3 {
            let _ = (audit(), programs(), cgroup_programs("/sys/fs/cgroup".as_ref()), landlock());
            let _ = (reports(Report::Names), marks_file_system("/".as_ref()));
            let _ = (process_events(), flush(&std::env::temp_dir()));
        }
        assert_eq!(open(), before);
    }

    const CHILD: &str = "GUESTWARD_TEST_PROBE_CHILD";
}
