//! What Systems Manager is told of what is outstanding: a compliance item for each missing advisory, and a row of the
//! inventory for each package.

use std::collections::BTreeMap;

use super::{Item, MAX_ITEMS, MAX_ITEMS_BYTES, MAX_ROWS, MAX_ROWS_BYTES, MAX_TITLE, Row, cut, fitting};
use crate::finding::Severity;
use crate::finding::wire::body::patches::{Entry, Notice, PatchesBody};

use serde_json::json;

/// First how much is outstanding and whether that may be believed, then what, the most urgent first.
pub(in crate::ship::ssm) fn items(patches: &PatchesBody) -> Vec<Item> {
    let pending = patches.pending.as_deref().unwrap_or_default();
    let mut missing = missing(pending);
    let all = missing.len();
    let left_out = usize::try_from(patches.left_out).unwrap_or(usize::MAX);
    // Two places are for the first item and the one that says how many are left out.
    let kept = fitting(missing.iter().map(Item::to_json), MAX_ITEMS - 2, MAX_ITEMS_BYTES);
    missing.truncate(kept);
    let mut items = vec![summary(patches)];
    items.append(&mut missing);
    let more = (all - kept).saturating_add(left_out);
    if more > 0 {
        items.push(Item {
            id: "guestward-left-out".to_owned(),
            title: format!("{more} more updates have no room here"),
            severity: None,
            is_compliant: false,
            details: [("left_out", more.to_string())].into(),
        });
    }
    items
}

fn summary(patches: &PatchesBody) -> Item {
    let metadata = &patches.metadata;
    let is_known = metadata.state.as_str() == "fresh";
    let (title, is_none) = match &patches.counts {
        None => ("Whether updates are outstanding is not known".to_owned(), false),
        Some(counts) => {
            (format!("{} security updates are outstanding", counts.security), counts.security == 0)
        }
    };
    let mut details = BTreeMap::from([("lists", metadata.state.as_str().to_owned())]);
    let mut add = |name, told: Option<&str>| details.extend(told.map(|told| (name, told.to_owned())));
    add("as_of", metadata.as_of.as_ref().map(|told| told.as_str()));
    add("reason", metadata.reason.as_ref().map(|told| told.as_str()));
    add("locked", patches.locked.as_ref().map(|locked| locked.release.as_str()));
    add("reboot", patches.reboot.needed.map(|needed| if needed { "needed" } else { "not needed" }));
    add("exploited_as_of", patches.exploited_as_of.as_ref().map(|told| told.as_str()));
    Item {
        id: "guestward-patches".to_owned(),
        title,
        severity: None,
        // What nobody could find out is no compliance.
        is_compliant: is_none && is_known,
        details,
    }
}

/// An item for each advisory, in the order of the first update that answers it; for each security update without one, too.
fn missing(pending: &[Entry]) -> Vec<Item> {
    let mut order: Vec<&str> = Vec::new();
    let mut by_advisory: BTreeMap<&str, (&Notice, Vec<&Entry>)> = BTreeMap::new();
    let mut items = Vec::new();
    for entry in pending.iter().filter(|entry| entry.security) {
        if entry.advisories.is_empty() {
            items.push((order.len(), of_package(entry)));
        }
        for notice in &entry.advisories {
            let id = notice.id.as_str();
            by_advisory
                .entry(id)
                .or_insert_with(|| {
                    order.push(id);
                    (notice, Vec::new())
                })
                .1
                .push(entry);
        }
    }
    let of_all = order.iter().enumerate().filter_map(|(at, id)| {
        let (notice, entries) = by_advisory.get(id)?;
        Some((at, of_advisory(notice, entries)))
    });
    items.extend(of_all);
    items.sort_by_key(|(at, _)| *at);
    items.into_iter().map(|(_, item)| item).collect()
}

