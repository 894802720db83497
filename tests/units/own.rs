//! What guestward thinks of itself: its units, users and directories are no finding of its own.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use super::{SENSOR, SHIPPER, directory};
use crate::support::binary::check_json;

#[test]
fn nothing_that_is_installed_is_a_finding() {
    let root = tempfile::tempdir().unwrap();
    install(root.path());
    let (_, document) = check_json(root.path(), &[]);
    let findings = document["findings"].as_array().unwrap();
    assert!(findings.len() > 50, "{} findings", findings.len());
    let ours: Vec<_> = findings
        .iter()
        .filter(|finding| finding["verdict"] == "fail")
        .filter(|finding| {
            let told = format!("{} {} {}", finding["subject"], finding["title"], finding["evidence"]);
            told.contains("guestward")
        })
        .collect();
    assert!(ours.is_empty(), "{ours:#?}");
}

/// A system of nothing but guestward, its users and directories made by systemd's own tools.
fn install(root: &Path) {
    let system = root.join("usr/lib/systemd/system");
    let wanted = root.join("etc/systemd/system/multi-user.target.wants");
    for folder in [&system, &wanted, &root.join("usr/bin"), &root.join("var/log"), &root.join("run")] {
        fs::create_dir_all(folder).unwrap();
    }
    for unit in [SENSOR, SHIPPER, "guestward.slice"] {
        fs::copy(directory().join(unit), system.join(unit)).unwrap();
    }
    for unit in [SENSOR, SHIPPER] {
        symlink(format!("/usr/lib/systemd/system/{unit}"), wanted.join(unit)).unwrap();
    }
    fs::copy("/bin/true", root.join("usr/bin/guestward")).unwrap();
    fs::set_permissions(root.join("usr/bin/guestward"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/bash\n").unwrap();
    fs::write(root.join("etc/group"), "root:x:0:\n").unwrap();
    fs::write(root.join("etc/shadow"), "root:*:20000:0:99999:7:::\n").unwrap();
    fs::set_permissions(root.join("etc/shadow"), fs::Permissions::from_mode(0o640)).unwrap();
    for (tool, file) in
        [("systemd-sysusers", "guestward.sysusers"), ("systemd-tmpfiles", "guestward.tmpfiles")]
    {
        let mut command = Command::new(tool);
        command.arg(format!("--root={}", root.display()));
        if tool == "systemd-tmpfiles" {
            command.arg("--create");
        }
        let output = command.arg(directory().join(file)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{tool}: {said}");
    }
    let passwd = fs::read_to_string(root.join("etc/passwd")).unwrap();
    assert!(passwd.contains("guestward:x:") && passwd.contains("guestward-ship:x:"), "{passwd}");
}
