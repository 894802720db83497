//! The walk against find(1), the owners against dpkg(1), the mounts against findmnt(8), and trees that no tool likes.

use std::collections::BTreeSet;
use std::ffi::{CString, OsStr};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use guestward::host::Host;
use guestward::host::files::{Files, Mounts, Object, Owners};
use nix::fcntl::{AT_FDCWD, OFlag, RenameFlags, openat, renameat2};
use nix::sys::stat::{Mode, mkdirat};

use crate::support::tree;

/// The system's own places, as find is told of them.
const PLACES: &[&str] =
    &["/bin", "/boot", "/etc", "/home", "/lib", "/lib64", "/opt", "/root", "/sbin", "/srv", "/usr", "/var"];

/// What find lists and we leave out on purpose, each with the reason.
const LEFT_OUT: &[(&str, &str)] = &[
    ("/var/lib/docker", "images and containers are other systems"),
    ("/var/lib/containerd", "images and containers are other systems"),
    ("/var/lib/containers", "images and containers are other systems"),
    ("/var/cache/pbuilder", "build roots are other systems"),
    ("/var/lib/machines", "images and containers are other systems"),
];

fn find(arguments: &[&str]) -> BTreeSet<PathBuf> {
    let output =
        Command::new("find").args(PLACES).arg("-xdev").args(arguments).arg("-print0").output().unwrap();
    let paths = output.stdout.split(|&byte| byte == 0).filter(|path| !path.is_empty());
    let paths = paths.map(|path| PathBuf::from(OsStr::from_bytes(path)));
    paths.filter(|path| !LEFT_OUT.iter().any(|(place, _)| path.starts_with(place))).collect()
}

fn paths(objects: &[Object]) -> BTreeSet<PathBuf> {
    // The root, and what lies in it, is nothing that find was told of.
    let places = |path: &&PathBuf| PLACES.iter().any(|place| path.starts_with(place));
    objects.iter().map(|object| &object.path).filter(places).cloned().collect()
}

fn files(root: &Path) -> Files {
    Files::of(&Host::at(root).unwrap(), &mut |_| {}).unwrap()
}

#[test]
fn this_machine_has_what_find_finds() {
    let survey = files(Path::new("/")).survey;
    assert!(survey.unread.is_empty(), "{:?}", survey.unread);
    assert!(survey.objects > 10_000, "{}", survey.objects);
    assert_eq!(paths(&survey.set_id.list), find(&["-type", "f", "-perm", "/6000"]));
    assert_eq!(paths(&survey.open_files.list), find(&["-type", "f", "-perm", "-0002"]));
    assert_eq!(
        paths(&survey.open_directories.list),
        find(&["-type", "d", "-perm", "-0002", "!", "-perm", "-1000"])
    );
    // Of each id a few examples are kept; each has to be in find's list, and each of find's ids in ours.
    let known = |text: &str| -> BTreeSet<u32> {
        let text = fs::read_to_string(text).unwrap();
        text.lines().map(|line| line.split(':').nth(2).unwrap().parse().unwrap()).collect()
    };
    let users = known("/etc/passwd");
    let nobodys: u64 =
        survey.users.iter().filter(|(id, _)| !users.contains(id)).map(|(_, owned)| owned.count).sum();
    assert_eq!(nobodys, find(&["-nouser"]).len() as u64);
    let groups = known("/etc/group");
    let nobodys: u64 =
        survey.groups.iter().filter(|(id, _)| !groups.contains(id)).map(|(_, owned)| owned.count).sum();
    assert_eq!(nobodys, find(&["-nogroup"]).len() as u64);
}

/// Path and capabilities, as getcap(8) tells them.
fn getcap(places: &[&Path]) -> BTreeSet<(PathBuf, String)> {
    let output = Command::new("/usr/sbin/getcap").arg("-r").args(places).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(path, text)| (PathBuf::from(path), text.to_owned())).collect()
}

