//! What is told of a real machine: a look at it and another one tell nothing twice.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use guestward::check;
use guestward::finding::Finding;
use guestward::finding::wire::body::FindingBody;
use guestward::host::{Facts, Host};
use guestward::policy::Policy;
use guestward::state::{Judged, PASSING, State};
use jiff::Timestamp;

/// Other tests change the machine while this one looks, so a pair of looks that differs is followed by another pair.
/// What passes by itself differs in every pair: before each second look, a process with another number has the port.
#[test]
fn two_looks_at_this_machine_tell_nothing_twice() {
    let selected = check::select(&[], &Policy::default());
    let mut last = Vec::new();
    for _ in 0..5 {
        let mut state = State::new("e");
        let first = Holder::of_a_port();
        let open = compare(&mut state, &selected, "an hour ago");
        assert!(
            open.iter().any(|body| body.to_json().contains(&format!("pid {}", first.0.id()))),
            "{open:#?}"
        );
        drop(first);
        let _second = Holder::of_a_port();
        last = compare(&mut state, &selected, "now");
        if last.is_empty() {
            return;
        }
    }
    panic!("told twice: {last:#?}");
}

#[test]
fn what_passes_by_itself_is_said_of_checks_that_there_are() {
    for passing in PASSING {
        assert!(check::by_id(passing.check).is_some(), "{}", passing.check);
        assert!(!passing.why.is_empty());
    }
}

fn compare(
    state: &mut State,
    selected: &[(&'static check::Topic, &'static check::Check)],
    when: &str,
) -> Vec<FindingBody> {
    let now = Timestamp::now() - jiff::SignedDuration::from_hours(i64::from(when != "now"));
    let facts = Facts::gather(&Host::at("/").unwrap(), check::wanted(selected), now, &mut |_| ());
    let findings: Vec<Finding> = check::judge(&facts, &Policy::default(), selected);
    let asked = selected.iter().map(|(_, check)| check.id).collect();
    let enabled = selected.iter().map(|(_, check)| check.id).collect();
    state.compare(&Judged { asked, enabled, findings: &findings }, now)
}

/// A process that holds the port of a database on every address.
struct Holder(Child);

impl Holder {
    fn of_a_port() -> Self {
        let program = "import socket, sys\ns = socket.create_server(('', 6379))\nprint('ready', flush=True)\nsys.stdin.read()";
        let mut child = Command::new("python3")
            .args(["-c", program])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "{:?}", TcpListener::bind("0.0.0.0:6379"));
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
