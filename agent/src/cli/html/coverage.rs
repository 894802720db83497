//! What the checks cover, as a page: every known requirement with the checks that bear on it or the reason why there
//! is none, and every check with the requirements that it serves.

use std::io::{self, Write};

use super::Page;
use super::frame::{self, Group, columns, counted, term};
use crate::check::controls::{Coverage, Framework, Item};
use crate::check::{self, Check, Topic};

pub(in crate::cli) fn coverage(frameworks: &[Framework], out: &mut dyn Write) -> io::Result<()> {
    frame::page(&mut Page { out }, "What guestward checks and covers", header, |page| {
        summary(page, frameworks)?;
        frame::filters(page, "controls and checks", &groups(frameworks))?;
        page.element("section", &[("aria-labelledby", &"frameworks")], |page| {
            page.leaf("h2", &[("id", &"frameworks")], "Controls")?;
            frameworks.iter().try_for_each(|framework| one(page, framework))
        })?;
        page.element("section", &[("aria-labelledby", &"checks")], |page| {
            page.leaf("h2", &[("id", &"checks")], "Checks")?;
            check::TOPICS.iter().try_for_each(|topic| topic_of_checks(page, topic))
        })
    })
}

fn header(page: &mut Page<'_>) -> io::Result<()> {
    page.leaf("p", &[("class", &"kind")], "Coverage")?;
    page.leaf("h1", &[], "What guestward checks and covers")?;
    page.element("dl", &[("class", &"facts")], |page| {
        term(page, "Checks", &check::all().count().to_string())?;
        term(page, "By", concat!("guestward ", env!("CARGO_PKG_VERSION")))
    })
}

fn summary(page: &mut Page<'_>, frameworks: &[Framework]) -> io::Result<()> {
    page.element("section", &[("class", &"summary"), ("aria-labelledby", &"summary")], |page| {
        page.leaf("h2", &[("id", &"summary")], "Summary")?;
        page.leaf("p", &[("class", &"about")], ABOUT)?;
        page.element("div", &[("class", &"wide")], |page| {
            page.element("table", &[("class", &"figures")], |page| {
                columns(page, &["Framework", "Items", "Covered", "Not yet", "Out of reach"])?;
                page.element("tbody", &[], |page| {
                    frameworks.iter().try_for_each(|framework| figures(page, framework))
                })
            })
        })
    })
}

fn figures(page: &mut Page<'_>, framework: &Framework) -> io::Result<()> {
    let tally = framework.tally();
    page.element("tr", &[], |page| {
        page.element("th", &[("scope", &"row")], |page| {
            page.leaf("a", &[("href", &format_args!("#framework-{}", framework.id))], framework.name)
        })?;
        [tally.items(), tally.covered, tally.not_yet, tally.out_of_reach]
            .into_iter()
            .try_for_each(|number| page.leaf("td", &[], number))
    })
}

fn groups(frameworks: &[Framework]) -> Vec<Group> {
    let tallies = || frameworks.iter().map(Framework::tally);
    let states = [
        (COVERED, tallies().map(|tally| tally.covered).sum()),
        (NOT_YET, tallies().map(|tally| tally.not_yet).sum()),
        (OUT_OF_REACH, tallies().map(|tally| tally.out_of_reach).sum()),
    ];
    let frameworks = frameworks.iter().map(|f| (f.id.to_owned(), f.name.to_owned(), f.items.len()));
    let topics = check::TOPICS.iter().map(|t| (t.name.to_owned(), t.name.to_owned(), t.checks().count()));
    vec![
        Group {
            key: "state",
            legend: "Coverage",
            choices: states.map(|((key, word), count)| (key.to_owned(), word.to_owned(), count)).into(),
        },
        Group { key: "framework", legend: "Framework", choices: frameworks.collect() },
        Group { key: "topic", legend: "Topic", choices: topics.filter(|(.., n)| *n > 0).collect() },
    ]
}

fn one(page: &mut Page<'_>, framework: &Framework) -> io::Result<()> {
    let tally = framework.tally();
    let id = format!("framework-{}", framework.id);
    page.element("details", &[("class", &"framework fold"), ("id", &id), ("data-section", &"")], |page| {
        page.element("summary", &[], |page| {
            page.leaf("h3", &[], framework.name)?;
            let told = format!(
                "{}, {} covered, {} not yet, {} out of reach",
                counted(tally.items(), "item", "items"),
                tally.covered,
                tally.not_yet,
                tally.out_of_reach
            );
            page.leaf("p", &[("class", &"about")], told)
        })?;
        page.leaf("p", &[("class", &"about")], framework.source)?;
        page.element("div", &[("class", &"wide")], |page| {
            page.element("table", &[("class", &"index")], |page| {
                columns(page, &["Control", "Title", "Coverage", "Checks, or the reason"])?;
                page.element("tbody", &[], |page| {
                    framework.items.iter().try_for_each(|known| item(page, framework, known))
                })
            })
        })
    })
}

