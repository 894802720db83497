//! The posture as text that people like to read: worst first, one line a finding, its evidence indented,
//! the reason and the remedy once a check, and the counts at the end.

use std::collections::HashSet;
use std::io::{self, Write};

use super::paint::{Paint, wrap};
use crate::finding::{Evidence, Finding, Severity, Summary, Verdict};
use crate::host::Facts;

#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) paint: Paint,
    /// Passes and what does not apply are listed too.
    pub(super) all: bool,
    /// Root that is denied something has no more to try.
    pub(super) is_root: bool,
}

pub(super) fn posture(
    facts: &Facts,
    findings: &[Finding],
    layout: &Layout,
    out: &mut dyn Write,
) -> io::Result<()> {
    lines(&heading(facts), layout, out)?;
    let mut explained = HashSet::new();
    let mut before = None;
    for finding in findings.iter().filter(|finding| layout.all || is_worth_a_line(finding)) {
        // A failure is a paragraph; the others are lists.
        if finding.verdict == Verdict::Fail || before != Some(finding.verdict) {
            writeln!(out)?;
        }
        before = Some(finding.verdict);
        entry(finding, explained.insert(finding.check), layout, out)?;
    }
    writeln!(out)?;
    summary(findings, layout, out)
}

fn is_worth_a_line(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Fail | Verdict::Unknown)
}

fn heading(facts: &Facts) -> String {
    let identity = &facts.identity;
    let known = [&identity.instance_id, &identity.hostname, &identity.os].into_iter().flatten();
    let mut parts: Vec<String> = known.map(ToString::to_string).collect();
    parts.extend(identity.kernel.iter().map(|kernel| format!("kernel {kernel}")));
    parts.push(facts.now.strftime("%Y-%m-%d %H:%M UTC").to_string());
    format!("guestward {} on {}", env!("CARGO_PKG_VERSION"), parts.join(", "))
}

fn entry(
    finding: &Finding,
    first_of_its_check: bool,
    layout: &Layout,
    out: &mut dyn Write,
) -> io::Result<()> {
    headline(finding, layout, out)?;
    if !is_worth_a_line(finding) {
        return Ok(());
    }
    for evidence in finding.evidence.iter().take(MOST_EVIDENCE) {
        proof(evidence, layout, out)?;
    }
    if let Some(more) = finding.evidence.len().checked_sub(MOST_EVIDENCE).filter(|more| *more > 0) {
        paragraph("", &format!("… and {more} more; --format json has them all"), layout, out)?;
    }
    decision(finding, layout, out)?;
    if first_of_its_check && finding.verdict == Verdict::Fail {
        paragraph("why", finding.why, layout, out)?;
        paragraph("mend", finding.remediation, layout, out)?;
    }
    Ok(())
}

fn headline(finding: &Finding, layout: &Layout, out: &mut dyn Write) -> io::Result<()> {
    let (word, painted) = label(finding, layout.paint);
    let text = match (&finding.reason, finding.verdict) {
        (Some(reason), Verdict::Unknown | Verdict::NotApplicable) => format!("{}: {reason}", finding.check),
        (_, Verdict::Pass) => format!("{} ({}): {}", finding.check, finding.subject, finding.title),
        _ => format!("{}: {}", finding.check, finding.title),
    };
    let room = layout.width.saturating_sub(MARGIN);
    for (index, line) in wrap(&text, room, "").iter().enumerate() {
        let line = line.replacen(finding.check, &layout.paint.strong(finding.check), usize::from(index == 0));
        match index {
            0 => writeln!(out, "{painted}{}{line}", " ".repeat(MARGIN.saturating_sub(word.len())))?,
            _ => writeln!(out, "{}{line}", " ".repeat(MARGIN))?,
        }
    }
    Ok(())
}

/// The word at the margin, plain and painted.
fn label(finding: &Finding, paint: Paint) -> (&'static str, String) {
    let word = match (finding.verdict, finding.severity) {
        (Verdict::Fail, _) if finding.is_silenced() => return ("accepted", paint.faint("accepted")),
        (Verdict::Fail, Severity::Informational) => "info",
        (Verdict::Fail, severity) => severity.name(),
        (Verdict::NotApplicable, _) => "n/a",
        (verdict, _) => verdict.name(),
    };
    let painted = match finding.verdict {
        Verdict::Fail => paint.severity(finding.severity, word),
        verdict => paint.verdict(verdict, word),
    };
    (word, painted)
}

