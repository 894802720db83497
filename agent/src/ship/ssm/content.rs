//! What Systems Manager is told of a posture: compliance items and inventory entries, bounded, in an order of their
//! own, so that the same posture has the same hash.

pub(super) mod patches;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Described;
use crate::finding::wire::body::badness;
use crate::finding::wire::folded::{Folded, Open, Standing};
use crate::finding::wire::rfc3339_millis;
use crate::finding::{Severity, Verdict};

/// One compliance item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) title: String,
    /// `None` is unspecified.
    pub(super) severity: Option<Severity>,
    pub(super) is_compliant: bool,
    pub(super) details: BTreeMap<&'static str, String>,
}

/// One row of an inventory type.
pub(super) type Row = BTreeMap<&'static str, String>;

/// What is said of one check.
struct Said {
    check: String,
    title: String,
    topic: &'static str,
    verdict: Verdict,
    severity: Option<Severity>,
    subjects: u64,
    since: String,
    suppressed: u64,
    is_suppressed: bool,
}

/// An item for each check that fails or that nobody could answer, the worst first.
pub(super) fn items(folded: &Folded, describe: super::Describe) -> Vec<Item> {
    let is_open = |said: &Said| matches!(said.verdict, Verdict::Fail | Verdict::Unknown);
    let mut items: Vec<Item> = said(folded, describe).filter(is_open).map(item).collect();
    items.sort_by_key(|item| (item.is_compliant, Reverse(item.severity), item.id.clone()));
    let all = items.len();
    // One place is for the item that says how many are left out.
    let kept = fitting(items.iter().map(|item| item.to_json()), MAX_ITEMS - 1, MAX_ITEMS_BYTES);
    if kept < all {
        items.truncate(kept);
        items.push(Item {
            id: "guestward-left-out".to_owned(),
            title: format!("{} more checks have no room here", all - kept),
            severity: None,
            is_compliant: false,
            details: [("left_out", (all - kept).to_string())].into(),
        });
    }
    items
}

/// A row for each check, or for those of one topic.
pub(super) fn rows(folded: &Folded, describe: super::Describe, topic: Option<&str>) -> Vec<Row> {
    let is_wanted = |said: &Said| topic.is_none_or(|topic| said.topic == topic);
    let mut rows: Vec<Row> = said(folded, describe).filter(is_wanted).map(row).collect();
    let kept = fitting(rows.iter().map(|row| json!(row).to_string()), MAX_ROWS - 1, MAX_ROWS_BYTES);
    if kept < rows.len() {
        let left_out = rows.len() - kept;
        rows.truncate(kept);
        rows.push([("Check", "guestward-left-out".to_owned()), ("Subjects", left_out.to_string())].into());
    }
    rows
}

/// In hexadecimal.
pub(super) fn hash(parts: impl Iterator<Item = String>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // Lengths keep the parts apart.
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn said(folded: &Folded, describe: super::Describe) -> impl Iterator<Item = Said> {
    folded.checks.iter().filter_map(move |(check, standing)| {
        let verdict = standing.verdict()?;
        Some(one(check.as_str(), standing, verdict, describe(check.as_str())))
    })
}

fn one(check: &str, standing: &Standing, worst: Verdict, described: Option<Described>) -> Said {
    let is_suppressed = !standing.open.is_empty()
        && standing.rest.is_none()
        && standing.open.values().all(|open| open.is_suppressed);
    // What is silenced does not speak for a check that has something else to say.
    let loud = standing.open.values().filter(|open| is_suppressed || !open.is_suppressed);
    let verdict = loud
        .clone()
        .map(|open| open.verdict)
        .chain(standing.rest.map(|rest| rest.verdict))
        .max_by_key(|verdict| badness(*verdict))
        .unwrap_or(worst);
    let of_it: Vec<&Open> = loud.filter(|open| open.verdict == verdict).collect();
    let lead = of_it.iter().max_by_key(|open| (open.severity, Reverse(open.since), &open.title));
    let title =
        lead.map(|open| open.title.as_str()).or(described.map(|described| described.title)).unwrap_or(check);
    let since = of_it.iter().map(|open| open.since).min().map(rfc3339_millis);
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Said {
        check: check.to_owned(),
        title: cut(title, MAX_TITLE),
        topic: described.map_or("", |described| described.topic),
        verdict,
        severity: lead.map(|open| open.severity).or(described.map(|described| described.severity)),
        subjects: count(standing.open.len()).saturating_add(standing.rest.map_or(0, |rest| rest.count)),
        since: since.unwrap_or_default(),
        suppressed: count(standing.open.values().filter(|open| open.is_suppressed).count()),
        is_suppressed,
    }
}

fn item(said: Said) -> Item {
    let mut details = BTreeMap::from([
        ("verdict", said.verdict.name().to_owned()),
        ("since", said.since),
        ("subjects", said.subjects.to_string()),
    ]);
    if said.is_suppressed {
        details.insert("suppressed", "true".to_owned());
    }
    Item {
        id: cut(&said.check, MAX_TITLE),
        title: said.title,
        severity: said.severity,
        is_compliant: said.is_suppressed,
        details,
    }
}

fn row(said: Said) -> Row {
    BTreeMap::from([
        ("Check", cut(&said.check, MAX_TITLE)),
        ("Topic", said.topic.to_owned()),
        ("Verdict", said.verdict.name().to_owned()),
        ("Severity", said.severity.map_or("", Severity::name).to_owned()),
        ("Subjects", said.subjects.to_string()),
        ("Since", said.since),
        ("Suppressed", said.suppressed.to_string()),
    ])
}

impl Item {
    /// As it goes over the wire, near enough to be measured and hashed.
    pub(super) fn to_json(&self) -> String {
        let Self { id, title, severity, is_compliant, details } = self;
        let severity = severity.map(Severity::name);
        json!({"Id": id, "Title": title, "Severity": severity, "Status": is_compliant, "Details": details})
            .to_string()
    }
}

/// How many from the front fit.
fn fitting(texts: impl Iterator<Item = String>, most: usize, bytes: usize) -> usize {
    let mut left = bytes;
    let fits = |text: String| {
        // Quotes, commas, and longer words on the wire than in our measure.
        left.checked_sub(text.len() + 64).map(|rest| left = rest)
    };
    texts.take(most).map_while(fits).count()
}

fn cut(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    text.chars().take(limit - 1).chain(['…']).collect()
}

/// The service's own bound, in characters.
const MAX_TITLE: usize = 500;
/// The service's own bound.
const MAX_ITEMS: usize = 10_000;
/// The service does not say how much it takes; requests of a megabyte are refused.
const MAX_ITEMS_BYTES: usize = 800_000;
const MAX_ROWS: usize = 10_000;
/// A custom inventory type has 200 KB.
const MAX_ROWS_BYTES: usize = 190_000;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests;
