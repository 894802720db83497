//! `guestward checks` and `guestward explain ID`: the registry, told.

use std::io::{self, IsTerminal as _, Write, stdout};

use serde_json::json;

use super::args::{ExplainArgs, Format, ListArgs, ListFormat};
use super::paint::{self, Paint};
use super::{Exit, Failure, html};
use crate::check::controls::{self, Coverage, Framework, Item};
use crate::check::{self, Check, Topic, Unit};

pub(super) fn list(args: &ListArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let frameworks = controls::frameworks();
    let written = match args.format {
        ListFormat::Text => list_text(&frameworks, args.controls, out),
        ListFormat::Json => {
            let checks: Vec<_> = check::all().map(|(topic, check)| entry(topic, check)).collect();
            let coverage: Vec<_> = frameworks.iter().map(coverage).collect();
            let document = json!({ "schema": "guestward.checks/1", "checks": checks, "coverage": coverage });
            writeln!(out, "{document}")
        }
        ListFormat::Html => html::coverage(&frameworks, out),
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

fn coverage(framework: &Framework) -> serde_json::Value {
    let tally = framework.tally();
    let items: Vec<_> = framework
        .items
        .iter()
        .map(|item| {
            let checks: Vec<_> = item.coverage.checks().iter().map(|check| check.id).collect();
            json!({
                "id": framework.cite(item),
                "title": item.title,
                "state": item.coverage.name(),
                "checks": checks,
                "reason": reason(item),
            })
        })
        .collect();
    json!({
        "id": framework.id,
        "name": framework.name,
        "source": framework.source,
        "covered": tally.covered,
        "not_covered": tally.not_yet,
        "out_of_reach": tally.out_of_reach,
        "items": items,
    })
}

fn reason(item: &Item) -> Option<&'static str> {
    match item.coverage {
        Coverage::OutOfReach(reason) => Some(reason),
        Coverage::Covered(_) | Coverage::NotYet => None,
    }
}

fn list_text(frameworks: &[Framework], with_controls: bool, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint::for_terminal(stdout().is_terminal());
    let widest = check::all().map(|(_, check)| check.id.len()).max().unwrap_or(0);
    for topic in check::TOPICS {
        writeln!(out, "{}", paint.strong(&format!("{}: {}", topic.name, topic.title)))?;
        for check in topic.checks() {
            let severity = paint.severity(check.severity, &format!("{:<13}", check.severity.name()));
            writeln!(out, "  {:<widest$}  {severity}  {}", check.id, check.title)?;
        }
    }
    writeln!(out)?;
    coverage_text(frameworks, paint, out)?;
    if with_controls {
        return frameworks.iter().try_for_each(|framework| framework_text(framework, paint, out));
    }
    writeln!(out, "{}", paint.faint("--controls lists every item: which checks bear on it, or why none can."))
}

fn coverage_text(frameworks: &[Framework], paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let widest = frameworks.iter().map(|framework| framework.name.len()).max().unwrap_or(0);
    let heading =
        format!("{:<width$}  items  covered  not yet  out of reach", "coverage", width = widest + 2);
    writeln!(out, "{}", paint.strong(&heading))?;
    for framework in frameworks {
        let tally = framework.tally();
        writeln!(
            out,
            "  {:<widest$}  {:>5}  {:>7}  {:>7}  {:>12}",
            framework.name,
            tally.items(),
            tally.covered,
            tally.not_yet,
            tally.out_of_reach
        )?;
    }
    Ok(())
}

fn framework_text(framework: &Framework, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let widest = framework.items.iter().map(|item| item.id.len()).max().unwrap_or(0);
    writeln!(out, "\n{}", paint.strong(&format!("{}: {}", framework.id, framework.source)))?;
    for item in &framework.items {
        let state = match &item.coverage {
            Coverage::Covered(checks) => checks.iter().map(|check| check.id).collect::<Vec<_>>().join(", "),
            Coverage::NotYet => "not covered yet".to_owned(),
            Coverage::OutOfReach(reason) => format!("out of reach: {reason}"),
        };
        let painted = if item.coverage.checks().is_empty() { paint.faint(&state) } else { state };
        writeln!(out, "  {:<widest$}  {}: {painted}", item.id, item.title)?;
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
        Unit::Bytes => "bytes",
    }
}
