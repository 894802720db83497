//! What was found of each need, on a screen and as a document.

use std::io::{self, IsTerminal as _, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::lost;
use crate::cli::paint::{self, Paint};
use crate::finding::need::{Area, Need, State};
use crate::finding::wire::rfc3339_millis;
use crate::finding::{Severity, Verdict};

pub(super) fn json(needs: &[Need], document: &Value, out: &mut dyn Write) -> io::Result<()> {
    let needs: Vec<Value> = needs.iter().map(one).collect();
    let time = rfc3339_millis(Timestamp::now());
    let whole =
        json!({ "schema": "guestward.doctor/1", "time": time, "needs": needs, "iam_policy": document });
    writeln!(out, "{whole}")
}

fn one(need: &Need) -> Value {
    json!({
        "id": need.id,
        "area": need.area.name(),
        "state": need.state.name(),
        "detail": need.detail,
        "lost": lost::without(&need.id),
        "remedy": need.remedy,
        "took_ms": u64::try_from(need.took.as_millis()).unwrap_or(u64::MAX),
    })
}

pub(super) fn text(needs: &[Need], document: &Value, out: &mut dyn Write) -> io::Result<()> {
    let terminal = io::stdout().is_terminal();
    let (paint, width) = (Paint::for_terminal(terminal), paint::width(terminal));
    for (area, title) in [
        (Area::Run, "can it run?"),
        (Area::See, "can it see?"),
        (Area::Keep, "can it keep?"),
        (Area::Ship, "can it ship?"),
    ] {
        writeln!(out, "{}", paint.strong(title))?;
        for need in needs.iter().filter(|need| need.area == area) {
            row(need, paint, width, out)?;
        }
        writeln!(out)?;
    }
    let count = |state| needs.iter().filter(|need| need.state == state).count();
    let [ok, degraded, missing, unknown, off] =
        [State::Ok, State::Degraded, State::Missing, State::Unknown, State::Off].map(count);
    writeln!(out, "{missing} missing, {unknown} unknown, {degraded} degraded, {ok} ok, {off} off")?;
    if document["Statement"].as_array().is_some_and(|statements| !statements.is_empty()) {
        writeln!(out, "\n{}", paint.strong("what the role has to be allowed, and no more"))?;
        writeln!(out, "{document:#}")?;
    }
    Ok(())
}

fn row(need: &Need, paint: Paint, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let name = format!("{:<8}", need.state.name());
    let state = match need.state {
        State::Ok => paint.verdict(Verdict::Pass, &name),
        State::Degraded => paint.severity(Severity::Medium, &name),
        State::Missing => paint.verdict(Verdict::Fail, &name),
        State::Unknown => paint.verdict(Verdict::Unknown, &name),
        State::Off => paint.verdict(Verdict::NotApplicable, &name),
    };
    let took = need.took.as_millis();
    let took = if took > 0 { format!(" ({took} ms)") } else { String::new() };
    let text = format!("{}: {}{took}", need.id, need.detail);
    let mut margin = format!("{state} ");
    for line in paint::wrap(&text, width.saturating_sub(INDENT), "") {
        writeln!(out, "{margin}{line}")?;
        margin = " ".repeat(INDENT);
    }
    // What is lost where nothing is amiss nobody wants to read.
    let is_amiss = !matches!(need.state, State::Ok | State::Off);
    if let Some(lost) = lost::without(&need.id).filter(|_| is_amiss) {
        for line in paint::wrap(&format!("lost: {lost}"), width.saturating_sub(INDENT), "") {
            writeln!(out, "{margin}{line}")?;
        }
    }
    if let Some(remedy) = &need.remedy {
        // As it is, in one line: it is there to be pasted.
        writeln!(out, "{}mend: {remedy}", " ".repeat(INDENT))?;
    }
    Ok(())
}

const INDENT: usize = 9;
