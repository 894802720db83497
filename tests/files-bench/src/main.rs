//! `files-bench walk DIR`: seconds of a getdents and statx walk by two threads, and what it found.
//! `files-bench hash`: bytes of SHA-256 per second of one thread, a megabyte at a time.

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, StatxFlags, openat, statx};
use sha2::{Digest as _, Sha256};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["walk", top] => walk(top),
        ["hash"] => hash(),
        _ => panic!("files-bench walk DIR | files-bench hash"),
    }
}

#[derive(Default)]
struct Found {
    objects: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
}

struct Work {
    /// Directories that wait, and how many are being read.
    queue: Mutex<(Vec<(Arc<OwnedFd>, CString)>, usize)>,
    changed: Condvar,
    device: u64,
    found: Found,
}

fn walk(top: &str) {
    let began = Instant::now();
    let fd = Arc::new(openat(CWD, top, OPEN, Mode::empty()).unwrap());
    let device = rustix::fs::fstat(&fd).unwrap().st_dev;
    let queue = Mutex::new((vec![(fd, c".".to_owned())], 0));
    let work = Work { queue, changed: Condvar::new(), device, found: Found::default() };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| work.run());
        }
    });
    let Found { objects, files, bytes } = &work.found;
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    println!("{:.4} {} {} {}", began.elapsed().as_secs_f64(), of(objects), of(files), of(bytes));
}

impl Work {
    fn run(&self) {
        let mut buffer = vec![MaybeUninit::uninit(); 64 * 1024];
        while let Some((parent, name)) = self.take() {
            let found = self.list(&parent, &name, &mut buffer);
            let mut queue = self.queue.lock().unwrap();
            queue.0.extend(found);
            queue.1 -= 1;
            self.changed.notify_all();
        }
    }

    fn take(&self) -> Option<(Arc<OwnedFd>, CString)> {
        let mut queue = self.queue.lock().unwrap();
        loop {
            if let Some(next) = queue.0.pop() {
                queue.1 += 1;
                return Some(next);
            }
            if queue.1 == 0 {
                return None;
            }
            queue = self.changed.wait(queue).unwrap();
        }
    }

    fn list(
        &self,
        parent: &OwnedFd,
        name: &CString,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Vec<(Arc<OwnedFd>, CString)> {
        let Ok(fd) = openat(parent, name, OPEN, Mode::empty()) else { return Vec::new() };
        let fd = Arc::new(fd);
        let mut folders = Vec::new();
        let mut entries = RawDir::new(fd.as_fd(), buffer);
        while let Some(Ok(entry)) = entries.next() {
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let Ok(seen) = statx(&fd, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS | StatxFlags::BTIME)
            else {
                continue;
            };
            self.found.objects.fetch_add(1, Ordering::Relaxed);
            match FileType::from_raw_mode(u32::from(seen.stx_mode)) {
                FileType::RegularFile => {
                    self.found.files.fetch_add(1, Ordering::Relaxed);
                    self.found.bytes.fetch_add(seen.stx_size, Ordering::Relaxed);
                }
                FileType::Directory
                    if rustix::fs::makedev(seen.stx_dev_major, seen.stx_dev_minor) == self.device =>
                {
                    folders.push((Arc::clone(&fd), name.to_owned()));
                }
                _ => {}
            }
        }
        folders
    }
}

fn hash() {
    let block = vec![0xA5; 1 << 20];
    let mut best = 0.0_f64;
    for _ in 0..5 {
        let began = Instant::now();
        let mut hash = Sha256::new();
        (0..256).for_each(|_| hash.update(&block));
        assert_ne!(hash.finalize()[..4], [0; 4]);
        best = best.max(f64::from(256 * 1024 * 1024) / began.elapsed().as_secs_f64());
    }
    println!("{best:.0}");
}

const OPEN: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOATIME);
