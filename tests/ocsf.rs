//! OCSF events, judged by the published schema of version 1.5.0, as a package of others carries it (ocsf-json-schema);
//! it must find nothing in ours, and everything in events that were spoilt on purpose.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::binary::{check_json, guestward, text};
use crate::support::tree;

#[test]
fn the_schema_finds_nothing_wrong_with_any_event() {
    let (neglected, server, instance) = (tree::base("neglected"), tree::base("server"), instance());
    let nothing = tempfile::tempdir().unwrap();
    for root in [Path::new("/"), neglected.path(), server.path(), instance.path(), nothing.path()] {
        let lines = events(root, &[]);
        assert_eq!(judge(&lines), "", "{}", root.display());
    }
}

#[test]
fn the_judge_refuses_what_is_wrong() {
    let good = events(instance().path(), &["ssh-root-login"]).remove(0);
    assert_eq!(judge(std::slice::from_ref(&good)), "");
    let spoilt: &[(&str, Value)] = &[
        ("/severity_id", json!(7)),
        ("/severity_id", json!("4")),
        ("/severity", json!("Grave")),
        ("/status_id", json!(6)),
        ("/class_uid", json!(2004)),
        ("/type_uid", json!(200_302)),
        ("/time", json!("2026-11-22")),
        ("/time", Value::Null),
        ("/invented", json!(1)),
        ("/compliance/invented", json!(1)),
        ("/compliance/status_id", json!(4)),
        ("/compliance/standards", json!("CIS")),
        ("/compliance/status_detail", json!("deprecated since 1.4")),
        ("/device/type_id", json!(16)),
        ("/device/os/type_id", Value::Null),
        ("/finding_info/uid", Value::Null),
        ("/metadata/version", Value::Null),
        ("/metadata/product", json!({})),
        ("/metadata/profiles", json!([])),
        ("/evidences/0/data", Value::Null),
        ("/remediation/desc", Value::Null),
        ("/resource", json!({ "uid": "x" })),
        ("/cloud", Value::Null),
        ("/cloud/provider", Value::Null),
        ("/observables/0/type_id", json!(1000)),
    ];
    let events: Vec<Value> = spoilt
        .iter()
        .map(|(place, value)| {
            let mut event = good.clone();
            spoil(&mut event, place, value);
            event
        })
        .collect();
    let said = judge(&events);
    for (number, (place, value)) in spoilt.iter().enumerate() {
        let start = format!("{}: ", number + 1);
        assert!(said.lines().any(|line| line.starts_with(&start)), "{place} = {value} is not noticed");
    }
}

#[test]
fn each_finding_is_an_event_and_says_the_same() {
    let tree = tree::base("neglected");
    let (_, document) = check_json(tree.path(), &[]);
    let events = events(tree.path(), &[]);
    let findings = document["findings"].as_array().unwrap();
    assert_eq!(events.len(), findings.len());
    for (event, finding) in events.iter().zip(findings) {
        assert_eq!(event["compliance"]["control"], finding["check"]);
        assert_eq!(event["compliance"]["requirements"], finding["controls"]);
        assert_eq!(event["finding_info"]["title"], finding["title"]);
        assert_eq!(event["resources"][0]["name"], finding["subject"]);
        let verdict = finding["verdict"].as_str().unwrap();
        let (compliance, status) = match verdict {
            "pass" => (1, 4),
            "fail" => (3, 1),
            "unknown" => (2, 1),
            _ => (99, 4),
        };
        assert_eq!(
            (&event["compliance"]["status_id"], &event["status_id"]),
            (&json!(compliance), &json!(status))
        );
        let weighs = matches!(verdict, "fail" | "unknown");
        let severity = if weighs { finding["severity"].as_str().unwrap() } else { "informational" };
        assert_eq!(event["severity"].as_str().unwrap().to_ascii_lowercase(), severity);
        assert_eq!(event["remediation"]["desc"].is_string(), weighs);
        let proofs = finding["evidence"].as_array().unwrap();
        let pieces = event["evidences"].as_array().map_or(0, Vec::len);
        assert_eq!(pieces, proofs.len());
        for (at, proof) in proofs.iter().enumerate() {
            assert_eq!(event["evidences"][at]["name"], proof["source"]);
            assert_eq!(event["evidences"][at]["data"]["observed"], proof["observed"]);
        }
    }
}

