//! `guestward journal tail`: the last records, a line each, and those that come.

mod told;

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use serde_json::Value;

use super::super::args::{Format, TailArgs};
use super::super::paint::Paint;
use super::{Exit, Failure, each, reader};
use crate::finding::Text;
use crate::finding::wire::record::{self, Kind};
use crate::journal::Entry;

pub(super) fn run(args: &TailArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let mut reader = reader()?;
    let paint = Paint::for_terminal(io::stdout().is_terminal());
    let mut last = VecDeque::new();
    each(&mut reader, |entry| {
        if last.len() == args.lines {
            last.pop_front();
        }
        if args.lines > 0 {
            last.push_back(entry);
        }
        Ok(())
    })?;
    for entry in &last {
        print(entry, args.format.format, paint, out)?;
    }
    if !args.follow {
        return Ok(Exit::Clean);
    }
    loop {
        out.flush().map_err(|error| Failure::output(error, Exit::Clean))?;
        std::thread::sleep(POLL);
        each(&mut reader, |entry| print(&entry, args.format.format, paint, out))?;
    }
}

fn print(entry: &Entry, format: Format, paint: Paint, out: &mut dyn Write) -> Result<(), Failure> {
    let written = match format {
        Format::Json => out.write_all(&entry.line).and_then(|()| out.write_all(b"\n")),
        Format::Text => writeln!(out, "{}", line(entry, paint)),
    };
    written.map_err(|error| Failure::output(error, Exit::Clean))
}

/// Time, kind, severity and what it is about.
fn line(entry: &Entry, paint: Paint) -> String {
    let record = record::parse(&entry.line);
    let (time, body) = record.as_ref().map_or(("-", ""), |record| (record.time, record.body));
    let severity = paint.severity(entry.severity, &format!("{:<13}", entry.severity));
    let time = paint.faint(Text::new(time).as_str());
    format!("{time}  {:<11}  {severity}  {}", entry.kind.name(), what(entry.kind, body))
}

/// The members of a body that a person wants to see first; all of it where none of them is there.
fn what(kind: Kind, body: &str) -> String {
    let parsed: Value = serde_json::from_str(body).unwrap_or_default();
    let line = match kind {
        Kind::Drift => told::drift(&parsed),
        Kind::Detection => told::detection(&parsed),
        _ => None,
    };
    shortened(&line.unwrap_or_else(|| members(kind, &parsed, body)))
}

fn members(kind: Kind, parsed: &Value, body: &str) -> String {
    let members = shown(kind).iter().filter_map(|name| Some((name, parsed.get(name)?)));
    let words: Vec<String> = members
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| match value {
            Value::String(text) => text.clone(),
            value => format!("{name} {value}"),
        })
        .collect();
    if words.is_empty() { body.to_owned() } else { words.join("  ") }
}

fn shortened(text: &str) -> String {
    let mut text: String = text.chars().take(LONGEST + 1).collect();
    if text.chars().count() > LONGEST {
        // Two: the one too many, and the one in whose place the mark stands.
        text.pop();
        text.pop();
        text.push('…');
    }
    Text::new(&text).as_str().to_owned()
}

fn shown(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Finding => &["change", "verdict", "check", "subject", "title"],
        Kind::Drift => &["about", "change", "path", "package", "count", "severity", "who", "reason"],
        Kind::Gap => &["cause", "lost", "runs"],
        Kind::Heartbeat => &["worst", "counts", "backlog"],
        Kind::Checkpoint => &["records", "dropped", "gaps", "key"],
        Kind::Lifecycle => &["event", "cause", "name", "reason", "error"],
        Kind::Inventory => &["digest"],
        Kind::Detection | Kind::Enforcement => &[],
    }
}

/// Soon enough for whoever watches.
const POLL: Duration = Duration::from_millis(500);
/// A few lines of a terminal.
const LONGEST: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_a_person_wants_to_know_first() {
        let body = r#"{"change":"new","check":"ssh-password","subject":"sshd:22","verdict":"fail","title":"Passwords log in","evidence":[]}"#;
        assert_eq!(what(Kind::Finding, body), "new  fail  ssh-password  sshd:22  Passwords log in");
        assert_eq!(what(Kind::Checkpoint, r#"{"records":7,"key":null}"#), "records 7");
        assert_eq!(what(Kind::Enforcement, r#"{"a":1}"#), r#"{"a":1}"#);
    }

    #[test]
    fn no_control_byte_reaches_the_screen() {
        let told = what(Kind::Lifecycle, "{\"event\":\"a\\u001b[2J\\nforged\"}");
        assert!(!told.contains('\u{1b}') && !told.contains('\n'), "{told:?}");
    }

    #[test]
    fn a_long_body_is_cut_between_characters() {
        let told = what(Kind::Detection, &format!("{{\"a\":\"{}\"}}", "ä".repeat(1000)));
        assert_eq!(told.chars().count(), LONGEST);
        assert!(told.ends_with('…'));
    }
}
