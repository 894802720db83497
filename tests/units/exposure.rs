//! How exposed the services are, as systemd itself judges: `systemd-analyze security`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::{SELF_CHECK, SENSOR, SHIPPER, directory, read};

/// A unit, and the most that it may be exposed to, in tenths: what systemd 252 says of it.
///
/// What the sensor's come from: 0.4 that it asks the metadata service itself (AF_INET, CAP_NET_RAW), 0.4 that it looks at
/// homes, /tmp and modules by their paths, 0.3 that it asks for the state of the clock (adjtimex), 0.1 that it gives way to
/// others on the disk (ioprio_set), 0.3 that it watches whole file systems (CAP_SYS_ADMIN; what else that would let it do is
/// none of its system calls, as the next test holds).
const MOST: [(&str, u32); 3] = [(SENSOR, 32), (SHIPPER, 12), (SELF_CHECK, 2)];

#[test]
fn no_service_is_more_exposed_than_it_was() {
    let root = root();
    for (unit, most) in MOST {
        let output = security(root.path(), unit, most);
        assert!(output.status.success(), "{unit}: {}", last_line(&output));
    }
}

#[test]
fn a_line_that_is_taken_away_is_noticed() {
    for (unit, most) in MOST {
        for line in ["NoNewPrivileges=yes", "ProtectSystem=strict", "RestrictNamespaces=yes"] {
            let root = root();
            let text = read(unit);
            assert!(text.contains(line), "{unit} has no {line}");
            fs::write(place(root.path(), unit), text.replace(line, "")).unwrap();
            let output = security(root.path(), unit, most);
            assert!(!output.status.success(), "{unit} without {line}: {}", last_line(&output));
        }
    }
}

