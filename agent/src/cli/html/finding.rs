//! One finding: the line that says what is so, and beneath it the proof, the reason, the remedy and the controls.

use std::io;

use super::Page;
use super::frame::columns;
use super::posture::Section;
use crate::finding::{Evidence, Finding, Severity, Suppressed, Verdict};

pub(super) fn article(page: &mut Page<'_>, finding: &Finding, name: &str) -> io::Result<()> {
    let section = Section::of(finding);
    let class = format!("finding {}", mark(finding).0);
    page.element(
        "article",
        &[
            ("id", &name),
            ("class", &class),
            ("data-item", &""),
            ("data-verdict", &section.key()),
            ("data-severity", &severity(finding).map_or("", Severity::name)),
            ("data-topic", &finding.topic),
        ],
        |page| {
            if section == Section::Open {
                return open(page, finding);
            }
            page.element("details", &[], |page| {
                page.element("summary", &[], |page| line(page, finding))?;
                page.element("div", &[("class", &"body")], |page| body(page, finding))
            })
        },
    )
}

/// What is well weighs nothing, whatever its check weighs when it fails.
pub(super) fn severity(finding: &Finding) -> Option<Severity> {
    matches!(finding.verdict, Verdict::Fail | Verdict::Unknown).then_some(finding.severity)
}

/// What is wrong stands open.
fn open(page: &mut Page<'_>, finding: &Finding) -> io::Result<()> {
    line(page, finding)?;
    page.element("div", &[("class", &"body")], |page| body(page, finding))
}

/// Class and words of the mark: a severity for what failed, a verdict for the rest. Never a colour alone.
pub(super) fn mark(finding: &Finding) -> (&'static str, &'static str) {
    match Section::of(finding) {
        Section::Open => (finding.severity.name(), finding.severity.name()),
        section => (section.key(), section.word()),
    }
}

fn line(page: &mut Page<'_>, finding: &Finding) -> io::Result<()> {
    let (class, word) = mark(finding);
    page.leaf("span", &[("class", &format_args!("mark {class}"))], word)?;
    page.text(" ")?;
    page.element("div", &[("class", &"line")], |page| {
        page.leaf("h3", &[], &finding.title)?;
        if let (Verdict::Unknown | Verdict::NotApplicable, Some(reason)) = (finding.verdict, &finding.reason)
        {
            page.leaf("p", &[("class", &"reason")], reason)?;
        }
        page.element("p", &[("class", &"about")], |page| {
            page.leaf("code", &[], finding.check)?;
            if finding.subject.as_str() != WHOLE_HOST {
                page.text(" \u{b7} ")?;
                page.leaf("span", &[("class", &"subject")], &finding.subject)?;
            }
            if Section::of(finding) == Section::Accepted {
                page.text(format_args!(" \u{b7} severity {}", finding.severity))?;
            }
            Ok(())
        })
    })
}

fn body(page: &mut Page<'_>, finding: &Finding) -> io::Result<()> {
    if let Some(decision) = &finding.suppressed {
        suppression(page, decision)?;
    }
    if !finding.evidence.is_empty() {
        evidence(page, &finding.evidence)?;
    }
    page.element("div", &[("class", &"why")], |page| {
        part(page, "Why it matters", |page| page.leaf("p", &[], finding.why))
    })?;
    if matches!(finding.verdict, Verdict::Fail | Verdict::Unknown) {
        part(page, "How to mend it", |page| page.leaf("pre", &[("data-copy", &"")], finding.remediation))?;
    }
    part(page, "Controls", |page| controls(page, finding.controls))
}

fn part(
    page: &mut Page<'_>,
    heading: &str,
    inside: impl FnOnce(&mut Page<'_>) -> io::Result<()>,
) -> io::Result<()> {
    page.leaf("h4", &[], heading)?;
    inside(page)
}

fn suppression(page: &mut Page<'_>, decision: &Suppressed) -> io::Result<()> {
    let (heading, until) = if decision.expired {
        ("An acceptance that has run out", "It ran out on")
    } else {
        ("Accepted", "Until")
    };
    page.element("div", &[("class", &"decision")], |page| {
        page.leaf("h4", &[], heading)?;
        page.leaf("p", &[], &decision.why)?;
        page.leaf("p", &[("class", &"about")], format_args!("{}. {until} {}.", decision.who, decision.until))
    })
}

fn evidence(page: &mut Page<'_>, evidence: &[Evidence]) -> io::Result<()> {
    let with_witness = evidence.iter().any(|evidence| evidence.witness.is_some());
    page.element("div", &[("class", &"wide")], |page| {
        page.element("table", &[("class", &"evidence")], |page| {
            let names: &[&str] = if with_witness {
                &["Source", "Observed", "Expected", "A case in which it bites"]
            } else {
                &["Source", "Observed", "Expected"]
            };
            columns(page, names)?;
            page.element("tbody", &[], |page| {
                evidence.iter().try_for_each(|evidence| proof(page, evidence, with_witness))
            })
        })
    })
}

fn proof(page: &mut Page<'_>, evidence: &Evidence, with_witness: bool) -> io::Result<()> {
    page.element("tr", &[], |page| {
        page.element("td", &[("data-name", &"Source")], |page| {
            page.leaf("code", &[], evidence.source.text())
        })?;
        page.leaf("td", &[("data-name", &"Observed")], &evidence.observed)?;
        page.leaf("td", &[("data-name", &"Expected")], &evidence.expected)?;
        match &evidence.witness {
            Some(witness) => {
                page.element("td", &[("data-name", &"For")], |page| page.leaf("code", &[], witness))
            }
            None if with_witness => page.leaf("td", &[], ""),
            None => Ok(()),
        }
    })
}

fn controls(page: &mut Page<'_>, controls: &[&str]) -> io::Result<()> {
    page.element("ul", &[("class", &"controls")], |page| {
        controls.iter().try_for_each(|control| {
            page.element("li", &[], |page| {
                page.leaf("a", &[("href", &format_args!("#control-{control}"))], control)
            })
        })
    })
}

/// The subject of a check that is about the machine as such.
const WHOLE_HOST: &str = "host";
