//! What is really no longer possible, tried in processes of their own: there is no way back from it.

#![expect(unsafe_code, reason = "calls that no library makes are tried as they are")]

use super::*;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

#[test]
fn a_sensor_starts_no_program_and_makes_no_call_that_is_not_in_its_table() {
    in_a_child("a_sensor");
}

#[test]
fn a_shipper_reaches_its_own_files_and_ports_and_no_others() {
    in_a_child("a_shipper");
}

/// Not a test by itself.
#[test]
fn a_sensor() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    assert_eq!(applied(), None);
    // Of root, as we are in most places where this runs.
    let other = PathBuf::from(format!("/proc/{}/exe", std::os::unix::process::parent_id()));
    let before = fs::read_link(&other).ok();
    assert!(before.is_some());
    // One that ran before, which the daemons have none of: the filter must hold it too.
    let (go, wait) = mpsc::channel();
    let early = thread::spawn(move || {
        wait.recv().unwrap();
        starts_no_program()
    });
    let done = confine_sensor();
    assert_eq!(done.troubles, [""; 0]);
    assert!(done.no_new_privs && done.filtered && done.landlock.is_none(), "{done:?}");
    for name in ["CAP_SYS_MODULE", "CAP_SYS_BOOT", "CAP_SETUID", "CAP_MKNOD", "CAP_KILL"] {
        assert!(!done.capabilities.iter().any(|held| held == name), "{done:?}");
    }
    go.send(()).unwrap();
    assert!(early.join().unwrap() && starts_no_program());
    assert!(thread::spawn(starts_no_program).join().unwrap());

    for call in calls::tests::NEVER.iter().flat_map(|group| group.calls) {
        assert_eq!(tried(call.number, [-1; 6]), libc::EPERM, "call {}", call.number);
    }
    assert_eq!(tried(libc::SYS_clone3, [0; 6]), libc::ENOSYS);
    assert_eq!(tried(libc::SYS_clone, [libc::SIGCHLD.into(), 0, 0, 0, 0, 0]), libc::EPERM, "a process");
    let both = (libc::PROT_WRITE | libc::PROT_EXEC).into();
    let private = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS).into();
    assert_eq!(
        tried(libc::SYS_mmap, [0, 4096, both, private, -1, 0]),
        libc::EPERM,
        "memory to write and run"
    );
    // With CAP_SYS_ADMIN these would be done: none but the filter is in the way.
    let thread = libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
    for namespace in [libc::CLONE_NEWNS, libc::CLONE_NEWNET, libc::CLONE_NEWUTS, libc::CLONE_NEWIPC] {
        let flags = i64::from(thread | namespace);
        assert_eq!(tried(libc::SYS_clone, [flags, 0, 0, 0, 0, 0]), libc::EPERM, "{namespace:x}");
    }
    for advice in [libc::MADV_HWPOISON, libc::MADV_SOFT_OFFLINE] {
        assert_eq!(tried(libc::SYS_madvise, [0, 0, advice.into(), 0, 0, 0]), libc::EPERM, "{advice}");
    }
    let realtime = 1 << 13;
    assert_eq!(tried(libc::SYS_ioprio_set, [1, 0, realtime, 0, 0, 0]), libc::EPERM);
    // And these are what it is there for.
    assert_eq!(tried(libc::SYS_fanotify_mark, [-1; 6]), libc::EINVAL);
    assert_eq!(tried(libc::SYS_madvise, [0, 0, libc::MADV_DONTNEED.into(), 0, 0, 0]), 0);
    assert_eq!(tried(libc::SYS_socket, [libc::AF_PACKET.into(), 3, 0, 0, 0, 0]), libc::EPERM);
    // What a look needs goes on.
    assert!(!fs::read("/proc/1/status").unwrap().is_empty());
    assert_eq!(fs::read_link(&other).ok(), before, "{}", other.display());
}

/// Not a test by itself.
#[test]
fn a_shipper() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let (own, others) = (folder.join("own"), folder.join("others"));
    for directory in [&own, &others] {
        fs::create_dir(directory).unwrap();
        fs::write(directory.join("file"), "x").unwrap();
    }
    let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (known, unknown) = (bind(), bind());
    let port = known.local_addr().unwrap().port();
    let reads = Some(vec![PathBuf::from("/proc")]);
    let done = confine_shipper(&Reach { reads, writes: vec![own.clone()], ports: Some(vec![port]) });
    assert_eq!(done.troubles, [""; 0]);
    assert_eq!(done.capabilities, [""; 0]);

    fs::write(own.join("new"), "y").unwrap();
    fs::rename(own.join("new"), own.join("file")).unwrap();
    assert_eq!(fs::read(own.join("file")).unwrap(), b"y");
    assert!(fs::read_to_string("/proc/self/stat").is_ok() && fs::read_dir("/proc/self/fd").is_ok());
    assert!(TcpStream::connect(known.local_addr().unwrap()).is_ok());
    assert!(starts_no_program());

    let denied =
        |result: io::Result<()>| result.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    if done.landlock.is_some() {
        assert!(denied(fs::read(others.join("file")).map(drop)));
        assert!(denied(fs::write(others.join("new"), "z")));
        assert!(denied(fs::remove_file(others.join("file"))));
        assert!(denied(fs::read_dir("/etc").map(drop)));
    }
    if done.landlock >= Some(4) {
        assert!(denied(TcpStream::connect(unknown.local_addr().unwrap()).map(drop)));
        assert!(denied(TcpListener::bind("127.0.0.1:0").map(drop)));
    }
}

fn in_a_child(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("sys::sandbox::tests::{name}"), "--nocapture"])
        .env(CHILD, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn starts_no_program() -> bool {
    Command::new("/bin/true").status().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

/// The error's number; 0 where there was none.
fn tried(number: libc::c_long, with: [i64; 6]) -> i32 {
    let [a, b, c, d, e, f] = with;
    // SAFETY: none of the arguments is the address of anything of ours, and each call is one that must fail.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result == -1 { io::Error::last_os_error().raw_os_error().unwrap_or_default() } else { 0 }
}

const CHILD: &str = "GUESTWARD_TEST_SANDBOX_CHILD";
