//! A verification for people: each epoch, how far its proof goes, and what is wrong, worst first.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write, stdout};

use super::verify_json::time;
use crate::cli::paint::{self, Paint};
use crate::finding::wire::record::{Id, Kind};
use crate::finding::{Severity, Verdict as Colour};
use crate::journal::verify::{Loss, Part, Problem, Remark, Report, Seals, Verdict};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let terminal = stdout().is_terminal();
    let page = Page { paint: Paint::for_terminal(terminal), width: paint::width(terminal) };
    for part in &report.parts {
        page.part(part, report, out)?;
    }
    let strays: Vec<&Problem> = report.problems.iter().filter(|problem| problem.whose.is_none()).collect();
    if !strays.is_empty() {
        writeln!(out, "{}", page.paint.strong("lines that are no records"))?;
        strays.into_iter().try_for_each(|problem| page.problem(problem, out))?;
        writeln!(out)?;
    }
    let here = |whose: (Id, Id)| report.parts.iter().any(|part| (part.agent, part.epoch) == whose);
    for remark in report.remarks.iter().filter(|remark| !here(remark.whose)) {
        let (agent, epoch) = remark.whose;
        page.line("note", &format!("{}: agent {agent}, epoch {epoch}", remark.text), out)?;
    }
    page.verdict(report, out)
}

struct Page {
    paint: Paint,
    width: usize,
}

impl Page {
    fn part(&self, part: &Part, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let whose = (part.agent, part.epoch);
        let names: Vec<&str> = part.instances.iter().map(|name| name.as_str()).collect();
        let names = if names.is_empty() { "no instance named".to_owned() } else { names.join(", ") };
        let title = format!("agent {} epoch {}", part.agent, part.epoch);
        writeln!(out, "{} ({names})", self.paint.strong(&title))?;
        self.line("records", &records(part), out)?;
        if let Some(from) = part.from {
            let is_here = if from.is_here { "which is here, too" } else { "which is not here" };
            self.line("after", &format!("agent {} epoch {}, {is_here}", from.agent, from.epoch), out)?;
        }
        if part.explained > 0 || !part.losses.is_empty() {
            self.line("gaps", &gaps(part), out)?;
        }
        self.line("seals", &seals(part), out)?;
        for remark in report.remarks.iter().filter(|remark| remark.whose == whose) {
            let Remark { text, .. } = remark;
            self.line("note", text, out)?;
        }
        let mut own = report.problems.iter().filter(|problem| problem.whose == Some(whose));
        own.try_for_each(|problem| self.problem(problem, out))?;
        writeln!(out)
    }

    fn problem(&self, problem: &Problem, out: &mut dyn Write) -> io::Result<()> {
        let mut text = format!("{}: {}", problem.place, problem.text);
        if let Some(other) = &problem.other {
            let _ = write!(text, " (the other one: {other})");
        }
        let name = format!("{:<LABEL$}", problem.kind.name());
        self.labelled(&self.paint.verdict(Colour::Fail, &name), &text, out)
    }

    fn line(&self, label: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
        self.labelled(&self.paint.faint(&format!("{label:<LABEL$}")), text, out)
    }

    fn labelled(&self, label: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let room = self.width.saturating_sub(LABEL + 3);
        for (at, line) in paint::wrap(text, room, "").iter().enumerate() {
            if at == 0 {
                writeln!(out, "  {label} {line}")?;
            } else {
                writeln!(out, "  {:<LABEL$} {line}", "")?;
            }
        }
        Ok(())
    }

    fn verdict(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        if report.others > 0 {
            writeln!(out, "{} of other agents not looked at", counted(report.others, "record"))?;
        }
        match report.verdict() {
            Verdict::Nothing => writeln!(out, "nothing to verify: there is no record here"),
            Verdict::Clean => {
                writeln!(out, "{}: all that is here verifies", self.paint.verdict(Colour::Pass, "verified"))?;
                writeln!(out, "Whether anything followed the last record cannot be told from what is here.")
            }
            Verdict::Broken => {
                let count = u64::try_from(report.problems.len()).unwrap_or(u64::MAX);
                let count = counted(count.saturating_add(report.more_problems), "problem");
                let more = match report.more_problems {
                    0 => String::new(),
                    more => format!(" ({more} of them not listed)"),
                };
                writeln!(out, "{}: {count}{more}", self.paint.verdict(Colour::Fail, "not verified"))
            }
        }
    }
}

fn records(part: &Part) -> String {
    let mut text = format!("{} to {}: {} here", part.first, part.last, part.records);
    if part.duplicates > 0 {
        let _ = write!(text, ", {}", counted(part.duplicates, "duplicate"));
    }
    if let (Some(first), Some(last)) = (part.first_time.and_then(time), part.last_time.and_then(time)) {
        let _ = write!(text, "; {first} to {last}");
    }
    if part.first > 1 {
        let _ = write!(text, "; what was before record {} is not here", part.first);
    }
    text
}

fn gaps(part: &Part) -> String {
    let mut text = format!("{} not here, as a gap says", counted(part.explained, "record"));
    if !part.losses.is_empty() {
        let losses: Vec<String> = part.losses.iter().map(loss).collect();
        let _ = write!(text, "; lost in all: {}", losses.join(", "));
    }
    text
}

fn loss(loss: &Loss) -> String {
    let what = match (loss.kind.map(Kind::name), loss.severity.map(Severity::name)) {
        (None, None) => "of a kind that nobody knows".to_owned(),
        (Some(kind), None) => kind.to_owned(),
        (None, Some(severity)) => severity.to_owned(),
        (Some(kind), Some(severity)) => format!("{kind} {severity}"),
    };
    format!("{} {what} ({})", loss.count, loss.cause)
}

fn seals(part: &Part) -> String {
    let rest = match part.unsealed {
        0 => String::new(),
        rest => format!("; the {} after it only chained", counted(rest, "record")),
    };
    match part.seals {
        Seals::Through { seq, index } => format!("good through record {seq} (key {index}){rest}"),
        Seals::NoKey { sealed: 0 } => "none: only the chain was looked at, which can be forged".to_owned(),
        Seals::NoKey { sealed } => format!(
            "not opened, {}: only the chain was looked at, which can be forged; --key takes the first key of this epoch",
            counted(sealed, "checkpoint")
        ),
        Seals::None => {
            "none that the key opens: only the chain was looked at, which can be forged".to_owned()
        }
    }
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The longest label, `seal-order` or `false-start`, fits.
const LABEL: usize = 11;
