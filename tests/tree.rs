//! The walk through a whole tree: all that is there is told once and as it is, and whoever owns the tree can neither
//! lead it out of the root, nor hold it up, nor make it tell what never was.

mod hostile;
mod recorder;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use guestward::host::Kind;
use guestward::host::object::{Algorithm, Content, Trouble, Value};
use guestward::host::tree::{Limits, Pace, Reading, Want};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use rustix::fs::{CWD, FileType, Mode, OFlags, mkdirat, mknodat, openat};
use sha2::{Digest as _, Sha256};

use recorder::{Recorder, Way, ends, walked};

#[test]
fn every_kind_of_object_is_told_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::write(at("file"), "words and more words").unwrap();
    fs::set_permissions(at("file"), fs::Permissions::from_mode(0o4750)).unwrap();
    rustix::fs::setxattr(at("file"), "user.note", b"kept", rustix::fs::XattrFlags::empty()).unwrap();
    fs::hard_link(at("file"), at("again")).unwrap();
    fs::create_dir(at("directory")).unwrap();
    rustix::fs::setxattr(at("directory"), "user.of", b"it", rustix::fs::XattrFlags::empty()).unwrap();
    symlink("nowhere/\u{1b}[2J", at("link")).unwrap();
    rustix::fs::lsetxattr(at("link"), "trusted.l", b"own", rustix::fs::XattrFlags::empty()).unwrap();
    node(&at("fifo"), FileType::Fifo, 0);
    node(&at("null"), FileType::CharacterDevice, rustix::fs::makedev(1, 3));
    node(&at("loop"), FileType::BlockDevice, rustix::fs::makedev(7, 99));
    let _socket = UnixListener::bind(at("socket")).unwrap();

    let path = root.path().to_owned();
    let told =
        ends("a walk past FIFOs, sockets and devices", move || walked(&path, Recorder::of_everything()));

    let file = told.object("/file");
    assert_eq!((file.kind, file.mode, file.links, file.size), (Kind::File, 0o4750, 2, 20));
    let meta = fs::metadata(at("file")).unwrap();
    assert_eq!((file.inode, file.device), (meta.ino(), meta.dev()));
    assert_eq!((file.modified.seconds, i64::from(file.modified.nanos)), (meta.mtime(), meta.mtime_nsec()));
    assert_eq!((file.changed.seconds, i64::from(file.changed.nanos)), (meta.ctime(), meta.ctime_nsec()));
    assert!(file.born.is_some());
    assert_eq!(told.digest("/file"), sha256(b"words and more words"));
    assert_eq!(told.digest("/again"), told.digest("/file"));
    assert_eq!(file.text.as_deref(), Some(&b"words and more w"[..]));
    assert_eq!(file.md5.map(hex).unwrap(), md5sum(&at("file")));
    assert_eq!(attributes(&file), [("user.note".to_owned(), b"kept".to_vec())]);

    let kinds: Vec<_> = ["directory", "link", "fifo", "null", "loop", "socket"]
        .map(|name| told.object(&format!("/{name}")))
        .into_iter()
        .collect();
    use Kind::{BlockDevice, CharacterDevice, Directory, Fifo, Socket, SymbolicLink};
    let expected = [Directory, SymbolicLink, Fifo, CharacterDevice, BlockDevice, Socket];
    assert_eq!(kinds.iter().map(|object| object.kind).collect::<Vec<_>>(), expected);
    assert!(kinds.iter().all(|object| object.content == Content::Unasked && object.xattr_trouble.is_none()));
    assert_eq!(attributes(&kinds[0]), [("user.of".to_owned(), b"it".to_vec())]);
    assert_eq!(kinds[1].target.as_deref(), Some("nowhere/\u{1b}[2J".as_bytes()));
    assert_eq!(attributes(&kinds[1]), [("trusted.l".to_owned(), b"own".to_vec())]);
    assert_eq!((kinds[3].rdev, kinds[4].rdev), (rustix::fs::makedev(1, 3), rustix::fs::makedev(7, 99)));
    assert_eq!(told.object("/").kind, Kind::Directory);
    assert_eq!(told.objects().len(), 9);
    assert!(told.unread.lock().unwrap().is_empty() && told.skipped.lock().unwrap().is_empty());
}

#[test]
fn only_what_is_wanted_is_read() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "words").unwrap();
    symlink("file", root.path().join("link")).unwrap();
    let told = walked(root.path(), Recorder::new(Want::default()));
    assert_eq!(told.object("/file").content, Content::Unasked);
    assert_eq!(told.object("/link").target, None);
    let told = walked(root.path(), Recorder::new(Want { content: None, xattrs: true }));
    assert_eq!(told.object("/file").content, Content::Unasked);
    assert_eq!(told.object("/link").target.as_deref(), Some(&b"file"[..]));
    let blake3 = Reading { algorithm: Algorithm::Blake3, ..Reading::default() };
    let told = walked(root.path(), Recorder::new(Want { content: Some(blake3), xattrs: false }));
    assert_eq!(told.digest("/file"), *blake3::hash(b"words").as_bytes());
}

