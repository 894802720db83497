//! What a look touched, and as what it found it: while nothing of that has changed, neither has its answer.
//!
//! Every path that a host resolves is noted before anything is read of it, those that are not there as well, with device,
//! inode, size and time of change. So whoever asks again needs to know nothing of what the look reads. What the kernel makes
//! up while it is read (`/proc`, `/sys`) has no such time and is compared by its bytes.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::sys::stat::fstat;
use nix::sys::statfs::{FsType, PROC_SUPER_MAGIC, SYSFS_MAGIC, fstatfs};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

use super::beneath::{self, Resolver};
use super::{Host, Kind};

/// Notes what is touched.
#[derive(Debug)]
pub(super) struct Notes {
    /// By the clock that files are stamped by.
    began: TimeSpec,
    marks: Mutex<BTreeMap<Asked, Mark>>,
}

/// A path, and whether a link at its end is followed.
type Asked = (PathBuf, bool);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Mark {
    /// It is not there, or cannot be resolved.
    Not(Errno),
    Object(Stamp),
    /// A file of the kernel's.
    Bytes(Vec<u8>),
    /// Nothing tells whether it changes.
    Uncertain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    dev: u64,
    ino: u64,
    size: i64,
    /// Seconds and nanoseconds.
    changed: (i64, i64),
}

/// All that a look touched.
#[derive(Debug)]
pub(super) struct Trace(BTreeMap<Asked, Mark>);

impl Host {
    /// The same machine, with an eye on what is touched of it.
    pub(super) fn noting(&self) -> Option<Self> {
        let began = clock_gettime(ClockId::CLOCK_REALTIME).ok()?;
        Some(Self {
            root: self.root.try_clone().ok()?,
            root_path: self.root_path.clone(),
            resolver: self.resolver,
            has_kernel: self.has_kernel,
            imds: self.imds,
            state: self.state.clone(),
            is_to_deliver: self.is_to_deliver,
            notes: Some(Notes { began, marks: Mutex::default() }),
            known: None,
        })
    }

    pub(super) fn resolve(&self, path: &Path, follow: bool) -> Result<OwnedFd, Errno> {
        let found = self.resolver.resolve(&self.root, path, follow);
        if let Some(notes) = &self.notes {
            let mut notes = notes.marks.lock().unwrap_or_else(PoisonError::into_inner);
            let asked = (path.to_owned(), follow);
            // What was there first counts: if it is another one by now, there is no telling which one was read.
            if notes.len() <= MAX_NOTES && !notes.contains_key(&asked) {
                notes.insert(asked, mark(self.resolver, &self.root, path, &found));
            }
        }
        found
    }

    /// What was touched; `None` where the same marks could one day stand for something else.
    pub(super) fn into_trace(self) -> Option<Trace> {
        let Notes { began, marks } = self.notes?;
        let marks = marks.into_inner().unwrap_or_else(PoisonError::into_inner);
        let is_settled = |stamp: &Stamp| {
            let (seconds, nanoseconds) = stamp.changed;
            let age = began.tv_sec().checked_sub(seconds).and_then(|age| age.checked_mul(BILLION));
            let age = age.and_then(|age| age.checked_add(began.tv_nsec()));
            age.and_then(|age| age.checked_sub(nanoseconds)).is_some_and(|age| age > SETTLED)
        };
        let is_sure = |mark: &Mark| match mark {
            Mark::Object(stamp) => is_settled(stamp),
            Mark::Not(_) | Mark::Bytes(_) => true,
            Mark::Uncertain => false,
        };
        (marks.len() <= MAX_NOTES && marks.values().all(is_sure)).then_some(Trace(marks))
    }

    /// Whether all that was touched is as it was.
    pub(super) fn is_as(&self, trace: &Trace) -> bool {
        trace.0.iter().all(|((path, follow), then)| {
            let found = self.resolver.resolve(&self.root, path, *follow);
            mark(self.resolver, &self.root, path, &found) == *then
        })
    }
}

fn mark(resolver: Resolver, root: &OwnedFd, path: &Path, found: &Result<OwnedFd, Errno>) -> Mark {
    let handle = match found {
        Ok(handle) => handle,
        Err(errno) => return Mark::Not(*errno),
    };
    let (Ok(found), Ok(system)) = (fstat(handle), fstatfs(handle)) else { return Mark::Uncertain };
    if !is_made_up(system.filesystem_type()) {
        return Mark::Object(Stamp {
            dev: found.st_dev,
            ino: found.st_ino,
            size: found.st_size,
            changed: (found.st_ctime, found.st_ctime_nsec),
        });
    }
    let meta = beneath::meta(&found);
    let mut bytes = Vec::new();
    let read = (meta.kind == Kind::File)
        .then(|| beneath::reopen(resolver, root, path, handle, &meta).ok())
        .flatten()
        .map(|file| std::fs::File::from(file).take(MAX_MADE_UP + 1).read_to_end(&mut bytes));
    match read {
        Some(Ok(_)) if bytes.len() as u64 <= MAX_MADE_UP => Mark::Bytes(bytes),
        _ => Mark::Uncertain,
    }
}

