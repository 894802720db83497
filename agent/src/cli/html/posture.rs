//! The posture as a page that one sends to an auditor: what was looked at, what is wrong, the proof, what to do, and
//! the same by control.

use std::io::{self, Write};

use super::finding::{self, article};
use super::frame::{self, Group, counted, term};
use super::{Page, index, patches};
use crate::check;
use crate::check::controls::Framework;
use crate::finding::patch::Patch;
use crate::finding::{Finding, Severity, Summary, Verdict};
use crate::host::Facts;

/// One look, judged.
pub(in crate::cli) struct Posture<'a> {
    pub(in crate::cli) facts: &'a Facts,
    pub(in crate::cli) findings: &'a [Finding],
    /// What is outstanding, the most urgent first; empty where nobody asked.
    pub(in crate::cli) patches: &'a [Patch<'a>],
    pub(in crate::cli) fail_on: Severity,
    pub(in crate::cli) exit_code: u8,
    pub(in crate::cli) frameworks: &'a [Framework],
}

pub(in crate::cli) fn posture(posture: &Posture<'_>, out: &mut dyn Write) -> io::Result<()> {
    let names = index::names(posture.findings);
    let machine = machine(posture.facts);
    let title = format!("Security posture of {machine}, {}", posture.facts.now.strftime("%Y-%m-%d"));
    frame::page(
        &mut Page { out },
        &title,
        |page| header(page, posture.facts, &machine),
        |page| {
            summary(page, posture)?;
            patches::patches(page, posture.facts, posture.patches)?;
            frame::filters(page, "findings", &groups(posture.findings))?;
            for group in Section::ALL {
                section(page, group, posture.findings, &names)?;
            }
            index::controls(page, posture.frameworks, posture.findings, &names)
        },
    )
}

fn machine(facts: &Facts) -> String {
    let identity = &facts.identity;
    let name = identity.hostname.as_ref().or(identity.instance_id.as_ref());
    name.map_or_else(|| "a machine without a name".to_owned(), ToString::to_string)
}

fn header(page: &mut Page<'_>, facts: &Facts, machine: &str) -> io::Result<()> {
    page.leaf("p", &[("class", &"kind")], "Security posture")?;
    page.leaf("h1", &[], machine)?;
    page.element("dl", &[("class", &"facts")], |page| {
        let identity = &facts.identity;
        let known = [
            ("Instance", &identity.instance_id),
            ("Operating system", &identity.os),
            ("Kernel", &identity.kernel),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                term(page, name, value.as_str())?;
            }
        }
        page.element("div", &[], |page| {
            page.leaf("dt", &[], "Looked at")?;
            page.element("dd", &[], |page| {
                let exact = format!("{:.3}", facts.now);
                let shown = facts.now.strftime("%-d %B %Y, %H:%M:%S UTC");
                page.leaf("time", &[("datetime", &exact)], shown)
            })
        })?;
        term(page, "By", concat!("guestward ", env!("CARGO_PKG_VERSION")))
    })
}

fn summary(page: &mut Page<'_>, posture: &Posture<'_>) -> io::Result<()> {
    let counts = Summary::of(posture.findings);
    page.element("section", &[("class", &"summary"), ("aria-labelledby", &"summary")], |page| {
        page.leaf("h2", &[("id", &"summary")], "Summary")?;
        page.leaf("p", &[("class", &"lead")], lead(&counts))?;
        page.element("div", &[("class", &"tallies")], |page| {
            by_severity(page, posture.findings)?;
            by_verdict(page, &counts)
        })?;
        page.leaf("p", &[("class", &"note")], exit(posture))?;
        denied(page, posture.findings)
    })
}

fn lead(counts: &Summary) -> String {
    let worst = counts.worst.map_or_else(String::new, |worst| format!(", the worst of them {worst}"));
    let failed = match counts.fail {
        0 => "Nothing that could be judged has failed".to_owned(),
        fail => format!("{}{worst}", counted(fail, "finding is open", "findings are open")),
    };
    match counts.unknown {
        0 => format!("{failed}."),
        unknown => {
            let verb = if unknown == 1 { "question could" } else { "questions could" };
            format!("{failed}; {unknown} {verb} not be answered.")
        }
    }
}

fn by_severity(page: &mut Page<'_>, findings: &[Finding]) -> io::Result<()> {
    page.element("table", &[("class", &"tally")], |page| {
        page.leaf("caption", &[], "Open failures by severity")?;
        page.element("tbody", &[], |page| {
            for severity in Severity::ALL.into_iter().rev() {
                let count = findings.iter().filter(|f| f.is_open_failure() && f.severity == severity).count();
                row(page, severity.name(), severity.name(), count)?;
            }
            Ok(())
        })
    })
}

fn by_verdict(page: &mut Page<'_>, counts: &Summary) -> io::Result<()> {
    page.element("table", &[("class", &"tally")], |page| {
        page.leaf("caption", &[], "All findings by verdict")?;
        page.element("tbody", &[], |page| {
            row(page, "fail", "fail", counts.fail)?;
            row(page, "unknown", "unknown", counts.unknown)?;
            row(page, "accepted", "accepted", counts.suppressed)?;
            row(page, "pass", "pass", counts.pass)?;
            row(page, "not_applicable", "not applicable", counts.not_applicable)
        })
    })
}