#[test]
fn of_a_log_only_what_was_there_is_read_again() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("log"), "one\ntwo\n").unwrap();
    for (length, text) in [(4, "one\n"), (8, "one\ntwo\n"), (99, "one\ntwo\n"), (0, "")] {
        let reading = Reading { length: Some(length), ..Reading::default() };
        let told = walked(root.path(), Recorder::new(Want { content: Some(reading), xattrs: false }));
        let (digest, length) = (sha256(text.as_bytes()), text.len() as u64);
        assert_eq!(
            told.object("/log").content,
            Content::Hashed { algorithm: Algorithm::Sha256, digest, length }
        );
    }
}

#[test]
fn names_of_any_bytes_come_back_and_the_slices_share_them_out() {
    let root = tempfile::tempdir().unwrap();
    let name = proptest::collection::vec(
        any::<u8>().prop_filter("of a name", |byte| !b"/\0".contains(byte)),
        1..256,
    );
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut expected = BTreeSet::new();
    while expected.len() < 10_000 {
        let name = name.new_tree(&mut runner).unwrap().current();
        if name != b"." && name != b".." && expected.insert(name.clone()) {
            fs::write(root.path().join(OsStr::from_bytes(&name)), &name).unwrap();
        }
    }
    let told = walked(root.path(), Recorder::of_everything());
    let mut objects = told.objects();
    objects.remove(&b"/"[..]);
    assert!(
        objects.keys().map(|path| &path[1..]).eq(expected.iter().map(Vec::as_slice)),
        "each once, in order"
    );
    for (path, object) in &objects {
        assert!(matches!(object.content, Content::Hashed { digest, .. } if digest == sha256(&path[1..])));
    }
    assert_eq!(shared_out(&told, b""), 10_000_usize.div_ceil(64));
}

/// How many slices a directory came in: each begins where the one before it ended, and holds what lies between.
fn shared_out(told: &Recorder, directory: &[u8]) -> usize {
    let slices = told.slices.lock().unwrap();
    let by_start: BTreeMap<_, _> = slices
        .iter()
        .filter(|slice| slice.directory == directory)
        .map(|slice| (&slice.from, slice))
        .collect();
    let mut next = &None;
    for (index, (from, slice)) in by_start.iter().enumerate() {
        assert_eq!(*from, next, "no gap and no overlap");
        let names: Vec<_> = slice.objects.iter().map(|(name, _)| name).collect();
        assert!(names.is_sorted() && slice.objects.len() <= told.at_a_time + usize::from(index == 0));
        assert!(names.iter().all(|name| Some(*name) >= from.as_ref()));
        assert!(slice.to.is_none() || names.iter().all(|name| Some(*name) < slice.to.as_ref()));
        next = &slice.to;
    }
    assert!(next.is_none(), "the last slice goes to the end");
    by_start.len()
}

#[test]
fn an_empty_directory_is_one_slice_without_names() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("empty")).unwrap();
    let told = walked(root.path(), Recorder::new(Want::default()));
    assert_eq!(shared_out(&told, b"/empty"), 1);
}

#[test]
fn a_directory_of_very_many_names_is_told_to_its_end() {
    // In memory, where so many names are made in a second.
    let root = tempfile::tempdir_in("/dev/shm").unwrap();
    let file = File::create(root.path().join("0")).unwrap();
    let directory = File::open(root.path()).unwrap();
    for number in 1..200_000_u32 {
        mknodat(&directory, number.to_string(), FileType::RegularFile, Mode::RUSR, 0).unwrap();
    }
    drop(file);
    let mut recorder = Recorder::new(Want::default());
    recorder.at_a_time = 4_096;
    let totals = Way::default().walk(root.path(), &recorder);
    assert_eq!((totals.objects, totals.files, totals.bytes), (200_001, 0, 0));
    assert_eq!(shared_out(&recorder, b""), 200_000_usize.div_ceil(4_096));
    assert_eq!(recorder.objects().len(), 200_001);
}

