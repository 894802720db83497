//! Somebody exchanges a directory for a link out of the root while we read in it.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use super::both;

#[test]
fn an_exchanged_directory_never_leads_out() {
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("etc")).unwrap();
    fs::write(outside.path().join("etc/file"), "canary").unwrap();
    let root = outside.path().join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("etc/file"), "inside").unwrap();
    fs::write(root.join("file"), "above").unwrap();
    for (name, target) in [("out", outside.path().join("etc")), ("up", "../etc".into()), ("here", ".".into())]
    {
        symlink(target, root.join(name)).unwrap();
    }
    for (way, host) in both(&root) {
        let stop = AtomicBool::new(false);
        let seen = std::thread::scope(|scope| {
            scope.spawn(|| {
                // Each exchange is undone by the same one: the names are what they were when the thread ends.
                for name in ["out", "up", "here"].iter().cycle() {
                    for _ in 0..2 {
                        let (a, b) = (root.join("etc"), root.join(name));
                        renameat2(AT_FDCWD, &a, AT_FDCWD, &b, RenameFlags::RENAME_EXCHANGE).unwrap();
                    }
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
            let paths = ["etc/file", "etc/../etc/file", "up/file", "here/etc/file", "etc/../../etc/file"];
            let read: Vec<_> = (0..ROUNDS).map(|round| host.read(paths[round % paths.len()], 100)).collect();
            stop.store(true, Ordering::Relaxed);
            read
        });
        let read: Vec<Vec<u8>> = seen.into_iter().flatten().collect();
        assert!(!read.iter().any(|bytes| bytes == b"canary"), "{way}");
        assert!(read.iter().any(|bytes| bytes == b"inside"), "{way}: nothing was read at all");
    }
}

/// A second or so for each resolver; an opener that trusts names is caught within some hundred.
const ROUNDS: usize = 20_000;
