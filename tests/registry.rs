//! The registry refuses a check that is not finished, and one that passes what it could not read.

use std::collections::HashSet;
use std::fs;

use guestward::check;
use guestward::finding::Verdict;
use guestward::host::{Facts, Host, Wanted};
use guestward::policy::Policy;

use crate::support::tree::{self, Step};

#[test]
fn every_check_is_finished() {
    let mut ids = HashSet::new();
    for (topic, check) in check::all() {
        let id = check.id;
        assert!(ids.insert(id), "{id} is there twice");
        assert!(
            id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
            "{id} is kebab-case"
        );
        assert!(!check::TOPICS.iter().any(|topic| topic.name == id), "{id} is the name of a topic, too");
        assert!(check.title.len() > 10 && !check.title.ends_with('.'), "{id}: its title is a statement");
        assert!(
            check.why.len() > 80 && check.why.ends_with('.'),
            "{id}: its reason is one that a reader believes"
        );
        assert!(check.remediation.len() > 20, "{id}: what to do");
        assert!(!check.controls.is_empty(), "{id} serves a control");
        assert!(!topic.title.is_empty());
        for parameter in check.parameters {
            let (low, high) = parameter.range;
            assert!((low..=high).contains(&parameter.default), "{id}: the default of {}", parameter.name);
            assert!(!["enabled", "severity"].contains(&parameter.name), "{id}: {} is taken", parameter.name);
        }
    }
}

#[test]
fn nothing_passes_that_nobody_looked_at() {
    let tree = tree::base("debian12");
    let host = Host::at(tree.path()).unwrap();
    let now = "2026-11-22T00:00:00Z".parse().unwrap();
    let facts = Facts::gather(&host, Wanted::NONE, now, &mut |_| {});
    for finding in judge(&facts) {
        assert_eq!(finding.verdict, Verdict::Unknown, "{} judged what nobody looked at", finding.check);
    }
}

#[test]
fn nothing_passes_on_a_machine_without_files() {
    let tree = tempfile::tempdir().unwrap();
    for finding in judge(&gather(tree.path())) {
        let verdict = finding.verdict;
        assert!(matches!(verdict, Verdict::Unknown | Verdict::NotApplicable), "{}: {verdict}", finding.check);
        assert!(finding.reason.is_some(), "{} gives no reason", finding.check);
    }
}

#[test]
fn nothing_passes_where_every_file_is_a_fifo() {
    let tree = tree::base("server");
    let before = judge(&gather(tree.path()));
    assert!(
        before.iter().filter(|finding| finding.verdict == Verdict::Pass).count() > 10,
        "the tree is a server"
    );
    turn_files_into_fifos(tree.path());
    for finding in judge(&gather(tree.path())) {
        assert_ne!(finding.verdict, Verdict::Pass, "{} passed what it could not read", finding.check);
    }
}

/// All but the programs whose mere presence says that a subject exists.
fn turn_files_into_fifos(folder: &std::path::Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() || path.ends_with("bin") || path.ends_with("sbin") {
            continue;
        }
        if path.is_dir() {
            turn_files_into_fifos(&path);
        } else {
            let (parent, name) = (path.parent().unwrap(), path.file_name().unwrap());
            tree::apply(parent, &[Step::Fifo(name.into())]);
        }
    }
}

fn gather(root: &std::path::Path) -> Facts {
    let host = Host::at(root).unwrap();
    let wanted = check::wanted(&check::select(&[], &Policy::default()));
    Facts::gather(&host, wanted, "2026-11-22T00:00:00Z".parse().unwrap(), &mut |_| {})
}

fn judge(facts: &Facts) -> Vec<guestward::finding::Finding> {
    let policy = Policy::default();
    check::judge(facts, &policy, &check::select(&[], &policy))
}
