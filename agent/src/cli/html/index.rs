//! The posture by control: every requirement that a finding bears on, the worst verdict about it, and the findings.

use std::collections::BTreeMap;
use std::io;

use super::Page;
use super::finding::mark;
use super::frame::{columns, counted};
use super::posture::Section;
use crate::check::controls::{Framework, Item};
use crate::finding::{Finding, Severity};

/// A name for each finding, for links: its check's, with a number where a check has several.
pub(super) fn names(findings: &[Finding]) -> Vec<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    findings
        .iter()
        .map(|finding| {
            let count = seen.entry(finding.check).or_default();
            *count += 1;
            if *count == 1 { finding.check.to_owned() } else { format!("{}-{count}", finding.check) }
        })
        .collect()
}

pub(super) fn controls(
    page: &mut Page<'_>,
    frameworks: &[Framework],
    findings: &[Finding],
    names: &[String],
) -> io::Result<()> {
    let mut bearing: BTreeMap<&str, Vec<(&Finding, &str)>> = BTreeMap::new();
    for (finding, name) in findings.iter().zip(names) {
        for control in finding.controls {
            bearing.entry(control).or_default().push((finding, name));
        }
    }
    page.element("section", &[("aria-labelledby", &"controls")], |page| {
        page.leaf("h2", &[("id", &"controls")], "Controls")?;
        page.leaf("p", &[("class", &"about")], ABOUT)?;
        frameworks.iter().try_for_each(|framework| {
            let items: Vec<_> = framework
                .items
                .iter()
                .filter_map(|item| Some((item, bearing.get(framework.cite(item).as_str())?.as_slice())))
                .collect();
            if items.is_empty() { Ok(()) } else { one(page, framework, &items) }
        })
    })
}

/// An item and the findings that bear on it.
type Row<'a> = (&'a Item, &'a [(&'a Finding, &'a str)]);

fn one(page: &mut Page<'_>, framework: &Framework, rows: &[Row<'_>]) -> io::Result<()> {
    page.element("details", &[("class", &"framework")], |page| {
        page.element("summary", &[], |page| {
            page.leaf("h3", &[], framework.name)?;
            page.leaf("p", &[("class", &"about")], tally(rows))
        })?;
        page.leaf("p", &[("class", &"about")], framework.source)?;
        page.element("div", &[("class", &"wide")], |page| {
            page.element("table", &[("class", &"index")], |page| {
                columns(page, &["Control", "Title", "Worst", "Findings"])?;
                page.element("tbody", &[], |page| rows.iter().try_for_each(|row| item(page, framework, row)))
            })
        })
    })
}

fn tally(rows: &[Row<'_>]) -> String {
    let failing = rows.iter().filter(|(_, bearing)| bearing.iter().any(|(f, _)| f.is_open_failure())).count();
    let looked_at = counted(rows.len(), "control looked at", "controls looked at");
    let open = counted(failing, "has an open failure", "have an open failure");
    format!("{looked_at}, {open}")
}

fn item(page: &mut Page<'_>, framework: &Framework, (item, bearing): &Row<'_>) -> io::Result<()> {
    page.element("tr", &[("id", &format_args!("control-{}", framework.cite(item)))], |page| {
        page.leaf("th", &[("scope", &"row")], item.id)?;
        page.leaf("td", &[("data-name", &"Title")], item.title)?;
        page.element("td", &[("data-name", &"Worst")], |page| {
            bearing.iter().map(|(finding, _)| *finding).min_by_key(|f| rank(f)).map_or(Ok(()), |worst| {
                let (class, word) = mark(worst);
                page.leaf("span", &[("class", &format_args!("mark {class}"))], word)
            })
        })?;
        page.element("td", &[("data-name", &"Findings")], |page| links(page, bearing))
    })
}

fn links(page: &mut Page<'_>, bearing: &[(&Finding, &str)]) -> io::Result<()> {
    page.element("ul", &[], |page| {
        for (finding, name) in bearing.iter().take(MOST_LINKS) {
            page.element("li", &[], |page| {
                page.leaf("a", &[("href", &format_args!("#{name}"))], name)?;
                page.leaf("span", &[("class", &"about")], format_args!(" {}", Section::of(finding).word()))
            })?;
        }
        match bearing.len().checked_sub(MOST_LINKS).filter(|more| *more > 0) {
            Some(more) => page.leaf("li", &[("class", &"about")], format_args!("and {more} more")),
            None => Ok(()),
        }
    })
}

/// As in the list above: open failures by severity, then unknown, accepted, passed, not applicable.
fn rank(finding: &Finding) -> (u8, std::cmp::Reverse<Severity>) {
    let group = match Section::of(finding) {
        Section::Open => 0,
        Section::Unknown => 1,
        Section::Accepted => 2,
        Section::Passed => 3,
        Section::NotApplicable => 4,
    };
    (group, std::cmp::Reverse(finding.severity))
}

const ABOUT: &str = "The same findings by requirement. A control is served by these checks, not proved by them: \
                     `guestward checks --format html` says what the checks cover and what no guest can show.";
/// A control that a hundred packages bear on is read in the list of findings.
const MOST_LINKS: usize = 30;