#[test]
fn the_same_matter_keeps_its_uid_and_no_two_share_one() {
    let tree = tree::base("neglected");
    let uids = || -> Vec<String> {
        let uid = |event: &Value| event["finding_info"]["uid"].as_str().unwrap().to_owned();
        events(tree.path(), &[]).iter().map(uid).collect()
    };
    let first = uids();
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), first.len(), "{first:?}");
    assert_eq!(first, uids(), "a day later it is the same matter");
    tree::apply(
        tree.path(),
        &tree::steps("file etc/hostname\n| other\nfile etc/machine-id\n| 1f00000000000000000000000000000f\n"),
    );
    let elsewhere: BTreeSet<String> = uids().into_iter().collect();
    assert!(first.iter().all(|uid| !elsewhere.contains(uid)), "another machine, another matter");
}

#[test]
fn a_suppressed_failure_is_suppressed_with_its_reason_and_an_expired_one_is_new() {
    let tree = tree::base("neglected");
    let with = |until: &str| {
        let policy = tree.path().join("policy.toml");
        let text = format!(
            "[[suppressions]]\ncheck = \"ssh-x11\"\nwho = \"alice\"\nwhy = \"an old tool\"\nuntil = {until}\n"
        );
        fs::write(&policy, text).unwrap();
        events(tree.path(), &["ssh-x11", "--policy", policy.to_str().unwrap()]).remove(0)
    };
    let suppressed = with("2999-12-31");
    assert_eq!((&suppressed["status_id"], &suppressed["status"]), (&json!(3), &json!("Suppressed")));
    assert_eq!(suppressed["comment"], "an old tool");
    assert_eq!(suppressed["status_detail"], "suppressed until 2999-12-31 by alice");
    assert_eq!(suppressed["compliance"]["status"], "Fail", "it silences and never deletes");
    let expired = with("2020-12-31");
    assert_eq!(expired["status_id"], 1);
    assert_eq!(judge(&[suppressed, expired]), "");
}

#[test]
fn only_an_instance_carries_the_cloud_profile() {
    let event = events(instance().path(), &["ssh-root-login"]).remove(0);
    assert_eq!(event["metadata"]["profiles"], json!(["cloud"]));
    assert_eq!(event["cloud"]["provider"], "AWS");
    assert_eq!(event["device"]["instance_uid"], "i-0123456789abcdef0");
    let event = events(tree::base("neglected").path(), &["ssh-root-login"]).remove(0);
    assert!(event.get("cloud").is_none() && event["metadata"].get("profiles").is_none());
}

/// The neglected tree as EC2 shows it.
fn instance() -> tempfile::TempDir {
    tree::build(&tree::steps(
        "use neglected\n\
         file sys/devices/virtual/dmi/id/sys_vendor\n| Amazon EC2\n\
         file sys/devices/virtual/dmi/id/board_asset_tag\n| i-0123456789abcdef0\n",
    ))
}

fn events(root: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = guestward()
        .args(["check", "--format", "ocsf", "--root"])
        .arg(root)
        .args(arguments)
        .output()
        .expect("guestward starts");
    assert_ne!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(lines.ends_with('\n'));
    lines.lines().map(|line| serde_json::from_str(line).expect("an object on a line of its own")).collect()
}

/// Puts a value at a place that is written as in RFC 6901; null takes away what is there.
fn spoil(event: &mut Value, place: &str, value: &Value) {
    let (above, name) = place.rsplit_once('/').unwrap();
    let above = event.pointer_mut(above).unwrap_or_else(|| panic!("no {above}")).as_object_mut().unwrap();
    match value {
        Value::Null => assert!(above.remove(name).is_some(), "no {place}"),
        value => {
            above.insert(name.to_owned(), value.clone());
        }
    }
}

/// What the schema has to say about the events; nothing is well.
fn judge(events: &[Value]) -> String {
    let mut child = Command::new(python())
        .arg(folder().join("ocsf/judge.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut stdin = child.stdin.take().unwrap();
    // The schema is read before the first event, and all of them fit into what the judge then says.
    for event in events {
        writeln!(stdin, "{event}").unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// The interpreter of a virtual environment with what `tests/requirements.txt` pins, made once.
pub(crate) fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ocsf-venv");
        let python = environment.join("bin/python");
        let (wanted, made) = (folder().join("requirements.txt"), environment.join("requirements.txt"));
        if fs::read(&wanted).unwrap() != fs::read(&made).unwrap_or_default() {
            let _ = fs::remove_dir_all(&environment);
            succeed(Command::new("/usr/bin/python3").args(["-m", "venv"]).arg(&environment));
            let install = [
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--require-hashes",
                "--only-binary=:all:",
                "-r",
            ];
            succeed(Command::new(&python).args(install).arg(&wanted));
            fs::copy(&wanted, &made).unwrap();
        }
        python
    })
}

fn succeed(command: &mut Command) {
    let output = command.output().expect("python3 (package python3-venv)");
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests")
}
