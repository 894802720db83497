//! What packages account for, with real packages in a real rpm database: an update, a change by hand, and an impostor.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::packages::{policy, records};
use super::{Machine, write};
use crate::support::rpm::{self, Rpm, VAR, What, build};

fn machine() -> Machine {
    machine_by(&policy())
}

/// A root with an empty database.
fn machine_by(policy: &str) -> Machine {
    let machine = Machine::new(policy);
    fs::create_dir_all(machine.root().join("var/lib/rpm")).unwrap();
    change(&machine, &["--initdb"], &[]);
    // Where a package is, it is never the only one.
    change(&machine, &["-i"], &[Rpm::new("base", "1", "1")]);
    machine
}

/// A tool with a part, a configuration file, a link, a directory, and a program that is set-uid.
fn tool(version: &str) -> Rpm {
    Rpm::new("tool", version, "1")
        .file("/usr/bin/tool", &format!("#!/bin/sh\necho {version}\n"), 0o755)
        .file("/usr/bin/tool-su", &format!("#!/bin/sh\nid {version}\n"), 0o4755)
        .file("/usr/lib/tool/part", &format!("part of {version}\n"), 0o644)
        .directory("/usr/lib/tool", if version == "1" { 0o755 } else { 0o750 })
        .link("/usr/lib/tool/current", &format!("part-{version}"))
        .directory(&format!("/usr/lib/tool/{version}"), 0o711)
        .config("/etc/tool.conf", &format!("colour = {version}\n"))
        .entry("/etc/tool.plain", What::File(format!("plain {version}\n").into()), 0o644, "%config")
        .entry("/etc/tool.state", What::File(Vec::new()), 0o644, "%ghost")
}

fn install(machine: &Machine, package: Rpm) {
    change(machine, &["-U", "--nodeps"], &[package]);
}

fn change(machine: &Machine, how: &[&str], packages: &[Rpm]) {
    let built = tempfile::tempdir().unwrap();
    let files = if packages.is_empty() { Vec::new() } else { build(packages, built.path()) };
    let mut command = rpm::rpm(&machine.root(), VAR, "sqlite");
    let output = command.args(how).args(&files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_update_explains_itself_and_nothing_else() {
    let machine = machine();
    let root = machine.root();
    install(&machine, tool("1"));
    machine.expect(0, &["create"]);
    let shown = machine.expect(0, &["show", "/usr/bin/tool", "--format", "json"]);
    assert!(shown.contains("tool:x86_64") && shown.contains("\"md5\":null"), "{shown}");
    machine.diff(0, &[]);

    fs::write(root.join("etc/tool.conf"), "colour = mine\n").unwrap();
    install(&machine, tool("2"));
    write(&root, "/usr/lib/tool/part", "evil\n");
    write(&root, "/usr/bin/stranger", "nobody's\n");
    write(&root, "/etc/tool.state", "state\n");
    let drift = machine.diff(1, &[]);
    for (path, expected) in [
        ("/usr/bin/tool", ("same", true)),
        ("/usr/bin/tool-su", ("same", true)),
        ("/usr/lib/tool", ("same", true)),
        ("/usr/lib/tool/current", ("same", true)),
        ("/usr/lib/tool/1", ("same", true)),
        ("/usr/lib/tool/2", ("same", true)),
        ("/etc/tool.plain", ("same", true)),
        ("/usr/lib/tool/part", ("differs", false)),
        ("/etc/tool.conf", ("configuration", false)),
        ("/etc/tool.conf.rpmnew", ("none", false)),
        ("/etc/tool.state", ("differs", false)),
        ("/usr/bin/stranger", ("none", false)),
    ] {
        assert_eq!(records(&drift, path), expected, "{path}");
    }
    assert_eq!(drift["summary"]["explained"], 7, "{drift}");

    machine.expect(0, &["accept", "--package", "tool", "--reason", "patch day"]);
    let left = super::entries(&machine.diff(1, &[]));
    let left: Vec<&str> = left.keys().map(String::as_str).collect();
    let expected = [
        "/etc/tool.conf",
        "/etc/tool.conf.rpmnew",
        "/etc/tool.state",
        "/usr/bin/stranger",
        "/usr/lib/tool/part",
    ];
    assert_eq!(left, expected);
}

#[test]
fn what_is_not_as_rpm_records_it_is_not_explained_by_it() {
    let machine = machine();
    let root = machine.root();
    install(&machine, tool("1"));
    // What was agreed on is not what the package makes.
    mode(&root.join("usr/lib/tool/part"), 0o666);
    machine.expect(0, &["create"]);
    let more = tool("2").file("/usr/bin/other", "two\n", 0o755).file("/usr/bin/new-su", "two\n", 0o4755);
    install(&machine, more);
    mode(&root.join("usr/bin/tool"), 0o4755);
    mode(&root.join("usr/bin/other"), 0o4755);
    mode(&root.join("usr/lib/tool/2"), 0o777);
    mode(&root.join("usr/lib/tool/part"), 0o666);
    mode(&root.join("etc/tool.conf"), 0o600);
    fs::remove_file(root.join("usr/lib/tool/current")).unwrap();
    std::os::unix::fs::symlink("/tmp/evil", root.join("usr/lib/tool/current")).unwrap();
    let drift = machine.diff(1, &[]);
    for (path, expected) in [
        ("/usr/bin/tool", ("differs", false)),
        ("/usr/bin/other", ("differs", false)),
        ("/usr/lib/tool/2", ("differs", false)),
        // Its mode is the one that was agreed, and not the one that the update gave it: with dpkg that passes.
        ("/usr/lib/tool/part", ("differs", false)),
        ("/usr/lib/tool/current", ("differs", false)),
        ("/etc/tool.conf", ("configuration", false)),
        ("/usr/bin/tool-su", ("same", true)),
        // It is as recorded, and runs as another user from now on: that is told whoever brings it.
        ("/usr/bin/new-su", ("listed", false)),
    ] {
        assert_eq!(records(&drift, path), expected, "{path}");
    }
    change(&machine, &["-e", "tool"], &[]);
    let drift = machine.diff(1, &[]);
    assert_eq!(records(&drift, "/usr/bin/tool-su"), ("same", true), "it went with its package");
}

#[test]
fn a_baseline_by_another_hash_is_compared_with_what_rpm_records_all_the_same() {
    let policy = policy().replacen("[files]\n", "[files]\nhash = \"blake3\"\n", 1);
    let machine = machine_by(&policy);
    install(&machine, tool("1"));
    machine.expect(0, &["create"]);
    let shown = machine.expect(0, &["show", "/usr/bin/tool"]);
    assert!(shown.contains("blake3"), "{shown}");
    install(&machine, tool("2"));
    write(&machine.root(), "/usr/lib/tool/part", "evil\n");
    let drift = machine.diff(1, &[]);
    assert_eq!(records(&drift, "/usr/bin/tool"), ("same", true));
    assert_eq!(records(&drift, "/usr/lib/tool/part"), ("differs", false));
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
