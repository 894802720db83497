//! A verification for people: each epoch, how far its proof goes, and what is wrong, worst first.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write, stdout};

use super::verify_json::time;
use crate::cli::paint::{self, Paint};
use crate::finding::wire::record::{Id, Kind};
use crate::finding::{Severity, Verdict as Colour};
use crate::journal::verify::{Loss, Part, Problem, Remark, Report, Seals, Told, Verdict};

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
        self.told(part, out)?;
        self.line("seals", &seals(part), out)?;
        for remark in report.remarks.iter().filter(|remark| remark.whose == whose) {
            let Remark { text, .. } = remark;
            self.line("note", text, out)?;
        }
        let mut own = report.problems.iter().filter(|problem| problem.whose == Some(whose));
        own.try_for_each(|problem| self.problem(problem, out))?;
        writeln!(out)
    }

    /// What shippers tell, apart from the sensor's own gaps.
    fn told(&self, part: &Part, out: &mut dyn Write) -> io::Result<()> {
        for told in part.told.iter().take(MOST_NOTES) {
            self.line("not taken", &told_of(told), out)?;
        }
        let more = u64::try_from(part.told.len().saturating_sub(MOST_NOTES)).unwrap_or(u64::MAX);
        let more = more.saturating_add(part.more_told);
        if more > 0 {
            self.line("not taken", &format!("{more} more such notes, which --format json lists"), out)?;
        }
        if !part.told.is_empty() {
            let text = format!(
                "{} in all not here for that, as only the shipper says",
                counted(part.untaken, "record")
            );
            self.line("not taken", &text, out)?;
        }
        Ok(())
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
        if report.metrics > 0 {
            writeln!(out, "{} for metrics, which are no records", counted(report.metrics, "event"))?;
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
    if part.records == 0 {
        return "none here".to_owned();
    }
    let mut text = format!("{} to {}: {} here", part.first, part.last, part.records);
    if part.duplicates > 0 {
        let _ = write!(text, ", {}", counted(part.duplicates, "duplicate"));
    }
    if part.cut > 0 {
        let _ = write!(
            text,
            ", of {} only the beginning (cut on the way, and chained by the hash of the whole)",
            part.cut
        );
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

fn told_of(told: &Told) -> String {
    let lost: Vec<String> = told.lost.iter().map(|loss| format!("{} {}", loss.count, what(loss))).collect();
    let mut text = format!(
        "told by the shipper: records {} to {} ({}): {}",
        told.from,
        told.to,
        told.cause,
        lost.join(", ")
    );
    if let (Some(first), Some(last)) = (told.times.0.and_then(time), told.times.1.and_then(time)) {
        let _ = write!(text, "; {first} to {last}");
    }
    let _ = write!(text, "; digest {}", told.digest);
    if told.here > 0 {
        let _ = write!(text, "; {} of them here all the same", told.here);
    }
    text
}

fn loss(loss: &Loss) -> String {
    format!("{} {} ({})", loss.count, what(loss), loss.cause)
}

fn what(loss: &Loss) -> String {
    match (loss.kind.map(Kind::name), loss.severity.map(Severity::name)) {
        (None, None) => "of a kind that nobody knows".to_owned(),
        (Some(kind), None) => kind.to_owned(),
        (None, Some(severity)) => severity.to_owned(),
        (Some(kind), Some(severity)) => format!("{kind} {severity}"),
    }
}

fn seals(part: &Part) -> String {
    let rest = match part.unsealed {
        0 => String::new(),
        rest => format!("; the {} after it only chained", counted(rest, "record")),
    };
    let before = match part.unvouched {
        0 => String::new(),
        before => {
            format!(", but for the {} before losses that only a shipper tells of", counted(before, "record"))
        }
    };
    match part.seals {
        Seals::Through { seq, index } => format!("good through record {seq} (key {index}){before}{rest}"),
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

/// Whoever has more of them wants a program to read them.
const MOST_NOTES: usize = 5;
/// The longest label, `seal-order` or `false-start`, fits.
const LABEL: usize = 11;
