//! What packages account for, with real packages in a real dpkg database: an update, a change by hand, and an impostor.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{ALL, Machine, write};

/// The same rules, without dpkg's own records, which each update changes.
pub(super) fn policy() -> String {
    format!("{ALL}[[files.rules]]\npaths = [\"/var/**\"]\ncompare = \"nothing\"\n")
}

/// A root with an empty dpkg database.
fn machine() -> Machine {
    let machine = Machine::new(&policy());
    for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates"] {
        fs::create_dir_all(machine.root().join(folder)).unwrap();
    }
    // A database without any package is a broken one.
    let base = "Package: base\nStatus: install ok installed\nMaintainer: Nobody <nobody@example.com>\nArchitecture: all\nVersion: 1\nDescription: base\n\n";
    write(&machine.root(), "/var/lib/dpkg/status", base);
    write(&machine.root(), "/var/lib/dpkg/info/base.list", "/.\n");
    machine
}

fn install(machine: &Machine, version: &str, tool: &str, with: &[&str]) {
    let tree = machine.path(&format!("tool-{version}"));
    write(
        &tree,
        "/DEBIAN/control",
        &format!(
            "Package: tool\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.com>\nDescription: a tool\n"
        ),
    );
    write(&tree, "/DEBIAN/conffiles", "/etc/tool.conf\n");
    write(&tree, "/etc/tool.conf", "colour = red\n");
    write(&tree, "/usr/bin/tool", tool);
    write(&tree, "/usr/lib/tool/part", tool);
    for path in with {
        write(&tree, path, "more\n");
    }
    let package = machine.path(&format!("tool_{version}.deb"));
    // The MD5 sums that a build with debhelper puts into a package.
    let sums = "cd \"$1\" && find etc usr -type f ! -path etc/tool.conf | xargs md5sum > DEBIAN/md5sums";
    run(Command::new("sh").args(["-c", sums, "sh"]).arg(&tree));
    run(Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(&tree).arg(&package));
    dpkg(machine, &["--force-confold", "-i", package.to_str().unwrap()]);
}

fn dpkg(machine: &Machine, arguments: &[&str]) {
    let mut root = std::ffi::OsString::from("--root=");
    root.push(machine.root());
    run(Command::new("dpkg")
        .arg(root)
        .args(["--force-not-root", "--force-depends", "--log=/dev/null"])
        .args(arguments));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

pub(super) fn records<'d>(drift: &'d Value, path: &str) -> (&'d str, bool) {
    let entries = drift["entries"].as_array().unwrap();
    let entry =
        entries.iter().find(|entry| entry["path"] == path).unwrap_or_else(|| panic!("{path}: {drift}"));
    (entry["package"]["records"].as_str().unwrap_or("none"), !entry["explained"].is_null())
}

#[test]
fn an_update_explains_itself_and_nothing_else() {
    let machine = machine();
    let root = machine.root();
    install(&machine, "1", "#!/bin/sh\necho one\n", &["/usr/share/tool/old"]);
    machine.expect(0, &["create"]);
    let shown = machine.expect(0, &["show", "/usr/bin/tool"]);
    assert!(shown.contains("tool"), "{shown}");
    machine.diff(0, &[]);

    install(&machine, "2", "#!/bin/sh\necho two\n", &["/usr/share/tool/new"]);
    write(&root, "/etc/tool.conf", "colour = blue\n");
    write(&root, "/usr/lib/tool/part", "#!/bin/sh\necho evil\n");
    write(&root, "/usr/bin/stranger", "nobody's\n");
    let drift = machine.diff(1, &[]);
    for (path, expected) in [
        ("/usr/bin/tool", ("same", true)),
        ("/usr/share/tool/new", ("same", true)),
        ("/usr/share/tool/old", ("same", true)),
        ("/usr/lib/tool/part", ("differs", false)),
        ("/etc/tool.conf", ("configuration", false)),
        ("/usr/bin/stranger", ("none", false)),
    ] {
        assert_eq!(records(&drift, path), expected, "{path}");
    }
    assert_eq!(drift["summary"]["explained"], 3, "{drift}");
    let text = machine.expect(1, &["diff"]);
    assert!(text.contains("as their packages record them: 3") && text.contains("--package tool"), "{text}");

    machine.expect(0, &["accept", "--package", "tool", "--reason", "patch day"]);
    let left = super::entries(&machine.diff(1, &[]));
    let left: Vec<&str> = left.keys().map(String::as_str).collect();
    assert_eq!(left, ["/etc/tool.conf", "/usr/bin/stranger", "/usr/lib/tool/part"]);
}

#[test]
fn what_dpkg_does_not_record_is_not_explained_by_it() {
    let machine = machine();
    let root = machine.root();
    install(&machine, "1", "#!/bin/sh\necho one\n", &[]);
    machine.expect(0, &["create"]);
    install(&machine, "2", "#!/bin/sh\necho two\n", &["/usr/bin/other"]);
    for path in ["usr/bin/tool", "usr/bin/other"] {
        set_uid(&root.join(path));
    }
    let drift = machine.diff(1, &[]);
    assert_eq!(records(&drift, "/usr/bin/tool"), ("listed", false), "its mode is nobody's update");
    assert_eq!(records(&drift, "/usr/bin/other"), ("listed", false), "a new program is set-uid");
    machine.expect(0, &["accept", "--package", "tool", "--reason", "patch day"]);
    let left = super::entries(&machine.diff(1, &[]));
    let left: Vec<&str> = left.keys().map(String::as_str).collect();
    assert_eq!(left, ["/usr/bin/other", "/usr/bin/tool"], "what set the mode is not the package");
    dpkg(&machine, &["--purge", "tool"]);
    let drift = machine.diff(1, &[]);
    assert_eq!(records(&drift, "/usr/lib/tool/part"), ("same", true), "it went with its package");
}

#[test]
fn a_database_of_rpm_that_cannot_be_read_is_said_to_be_so() {
    let machine = Machine::new(&policy());
    write(&machine.root(), "/var/lib/rpm/rpmdb.sqlite", "");
    write(&machine.root(), "/usr/bin/tool", "one\n");
    machine.run(&["create"]);
    write(&machine.root(), "/usr/bin/tool", "two\n");
    assert_eq!(records(&machine.diff(1, &[]), "/usr/bin/tool"), ("unknown", false));
}

fn set_uid(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o4755)).unwrap();
}
