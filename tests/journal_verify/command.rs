//! The command itself: files, standard input, exit codes, and what must not hang it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use super::exports::Journal;
use crate::support::binary::{guestward, text};

fn journal() -> Journal {
    let mut journal = Journal::new(1, 1, None);
    journal.make_key(9);
    for _ in 0..3 {
        (0..10).for_each(|_| journal.finding());
        journal.checkpoint();
    }
    journal.lose("journal-full", &[(20, 22)], &[]);
    journal.checkpoint();
    journal.finding();
    journal
}

fn export(folder: &Path, lines: &[Vec<u8>]) -> PathBuf {
    let path = folder.join("export.jsonl");
    fs::write(&path, [lines.join(&b'\n'), b"\n".to_vec()].concat()).unwrap();
    path
}

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        guestward().args(["journal", "verify"]).args(args).stdin(Stdio::null()).output().unwrap();
    (status.code(), text(&stdout), text(&stderr))
}

#[test]
fn a_whole_export_is_proved_and_told_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal();
    let path = export(folder.path(), &journal.bytes());
    let key = folder.path().join("first.key");
    fs::write(&key, journal.first_key.as_ref().unwrap().to_json().as_bytes()).unwrap();
    let (path, key) = (path.to_str().unwrap(), key.to_str().unwrap());

    let (code, told, errors) = run(&[path, "--key", key]);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{told}");
    // As it was before it was wrapped.
    let flowing = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "agent 0101010101010101 epoch 0101010101010101 (i-00000000000000001)",
        "records 1 to 38: 35 here",
        "3 records not here, as a gap says; lost in all: 3 of a kind that nobody knows (journal-full)",
        "good through record 37 (key 3); the 1 record after it only chained",
        "verified: all that is here verifies",
    ] {
        assert!(flowing.contains(words), "{words}: {told}");
    }

    let (code, told, _) = run(&[path, path, "--key", key, "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &document["schema"]), (Some(0), &"guestward.verify/1".into()));
    assert_eq!(document["epochs"][0]["duplicates"], 35);
    assert_eq!(document["epochs"][0]["seals"]["through"], 37);

    let (_, told, _) = run(&[path]);
    assert!(told.contains("--key"), "{told}");
}

#[test]
fn a_changed_export_is_named_by_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = journal().bytes();
    let line = String::from_utf8(lines[5].clone()).unwrap();
    lines[5] = line.replace("\"verdict\":\"fail\"", "\"verdict\":\"pass\"").into_bytes();
    let path = export(folder.path(), &lines);
    let (code, told, _) = run(&[path.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("export.jsonl:6: record 6 is not the one that record 7 was chained to"), "{told}");
    let (code, told, _) = run(&[path.to_str().unwrap(), "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&told).unwrap();
    let problem = &document["problems"][0];
    assert_eq!(code, Some(1));
    assert_eq!(
        (&problem["kind"], &problem["from"], &problem["place"]["line"]),
        (&"altered".into(), &6.into(), &6.into())
    );
}

#[test]
fn standard_input_is_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = export(folder.path(), &journal().bytes());
    let output =
        guestward().args(["journal", "verify", "-"]).stdin(File::open(path).unwrap()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn what_is_no_file_of_records_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let there = export(folder.path(), &journal().bytes());
    for (path, words) in [
        (fifo.to_str().unwrap(), "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("/", "a directory"),
        ("/nonexistent", "No such file"),
    ] {
        let (code, told, errors) = run(&[path]);
        assert_eq!((code, told.as_str()), (Some(2), ""));
        assert!(errors.contains(path) && errors.contains(words), "{errors}");
        let (code, _, errors) = run(&[there.to_str().unwrap(), "--key", path]);
        assert!(code == Some(2) && errors.contains(words), "{errors}");
    }
    let (code, _, errors) = run(&[there.to_str().unwrap(), "--key", there.to_str().unwrap()]);
    assert!(code == Some(2) && errors.contains("longer than any key file"), "{errors}");
    let (code, _, _) = run(&[there.to_str().unwrap(), "--agent", "x"]);
    assert_eq!(code, Some(2));
}

#[test]
fn an_empty_export_is_neither_proved_nor_broken() {
    let (code, told, _) = run(&["-"]);
    assert_eq!(code, Some(3));
    assert!(told.contains("nothing to verify"), "{told}");
}

#[test]
fn a_terabyte_without_a_newline_is_neither_held_nor_waited_for() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = export(folder.path(), &journal().bytes());
    File::options().append(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    // A quarter of what holding 256 MiB of it would take.
    let script = "ulimit -v 262144; exec \"$@\"";
    let output = std::process::Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_guestward"), "journal", "verify"])
        .arg(&path)
        .output()
        .unwrap();
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}{}", text(&output.stderr));
    assert!(told.contains("a line without an end"), "{told}");
}

#[test]
fn what_a_record_names_cannot_speak_to_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::new(1, 1, None);
    journal.speaker.instance = Some("i-\u{1b}[2J\u{202e}x".into());
    journal.finding();
    let name = folder.path().join("ev\u{1b}il");
    fs::write(&name, journal.bytes().join(&b'\n')).unwrap();
    fs::write(&name, [fs::read(&name).unwrap(), b"\nnot one\x1b\n".to_vec()].concat()).unwrap();
    for format in ["text", "json"] {
        let (code, told, errors) = run(&[name.to_str().unwrap(), "--format", format]);
        assert_eq!((code, errors.as_str()), (Some(1), ""));
        assert!(!told.contains('\u{1b}') && !told.contains('\u{202e}'), "{told}");
    }
}
