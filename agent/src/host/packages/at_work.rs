//! Whether a package manager is at work: then what is half-way is on its way, and nobody left it behind.
//!
//! dpkg(1), apt and rpm(8) lock whole files by fcntl(2) while they work; the kernel lets go of the lock when the process ends,
//! however it ends. The lock is asked about and never taken.

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::super::Host;

/// Who holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtWork {
    /// The lock file.
    pub lock: &'static str,
    /// The process that holds it, where the kernel can name it.
    pub pid: Option<u32>,
}

/// Nobody, too, where the lock may not be looked at.
pub(super) fn at_work(host: &Host) -> Option<AtWork> {
    LOCKS.iter().find_map(|lock| holder(host, lock))
}

fn holder(host: &Host, lock: &'static str) -> Option<AtWork> {
    let (file, _) = host.open(lock).ok()?;
    let mut asked = whole()?;
    fcntl(&file, FcntlArg::F_GETLK(&mut asked)).ok()?;
    // -1 is a lock of an open file, 0 a process of another pid namespace.
    let pid = u32::try_from(asked.l_pid).ok().filter(|pid| *pid > 0);
    (libc::c_int::from(asked.l_type) != libc::F_UNLCK).then_some(AtWork { lock, pid })
}

/// To write to all of a file: from its beginning (`SEEK_SET`, 0) to its end.
fn whole() -> Option<libc::flock> {
    let l_type = libc::c_short::try_from(libc::F_WRLCK).ok()?;
    Some(libc::flock { l_type, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 })
}

/// apt holds the first from its first run of dpkg to its last, packages half-way in between; rpm its own, which is beside its
/// database, from the first package of a transaction to the last.
const LOCKS: [&str; 4] = [
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/usr/lib/sysimage/rpm/.rpm.lock",
    "/var/lib/rpm/.rpm.lock",
];

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    /// A lock of an open file stands in the way of a process's own locks, those of the same process as well.
    fn lock(file: &File) {
        fcntl(file, FcntlArg::F_OFD_SETLK(&whole().unwrap())).unwrap();
    }

    #[test]
    fn whoever_holds_a_lock_is_at_work() {
        for name in LOCKS {
            let root = tempfile::tempdir().unwrap();
            let host = Host::at(root.path()).unwrap();
            assert_eq!(at_work(&host), None);
            let place = root.path().join(&name[1..]);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            let file = File::create(place).unwrap();
            assert_eq!(at_work(&host), None, "a file is no lock");
            lock(&file);
            assert_eq!(at_work(&host), Some(AtWork { lock: name, pid: None }));
            drop(file);
            assert_eq!(at_work(&host), None);
        }
    }
}
