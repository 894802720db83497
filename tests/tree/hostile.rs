//! Trees whose owner works against the walk while it goes on.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use guestward::host::files::Mounts;
use guestward::host::object::{Content, Trouble};
use guestward::host::tree::{Reading, Want};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::recorder::{Meanwhile, Recorder, Way, ends, walked};
use super::sha256;

#[test]
fn a_file_that_grows_all_the_time_holds_nobody_up() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("growing");
    fs::write(&path, "begun").unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = File::options().append(true).open(&path).unwrap();
            let since = Instant::now();
            // No test fills a disk.
            while !is_over.load(Ordering::Relaxed) && since.elapsed() < Duration::from_secs(20) {
                file.write_all(&[b'x'; 512]).unwrap();
                std::thread::sleep(Duration::from_micros(100));
            }
        });
        let _meanwhile = Meanwhile(&is_over);
        let log = Want { content: Some(Reading { length: Some(5), ..Reading::default() }), xattrs: false };
        for _ in 0..10 {
            let place = root.path().to_owned();
            let told = ends("reading a file that grows", move || walked(&place, Recorder::of_everything()));
            // The writer may have been kept from writing for a moment.
            let content = told.object("/growing").content;
            let is_true = matches!(content, Content::Unread(Trouble::Unstable) | Content::Hashed { .. });
            assert!(is_true, "{content:?}");
            let told = walked(root.path(), Recorder::new(log));
            assert_eq!(told.digest("/growing"), sha256(b"begun"), "what is there already stays as it is");
        }
    });
}

#[test]
fn whatever_is_exchanged_on_the_way_nothing_outside_is_told() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("canary"), "nobody in here may see this").unwrap();
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir(at("directory")).unwrap();
    fs::write(at("directory/canary"), "in the directory").unwrap();
    symlink(outside.path(), at("away")).unwrap();
    fs::write(at("file"), "in the file").unwrap();
    symlink(outside.path().join("canary"), at("astray")).unwrap();
    let (is_over, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for (a, b) in [("directory", "away"), ("file", "astray")] {
            let (a, b, is_over, swaps) = (at(a), at(b), &is_over, &swaps);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    renameat_with(CWD, &a, CWD, &b, RenameFlags::EXCHANGE).unwrap();
                    swaps.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _meanwhile = Meanwhile(&is_over);
        let since = Instant::now();
        let mut read = 0;
        while swaps.load(Ordering::Relaxed) < 200_000 && since.elapsed() < Duration::from_secs(60) {
            let told = walked(root.path(), Recorder::of_everything());
            for (path, object) in told.objects() {
                let path = String::from_utf8(path).unwrap();
                let Content::Hashed { digest, .. } = object.content else { continue };
                let known = [sha256(b"in the directory"), sha256(b"in the file")];
                assert!(known.contains(&digest), "{path} was read, and is none of the tree's own");
                read += 1;
            }
        }
        assert!(read > 0, "now and then it is quick enough to read one");
    });
    assert!(swaps.into_inner() > 1_000, "they were exchanged all the time");
}

#[test]
fn a_file_that_is_replaced_again_and_again_is_told_as_it_once_was() {
    let root = tempfile::tempdir().unwrap();
    let (path, new) = (root.path().join("file"), root.path().join("new"));
    let text = |number: u32| format!("{number:06}").repeat(40_000);
    fs::write(&path, text(0)).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !is_over.load(Ordering::Relaxed) {
                number += 1;
                fs::write(&new, text(number)).unwrap();
                fs::rename(&new, &path).unwrap();
            }
        });
        let _meanwhile = Meanwhile(&is_over);
        let reading = Reading { keep: 6, ..Reading::default() };
        for _ in 0..100 {
            let told = walked(root.path(), Recorder::new(Want { content: Some(reading), xattrs: true }));
            let object = told.object("/file");
            if let Content::Hashed { digest, length, .. } = object.content {
                let number = String::from_utf8(object.text.unwrap().into_vec()).unwrap().parse().unwrap();
                assert_eq!((digest, length), (sha256(text(number).as_bytes()), 240_000), "never half of one");
            }
        }
    });
}