fn row(page: &mut Page<'_>, class: &str, name: &str, count: usize) -> io::Result<()> {
    page.element("tr", &[], |page| {
        page.element("th", &[("scope", &"row")], |page| {
            page.leaf("span", &[("class", &format_args!("mark {class}"))], name)
        })?;
        let class = if count == 0 { "none" } else { "some" };
        page.leaf("td", &[("class", &class)], count)
    })
}

fn exit(posture: &Posture<'_>) -> String {
    let why = match posture.exit_code {
        0 => {
            format!("nothing failed at severity {} or above, and everything could be judged", posture.fail_on)
        }
        1 => format!("something failed at severity {} or above", posture.fail_on),
        _ => format!(
            "nothing failed at severity {} or above, and not everything could be judged",
            posture.fail_on
        ),
    };
    format!("Exit code {}: {why}.", posture.exit_code)
}

fn denied(page: &mut Page<'_>, findings: &[Finding]) -> io::Result<()> {
    let denied = findings.iter().filter(|finding| finding.denied).count();
    if denied == 0 {
        return Ok(());
    }
    let needs = counted(denied, "answer needs", "answers need");
    page.leaf("p", &[("class", &"note")], format_args!("{needs} files that only root may read."))
}

/// The boxes, with only what there is.
fn groups(findings: &[Finding]) -> Vec<Group> {
    let count = |is: &dyn Fn(&Finding) -> bool| findings.iter().filter(|finding| is(finding)).count();
    let verdicts = Section::ALL.into_iter().map(|section| {
        (section.key().to_owned(), section.word().to_owned(), count(&|f| Section::of(f) == section))
    });
    let severities = Severity::ALL.into_iter().rev().map(|severity| {
        (
            severity.name().to_owned(),
            severity.name().to_owned(),
            count(&|f| finding::severity(f) == Some(severity)),
        )
    });
    let topics = check::TOPICS.iter().map(|topic| {
        (topic.name.to_owned(), topic.name.to_owned(), count(&|finding| finding.topic == topic.name))
    });
    let there =
        |choices: Vec<(String, String, usize)>| choices.into_iter().filter(|(.., n)| *n > 0).collect();
    vec![
        Group { key: "verdict", legend: "Verdict", choices: there(verdicts.collect()) },
        Group { key: "severity", legend: "Severity", choices: there(severities.collect()) },
        Group { key: "topic", legend: "Topic", choices: there(topics.collect()) },
    ]
}

/// What a reader wants together, in the order in which it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Open,
    Unknown,
    Accepted,
    Passed,
    NotApplicable,
}

impl Section {
    const ALL: [Self; 5] = [Self::Open, Self::Unknown, Self::Accepted, Self::Passed, Self::NotApplicable];

    pub(super) fn of(finding: &Finding) -> Self {
        match finding.verdict {
            Verdict::Fail if finding.is_silenced() => Self::Accepted,
            Verdict::Fail => Self::Open,
            Verdict::Unknown => Self::Unknown,
            Verdict::Pass => Self::Passed,
            Verdict::NotApplicable => Self::NotApplicable,
        }
    }

    /// The value of `data-verdict`.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Open => "fail",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Passed => "pass",
            Self::NotApplicable => "not_applicable",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            section => section.key(),
        }
    }

    fn heading(self) -> (&'static str, &'static str) {
        match self {
            Self::Open => ("Open failures", "Worst first. Each is proved by what was found on this machine."),
            Self::Unknown => (
                "Not answered",
                "What a pass would mean, and what stood in the way. An unknown is never counted as a pass.",
            ),
            Self::Accepted => {
                ("Accepted", "Failures that somebody decided to live with, until a day that is named.")
            }
            Self::Passed => ("Passed", "What was looked at and found well."),
            Self::NotApplicable => {
                ("Not applicable", "Questions that do not arise on this machine, and why.")
            }
        }
    }

    /// What is well is there for who asks.
    fn is_folded(self) -> bool {
        matches!(self, Self::Passed | Self::NotApplicable)
    }
}

fn section(page: &mut Page<'_>, section: Section, findings: &[Finding], names: &[String]) -> io::Result<()> {
    let there: Vec<_> = findings.iter().zip(names).filter(|(f, _)| Section::of(f) == section).collect();
    if there.is_empty() {
        return Ok(());
    }
    let (heading, about) = section.heading();
    let id = format!("section-{}", section.key());
    let list = |page: &mut Page<'_>| {
        page.leaf("p", &[("class", &"about")], about)?;
        there.iter().try_for_each(|(finding, name)| article(page, finding, name))
    };
    page.element("section", &[("data-section", &""), ("aria-labelledby", &id)], |page| {
        let title = |page: &mut Page<'_>| {
            page.element("h2", &[("id", &id)], |page| {
                page.text(heading)?;
                page.text(" ")?;
                page.leaf("span", &[("class", &"number")], there.len())
            })
        };
        if !section.is_folded() {
            title(page)?;
            return list(page);
        }
        page.element("details", &[("class", &"fold")], |page| {
            page.element("summary", &[], title)?;
            list(page)
        })
    })
}
