//! `guestward ship` and the commands that read the journal, as users run them.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use guestward::finding::Severity;
use guestward::finding::wire::record;
use guestward::journal::Limits;
use guestward::ship::local::{LocalFile, Settings};
use guestward::ship::stdout::Stdout;
use guestward::ship::{self, Destination, Places, Stop};
use nix::sys::signal::{Signal, kill};

use super::support::binary::text;
use super::support::journal::{Running, State, drafts, until};

fn append(state: &State, range: std::ops::Range<u64>) -> u64 {
    let mut journal = state.journal(Limits::default());
    journal.append(&drafts(range, Severity::Low), jiff::Timestamp::now()).unwrap().seq
}

fn seqs(lines: &[String]) -> Vec<u64> {
    lines.iter().map(|line| record::parse(line.trim_end().as_bytes()).unwrap().seq).collect()
}

#[test]
fn what_the_journal_holds_reaches_the_file_in_order_and_in_its_exact_bytes() {
    let state = State::new();
    let mut shipper = state.ship();
    until("it waits for a journal", || state.said().contains("waits for a journal"));
    append(&state, 0..2500);
    until("all are delivered", || state.lines().len() == 2501);
    append(&state, 0..10);
    until("those that came later, too", || state.lines().len() == 2511);
    let (status, time) = shipper.terminate();
    assert!(status.success() && time < Duration::from_secs(8), "{status} after {time:?}");
    let export = state.command(&["journal", "export"]).output().unwrap();
    assert!(export.status.success(), "{}", text(&export.stderr));
    assert_eq!(state.lines().concat(), text(&export.stdout));
    assert_eq!(seqs(&state.lines()), (1..=2511).collect::<Vec<_>>());
}

#[test]
fn a_second_shipper_is_turned_away_with_the_pid_of_the_first() {
    let state = State::new();
    let first = state.ship();
    let lock = state.path().join("cursors/lock");
    until("it has the lock", || fs::read_to_string(&lock).is_ok_and(|pid| pid.ends_with('\n')));
    let second = state.command(&["ship"]).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(text(&second.stderr).contains(&format!("process {}", first.pid())), "{}", text(&second.stderr));
}

#[test]
fn a_reload_goes_on_with_the_new_policy_and_keeps_the_old_one_when_that_is_wrong() {
    let state = State::new();
    let policy = state.path().join("policy.toml");
    let file = |name: &str| state.path().join(name);
    let goes_to = |name: &str| {
        fs::write(&policy, format!("[ship.local]\npath = \"{}\"\n", file(name).display())).unwrap()
    };
    let holds = |name: &str| fs::read_to_string(file(name)).unwrap_or_default().lines().count();
    goes_to("one.jsonl");
    append(&state, 0..10);
    let mut shipper = state.ship();
    until("all are in the first file", || holds("one.jsonl") == 11);
    goes_to("two.jsonl");
    kill(shipper.pid(), Signal::SIGHUP).unwrap();
    // Not before it has read the policy: what is delivered in between is in the first file.
    until("it listens anew", || {
        append(&state, 10..11);
        holds("two.jsonl") > 0
    });
    fs::write(&policy, "[ship.local]\npaht = 3\n").unwrap();
    kill(shipper.pid(), Signal::SIGHUP).unwrap();
    until("the wrong one is refused", || state.said().contains("the one before stays"));
    let before = holds("two.jsonl");
    append(&state, 11..12);
    until("it goes on", || holds("two.jsonl") > before);
    let (status, _) = shipper.terminate();
    assert!(status.success(), "{status}");
}