#[test]
fn capabilities_are_what_getcap_says() {
    let told = |root: &Path| -> BTreeSet<(PathBuf, String)> {
        let list = files(root).survey.capable.list;
        list.into_iter().map(|file| (file.path, file.capabilities.unwrap().to_string())).collect()
    };
    let places: Vec<&Path> = PLACES.iter().map(Path::new).filter(|place| !place.is_symlink()).collect();
    assert_eq!(told(Path::new("/")), getcap(&places));

    let tree = tree::base("server");
    let wanted = [
        "cap_net_raw=ep",
        "cap_net_raw=p",
        "cap_net_raw=i",
        "cap_net_admin,cap_net_raw=eip",
        "cap_chown,cap_fowner,cap_setgid,cap_setuid=ep",
        "cap_sys_admin=ip",
        "cap_bpf,cap_perfmon,cap_checkpoint_restore=p",
        "cap_syslog,cap_wake_alarm,cap_block_suspend,cap_audit_read=eip",
        "cap_kill=p cap_mknod=i",
        "cap_setuid=ep cap_setgid=eip",
    ];
    for (number, text) in wanted.iter().enumerate() {
        let path = tree.path().join(format!("opt/{number}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(
            Command::new("/usr/sbin/setcap").args([text, path.to_str().unwrap()]).status().unwrap().success()
        );
    }
    let opt = tree.path().join("opt");
    let theirs: BTreeSet<_> = getcap(&[opt.as_path()])
        .into_iter()
        .map(|(path, text)| (Path::new("/").join(path.strip_prefix(tree.path()).unwrap()), text))
        .collect();
    assert_eq!(theirs.len(), wanted.len());
    // getcap chooses how it groups them: what counts is which letters each name has.
    let sorted = |text: &str| -> BTreeSet<String> {
        let groups = text.split(' ').filter_map(|group| group.split_once(['=', '+']));
        let each = groups.flat_map(|(names, letters)| {
            names
                .split(',')
                .flat_map(move |name| letters.chars().map(move |letter| format!("{name}={letter}")))
        });
        each.collect()
    };
    let same = |set: BTreeSet<(PathBuf, String)>| -> Vec<(PathBuf, BTreeSet<String>)> {
        set.into_iter().map(|(path, text)| (path, sorted(&text))).collect()
    };
    assert_eq!(same(told(tree.path())), same(theirs));
}

#[test]
fn packages_own_what_dpkg_says() {
    let programs = find(&["-type", "f", "-perm", "/111", "-path", "/usr/*bin/*"]);
    let mut sample: Vec<PathBuf> = programs.into_iter().step_by(4).take(400).collect();
    sample.extend(find(&["-type", "f", "-perm", "/6000"]));
    sample.push("/usr/bin/there is nothing".into());
    let host = Host::at("/").unwrap();
    let owners = Owners::of(&host, sample.iter().map(PathBuf::as_path)).unwrap().unwrap();
    // dpkg knows a file by the path in its package, which may be that of before the merge of /usr.
    let before = |path: &Path| Path::new("/").join(path.strip_prefix("/usr").unwrap_or(path));
    let spelled: Vec<PathBuf> = sample.iter().flat_map(|path| [path.clone(), before(path)]).collect();
    let output = Command::new("dpkg").env("LC_ALL", "C").arg("-S").args(&spelled).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found: Vec<(&str, &Path)> = text
        .lines()
        .filter(|line| !line.starts_with("diversion by"))
        .filter_map(|line| line.rsplit_once(": "))
        .flat_map(|(names, path)| names.split(", ").map(move |name| (name, Path::new(path))))
        .map(|(name, path)| (name.split(':').next().unwrap(), path))
        .collect();
    // Of a file that was put aside for another package's dpkg -S tells the diversion, and not whose it is.
    let aside = |path: &Path| text.lines().any(|line| line.ends_with(&format!(" to: {}", path.display())));
    let mut count = 0;
    for path in sample.iter().filter(|path| !aside(path)) {
        let is_it = |other: &Path| other == path || other == before(path);
        let theirs: Vec<&str> = found.iter().filter(|(_, path)| is_it(path)).map(|(name, _)| *name).collect();
        match owners.package(path) {
            Some(ours) => {
                assert!(theirs.contains(&ours.as_str()), "{}: {ours}, not {theirs:?}", path.display())
            }
            None => assert!(theirs.is_empty(), "{}: {theirs:?}, not none", path.display()),
        }
        count += usize::from(!theirs.is_empty());
    }
    assert!(count > 50, "{count} of {} are owned", sample.len());
}

#[test]
fn mounts_are_those_that_findmnt_shows() {
    let mounts = Mounts::of(&Host::at("/").unwrap()).unwrap();
    let output = Command::new("findmnt")
        .args(["--task", "1", "--noheadings", "--raw", "--output", "TARGET,FSTYPE,VFS-OPTIONS"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let shown: Vec<String> = mounts
        .list
        .iter()
        .map(|mount| {
            let options: Vec<_> = mount.options.iter().map(ToString::to_string).collect();
            format!("{} {} {}", mount.point.display(), mount.kind, options.join(","))
        })
        .collect();
    let mut ours: Vec<&str> = shown.iter().map(String::as_str).collect();
    let mut theirs: Vec<&str> = text.lines().map(str::trim_end).collect();
    ours.sort_unstable();
    theirs.sort_unstable();
    assert_eq!(ours, theirs);
}

#[test]
fn odd_names_and_loops_are_walked_like_any_other() {
    let root = tree::base("debian12");
    let odd: [&[u8]; 4] = [b"new\nline", b"\x1b[2Jescape", b"no\xffutf8", b"-rf $(id) %n"];
    for name in odd {
        let path = root.path().join("usr").join(OsStr::from_bytes(name));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("x"), "").unwrap();
        fs::set_permissions(path.join("x"), fs::Permissions::from_mode(0o4755)).unwrap();
    }
    symlink(".", root.path().join("usr/loop")).unwrap();
    symlink("/usr", root.path().join("etc/usr")).unwrap();
    let found: BTreeSet<PathBuf> =
        files(root.path()).survey.set_id.list.into_iter().map(|object| object.path).collect();
    let expected = odd.map(|name| Path::new("/usr").join(OsStr::from_bytes(name)).join("x"));
    assert_eq!(found, expected.into());
}

/// A directory in a directory, `depth` times, with a set-uid file at the end.
fn deep(top: &Path, name: &str, depth: usize) {
    let mut here = nix::fcntl::open(top, OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()).unwrap();
    for _ in 0..depth {
        mkdirat(&here, name, Mode::S_IRWXU).unwrap();
        here = openat(&here, name, OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()).unwrap();
    }
    let flags = OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    let file = openat(&here, &*CString::new("x").unwrap(), flags, Mode::S_IRWXU).unwrap();
    nix::sys::stat::fchmod(&file, Mode::from_bits_truncate(0o4755)).unwrap();
}

#[test]
fn a_path_longer_than_any_path_may_be_is_walked_to_its_end() {
    let root = tree::base("debian12");
    deep(&root.path().join("etc"), &"d".repeat(200), 40);
    let survey = files(root.path()).survey;
    assert_eq!(survey.set_id.list.len(), 1);
    assert!(survey.set_id.list[0].path.as_os_str().len() > 8_000 && survey.unread.is_empty());
}

#[test]
fn a_tree_without_an_end_is_told_and_not_passed_over() {
    let root = tree::base("debian12");
    deep(&root.path().join("etc"), "d", 600);
    let survey = files(root.path()).survey;
    assert!(survey.set_id.is_empty());
    assert!(survey.unread.list[0].to_string().contains("deeper than"), "{:?}", survey.unread);
}

#[test]
fn a_directory_that_is_exchanged_for_a_link_leads_nowhere() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("canary"), "").unwrap();
    fs::set_permissions(outside.path().join("canary"), fs::Permissions::from_mode(0o4755)).unwrap();
    let root = tree::base("debian12");
    let (place, link) = (root.path().join("usr/place"), root.path().join("usr/link"));
    fs::create_dir_all(&place).unwrap();
    symlink(outside.path(), &link).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                renameat2(AT_FDCWD, &place, AT_FDCWD, &link, RenameFlags::RENAME_EXCHANGE).unwrap();
            }
        });
        for _ in 0..300 {
            let survey = files(root.path()).survey;
            assert!(survey.set_id.is_empty(), "{:?}", survey.set_id);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn who_may_not_look_gets_no_pass() {
    let root = tree::base("server");
    fs::create_dir_all(root.path().join("opt")).unwrap();
    let closed = root.path().join("opt/closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let binary = env!("CARGO_BIN_EXE_guestward");
    let program = root.path().join("program");
    fs::copy(binary, &program).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["check", "files-set-id-unpackaged", "--format", "json", "--root"])
        .arg(root.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("\"unknown\"") && text.contains("no permission to read"), "{text} {output:?}");
}
