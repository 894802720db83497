//! dpkg's files read while dpkg writes them: it puts each whole in its place, and takes away what it has merged elsewhere.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::stat::fstat;

use super::super::{Host, Unreadable};
use super::at_work::at_work;
use super::dpkg::{JOURNAL, STATUS};
use super::recorded::LISTS;

/// Which file or directory a path is, and when it was changed last.
pub(super) type Stamp = Option<(u64, u64, i64, i64)>;

pub(super) fn stamp(host: &Host, path: &str) -> Stamp {
    let handle = host.resolver.resolve(&host.root, Path::new(path), true).ok()?;
    let found = fstat(&handle).ok()?;
    Some((found.st_dev, found.st_ino, found.st_ctime, found.st_ctime_nsec))
}

/// Reads the status and its journal again where the status was replaced meanwhile: then it is not known which journal
/// belongs to it. What is only added to the journal makes nothing wrong of what was read before.
pub(super) fn settled<T>(
    host: &Host,
    mut read: impl FnMut() -> Result<T, Unreadable>,
) -> Result<T, Unreadable> {
    for _ in 0..TRIES {
        let before = stamp(host, STATUS);
        let found = read();
        // What is read was seen in its directory: the journal may be emptied at leisure after the status was replaced.
        let is_emptied = found.as_ref().is_err_and(Unreadable::is_absent);
        if stamp(host, STATUS) == before && !is_emptied {
            return found;
        }
        sleep(PAUSE);
    }
    read()
}

/// Reads again where a list was gone when it was to be read, and packages come or go. A file system's clock may stand still
/// for some milliseconds, so the lock is asked as well.
pub(super) fn unless_taken_away<T>(
    host: &Host,
    mut read: impl FnMut() -> Result<T, Unreadable>,
) -> Result<T, Unreadable> {
    let stamps = || [STATUS, JOURNAL, LISTS].map(|place| stamp(host, place));
    for _ in 0..TRIES {
        let before = stamps();
        let found = read();
        let is_gone = found.as_ref().is_err_and(Unreadable::is_absent);
        if !is_gone || (stamps() == before && at_work(host).is_none()) {
            return found;
        }
        sleep(PAUSE);
    }
    read()
}

/// A fifth of a second in all; dpkg replaces its status a few times in a whole one.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::dpkg::Database;
    use super::*;

    /// Also when an assertion fails.
    struct Over<'a>(&'a AtomicBool);

    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn stanza(package: &str, version: u32) -> String {
        format!("Package: {package}\nStatus: install ok installed\nVersion: {version}\nArchitecture: all\n\n")
    }

    /// As modstatdb_checkpoint of dpkg does it: the status with all that is in the journal, and then no journal.
    #[test]
    fn what_is_merged_while_it_is_read_is_read_whole() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("var/lib/dpkg");
        fs::create_dir_all(folder.join("updates")).unwrap();
        let place = |name: &str, text: &str| {
            fs::write(folder.join("new"), text).unwrap();
            fs::rename(folder.join("new"), folder.join(name)).unwrap();
        };
        place("status", &stanza("x", 0));
        let host = Host::at(root.path()).unwrap();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for version in (1..).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                    place("updates/0000", &stanza("x", version));
                    place("updates/0001", &stanza("y", version));
                    place("status", &format!("{}{}", stanza("x", version), stanza("y", version)));
                    fs::remove_file(folder.join("updates/0000")).unwrap();
                    fs::remove_file(folder.join("updates/0001")).unwrap();
                    sleep(Duration::from_millis(20));
                }
            });
            let _over = Over(&is_over);
            let mut last = 0;
            while last < 20 {
                let read = settled(&host, || Database::read(&host)).unwrap();
                let version: u32 = read.packages[0].version.parse().unwrap();
                assert!(version >= last, "an older version than was there before: {version}, {last}");
                last = version;
            }
        });
    }

    #[test]
    fn what_nobody_takes_away_is_an_error_at_once() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::at(root.path()).unwrap();
        let mut tries = 0;
        let read = unless_taken_away(&host, || {
            tries += 1;
            host.read("/gone", 1)
        });
        assert!(read.is_err_and(|cause| cause.is_absent()));
        assert_eq!(tries, 1);
    }
}