#[test]
fn a_file_that_cannot_be_written_is_waited_for_and_nothing_is_lost() {
    let state = State::new();
    append(&state, 0..100);
    fs::create_dir_all(state.path().join("log")).unwrap();
    nix::unistd::mkfifo(&state.records(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut shipper = state.ship();
    until("it says so", || state.said().contains("a FIFO, not a regular file"));
    fs::rename(state.records(), state.path().join("aside")).unwrap();
    until("all are delivered", || state.lines().len() == 101);
    until("it says so", || state.said().contains("delivers again"));
    assert!(shipper.terminate().0.success());
}

#[test]
fn asked_to_end_in_the_middle_of_trouble_it_ends() {
    let state = State::new();
    append(&state, 0..100);
    fs::create_dir_all(state.records()).unwrap();
    let mut shipper = state.ship();
    until("it says so", || state.said().contains("a directory, not a regular file"));
    let (status, time) = shipper.terminate();
    assert!(status.success() && time < Duration::from_secs(8), "{status} after {time:?}");
}

#[test]
fn a_full_disk_leaves_no_partial_line_and_loses_nothing() {
    let state = State::new();
    append(&state, 0..2000);
    // A limit on the size of a file is a disk that is full after so many bytes.
    let limit = 100_000;
    let command = state.command(&["ship"]);
    let program = command.get_program().to_owned();
    let mut limited = std::process::Command::new("/usr/bin/prlimit");
    limited.arg(format!("--fsize={limit}")).arg(program).args(command.get_args());
    limited.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // Ignored, as a daemon would have it; then the write fails with EFBIG.
    let stderr = File::options().create(true).append(true).open(state.path().join("stderr")).unwrap();
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(limited.get_program()).args(limited.get_args());
    shell.env_clear().envs(limited.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut shipper = Running::start(shell.stdout(Stdio::null()).stderr(stderr));
    until("it says so", || state.said().contains("cannot write"));
    let written = state.lines();
    assert!(written.iter().all(|line| line.ends_with('\n')), "no partial line");
    assert!(shipper.terminate().0.success());
    let mut shipper = state.ship();
    until("all are delivered", || state.lines().len() == 2001);
    assert_eq!(seqs(&state.lines()), (1..=2001).collect::<Vec<_>>());
    assert!(shipper.terminate().0.success());
}

#[test]
fn a_blocked_standard_output_holds_up_neither_the_file_nor_the_end() {
    let state = State::new();
    state.set_policy("stdout = true");
    append(&state, 0..2000);
    let mut shipper = Running::start(state.command(&["ship"]).stdout(Stdio::piped()).stderr(Stdio::null()));
    until("all are in the file", || state.lines().len() == 2001);
    let mut read = BufReader::new(shipper.child().stdout.take().unwrap());
    let mut first = String::new();
    read.read_line(&mut first).unwrap();
    assert_eq!(first, state.lines()[0]);
    let (status, time) = shipper.terminate();
    assert!(status.success() && time < Duration::from_secs(8), "{status} after {time:?}");
}

#[test]
fn standard_output_has_the_same_lines_and_a_cursor_of_its_own() {
    let state = State::new();
    state.set_policy("stdout = true");
    append(&state, 0..20);
    let mut lines = Vec::new();
    for total in [21, 31] {
        let mut shipper =
            Running::start(state.command(&["ship"]).stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut read = BufReader::new(shipper.child().stdout.take().unwrap());
        while lines.len() < total {
            let mut line = String::new();
            assert!(read.read_line(&mut line).unwrap() > 0);
            lines.push(line);
        }
        until("the file, too", || state.lines().len() == total);
        assert!(shipper.terminate().0.success());
        assert_eq!(read.read_to_string(&mut String::new()).unwrap(), 0, "nothing comes twice");
        append(&state, 20..30);
    }
    assert_eq!(lines, state.lines());
}

#[test]
fn a_closed_standard_output_ends_it_with_an_error() {
    let state = State::new();
    state.set_policy("enabled = false\nstdout = true");
    append(&state, 0..20);
    let mut command = state.command(&["ship"]);
    let mut shipper = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    drop(shipper.child().stdout.take());
    let status = shipper.end(Duration::from_secs(60)).expect("it ends");
    let mut said = String::new();
    shipper.child().stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("whoever read standard output has closed it"), "{said}");
    assert!(!state.records().exists());
}

#[test]
fn with_nowhere_to_deliver_to_it_says_how_to_name_a_place() {
    let state = State::new();
    state.set_policy("enabled = false");
    let output = state.command(&["ship"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("[ship.local]"), "{}", text(&output.stderr));
}

#[test]
fn the_standing_tells_what_was_delivered_and_what_is_left() {
    let state = State::new();
    append(&state, 0..50);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let places = Places { journal: state.path().join("journal"), cursors: state.path().join("cursors") };
    fs::create_dir(&places.cursors).unwrap();
    let file = LocalFile::new(Settings { path: state.records(), max_bytes: 1 << 20, keep: 1 });
    let closed = Stdout::to(File::from(OwnedFd::from(writer)));
    let destinations = vec![Destination::new(file), Destination::new(closed)];
    let standings: Vec<_> = destinations.iter().map(Destination::standing).collect();
    let failed = ship::run(destinations, &places, &Stop::new(), &(Arc::new(|_: &str| ()) as ship::Tell));
    assert_eq!(failed.unwrap_err().shipper, "stdout");
    let (local, stdout) = (standings[0].now(), standings[1].now());
    assert_eq!((stdout.delivered.records, stdout.position), (0, None));
    let journal = guestward::journal::Directory::open(&places.journal).unwrap();
    let left = ship::status::backlog(&journal, stdout.position).unwrap();
    assert_eq!((left.amount.records, left.is_estimate, left.oldest.is_some()), (51, false, true));
    // The file's shipper was stopped with the other, before its only batch or after it.
    let left = ship::status::backlog(&journal, local.position).unwrap();
    assert_eq!(local.delivered.records + left.amount.records, 51);
}

#[test]
fn an_export_can_be_narrowed_and_its_reader_may_leave() {
    let state = State::new();
    append(&state, 0..30);
    let export = |args: &[&str]| {
        let output = state.command(&[&["journal", "export"], args].concat()).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        seqs(&text(&output.stdout).split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(export(&["--from", "29"]), [29, 30, 31]);
    assert_eq!(export(&["--kind", "lifecycle"]), [1]);
    assert_eq!(export(&["--kind", "lifecycle", "--kind", "finding", "--from", "31"]), [31]);
    let mut command = state.command(&["journal", "export"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn a_tail_tells_the_last_records_and_follows_the_next() {
    let state = State::new();
    append(&state, 0..30);
    let output = state.command(&["journal", "tail", "-n", "2"]).output().unwrap();
    let told = text(&output.stdout);
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(
        told.lines()
            .all(|line| line.contains("  finding      low            ssh-password  Passwords log in")),
        "{told}"
    );
    let mut command = state.command(&["journal", "tail", "-n", "1", "--follow", "--format", "json"]);
    let mut tail = Running::start(command.stdout(Stdio::piped()));
    let mut lines = BufReader::new(tail.child().stdout.take().unwrap()).lines();
    let mut next = || record::parse(lines.next().unwrap().unwrap().as_bytes()).unwrap().seq;
    assert_eq!(next(), 31);
    append(&state, 30..32);
    assert_eq!([next(), next()], [32, 33]);
}

#[test]
fn without_a_journal_the_reading_commands_say_where_one_comes_from() {
    let state = State::new();
    for command in [["journal", "export"], ["journal", "tail"]] {
        let output = state.command(&command).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(said.contains("there is no journal at") && said.contains("GUESTWARD_STATE"), "{said}");
    }
}
