//! What was found of each need, on a screen and as a document.

use std::io::{self, IsTerminal as _, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::paint::{self, Paint};
use crate::finding::Verdict;
use crate::finding::need::{Area, Need, State};
use crate::finding::wire::rfc3339_millis;

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
        "remedy": need.remedy,
        "took_ms": u64::try_from(need.took.as_millis()).unwrap_or(u64::MAX),
    })
}

pub(super) fn text(needs: &[Need], document: &Value, out: &mut dyn Write) -> io::Result<()> {
    let terminal = io::stdout().is_terminal();
    let (paint, width) = (Paint::for_terminal(terminal), paint::width(terminal));
    for (area, title) in
        [(Area::See, "can it see?"), (Area::Keep, "can it keep?"), (Area::Ship, "can it ship?")]
    {
        writeln!(out, "{}", paint.strong(title))?;
        for need in needs.iter().filter(|need| need.area == area) {
            row(need, paint, width, out)?;
        }
        writeln!(out)?;
    }
    let count = |state| needs.iter().filter(|need| need.state == state).count();
    let [ok, missing, unknown, off] = [State::Ok, State::Missing, State::Unknown, State::Off].map(count);
    writeln!(out, "{missing} missing, {unknown} unknown, {ok} ok, {off} off")?;
    if document["Statement"].as_array().is_some_and(|statements| !statements.is_empty()) {
        writeln!(out, "\n{}", paint.strong("what the role has to be allowed, and no more"))?;
        writeln!(out, "{document:#}")?;
    }
    Ok(())
}

fn row(need: &Need, paint: Paint, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let verdict = match need.state {
        State::Ok => Verdict::Pass,
        State::Missing => Verdict::Fail,
        State::Unknown => Verdict::Unknown,
        State::Off => Verdict::NotApplicable,
    };
    let state = paint.verdict(verdict, &format!("{:<8}", need.state.name()));
    let took = need.took.as_millis();
    let took = if took > 0 { format!(" ({took} ms)") } else { String::new() };
    let text = format!("{}: {}{took}", need.id, need.detail);
    let mut first = true;
    for line in paint::wrap(&text, width.saturating_sub(INDENT), "") {
        let margin = if first { format!("{state} ") } else { " ".repeat(INDENT) };
        writeln!(out, "{margin}{line}")?;
        first = false;
    }
    if let Some(remedy) = &need.remedy {
        // As it is, in one line: it is there to be pasted.
        writeln!(out, "{}mend: {remedy}", " ".repeat(INDENT))?;
    }
    Ok(())
}

const INDENT: usize = 9;