fn item(page: &mut Page<'_>, framework: &Framework, item: &Item) -> io::Result<()> {
    let (class, word) = state(&item.coverage);
    let mut topics: Vec<&str> = item.coverage.checks().iter().filter_map(|c| topic_of(c)).collect();
    topics.dedup();
    page.element(
        "tr",
        &[
            ("id", &format_args!("control-{}", framework.cite(item))),
            ("data-item", &""),
            ("data-state", &class),
            ("data-framework", &framework.id),
            ("data-topic", &topics.join(" ")),
        ],
        |page| {
            page.leaf("th", &[("scope", &"row")], item.id)?;
            page.leaf("td", &[("data-name", &"Title")], item.title)?;
            page.element("td", &[("data-name", &"Coverage")], |page| {
                page.leaf("span", &[("class", &format_args!("mark {class}"))], word)
            })?;
            page.element("td", &[("data-name", &"Checks")], |page| match &item.coverage {
                Coverage::Covered(checks) => list(page, checks.iter().map(|check| check.id), "check-"),
                Coverage::NotYet => Ok(()),
                Coverage::OutOfReach(reason) => page.text(reason),
            })
        },
    )
}

fn topic_of(check: &Check) -> Option<&'static str> {
    check::by_id(check.id).map(|(topic, _)| topic.name)
}

fn state(coverage: &Coverage) -> (&'static str, &'static str) {
    match coverage {
        Coverage::Covered(_) => COVERED,
        Coverage::NotYet => NOT_YET,
        Coverage::OutOfReach(_) => OUT_OF_REACH,
    }
}

/// A list of links within the page.
fn list<'a>(page: &mut Page<'_>, names: impl Iterator<Item = &'a str>, prefix: &str) -> io::Result<()> {
    page.element("ul", &[("class", &"controls")], |page| {
        for name in names {
            page.element("li", &[], |page| {
                page.leaf("a", &[("href", &format_args!("#{prefix}{name}"))], name)
            })?;
        }
        Ok(())
    })
}

fn topic_of_checks(page: &mut Page<'_>, topic: &Topic) -> io::Result<()> {
    let count = topic.checks().count();
    if count == 0 {
        return Ok(());
    }
    page.element("details", &[("class", &"framework fold"), ("data-section", &"")], |page| {
        page.element("summary", &[], |page| {
            page.leaf("h3", &[], topic.title)?;
            page.leaf(
                "p",
                &[("class", &"about")],
                format_args!("{}: {}", topic.name, counted(count, "check", "checks")),
            )
        })?;
        topic.checks().try_for_each(|check| one_check(page, topic, check))
    })
}

fn one_check(page: &mut Page<'_>, topic: &Topic, check: &Check) -> io::Result<()> {
    let mut frameworks: Vec<&str> =
        check.controls.iter().filter_map(|control| control.split(':').next()).collect();
    frameworks.dedup();
    page.element(
        "article",
        &[
            ("id", &format_args!("check-{}", check.id)),
            ("class", &"finding check"),
            ("data-item", &""),
            ("data-state", &COVERED.0),
            ("data-framework", &frameworks.join(" ")),
            ("data-topic", &topic.name),
        ],
        |page| {
            page.leaf("span", &[("class", &format_args!("mark {}", check.severity))], check.severity)?;
            page.text(" ")?;
            page.element("div", &[("class", &"line")], |page| {
                page.leaf("h4", &[], check.title)?;
                page.element("p", &[("class", &"about")], |page| page.leaf("code", &[], check.id))
            })?;
            page.element("div", &[("class", &"body")], |page| {
                page.leaf("p", &[], check.why)?;
                list(page, check.controls.iter().copied(), "control-")
            })
        },
    )
}

/// The value of `data-state`, and the words.
const COVERED: (&str, &str) = ("covered", "covered");
const NOT_YET: (&str, &str) = ("not_covered", "not yet");
const OUT_OF_REACH: (&str, &str) = ("out_of_reach", "out of reach");

const ABOUT: &str = "Covered means that at least one check bears on the item, not that the item is proved: most \
                     controls also ask for people and procedures. Out of reach is what no guest can show, with the \
                     reason beside it.";
