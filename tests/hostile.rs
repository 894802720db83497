//! A well-kept server in which one file after the other turns hostile: the look ends, nobody panics, nothing leads
//! out of the root, and no check passes because of what it can no longer read.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use guestward::check;
use guestward::finding::{Finding, Verdict};
use guestward::host::{Facts, Host};
use guestward::policy::Policy;

use crate::support::binary::{check_json, text};
use crate::support::tree::{self, Step};

/// What becomes of a file, and whether nothing can be read from it any more.
type Turn = (&'static str, bool, fn(&Path));

const TURNS: &[Turn] = &[
    ("a FIFO", true, |path| tree::apply(Path::new("/"), &[Step::Fifo(path.into())])),
    ("a directory", true, |path| fs::create_dir(path).unwrap()),
    ("a link to itself", true, |path| symlink(path.file_name().unwrap(), path).unwrap()),
    ("a tebibyte of nothing", true, |path| fs::File::create(path).unwrap().set_len(1 << 40).unwrap()),
    ("a link out of the root", false, |path| symlink(format!("/../../../..{CANARY}"), path).unwrap()),
    ("NULs", false, |path| fs::write(path, [0; 4096]).unwrap()),
    ("bytes that are no text", false, |path| {
        fs::write(path, b"\xff\xfe\x1b]0;x\x07\r\n\xc3\x28:\xf0\x9f:\x80\n".repeat(99)).unwrap();
    }),
    ("one endless line", false, |path| fs::write(path, "a".repeat(3_000_000)).unwrap()),
    ("a million colons", false, |path| fs::write(path, ":".repeat(1_000_000)).unwrap()),
];

const CANARY: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/guestward-canary");

#[test]
fn whatever_one_file_turns_into_the_look_ends_and_passes_nothing_new() {
    fs::write(CANARY, "canary:x:0:0::/:/bin/sh\nPermitRootLogin yes # canary\n").unwrap();
    let passed = passes(&posture(tree::base("server").path()));
    assert!(passed.len() > 25, "the tree is a server: {passed:?}");
    let files = files(tree::base("server").path());
    assert!(files.len() >= 20, "{files:?}");
    for file in &files {
        for (what, unreadable, turn) in TURNS {
            let tree = tree::base("server");
            let path = tree.path().join(file);
            fs::remove_file(&path).unwrap();
            turn(&path);
            let findings = posture(tree.path());
            let shown = format!("{findings:?}");
            assert!(!shown.contains("canary"), "{} as {what} leads out of the root", file.display());
            // One that can be read may turn out worse or better, but not for want of looking.
            if *unreadable {
                let new: Vec<_> = passes(&findings).difference(&passed).cloned().collect();
                assert!(new.is_empty(), "{} as {what} makes these pass: {new:?}", file.display());
            }
        }
    }
    fs::remove_file(CANARY).unwrap();
}

#[test]
fn a_file_cut_anywhere_stops_nothing() {
    let server = tree::base("server");
    for file in files(server.path()) {
        let path = server.path().join(&file);
        let whole = fs::read(&path).unwrap();
        for part in 1..8 {
            fs::write(&path, &whole[..whole.len() * part / 8]).unwrap();
            assert!(!posture(server.path()).is_empty());
        }
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn the_binary_answers_in_clean_json_whatever_a_tree_holds() {
    let tree = tree::base("server");
    for file in files(tree.path()).iter().filter(|file| !file.ends_with("sshd")) {
        fs::write(
            tree.path().join(file),
            b"\x1b[2J\xff\xe2\x80\xaeevil\x00:x:0:0::/:/bin/sh\nInclude \x07\n",
        )
        .unwrap();
    }
    let (output, document) = check_json(tree.path(), &[]);
    assert!(matches!(output.status.code(), Some(1 | 3)), "{}", text(&output.stderr));
    let printed = document.to_string();
    assert!(
        !printed.contains("\\u001b") && !printed.contains('\u{202e}') && !printed.contains("\\u0000"),
        "{printed}"
    );
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

fn posture(root: &Path) -> Vec<Finding> {
    let (host, policy) = (Host::at(root).unwrap(), Policy::default());
    let selected = check::select(&[], &policy);
    let now = "2026-11-22T00:00:00Z".parse().unwrap();
    check::judge(&Facts::gather(&host, check::wanted(&selected), now, &mut |_| {}), &policy, &selected)
}

fn passes(findings: &[Finding]) -> BTreeSet<String> {
    let passed = findings.iter().filter(|finding| finding.verdict == Verdict::Pass);
    passed.map(|finding| format!("{} {}", finding.check, finding.subject)).collect()
}

fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path.strip_prefix(root).unwrap().to_owned()),
            }
        }
    }
    files.sort();
    files
}
