//! Both sides of a socket, and those who mean ill to either.

use super::*;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::thread;

use place::Refusal;

#[test]
fn who_asks_is_told_the_whole_document_and_all_that_is_larger_than_a_buffer() {
    let (folder, path) = place();
    let listener = Listener::bind(&path, 0o660, None).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o660);
    let document = vec![b'x'; 3 << 20];
    thread::scope(|scope| {
        let client = scope.spawn(|| ask(&path, GENEROUS, 4 << 20).unwrap());
        listener.accept(GENEROUS).unwrap().unwrap().answer(&document).unwrap();
        assert!(client.join().unwrap() == document);
    });
    drop(listener);
    assert!(!path.exists(), "the socket goes with its owner");
    drop(folder);
}

#[test]
fn nobody_asking_is_an_answer_too() {
    let (_folder, path) = place();
    let listener = Listener::bind(&path, 0o660, None).unwrap();
    assert!(listener.accept(Duration::from_millis(20)).unwrap().is_none());
    assert!(listener.accept(Duration::ZERO).unwrap().is_none());
}

#[test]
fn a_client_that_never_reads_does_not_hold_the_daemon() {
    let (_folder, path) = place();
    let listener = Listener::bind(&path, 0o660, None).unwrap();
    let client = UnixStream::connect(&path).unwrap();
    let connection = listener.accept(GENEROUS).unwrap().unwrap();
    // A hang here is the failure; the buffer has less room than that.
    let error = connection.answer(&vec![b'x'; 16 << 20]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(client);
}

#[test]
fn a_client_that_went_is_no_more_than_an_error() {
    let (_folder, path) = place();
    let listener = Listener::bind(&path, 0o660, None).unwrap();
    drop(UnixStream::connect(&path).unwrap());
    assert!(listener.accept(GENEROUS).unwrap().unwrap().answer(b"{}").is_err());
}

#[test]
fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let (_folder, path) = place();
    // Dropping std's listener leaves its socket, as a killed process does.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let first = Listener::bind(&path, 0o660, None).unwrap();
    let refused = Listener::bind(&path, 0o660, None).unwrap_err();
    assert!(matches!(refused.refusal, Refusal::Taken), "{refused}");
    assert!(refused.to_string().contains(path.to_str().unwrap()));
    assert!(first.accept(GENEROUS).unwrap().is_some(), "the second's question came, and the first lives on");
    assert!(path.exists());
}

#[test]
fn what_is_no_socket_stays() {
    let (folder, path) = place();
    fs::write(&path, "precious").unwrap();
    assert!(matches!(Listener::bind(&path, 0o660, None).unwrap_err().refusal, Refusal::NotASocket));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(matches!(Listener::bind(&link, 0o660, None).unwrap_err().refusal, Refusal::NotASocket));
}

#[test]
fn a_place_that_has_become_anothers_is_left_to_them() {
    let (_folder, path) = place();
    let listener = Listener::bind(&path, 0o660, None).unwrap();
    // Both inodes exist at once, so that they differ.
    let other = path.with_extension("other");
    let another = UnixListener::bind(&other).unwrap();
    fs::rename(&other, &path).unwrap();
    drop(listener);
    assert!(path.exists());
    drop(another);
}

#[test]
fn the_reasons_for_no_answer_are_told_apart() {
    let (folder, path) = place();
    let why = |path: &Path, limit| ask(path, Duration::from_millis(50), limit).unwrap_err();
    let absent = why(&path, 10);
    assert!(matches!(absent.why, Why::Absent), "{absent}");
    assert!(absent.to_string().contains(path.to_str().unwrap()) && absent.to_string().contains("start it"));

    drop(UnixListener::bind(&path).unwrap());
    assert!(matches!(why(&path, 10).why, Why::Refused));

    let listener = Listener::bind(&path, 0o660, None).unwrap();
    assert!(matches!(why(&path, 10).why, Why::TooSlow), "it listens and says nothing");
    // Those that waited in vain are still in the queue.
    assert!(listener.accept(GENEROUS).unwrap().is_some());

    let told = |document: &'static [u8], limit| {
        thread::scope(|scope| {
            let client = scope.spawn(|| ask(&path, GENEROUS, limit));
            let _ = listener.accept(GENEROUS).unwrap().unwrap().answer(document);
            client.join().unwrap()
        })
    };
    assert!(matches!(told(b"", 10).unwrap_err().why, Why::Nothing));
    assert!(matches!(told(b"0123456789x", 10).unwrap_err().why, Why::TooLong { limit: 10 }));
    assert_eq!(told(b"0123456789", 10).unwrap(), b"0123456789");
    let too_long = folder.path().join("x".repeat(200));
    assert!(matches!(why(&too_long, 10).why, Why::Os(_)));
}

#[test]
fn a_full_queue_is_waited_for_only_so_long() {
    let (_folder, path) = place();
    let _listener = Listener::bind(&path, 0o660, None).unwrap();
    // More than any backlog that std asks for and the kernel grants.
    let mut waiting = Vec::new();
    while waiting.len() < 10_000 {
        match ask::reach(&path, Instant::now()) {
            Ok(stream) => waiting.push(stream),
            Err(Why::TooSlow) => break,
            Err(other) => panic!("{other:?}"),
        }
    }
    let full = ask(&path, Duration::from_millis(50), 10).unwrap_err();
    assert!(matches!(full.why, Why::TooSlow), "{full}");
    assert!(matches!(Listener::bind(&path, 0o660, None).unwrap_err().refusal, Refusal::Taken));
}

#[test]
fn a_directory_is_made_with_its_mode_and_its_group() {
    let (folder, _) = place();
    let path = folder.path().join("run");
    let is_root = nix::unistd::geteuid().is_root();
    run_dir(&path, 0o750, is_root.then_some(Gid::from_raw(1234))).unwrap();
    let meta = fs::metadata(&path).unwrap();
    assert_eq!(meta.mode() & 0o7777, 0o750);
    assert!(!is_root || meta.gid() == 1234);
    run_dir(&path, 0o750, None).unwrap();
}

#[test]
fn a_directory_that_others_could_change_is_refused() {
    let (folder, file) = place();
    let path = folder.path().join("run");
    let refused = |path: &Path| run_dir(path, 0o750, None).unwrap_err().refusal;
    fs::write(&file, "").unwrap();
    assert!(matches!(refused(&file), Refusal::NotADirectory));
    assert!(matches!(refused(&folder.path().join("absent/run")), Refusal::Os(_)));

    run_dir(&path, 0o750, None).unwrap();
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    run_dir(&link, 0o750, None).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(refused(&path), Refusal::WorldWritable));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::lchown(&link, Some(1234), None).unwrap();
        assert!(matches!(refused(&link), Refusal::Foreign { uid: 1234 }));
        chown(&path, Some(1234), None).unwrap();
        assert!(matches!(refused(&path), Refusal::Foreign { uid: 1234 }));
    }
}

fn place() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sensor.sock");
    (folder, path)
}

/// Only a defect takes so long.
const GENEROUS: Duration = Duration::from_secs(60);