#[test]
fn systemd_has_nothing_to_say_about_the_units() {
    let root = root();
    let mut command = Command::new("systemd-analyze");
    command.args(["verify", "--man=no"]).arg(format!("--root={}", root.path().display()));
    let output = command
        .args([SENSOR, SHIPPER, SELF_CHECK, "guestward-self-check.timer", "guestward.slice"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn whatever_is_less_strict_than_it_could_be_has_its_reason() {
    let root = root();
    for (unit, _) in MOST {
        let text = read(unit);
        let reasons = reasons(&text);
        let output = analyse(root.path(), unit).arg("--json=short").output().unwrap();
        let judged: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut without = Vec::new();
        for item in judged.as_array().unwrap().iter().filter(|item| !item["exposure"].is_null()) {
            let name = item["name"].as_str().unwrap();
            // RootDirectory=/RootImage= is one matter, and RestrictAddressFamilies=~AF_UNIX a directive's part.
            let directive = name.split('=').next().unwrap();
            let has_reason = reasons.iter().any(|(reason, below)| {
                reason.contains(directive) || below.iter().any(|name| name == directive)
            });
            if !has_reason {
                without.push(format!("{name} {}", item["exposure"]));
            }
        }
        assert!(without.is_empty(), "{unit} says no reason for {without:?}");
    }
}

/// CAP_SYS_ADMIN is the key to all of these: the unit's own filter must refuse each.
#[test]
fn what_an_administrator_may_is_no_system_call_of_the_sensors() {
    let allowed = allowed(&read(SENSOR));
    for call in [
        "read",
        "openat",
        "fanotify_init",
        "fanotify_mark",
        "open_by_handle_at",
        "name_to_handle_at",
        "clone",
    ] {
        assert!(allowed.contains(call), "{call} is needed");
    }
    for call in [
        "mount",
        "umount2",
        "pivot_root",
        "chroot",
        "move_mount",
        "open_tree",
        "fsopen",
        "fsmount",
        "fsconfig",
        "mount_setattr",
        "bpf",
        "perf_event_open",
        "ptrace",
        "process_vm_writev",
        "init_module",
        "finit_module",
        "delete_module",
        "kexec_load",
        "swapon",
        "swapoff",
        "quotactl",
        "sethostname",
        "setdomainname",
        "syslog",
        "acct",
        "vhangup",
        "iopl",
        "ioperm",
        "lookup_dcookie",
        "keyctl",
        "settimeofday",
        "clock_settime",
        "reboot",
        "setuid",
        "userfaultfd",
        "io_uring_setup",
    ] {
        assert!(!allowed.contains(call), "{call}");
    }
    assert_eq!(
        super::value(&read(SENSOR), "RestrictNamespaces"),
        "yes",
        "neither clone nor unshare nor setns"
    );
}

/// What is left of the groups in `SystemCallFilter=`, line by line, as systemd has them.
fn allowed(unit: &str) -> std::collections::BTreeSet<String> {
    let mut allowed = std::collections::BTreeSet::new();
    for line in super::values(unit, "SystemCallFilter") {
        let (is_taken, names) = line.strip_prefix('~').map_or((false, line), |names| (true, names));
        for call in names.split(' ').flat_map(calls_of) {
            if is_taken {
                allowed.remove(&call);
            } else {
                allowed.insert(call);
            }
        }
    }
    allowed
}

/// A call, or those of a group and of the groups in it.
fn calls_of(name: &str) -> Vec<String> {
    if !name.starts_with('@') {
        return vec![name.to_owned()];
    }
    let output =
        Command::new("systemd-analyze").args(["syscall-filter", "--no-pager", name]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let inside = text.lines().filter_map(|line| line.strip_prefix("    ")).map(str::trim);
    inside.filter(|name| !name.starts_with('#')).flat_map(calls_of).collect()
}

#[test]
fn each_capability_of_the_sensor_has_its_own_reason() {
    let text = read(SENSOR);
    let said: String = reasons(&text).iter().map(|(reason, _)| reason.as_str()).collect();
    let granted = super::value(&text, "CapabilityBoundingSet");
    assert_eq!(granted, super::value(&text, "AmbientCapabilities"));
    for capability in granted.split(' ') {
        let name = capability.strip_prefix("CAP_").unwrap();
        assert!(said.contains(&format!("why: {name}")), "{capability} has no reason");
    }
    assert_eq!(super::value(&read(SHIPPER), "CapabilityBoundingSet"), "");
}

/// Each comment with a "why:" in it, and the directives right below it.
fn reasons(text: &str) -> Vec<(String, Vec<String>)> {
    let mut reasons = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(comment) = line.strip_prefix('#') else { continue };
        let mut comment = comment.to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with('#')) {
            comment += &more[1..];
        }
        let mut below = Vec::new();
        while let Some(line) = lines.next_if(|line| line.contains('=') && !line.starts_with('#')) {
            below.push(line.split_once('=').unwrap().0.to_owned());
        }
        if comment.contains("why:") {
            reasons.push((comment, below));
        }
    }
    reasons
}

fn security(root: &Path, unit: &str, most: u32) -> Output {
    analyse(root, unit).arg(format!("--threshold={most}")).output().unwrap()
}

fn analyse(root: &Path, unit: &str) -> Command {
    let mut command = Command::new("systemd-analyze");
    command
        .args(["security", "--no-pager", "--offline=true"])
        .arg(format!("--root={}", root.display()))
        .arg(unit);
    command
}

fn last_line(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    format!("{} {}", text.lines().last().unwrap_or_default(), String::from_utf8_lossy(&output.stderr))
}

/// A root directory with the units, what they start, and what they stand between; nothing of this machine.
fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let system = root.path().join("usr/lib/systemd/system");
    fs::create_dir_all(&system).unwrap();
    for unit in [SENSOR, SHIPPER, SELF_CHECK, "guestward-self-check.timer", "guestward.slice"] {
        fs::copy(directory().join(unit), system.join(unit)).unwrap();
    }
    for target in ["sysinit", "basic", "multi-user", "shutdown", "timers", "time-set", "time-sync"] {
        fs::write(system.join(format!("{target}.target")), "[Unit]\nDescription=a target\n").unwrap();
    }
    for program in ["usr/bin/guestward", "bin/kill"] {
        let path = root.path().join(program);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy("/bin/true", path).unwrap();
    }
    root
}

fn place(root: &Path, unit: &str) -> std::path::PathBuf {
    root.join("usr/lib/systemd/system").join(unit)
}
