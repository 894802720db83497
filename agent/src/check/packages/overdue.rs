//! Whether security updates are installed within the time that the policy allows, and which of them cannot wait.

use jiff::Timestamp;

use super::{SUBJECT, UPDATES, bounded, evidence, pending_security, since, trusted, without_manager};
use crate::check::{Check, Parameter, Thresholds, Unit};
use crate::finding::patch::Standing;
use crate::finding::{Evidence, Outcome, Severity};
use crate::host::Facts;
use crate::host::packages::Pending;
use crate::host::packages::advisory::{Interval, Urgency};

const DAY: u64 = 24 * 3600;

const fn limit(name: &'static str, days: u64, help: &'static str) -> Parameter {
    Parameter { name, default: days * DAY, range: (3600, 3650 * DAY), unit: Unit::Seconds, help }
}

pub(super) const CHECK: Check = Check {
    id: "packages-overdue",
    title: "Security updates are installed within the time that is allowed",
    why: "Between the day on which an update is published and the one on which it is installed, everybody can read what \
          was wrong and try it here. A host that is a week behind is ordinary; one that is months behind is found by \
          those who look for such hosts. A hold, a pin or a slow roll-out is a reason and no protection.",
    severity: Severity::High,
    controls: UPDATES,
    remediation: "Install what is named, the oldest and most severe first: apt-get update && apt-get install \
                  --only-upgrade NAME, dnf upgrade NAME or zypper update NAME. apt-mark unhold NAME, or the exclusion or \
                  version lock that is named, where one keeps it back. The times are the policy's: \
                  [checks.packages-overdue] critical, high, medium, low, and unrated for what no vendor has rated.",
    parameters: &[
        limit("critical", 7, "the longest time for what the vendor calls critical"),
        limit("high", 30, "the longest time for what the vendor calls high or important"),
        limit("medium", 90, "the longest time for what the vendor calls medium or moderate"),
        limit("low", 180, "the longest time for what the vendor calls low"),
        limit(
            "unrated",
            30,
            "the longest time for what the vendor has not rated, as Debian's archives never do",
        ),
    ],
    evaluate,
};

fn evaluate(facts: &Facts, thresholds: &Thresholds<'_>) -> Vec<Outcome> {
    if let Some(outcome) = without_manager(facts) {
        return vec![outcome];
    }
    let pending = match pending_security(facts) {
        Ok(pending) => pending,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    let of = |wanted: Standing| -> Vec<&Pending> {
        let is_so = |update: &&&Pending| standing(update, facts.now, thresholds) == wanted;
        pending.iter().filter(is_so).copied().collect()
    };
    let overdue = of(Standing::Overdue);
    if !overdue.is_empty() {
        return vec![failed(&overdue, thresholds)];
    }
    if let Some(first) = of(Standing::Perhaps).first() {
        let limit = days(limit_of(first, thresholds));
        let reason = format!(
            "whether {} is overdue cannot be told: it waits {}, and {limit} are allowed",
            first.key(),
            waits(first)
        );
        return vec![Outcome::unknown(SUBJECT, reason)];
    }
    // What nobody knows of may be overdue.
    vec![trusted(facts, "overdue security update").unwrap_or_else(|| Outcome::pass(SUBJECT))]
}

fn failed(overdue: &[&Pending], thresholds: &Thresholds<'_>) -> Outcome {
    let headline = match overdue {
        [only] => format!("{} is overdue: it waits {}", only.key(), waits(only)),
        _ => format!("{} security updates are overdue", overdue.len()),
    };
    let severity = overdue.iter().map(|update| severity(update.urgency())).max();
    let mut worst_first = overdue.to_vec();
    worst_first.sort_by_key(|update| (std::cmp::Reverse(update.urgency()), update.available.not_after));
    let line = |update: &&Pending| {
        let said = evidence(update);
        let allowed = days(limit_of(update, thresholds));
        let urgency = update.urgency().map_or("unrated", Urgency::name);
        Evidence::new(
            said.source,
            said.observed.as_str(),
            format!("{} within {allowed} ({urgency})", said.expected),
        )
    };
    let outcome = Outcome::fail(SUBJECT, headline).with_all(bounded(&worst_first, line));
    outcome.at(severity.unwrap_or(CHECK.severity))
}

/// What waits beyond its time is as bad as the vendor says; of the rest nobody knows that it is harmless.
fn severity(urgency: Option<Urgency>) -> Severity {
    match urgency {
        Some(Urgency::Critical) => Severity::Critical,
        Some(Urgency::High) | None => Severity::High,
        Some(Urgency::Medium) => Severity::Medium,
        Some(Urgency::Low) => Severity::Low,
    }
}

fn limit_of(update: &Pending, thresholds: &Thresholds<'_>) -> u64 {
    thresholds.value(update.urgency().map_or("unrated", Urgency::name))
}

pub(super) fn standing(update: &Pending, now: Timestamp, thresholds: &Thresholds<'_>) -> Standing {
    let limit = limit_of(update, thresholds);
    let Interval { not_before, not_after } = update.available;
    let is_over = |since: Timestamp| since_then(since, now) > limit;
    match (not_before.map(is_over), not_after.map(is_over)) {
        (_, Some(true)) => Standing::Overdue,
        (Some(false), _) => Standing::InTime,
        _ => Standing::Perhaps,
    }
}

/// Seconds; a time to come is now.
fn since_then(since: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.duration_since(since).as_secs()).unwrap_or(0)
}