fn of_advisory(notice: &Notice, entries: &[&Entry]) -> Item {
    let first = entries.first().map_or_else(String::new, |entry| step(entry));
    let more = match entries.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let exploited: Vec<&str> = entries
        .iter()
        .flat_map(|entry| &entry.exploited)
        .map(|cve| cve.as_str())
        .filter(|cve| notice.cves.iter().any(|own| own.as_str() == *cve))
        .collect();
    let mut details = entries.first().map_or_else(BTreeMap::new, |entry| details(entry));
    details.insert("packages", list(entries.iter().map(|entry| entry.name.as_str())));
    details.insert("cves", list(notice.cves.iter().map(|cve| cve.as_str())));
    let severity = severity(notice.severity.as_ref().map(|word| word.as_str()), &exploited, &mut details);
    Item {
        id: cut(notice.id.as_str(), MAX_ID),
        title: cut(&format!("{}: {first}{more}", notice.id.as_str()), MAX_TITLE),
        severity,
        is_compliant: false,
        details,
    }
}

fn of_package(entry: &Entry) -> Item {
    let mut details = details(entry);
    let severity = severity(entry.severity.as_ref().map(|word| word.as_str()), &[], &mut details);
    Item {
        id: cut(&format!("package:{}:{}", entry.name.as_str(), entry.arch.as_str()), MAX_ID),
        title: cut(&step(entry), MAX_TITLE),
        severity,
        is_compliant: false,
        details,
    }
}

/// The vendor's; what attackers use is critical, whatever he says.
fn severity(
    vendor: Option<&str>,
    exploited: &[&str],
    details: &mut BTreeMap<&'static str, String>,
) -> Option<Severity> {
    if exploited.is_empty() {
        return vendor.and_then(Severity::from_name);
    }
    details.insert("exploited", list(exploited.iter().copied()));
    Some(Severity::Critical)
}

fn step(entry: &Entry) -> String {
    format!("{} {} -> {}", entry.name.as_str(), entry.installed.as_str(), entry.candidate.as_str())
}

fn details(entry: &Entry) -> BTreeMap<&'static str, String> {
    let mut details = BTreeMap::from([("state", entry.state.as_str().to_owned())]);
    for (name, told) in [
        ("not_before", &entry.not_before),
        ("not_after", &entry.not_after),
        ("reason", &entry.reason),
        ("hidden_fix", &entry.hidden_fix),
    ] {
        details.extend(told.as_ref().map(|told| (name, told.as_str().to_owned())));
    }
    details
}

/// A row for each update.
pub(in crate::ship::ssm) fn rows(patches: &PatchesBody) -> Vec<Row> {
    let pending = patches.pending.as_deref().unwrap_or_default();
    let mut rows: Vec<Row> = pending.iter().map(row).collect();
    let all = rows.len();
    let kept = fitting(rows.iter().map(|row| json!(row).to_string()), MAX_ROWS - 1, MAX_ROWS_BYTES);
    rows.truncate(kept);
    let left_out = (all - kept).saturating_add(usize::try_from(patches.left_out).unwrap_or(usize::MAX));
    if left_out > 0 {
        rows.push([("Name", "guestward-left-out".to_owned()), ("Candidate", left_out.to_string())].into());
    }
    rows
}

fn row(entry: &Entry) -> Row {
    let or_empty = |told: &Option<crate::finding::wire::body::Told>| {
        told.as_ref().map_or_else(String::new, |told| told.as_str().to_owned())
    };
    BTreeMap::from([
        ("Name", entry.name.as_str().to_owned()),
        ("Architecture", entry.arch.as_str().to_owned()),
        ("Installed", entry.installed.as_str().to_owned()),
        ("Candidate", entry.candidate.as_str().to_owned()),
        ("Security", entry.security.to_string()),
        ("State", entry.state.as_str().to_owned()),
        ("Severity", or_empty(&entry.severity)),
        ("Advisories", list(entry.advisories.iter().map(|notice| notice.id.as_str()))),
        ("Exploited", list(entry.exploited.iter().map(|cve| cve.as_str()))),
        ("NotBefore", or_empty(&entry.not_before)),
        ("NotAfter", or_empty(&entry.not_after)),
        ("Reason", or_empty(&entry.reason)),
    ])
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable();
    words.dedup();
    cut(&words.join(","), MAX_VALUE)
}

/// The service's own bound for a value, in characters.
const MAX_VALUE: usize = 4_000;
/// Longer than any vendor's, and what the service takes for other names.
const MAX_ID: usize = 100;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests;
