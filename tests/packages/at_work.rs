//! Packages half-way while dpkg is at work, and after it was killed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::binary::guestward;

/// A package whose last script waits for as long as there is a file.
fn package(folder: &Path) {
    let control = folder.join("tree/DEBIAN");
    fs::create_dir_all(&control).unwrap();
    fs::write(
        control.join("control"),
        "Package: slow\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@example.com>\nDescription: slow\n",
    )
    .unwrap();
    let script =
        "#!/bin/sh\n: > \"$DPKG_ROOT/waits\"\nwhile [ -e \"$DPKG_ROOT/goes-on\" ]; do sleep 0.05; done\n";
    fs::write(control.join("postinst"), script).unwrap();
    fs::set_permissions(control.join("postinst"), fs::Permissions::from_mode(0o755)).unwrap();
    let built = Command::new("dpkg-deb")
        .args(["--root-owner-group", "--build"])
        .arg(folder.join("tree"))
        .arg(folder.join("slow.deb"))
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
}

fn install(folder: &Path, root: &Path) -> Child {
    let child = Command::new("dpkg")
        .arg(format!("--root={}", root.display()))
        .args(["--force-not-root", "--force-script-chrootless", "--log=/dev/null", "-i"])
        .arg(folder.join("slow.deb"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while !root.join("waits").exists() {
        assert!(Instant::now() < end, "dpkg came not so far");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn judged(root: &Path) -> (String, String) {
    let told = guestward()
        .args(["check", "packages-half-installed", "--format", "json", "--root"])
        .arg(root)
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let finding = &told["findings"][0];
    (finding["verdict"].as_str().unwrap().to_owned(), finding.to_string())
}

#[test]
fn what_is_half_way_is_left_behind_only_once_dpkg_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    for part in ["info", "updates"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(part)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    fs::write(root.join("goes-on"), "").unwrap();
    package(folder.path());

    let mut dpkg = install(folder.path(), &root);
    let (verdict, finding) = judged(&root);
    assert_eq!(verdict, "unknown", "{finding}");
    let who = format!("process {} is at work", dpkg.id());
    assert!(finding.contains(&who), "{finding}");

    kill(Pid::from_raw(dpkg.id().try_into().unwrap()), Signal::SIGKILL).unwrap();
    dpkg.wait().unwrap();
    let (verdict, finding) = judged(&root);
    assert_eq!(verdict, "fail", "{finding}");
    // Its script waits no longer.
    fs::remove_file(root.join("goes-on")).unwrap();
}