fn waits(update: &Pending) -> String {
    since(update.available).unwrap_or_else(|| "since nobody knows when".to_owned())
}

fn count(days: u64) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

/// A limit, in the unit in which people set it.
fn days(seconds: u64) -> String {
    if seconds.is_multiple_of(DAY) { count(seconds / DAY) } else { format!("{} hours", seconds / 3600) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{facts, now, pending};
    use super::*;
    use crate::finding::Verdict;
    use crate::host::packages::PendingState;
    use crate::host::packages::advisory::{Advisory, Kind};
    use crate::policy::Policy;

    fn ago(days: i64) -> Timestamp {
        now() - jiff::SignedDuration::from_hours(24 * days)
    }

    fn update(urgency: Option<Urgency>, longest: Option<i64>, shortest: Option<i64>) -> Pending {
        let id = "ALAS2023-2026-1".to_owned();
        let advisory = Advisory { id, kind: Kind::Security, urgency, issued: None, cves: Vec::new() };
        let available = Interval { not_before: longest.map(ago), not_after: shortest.map(ago) };
        Pending { advisories: vec![advisory], available, ..pending("openssl") }
    }

    fn outcome(updates: Vec<Pending>) -> Outcome {
        let policy = Policy::default();
        let (_root, facts) = facts(updates);
        evaluate(&facts, &Thresholds { check: &CHECK, policy: &policy }).remove(0)
    }

    #[test]
    fn only_what_is_certainly_too_old_is_overdue() {
        for (urgency, longest, shortest, verdict) in [
            (Some(Urgency::Critical), Some(8), Some(8), Verdict::Fail),
            (Some(Urgency::Critical), Some(7), Some(7), Verdict::Pass),
            (Some(Urgency::High), Some(8), Some(8), Verdict::Pass),
            (Some(Urgency::High), Some(31), Some(2), Verdict::Unknown),
            (Some(Urgency::Medium), Some(89), Some(31), Verdict::Pass),
            (Some(Urgency::Low), None, Some(181), Verdict::Fail),
            (None, None, Some(31), Verdict::Fail),
            (None, None, Some(2), Verdict::Unknown),
            (None, Some(29), None, Verdict::Pass),
            (None, None, None, Verdict::Unknown),
            (None, Some(-1), Some(-2), Verdict::Pass),
        ] {
            let outcome = outcome(vec![update(urgency, longest, shortest)]);
            assert_eq!(outcome.verdict, verdict, "{urgency:?} {longest:?} {shortest:?}");
        }
    }

    #[test]
    fn the_worst_one_says_how_bad_it_is_and_a_hold_is_no_excuse() {
        let held = Pending { state: PendingState::Held, ..update(Some(Urgency::Critical), None, Some(9)) };
        let outcome = outcome(vec![update(Some(Urgency::Low), None, Some(400)), held]);
        assert_eq!(outcome.severity, Some(Severity::Critical));
        let first = outcome.evidence.first().unwrap();
        assert_eq!(
            first.observed.as_str(),
            "1 installed, held, since 2026-11-13 or earlier, critical: ALAS2023-2026-1"
        );
        assert_eq!(first.expected.as_str(), "2 from Debian:stable-security within 7 days (critical)");
    }

    #[test]
    fn what_cannot_be_told_says_between_which_days() {
        let outcome = outcome(vec![update(None, Some(40), Some(2))]);
        assert_eq!(
            outcome.reason.unwrap().as_str(),
            "whether openssl:amd64 is overdue cannot be told: it waits since between 2026-10-13 and 2026-11-20, and 30 days are allowed"
        );
    }

    #[test]
    fn ordinary_updates_have_all_the_time_in_the_world() {
        let old = Pending { is_security: false, ..update(None, None, Some(999)) };
        assert_eq!(outcome(vec![old]).verdict, Verdict::Pass);
    }
}
