//! `guestward checks` and `guestward explain ID`: the registry, told.

use std::io::{self, IsTerminal as _, Write, stdout};

use serde_json::json;

use super::args::{ExplainArgs, Format, ListArgs};
use super::paint::{self, Paint};
use super::{Exit, Failure};
use crate::check::{self, Check, Topic, Unit};

pub(super) fn list(args: &ListArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let written = match args.format.format {
        Format::Json => {
            let checks: Vec<_> = check::all().map(|(topic, check)| entry(topic, check)).collect();
            writeln!(out, "{}", json!({ "schema": "guestward.checks/1", "checks": checks }))
        }
        Format::Text => list_text(out),
    };
    written.map_err(|error| Failure::output(error, Exit::Clean))?;
    Ok(Exit::Clean)
}

pub(super) fn explain(args: &ExplainArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (topic, check) =
        check::by_id(&args.id).ok_or_else(|| Failure::trouble(format!("there is no check '{}'", args.id)))?;
    let written = match args.format.format {
        Format::Json => {
            let mut document = entry(topic, check);
            document["schema"] = json!("guestward.check/1");
            writeln!(out, "{document}")
        }
        Format::Text => explain_text(topic, check, out),
    };
    written.map_err(|error| Failure::output(error, Exit::Clean))?;
    Ok(Exit::Clean)
}

fn entry(topic: &Topic, check: &Check) -> serde_json::Value {
    let parameters: Vec<_> = check
        .parameters
        .iter()
        .map(|parameter| {
            json!({
                "name": parameter.name,
                "default": parameter.default,
                "minimum": parameter.range.0,
                "maximum": parameter.range.1,
                "unit": unit(parameter.unit),
                "help": parameter.help,
            })
        })
        .collect();
    json!({
        "id": check.id,
        "topic": topic.name,
        "title": check.title,
        "why": check.why,
        "severity": check.severity.name(),
        "controls": check.controls,
        "remediation": check.remediation,
        "parameters": parameters,
    })
}

fn list_text(out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint::for_terminal(stdout().is_terminal());
    let widest = check::all().map(|(_, check)| check.id.len()).max().unwrap_or(0);
    for topic in check::TOPICS {
        writeln!(out, "{}", paint.strong(&format!("{}: {}", topic.name, topic.title)))?;
        for check in topic.checks() {
            let severity = paint.severity(check.severity, &format!("{:<13}", check.severity.name()));
            writeln!(out, "  {:<widest$}  {severity}  {}", check.id, check.title)?;
        }
    }
    Ok(())
}

fn explain_text(topic: &Topic, check: &Check, out: &mut dyn Write) -> io::Result<()> {
    let terminal = stdout().is_terminal();
    let (paint, width) = (Paint::for_terminal(terminal), paint::width(terminal));
    writeln!(out, "{}: {}", paint.strong(check.id), check.title)?;
    writeln!(out, "topic {}, {}", topic.name, paint.severity(check.severity, check.severity.name()))?;
    section("Why it matters", check.why, width, paint, out)?;
    section("How to mend it", check.remediation, width, paint, out)?;
    section("Controls", &check.controls.join(", "), width, paint, out)?;
    for parameter in check.parameters {
        let (low, high) = parameter.range;
        let text = format!(
            "{} = {} ({}, from {low} to {high}): {}",
            parameter.name,
            parameter.default,
            unit(parameter.unit),
            parameter.help
        );
        section("A policy may set", &text, width, paint, out)?;
    }
    Ok(())
}

fn section(title: &str, text: &str, width: usize, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}", paint.strong(title))?;
    let lines = text.lines().flat_map(|line| paint::wrap(line, width.saturating_sub(2), ""));
    lines.into_iter().try_for_each(|line| writeln!(out, "  {line}"))
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "count",
        Unit::Seconds => "seconds",
    }
}