#[test]
fn a_tree_deeper_than_any_path_is_gone_through() {
    let root = tempfile::tempdir().unwrap();
    let mut here = openat(CWD, root.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
    for _ in 0..3_000 {
        for name in ["down", "side"] {
            mkdirat(&here, name, Mode::RWXU).unwrap();
        }
        here = openat(&here, "down", OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let bottom = openat(&here, "bottom", OFlags::CREATE | OFlags::WRONLY, Mode::RWXU).unwrap();
    rustix::io::write(&bottom, b"treasure").unwrap();
    let told = walked(root.path(), Recorder::of_everything());
    let path = "/down".repeat(3_000) + "/bottom";
    assert_eq!(told.digest(&path), sha256(b"treasure"));
    assert_eq!(told.objects().len(), 1 + 3_000 * 2 + 1);
    assert!(told.unread.lock().unwrap().is_empty());
    // The library's own way holds a file open for each level.
    assert!(Command::new("rm").arg("-rf").arg(root.path()).status().unwrap().success());
}

#[test]
fn holes_are_zeros_and_what_is_too_large_is_not_read() {
    let root = tempfile::tempdir().unwrap();
    File::create(root.path().join("nothing")).unwrap().set_len(1 << 40).unwrap();
    let sparse = File::create(root.path().join("sparse")).unwrap();
    let mut bytes = vec![0; 9_000_001];
    sparse.set_len(bytes.len() as u64).unwrap();
    for (at, text) in [(0_usize, "first"), (4_194_300, "in the middle"), (8_999_990, "last")] {
        sparse.write_all_at(text.as_bytes(), at as u64).unwrap();
        bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    let path = root.path().to_owned();
    let told = ends("a walk past a tebibyte of nothing", move || {
        let way = Way { limits: Limits { max_file: 9_000_001, ..Limits::default() }, ..Way::default() };
        let recorder = Recorder::of_everything();
        let totals = way.walk(&path, &recorder);
        assert_eq!((totals.files, totals.bytes), (1, 9_000_001));
        recorder
    });
    let nothing = told.object("/nothing");
    assert_eq!((nothing.content, nothing.size), (Content::Unread(Trouble::TooLarge), 1 << 40));
    assert_eq!(told.digest("/sparse"), sha256(&bytes));
}

#[test]
fn attributes_are_bounded_and_none_is_lost_without_a_word() {
    // No other file system that every machine has takes 64 KiB in one attribute.
    let root = tempfile::tempdir_in("/dev/shm").unwrap();
    let set = |name: &str, attribute: &str, value: &[u8]| {
        let path = root.path().join(name);
        rustix::fs::lsetxattr(path, attribute, value, rustix::fs::XattrFlags::empty()).unwrap();
    };
    let large: Vec<u8> = (0..65_536_u32).map(|number| number.to_le_bytes()[0]).collect();
    for name in ["large", "many", "unopened"] {
        fs::write(root.path().join(name), "").unwrap();
    }
    set("large", "trusted.b", &large);
    set("large", "trusted.a", &large[..512]);
    for number in 0..600 {
        set("many", &format!("trusted.{number}"), b"");
    }
    set("unopened", "trusted.c", &large[..513]);
    let told = walked(root.path(), Recorder::of_everything());
    let names: Vec<_> = told.object("/large").xattrs.iter().map(|one| one.name.to_vec()).collect();
    assert_eq!(names, [b"trusted.a", b"trusted.b"]);
    let values: Vec<_> = told.object("/large").xattrs.into_iter().map(|one| one.value).collect();
    assert_eq!(values[0], Value::Whole(large[..512].into()));
    assert_eq!(values[1], Value::Digest { length: 65_536, digest: sha256(&large) });
    assert_eq!(told.object("/many").xattr_trouble, Some(Trouble::TooMany));
    assert_eq!(told.object("/many").xattrs.len(), 512);
    let told = walked(root.path(), Recorder::new(Want { content: None, xattrs: true }));
    let xattrs = told.object("/unopened").xattrs;
    assert_eq!(xattrs[0].value, Value::Digest { length: 513, digest: sha256(&large[..513]) });
}

#[test]
fn what_is_paced_takes_its_time() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), vec![7; 3_000_000]).unwrap();
    let pace = Pace::new(10_000_000, 100);
    let began = Instant::now();
    Way { pace: Some(&pace), ..Way::default() }.walk(root.path(), &Recorder::of_everything());
    // The last step's wait may be too short to be slept.
    assert!(began.elapsed() >= Duration::from_millis(290), "{:?}", began.elapsed());
}

/// At a byte a second it would take a month.
#[test]
fn who_is_in_a_hurry_is_not_paced_any_more() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), vec![7; 3_000_000]).unwrap();
    let hurry = Arc::new(AtomicBool::new(false));
    let pace = Pace::new(1, 100).until(Arc::clone(&hurry));
    std::thread::scope(|scope| {
        let walk = scope.spawn(|| {
            Way { pace: Some(&pace), ..Way::default() }.walk(root.path(), &Recorder::of_everything())
        });
        std::thread::sleep(Duration::from_millis(50));
        assert!(!walk.is_finished());
        hurry.store(true, Ordering::Relaxed);
        walk.join().unwrap();
    });
}

#[test]
fn a_walk_that_is_over_ends_no_slice() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "words").unwrap();
    let recorder = Recorder::of_everything();
    Way { is_over: AtomicBool::new(true), ..Way::default() }.walk(root.path(), &recorder);
    assert!(recorder.slices.lock().unwrap().is_empty());
}

fn node(path: &Path, file_type: FileType, device: u64) {
    mknodat(CWD, path, file_type, Mode::RUSR | Mode::WUSR, device).unwrap();
}

fn attributes(object: &guestward::host::object::Object) -> Vec<(String, Vec<u8>)> {
    let whole = |value: &Value| match value {
        Value::Whole(bytes) => bytes.to_vec(),
        Value::Digest { .. } => panic!("{object:?}"),
    };
    let name = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
    object.xattrs.iter().map(|one| (name(&one.name), whole(&one.value))).collect()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn md5sum(path: &Path) -> String {
    let output = Command::new("md5sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..32].to_owned()
}

fn hex(bytes: [u8; 16]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