#[test]
fn a_mount_that_never_answers_is_passed_by() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("dead")).unwrap();
    fs::write(root.path().join("live"), "words").unwrap();
    let _dead = Unanswering::on(&root.path().join("dead"));
    // Known from the list of mounts, and known only by its number because it came since.
    for mounts in [
        Mounts::parse(b"1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / /dead rw - fuse none rw\n").unwrap(),
        Mounts::default(),
    ] {
        let path = root.path().to_owned();
        let told = ends("a walk past a mount that never answers", move || {
            let recorder = Recorder::of_everything();
            Way { mounts, ..Way::default() }.walk(&path, &recorder);
            recorder
        });
        assert_eq!(*told.skipped.lock().unwrap(), [(b"/dead".to_vec(), "fuse".to_owned())]);
        assert_eq!(told.digest("/live"), sha256(b"words"));
        assert!(!told.objects().contains_key(&b"/dead"[..]));
    }
}

#[test]
fn a_file_system_in_memory_is_gone_into_only_if_it_is_named() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("memory")).unwrap();
    let inside = crate::support::mounts::Mounts::made_by(
        "mount -t tmpfs -o mode=1751 none \"$1/memory\"; echo words > \"$1/memory/file\"",
        root.path(),
    );
    let path = inside.path(root.path());
    let mounts =
        || Mounts::parse(b"1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / /memory rw - tmpfs none rw\n").unwrap();
    let recorder = Recorder::of_everything();
    Way { mounts: mounts(), ..Way::default() }.walk(&path, &recorder);
    assert_eq!(*recorder.skipped.lock().unwrap(), [(b"/memory".to_vec(), "tmpfs".to_owned())]);
    assert_eq!(recorder.object("/memory").mode, 0o1751, "the mount itself is told all the same");
    assert_eq!(recorder.objects().len(), 2);
    let recorder = Recorder::of_everything();
    Way { mounts: mounts(), file_systems: vec!["tmpfs".to_owned()], ..Way::default() }.walk(&path, &recorder);
    assert_eq!(recorder.digest("/memory/file"), sha256(b"words\n"));
    assert!(recorder.skipped.lock().unwrap().is_empty());
}

#[test]
fn a_directory_that_is_another_by_now_is_unknown_and_not_empty() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("gone")).unwrap();
    fs::write(root.path().join("gone/file"), "").unwrap();
    let (old, new) = (root.path().join("gone"), root.path().join("other"));
    let mut recorder = Recorder::of_everything();
    // Between the look at it and the step into it.
    recorder.before_descent = Some(Box::new(move || {
        if !new.exists() {
            fs::rename(&old, &new).unwrap();
            fs::create_dir(&old).unwrap();
        }
    }));
    let told = walked(root.path(), recorder);
    let unread = told.unread.lock().unwrap().clone();
    assert_eq!(unread.len(), 1, "{unread:?}");
    assert!(unread[0].0 == b"/gone" && unread[0].1.contains("exchanged"), "{unread:?}");
    assert!(!told.slices.lock().unwrap().iter().any(|slice| slice.directory == b"/gone"), "no slice begins");
}

/// A FUSE mount whose daemon is there and says nothing. It goes with whoever holds it.
struct Unanswering {
    holder: Child,
    on: PathBuf,
}

impl Unanswering {
    fn on(directory: &Path) -> Self {
        let line = "set -e; exec 3<>/dev/fuse\n\
                    mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none \"$1\"\n\
                    echo ready; exec cat";
        let mut holder = Command::new("sh")
            .args(["-c", line, "sh"])
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        let made = Self { holder, on: directory.to_owned() };
        assert_eq!(said, "ready\n", "these tests run as root, and there is /dev/fuse");
        made
    }
}

impl Drop for Unanswering {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.on).status();
        // With its last descriptor the kernel ends every wait for it.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