fn is_made_up(system: FsType) -> bool {
    [PROC_SUPER_MAGIC, SYSFS_MAGIC].contains(&system)
}

/// A file system's clock ticks every ten milliseconds or faster, and what changes within the tick in which it was noted
/// keeps its stamp.
const SETTLED: i64 = 100_000_000;
const BILLION: i64 = 1_000_000_000;
/// A hundred bytes each. A machine with every file of a long list in a directory of its own is asked anew each time.
const MAX_NOTES: usize = 20_000;
const MAX_MADE_UP: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::{Duration, Instant};

    type Change = (&'static str, fn(&Path));

    /// Looks until what is there is old enough for its marks to be believed.
    fn trace(host: &Host, look: impl Fn(&Host)) -> Trace {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let noting = host.noting().unwrap();
            look(&noting);
            if let Some(trace) = noting.into_trace() {
                return trace;
            }
            assert!(Instant::now() < end, "no trace is ever sure");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_is_touched_is_held_against_what_it_becomes() {
        let changes: [Change; 9] = [
            ("longer", |root| fs::write(root.join("a"), "12").unwrap()),
            ("other", |root| fs::write(root.join("a"), "2").unwrap()),
            ("replaced", |root| {
                fs::write(root.join("d/new"), "1").unwrap();
                fs::rename(root.join("d/new"), root.join("a")).unwrap();
            }),
            ("gone", |root| fs::remove_file(root.join("a")).unwrap()),
            ("come", |root| fs::write(root.join("absent"), "").unwrap()),
            ("listed", |root| fs::write(root.join("d/more"), "").unwrap()),
            ("led elsewhere", |root| {
                fs::remove_file(root.join("link")).unwrap();
                symlink("target2", root.join("link")).unwrap();
            }),
            ("changed behind a link", |root| fs::write(root.join("target1"), "x").unwrap()),
            ("refused", |root| {
                fs::remove_dir_all(root.join("d")).unwrap();
                symlink("d", root.join("d")).unwrap();
            }),
        ];
        for (what, change) in changes {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path();
            for (name, text) in [("a", "1"), ("target1", "1"), ("target2", "1"), ("untouched", "1")] {
                fs::write(root.join(name), text).unwrap();
            }
            fs::create_dir(root.join("d")).unwrap();
            symlink("target1", root.join("link")).unwrap();
            let host = Host::at(root).unwrap();
            let trace = trace(&host, |host| {
                assert_eq!(host.read("/a", 9).unwrap(), b"1");
                assert_eq!(host.read("/link", 9).unwrap(), b"1");
                assert!(!host.exists("/absent").unwrap());
                host.list("/d", 9).unwrap();
            });
            assert!(host.is_as(&trace));
            fs::write(root.join("untouched"), "2").unwrap();
            assert!(host.is_as(&trace), "nobody touched it");
            change(root);
            assert!(!host.is_as(&trace), "{what}");
        }
    }

    #[test]
    fn what_the_kernel_makes_up_is_compared_by_its_bytes() {
        let host = Host::at("/").unwrap();
        let is_kept = |path: &str| {
            let noting = host.noting().unwrap();
            noting.read(path, 1 << 20).unwrap();
            noting.into_trace().is_some_and(|trace| host.is_as(&trace))
        };
        assert!(is_kept("/proc/sys/kernel/osrelease"));
        assert!(!is_kept("/proc/sys/kernel/random/uuid"), "another one each time");
        let noting = host.noting().unwrap();
        noting.list("/proc/self/fd", 1 << 20).unwrap();
        assert!(noting.into_trace().is_none());
    }

    #[test]
    fn what_was_changed_just_now_is_not_yet_believed() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::at(folder.path()).unwrap();
        let began = Instant::now();
        fs::write(folder.path().join("a"), "").unwrap();
        let noting = host.noting().unwrap();
        noting.read("/a", 9).unwrap();
        let is_believed = noting.into_trace().is_some();
        assert!(!is_believed || began.elapsed() > Duration::from_millis(90));
    }
}
