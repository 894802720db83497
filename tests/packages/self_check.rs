//! Our list held against the package manager's own answer, by the command that a timer starts every night.

use std::collections::BTreeMap;
use std::process::Output;

use serde_json::Value;

use super::scenarios::{SECURITY, STABLE, Tree};
use super::*;
use crate::support::binary::guestward;

fn self_check(root: &Path, record: bool) -> Output {
    let mut command = guestward();
    command.args(["packages", "--self-check", "--root"]).arg(root);
    if record {
        command.arg("--record");
    }
    command.output().unwrap()
}

fn judged(root: &Path) -> Value {
    let told = guestward()
        .args(["check", "packages-self-check", "--format", "json", "--root"])
        .arg(root)
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    told["findings"][0].clone()
}

#[test]
fn what_apt_lists_too_is_confirmed_and_what_it_keeps_back_is_told() {
    let tree = Tree::new()
        .installed("current", "1")
        .installed("plain", "1")
        .installed("blocked", "1")
        .status("held", "1", "hold ok installed", "amd64")
        .archive("a", STABLE, &["plain 2", "held 2", "blocked 2 amd64 Depends=nowhere"])
        .archive("b", SECURITY, &["plain 3"])
        .finish();
    let told = self_check(tree.path(), false);
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    assert_eq!(
        text(&told.stdout),
        "apt lists the same 3 updates\n2 of them it would keep back as things are\n"
    );
    assert_eq!(judged(tree.path())["verdict"], "not_applicable", "nothing was to be kept");

    assert_eq!(self_check(tree.path(), true).status.code(), Some(0));
    assert_eq!(judged(tree.path())["verdict"], "pass");
    let told =
        guestward().args(["packages", "--format", "json", "--root"]).arg(tree.path()).output().unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let states: BTreeMap<&str, &str> = told["pending"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].as_str().unwrap(), row["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, BTreeMap::from([("blocked", "kept-back"), ("held", "held"), ("plain", "pending")]));
}

#[test]
fn an_apt_that_gives_no_answer_is_no_confirmation() {
    let tree = Tree::new().installed("x", "1").archive("a", STABLE, &["x 2"]).finish();
    let status = fs::read_to_string(tree.path().join("var/lib/dpkg/status")).unwrap();
    // What is installed lacks what it needs, so apt plans nothing.
    fs::write(tree.path().join("var/lib/dpkg/status"), format!("{status}Depends: nowhere\n")).unwrap();
    let told = self_check(tree.path(), true);
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    assert!(
        text(&told.stdout).contains("no answer: apt-get -s dist-upgrade failed: E: Unmet dependencies"),
        "{told:?}"
    );
    assert_eq!(self_check(tree.path(), false).status.code(), Some(3));
    let finding = judged(tree.path());
    assert_eq!(finding["verdict"], "unknown");
    assert!(finding["reason"].as_str().unwrap().contains("Unmet dependencies"), "{finding}");
}

#[test]
fn where_no_package_manager_is_there_is_nobody_to_ask() {
    let root = tempfile::tempdir().unwrap();
    let told = self_check(root.path(), false);
    assert_eq!(told.status.code(), Some(2));
    assert!(text(&told.stderr).contains("no package manager to ask"), "{told:?}");
}
