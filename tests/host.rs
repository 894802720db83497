//! What `Host` promises about any tree that it is pointed at: it ends, it is bounded, it stays inside.

mod glob;
mod race;
mod resolvers;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use guestward::host::{Cause, Host, Kind, Unreadable};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

/// Both ways of resolving paths, on the same tree.
pub(crate) fn both(root: &Path) -> [(&'static str, Host); 2] {
    [("kernel", Host::at(root).unwrap()), ("by hand", Host::at_by_hand(root).unwrap())]
}

fn cause<T: std::fmt::Debug>(result: Result<T, Unreadable>) -> Cause {
    result.unwrap_err().cause
}

#[test]
fn what_is_no_file_is_named_and_never_opened() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let node = |name, kind, major, minor| {
        mknod(&at(name), kind, Mode::from_bits_truncate(0o600), makedev(major, minor)).unwrap();
    };
    nix::unistd::mkfifo(&at("fifo"), Mode::from_bits_truncate(0o600)).unwrap();
    let _socket = UnixListener::bind(at("socket")).unwrap();
    // Opening the watchdog (10, 130) would reset this machine a minute later; a tty (5, 0) could become ours.
    node("watchdog", SFlag::S_IFCHR, 10, 130);
    node("tty", SFlag::S_IFCHR, 5, 0);
    node("disk", SFlag::S_IFBLK, 254, 0);
    fs::create_dir(at("directory")).unwrap();
    symlink("fifo", at("link")).unwrap();
    for (way, host) in both(root.path()) {
        for (name, kind) in [
            ("fifo", Kind::Fifo),
            ("link", Kind::Fifo),
            ("socket", Kind::Socket),
            ("watchdog", Kind::CharacterDevice),
            ("tty", Kind::CharacterDevice),
            ("disk", Kind::BlockDevice),
            ("directory", Kind::Directory),
        ] {
            assert_eq!(cause(host.read(name, 10)), Cause::NotRegular(kind), "{name}, {way}");
            assert_eq!(cause(host.open(name)), Cause::NotRegular(kind), "{name}, {way}");
            assert_eq!(host.stat(name).unwrap().kind, kind, "{name}, {way}");
        }
        assert!(host.list("fifo", 10).is_err(), "{way}");
    }
}

#[test]
fn a_file_of_a_tebibyte_is_too_large_before_it_is_read() {
    let root = tempfile::tempdir().unwrap();
    File::create(root.path().join("huge")).unwrap().set_len(1 << 40).unwrap();
    for (_, host) in both(root.path()) {
        assert_eq!(cause(host.read("/huge", 1024)), Cause::TooLarge { limit: 1024 });
    }
}

#[test]
fn a_limit_counts_bytes_and_not_what_the_file_claims() {
    // Files of /proc claim to be empty: this one grows past what was announced, as a log does.
    let (host, path) = (Host::at("/").unwrap(), "/proc/self/maps");
    assert_eq!(host.stat(path).unwrap().size, 0);
    assert_eq!(cause(host.read(path, 100)), Cause::TooLarge { limit: 100 });
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("ten"), [7; 10]).unwrap();
    for (_, host) in both(root.path()) {
        assert_eq!(host.read("ten", 10).unwrap(), [7; 10]);
        assert_eq!(cause(host.read("ten", 9)), Cause::TooLarge { limit: 9 });
    }
}

#[test]
fn any_name_that_a_file_can_have_is_kept_and_shown_harmlessly() {
    let root = tempfile::tempdir().unwrap();
    let mut names: Vec<&[u8]> = vec![
        b"\x1b[2J\x1b]0;owned\x07",
        b"a\nb",
        b"\xff\xfe",
        b"-rf",
        b"$(id)",
        b"%n%s",
        b" ",
        b"\xe2\x80\xaegpj.exe",
        b"\\",
        b"*",
        b"...",
    ];
    names.sort_unstable();
    for name in &names {
        fs::write(root.path().join(OsStr::from_bytes(name)), name).unwrap();
    }
    for (way, host) in both(root.path()) {
        let listed = host.list("/", 100).unwrap();
        assert_eq!(listed.iter().map(|name| name.as_bytes()).collect::<Vec<_>>(), names, "{way}");
        for name in &listed {
            assert_eq!(host.read(Path::new("/").join(name), 100).unwrap(), name.as_bytes(), "{way}");
            let complaint = host.read(Path::new("/").join(name), 0).unwrap_err().to_string();
            assert!(!complaint.chars().any(|c| c.is_control() || c == '\u{202e}'), "{complaint:?}");
        }
    }
}

#[test]
fn a_directory_with_too_many_names_is_refused() {
    let root = tempfile::tempdir().unwrap();
    for number in 0..50 {
        fs::write(root.path().join(number.to_string()), "").unwrap();
    }
    for (_, host) in both(root.path()) {
        assert_eq!(cause(host.list("/", 49)), Cause::TooMany { limit: 49 });
        assert_eq!(host.list("/", 50).unwrap().len(), 50);
    }
}

#[test]
fn links_that_go_in_circles_end() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    symlink("self", at("self")).unwrap();
    symlink("pong", at("ping")).unwrap();
    symlink("/ping", at("pong")).unwrap();
    symlink("grow/x", at("grow")).unwrap();
    for (way, host) in both(root.path()) {
        for name in ["self", "ping", "grow", "self/x", "ping/../x"] {
            assert_eq!(cause(host.read(name, 10)), Cause::Loop, "{name}, {way}");
        }
        assert_eq!(host.lstat("self").unwrap().kind, Kind::SymbolicLink, "{way}");
        assert_eq!(host.read_link("ping").unwrap(), Path::new("pong"), "{way}");
    }
}

#[test]
fn a_link_out_of_the_root_stays_inside() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("canary"), "outside").unwrap();
    let root = tempfile::tempdir_in(outside.path()).unwrap();
    let canary = outside.path().join("canary");
    let up = PathBuf::from("../".repeat(20)).join(canary.strip_prefix("/").unwrap());
    symlink(&canary, root.path().join("absolute")).unwrap();
    symlink(&up, root.path().join("relative")).unwrap();
    symlink("../canary", root.path().join("sibling")).unwrap();
    symlink("..", root.path().join("parent")).unwrap();
    for (way, host) in both(root.path()) {
        for name in ["absolute", "relative", "sibling", "parent/canary", "../canary", "/../canary"] {
            assert_eq!(cause(host.read(name, 100)), Cause::Absent, "{name}, {way}");
        }
    }
    // What they name inside is found.
    fs::write(root.path().join("canary"), "inside").unwrap();
    for (way, host) in both(root.path()) {
        for name in ["sibling", "parent/canary", "../canary"] {
            assert_eq!(host.read(name, 100).unwrap(), b"inside", "{name}, {way}");
        }
    }
}

/// The links below /proc/PID lead where no path leads; a root is left through them unless they are refused.
#[test]
fn the_magic_links_of_proc_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("canary"), "outside").unwrap();
    let open = File::open(folder.path()).unwrap();
    use std::os::fd::AsRawFd as _;
    let pid = std::process::id();
    let magic = format!("/{pid}/fd/{}/canary", open.as_raw_fd());
    for (way, host) in both(Path::new("/proc")) {
        for path in [magic.as_str(), &format!("/{pid}/root/etc/passwd"), &format!("/{pid}/cwd/Cargo.toml")] {
            assert!(host.read(path, 1 << 20).is_err(), "{path}, {way}");
        }
        assert!(host.read_link(format!("/{pid}/exe")).is_ok(), "{way}");
    }
}
