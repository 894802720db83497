//! The whole posture where half of the questions do not arise: an image, a container, a host without systemd.
//!
//! What is asked of each is honesty: not applicable with the reason, or an answer, and never a pass for want of looking.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::binary::{check_json, guestward, text};
use crate::support::tree;

/// Checks about the running system, of each of the topics that have such.
const OF_THE_RUNNING: &[&str] = &[
    "kernel-aslr",
    "kernel-protected-links",
    "network-firewall",
    "network-syn-cookies",
    "network-database-ports",
    "imds-v1-refused",
    "credentials-environment",
    "logging-time-sync",
    "files-tmp-mount",
];

#[test]
fn of_an_image_only_its_files_are_judged() {
    let tree = tree::build(&tree::steps("use server\nremove proc\nremove sys\nremove run\n"));
    compared_now(tree.path());
    let (_, document) = check_json(tree.path(), &[]);
    for id in OF_THE_RUNNING {
        let finding = finding(&document, id);
        assert_eq!(finding["verdict"], "not_applicable", "{finding}");
        assert!(finding["reason"].as_str().unwrap().len() > 10, "{finding}");
    }
    for id in [
        "ssh-root-login",
        "accounts-extra-uid-0",
        "files-world-writable",
        "credentials-homes",
        "files-cron-modes",
    ] {
        assert_eq!(finding(&document, id)["verdict"], "pass", "{id} can be judged by the files");
    }
    assert_eq!(document["summary"]["unknown"], 0, "{:#}", of_verdict(&document, "unknown"));
}

/// The fixtures' last comparison was at a fixed time, and this look is at the real one.
fn compared_now(root: &Path) {
    let last = root.join("var/lib/guestward/baseline/last.json");
    let mut document: Value = serde_json::from_slice(&fs::read(&last).unwrap()).unwrap();
    document["time"] = jiff::Timestamp::now().to_string().into();
    fs::write(&last, document.to_string()).unwrap();
}

#[test]
fn in_a_container_the_kernel_is_its_host_s() {
    // A mount namespace in which /run says what podman says; everything else is this machine.
    let document = in_namespace("mount -t tmpfs tmpfs /run && touch /run/.containerenv");
    for id in [
        "kernel-aslr",
        "kernel-lsm",
        "network-firewall",
        "network-syn-cookies",
        "logging-time-sync",
        "files-tmp-mount",
    ] {
        let finding = finding(&document, id);
        assert_eq!(finding["verdict"], "not_applicable", "{finding}");
        assert!(finding["reason"].as_str().unwrap().contains("container"), "{finding}");
    }
    for finding in document["findings"].as_array().unwrap().iter().filter(|f| f["topic"] == "kernel") {
        assert_eq!(finding["verdict"], "not_applicable", "{finding}");
    }
}

#[test]
fn a_machine_made_of_a_container_s_image_is_a_machine() {
    let container = tree::build(&tree::steps("use server\nfile .dockerenv\n"));
    let machine = tree::build(&tree::steps("use server\nfile .dockerenv\nfile proc/2/comm\n| kthreadd\n"));
    let verdict = |tree: &tempfile::TempDir| {
        finding(&check_json(tree.path(), &["kernel-aslr"]).1, "kernel-aslr")["verdict"].clone()
    };
    assert_eq!(verdict(&container), "not_applicable");
    assert_eq!(verdict(&machine), "pass");
}

#[test]
fn a_host_without_systemd_is_not_judged_by_systemd_s_rules() {
    let tree = tree::build(&tree::steps(
        "use server\nremove run/systemd\nremove usr/lib/systemd\nremove etc/systemd\n",
    ));
    let (_, document) = check_json(tree.path(), &["services", "logging", "files-unit-modes"]);
    for finding in document["findings"].as_array().unwrap() {
        let observed = finding["evidence"].to_string();
        let blames = finding["verdict"] == "fail" && observed.contains("systemd");
        assert!(!blames, "{finding}");
        if ["unknown", "not_applicable"].contains(&finding["verdict"].as_str().unwrap()) {
            assert!(finding["reason"].is_string(), "{finding}");
        }
    }
}

#[test]
fn whoever_is_not_root_learns_what_they_may_not_see() {
    let tree = tree::base("neglected");
    let binary = env!("CARGO_BIN_EXE_guestward");
    // The binary may lie where nobody else can reach it.
    let program = tree.path().join("guestward");
    std::fs::copy(binary, &program).unwrap();
    let open = Command::new("chmod").arg("755").arg(tree.path()).status().unwrap();
    assert!(open.success());
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["check", "--format", "json", "credentials", "files", "--root"])
        .arg(tree.path())
        .output()
        .unwrap();
    let document: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    let homes = finding(&document, "credentials-homes");
    assert_ne!(homes["verdict"], "pass", "{homes}");
    let histories = finding(&document, "credentials-histories");
    assert_eq!(histories["verdict"], "unknown", "root's home is closed: {histories}");
}

fn in_namespace(setup: &str) -> Value {
    let script = format!("{setup} && exec \"$0\" check --format json");
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script])
        .arg(guestward().get_program())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

fn finding<'a>(document: &'a Value, check: &str) -> &'a Value {
    let findings = document["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["check"] == check).unwrap_or_else(|| panic!("{check} is not told"))
}

fn of_verdict(document: &Value, verdict: &str) -> Value {
    document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["verdict"] == verdict)
        .cloned()
        .collect()
}