fn proof(evidence: &Evidence, layout: &Layout, out: &mut dyn Write) -> io::Result<()> {
    let mut text = format!("{}: {}", evidence.source.text(), evidence.observed);
    if !evidence.expected.as_str().is_empty() {
        text.push_str(&format!(" (expected {})", evidence.expected));
    }
    if let Some(witness) = &evidence.witness {
        text.push_str(&format!("; for {witness}"));
    }
    paragraph("", &text, layout, out)
}

fn decision(finding: &Finding, layout: &Layout, out: &mut dyn Write) -> io::Result<()> {
    let Some(suppressed) = &finding.suppressed else { return Ok(()) };
    let state = if suppressed.expired { "the suppression ran out on" } else { "until" };
    let text = format!("{}: {} ({state} {})", suppressed.who, suppressed.why, suppressed.until);
    paragraph(if suppressed.expired { "expired" } else { "by" }, &text, layout, out)
}

/// Wrapped and indented text with a small word before it.
fn paragraph(word: &str, text: &str, layout: &Layout, out: &mut dyn Write) -> io::Result<()> {
    let label = if word.is_empty() { String::new() } else { format!("{word}: ") };
    let whole = format!("{label}{text}");
    for (index, line) in wrap(&whole, layout.width.saturating_sub(MARGIN), "").iter().enumerate() {
        let line = match line.strip_prefix(label.as_str()) {
            Some(rest) if index == 0 && !label.is_empty() => format!("{}{rest}", layout.paint.faint(&label)),
            _ => line.to_string(),
        };
        writeln!(out, "{}{line}", " ".repeat(MARGIN))?;
    }
    Ok(())
}

fn summary(findings: &[Finding], layout: &Layout, out: &mut dyn Write) -> io::Result<()> {
    let counts = Summary::of(findings);
    let mut parts = Vec::new();
    for severity in Severity::ALL.into_iter().rev() {
        let count = findings.iter().filter(|f| f.is_open_failure() && f.severity == severity).count();
        if count > 0 {
            parts.push(layout.paint.severity(severity, &format!("{count} {severity}")));
        }
    }
    if parts.is_empty() {
        parts.push("nothing failed".to_owned());
    }
    let others = [
        (counts.suppressed, Verdict::NotApplicable, "accepted"),
        (counts.unknown, Verdict::Unknown, "unknown"),
        (counts.pass, Verdict::Pass, "pass"),
        (counts.not_applicable, Verdict::NotApplicable, "not applicable"),
    ];
    for (count, verdict, word) in others.into_iter().filter(|(count, ..)| *count > 0) {
        parts.push(layout.paint.verdict(verdict, &format!("{count} {word}")));
    }
    let counted = parts.join(", ");
    wrap(&counted, layout.width, "").iter().try_for_each(|line| writeln!(out, "{line}"))?;
    let denied = findings.iter().filter(|finding| finding.denied).count();
    if denied > 0 && !layout.is_root {
        let verb = if denied == 1 { "answer needs" } else { "answers need" };
        let hint = format!("Run as root for the rest: {denied} {verb} files that only root may read.");
        wrap(&hint, layout.width, "").iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    if counts.fail + counts.unknown > 0 {
        lines("`guestward explain ID` tells all about a check; --all lists the passes too.", layout, out)?;
    }
    Ok(())
}

/// Faint text from the left edge.
fn lines(text: &str, layout: &Layout, out: &mut dyn Write) -> io::Result<()> {
    wrap(text, layout.width, "").iter().try_for_each(|line| writeln!(out, "{}", layout.paint.faint(line)))
}

/// Where text begins: the longest label, `critical`, and two spaces.
const MARGIN: usize = 10;
/// More proof than this is read in JSON, not on a screen.
const MOST_EVIDENCE: usize = 6;
