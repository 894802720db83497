//! What is outstanding, as a table: what to do first, first.

use std::io;

use super::Page;
use super::frame::{columns, counted};
use crate::check::packages::since;
use crate::finding::Text;
use crate::finding::patch::{Patch, Standing};
use crate::host::Facts;
use crate::host::packages::{Kernel, PendingState, Reboot};

/// The section, if anybody asked after the packages and there are any.
pub(super) fn patches(page: &mut Page<'_>, facts: &Facts, patches: &[Patch<'_>]) -> io::Result<()> {
    let Ok(updates) = &facts.packages.updates else { return Ok(()) };
    if patches.is_empty() && updates.locked.is_none() {
        return Ok(());
    }
    page.element("section", &[("class", &"patches"), ("aria-labelledby", &"patches")], |page| {
        page.element("h2", &[("id", &"patches")], |page| {
            page.text("Outstanding updates ")?;
            page.leaf("span", &[("class", &"number")], patches.len())
        })?;
        page.leaf("p", &[("class", &"about")], about(patches))?;
        for line in beside(facts) {
            page.leaf("p", &[("class", &"note")], line)?;
        }
        if patches.is_empty() {
            return Ok(());
        }
        page.element("div", &[("class", &"wide")], |page| {
            page.element("table", &[("class", &"index")], |page| {
                columns(page, &COLUMNS)?;
                page.element("tbody", &[], |page| {
                    patches.iter().take(MOST).try_for_each(|patch| row(page, patch))
                })
            })
        })?;
        match patches.len().saturating_sub(MOST) {
            0 => Ok(()),
            more => page.leaf("p", &[("class", &"note")], format_args!("and {more} more")),
        }
    })
}

fn about(patches: &[Patch<'_>]) -> String {
    let count = |is: fn(&Patch<'_>) -> bool| patches.iter().filter(|patch| is(patch)).count();
    let security = counted(count(|patch| patch.pending.is_security), "security update", "security updates");
    let exploited = count(|patch| !patch.exploited.is_empty());
    let overdue = count(|patch| patch.standing == Standing::Overdue);
    format!(
        "What to do first is first: {security}, {overdue} of them overdue, {exploited} for holes that attackers use."
    )
}

/// What else there is to know or do.
fn beside(facts: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    let packages = &facts.packages;
    if let Ok(Some(locked)) = packages.updates.as_ref().map(|updates| &updates.locked) {
        let newest =
            locked.newest.as_deref().map_or_else(String::new, |newest| format!("; {newest} is known of"));
        lines.push(format!("Updates are taken from release {} (by {}){newest}.", locked.release, locked.by));
    }
    if let Ok(Reboot::Needed { reason, .. }) = packages.kernel.as_ref().map(Kernel::reboot) {
        lines.push(format!("The machine needs a restart: {reason}."));
    }
    let outdated = facts.processes.as_ref().map_or(0, |processes| processes.outdated.len());
    if outdated > 0 {
        let run = counted(outdated, "process runs", "processes run");
        lines.push(format!("{run} code that an update has replaced."));
    }
    lines.iter().map(|line| Text::new(line).to_string()).collect()
}

fn row(page: &mut Page<'_>, patch: &Patch<'_>) -> io::Result<()> {
    let pending = patch.pending;
    page.element("tr", &[], |page| {
        page.leaf("th", &[("scope", &"row")], Text::new(&pending.key()))?;
        let step = format!("{} → {}", pending.installed, pending.candidate);
        page.leaf("td", &[("data-name", &"Versions")], Text::new(&step))?;
        page.element("td", &[("data-name", &"Severity")], |page| {
            let (class, word) = mark(patch);
            page.leaf("span", &[("class", &format_args!("mark {class}"))], word)
        })?;
        page.leaf("td", &[("data-name", &"Advisories")], Text::new(&advisories(patch)))?;
        page.leaf("td", &[("data-name", &"Since")], when(patch))?;
        page.leaf("td", &[("data-name", &"State")], Text::new(&state(patch)))
    })
}

fn mark(patch: &Patch<'_>) -> (&'static str, &'static str) {
    match patch.pending.urgency() {
        _ if !patch.exploited.is_empty() => ("critical", "exploited"),
        Some(urgency) => (urgency.name(), urgency.name()),
        None if patch.pending.is_security => ("high", "security"),
        None => ("informational", "ordinary"),
    }
}

fn advisories(patch: &Patch<'_>) -> String {
    let mut advisories: Vec<_> = patch.pending.advisories.iter().collect();
    advisories.sort_by_key(|advisory| (std::cmp::Reverse(advisory.urgency), &advisory.id));
    let mut words: Vec<&str> =
        advisories.iter().take(MOST_NAMED).map(|advisory| advisory.id.as_str()).collect();
    words.extend(patch.exploited.iter().take(MOST_NAMED));
    let more = advisories.len().saturating_sub(MOST_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let cves = match patch.pending.cves().len() {
        0 => String::new(),
        count => format!(" ({})", counted(count, "CVE", "CVEs")),
    };
    format!("{}{more}{cves}", words.join(", "))
}

fn when(patch: &Patch<'_>) -> String {
    let since = since(patch.pending.available).unwrap_or_default();
    let since = since.strip_prefix("since ").unwrap_or(&since);
    match patch.standing {
        Standing::Overdue => format!("{since}, overdue"),
        Standing::Perhaps => format!("{since}, perhaps overdue"),
        Standing::InTime => since.to_owned(),
    }
}

/// What keeps it back, and what it keeps back.
fn state(patch: &Patch<'_>) -> String {
    let pending = patch.pending;
    let mut words = Vec::new();
    if pending.state != PendingState::Pending {
        words.push(pending.state.name().to_owned());
    }
    words.extend(pending.reason.clone());
    words.extend(pending.hidden_fix.as_ref().map(|fix| format!("hides {fix}")));
    words.join(", ")
}

/// The severity in the words of the vendor, for what he says nothing of in ours.
const COLUMNS: [&str; 6] = ["Package", "Versions", "Severity", "Advisories", "Since", "State"];
/// More than anybody reads; the record has them all.
const MOST: usize = 2_000;
const MOST_NAMED: usize = 3;
