//! How an update is told, and when "nothing is outstanding" may be believed.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{SUBJECT, locked};
use crate::finding::{Evidence, Outcome, Source};
use crate::host::packages::advisory::{Interval, Urgency};
use crate::host::packages::{Pending, PendingState};
use crate::host::{Facts, Unreadable};

/// Every security update that is outstanding, held and pinned ones among them.
pub(super) fn pending_security(facts: &Facts) -> Result<Vec<&Pending>, &Unreadable> {
    let updates = facts.packages.updates.as_ref()?;
    Ok(updates.pending.iter().filter(|update| update.is_security).collect())
}

/// Why it proves nothing that none was found; `None` if it does.
pub(super) fn trusted(facts: &Facts, what: &str) -> Option<Outcome> {
    let updates = facts.packages.updates.as_ref().ok()?;
    // What could not be read may hide an update.
    if let Some(cause) = updates.unsure.first() {
        return Some(Outcome::unreadable(SUBJECT, cause));
    }
    // Lists that are out of date know of no newer update, and so prove nothing.
    let max_age = crate::check::default_of("packages-metadata-age", "max-age");
    let freshness = facts.packages.metadata.freshness(facts.now, max_age);
    let stale = freshness.reason().map(str::to_owned);
    // Nor do those of an old release.
    let reason = stale.or_else(|| blind(facts))?;
    Some(Outcome::unknown(SUBJECT, format!("no {what} is known of, and {reason}")))
}

/// What the metadata cannot know because the host is locked to an old release; `None` where it can.
pub fn blind(facts: &Facts) -> Option<String> {
    let locked = facts.packages.updates.as_ref().ok()?.locked.as_ref()?;
    locked::blind(locked, facts.now, locked::MAX_AGE)
}

/// A line for one update. No age is in it but dates, so that it stays the same from day to day.
pub(super) fn evidence(update: &Pending) -> Evidence {
    let mut observed = vec![format!("{} installed", update.installed)];
    if update.state != PendingState::Pending {
        observed.push(update.state.name().to_owned());
    }
    observed.extend(update.reason.clone());
    if let Some(fix) = &update.hidden_fix {
        observed.push(format!("hides {fix}"));
    }
    observed.extend(since(update.available));
    observed.extend(advisories(update));
    let expected = match update.origin.as_str() {
        "" => update.candidate.clone(),
        origin => format!("{} from {origin}", update.candidate),
    };
    let source = Source::named(&format!("package {}", update.key()));
    Evidence::new(source, observed.join(", "), expected)
}

/// `critical: ALAS2023-2026-1 and 2 more (5 CVEs)`
fn advisories(update: &Pending) -> Option<String> {
    let urgency = update.urgency().map_or("unrated", Urgency::name);
    notices(update).map(|notices| format!("{urgency}: {notices}"))
}

/// `ALAS2023-2026-1 and 2 more (5 CVEs)`, the worst by its name.
pub fn notices(update: &Pending) -> Option<String> {
    let worst = update.advisories.iter().max_by_key(|advisory| (advisory.urgency, &advisory.id))?;
    let more = match update.advisories.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let cves = match update.cves().len() {
        0 => String::new(),
        1 => " (1 CVE)".to_owned(),
        count => format!(" ({count} CVEs)"),
    };
    Some(format!("{}{more}{cves}", worst.id))
}

/// `since 2026-11-05 or earlier`, as far as it is known.
pub fn since(available: Interval) -> Option<String> {
    let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
    match (available.not_before.map(day), available.not_after.map(day)) {
        (Some(before), Some(after)) if before == after => Some(format!("since {after}")),
        (Some(before), Some(after)) => Some(format!("since between {before} and {after}")),
        (None, Some(after)) => Some(format!("since {after} or earlier")),
        (Some(before), None) => Some(format!("since {before} or later")),
        (None, None) => None,
    }
}

/// Evidence for the first of many, and a last line that counts the rest.
pub(super) fn bounded<T>(found: &[T], each: impl Fn(&T) -> Evidence) -> Vec<Evidence> {
    let mut evidence: Vec<Evidence> = found.iter().take(MAX_EVIDENCE).map(each).collect();
    let more = found.len().saturating_sub(MAX_EVIDENCE);
    if more > 0 {
        evidence.push(Evidence::new(Source::named("and more"), format!("{more} more packages"), "none"));
    }
    evidence
}

/// More than any machine that is looked after has, and a bound for one that is not.
const MAX_EVIDENCE: usize = 1_000;
