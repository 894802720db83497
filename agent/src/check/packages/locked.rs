//! Whether a host is locked to an old release of its distribution, beyond which its package manager sees nothing.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{SUBJECT, UPDATES, without_manager};
use crate::check::{Check, Parameter, Thresholds, Unit};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::packages::Locked;

pub(super) const CHECK: Check = Check {
    id: "packages-release-lock",
    title: "The release that updates are taken from is recent",
    why: "An Amazon Linux 2023 takes its updates from the one release that it is locked to. When that release is old, dnf \
          check-update finds nothing and all looks well, although every fix since then is missing.",
    severity: Severity::High,
    controls: UPDATES,
    remediation: "dnf check-release-update names the releases that came since; dnf upgrade --releasever=VERSION moves \
                  to one (AWS calls this deterministic upgrades). To follow the newest always: echo latest > \
                  /etc/dnf/vars/releasever.",
    parameters: &[Parameter {
        name: "max-age",
        default: MAX_AGE,
        range: (24 * 3600, 3650 * 24 * 3600),
        unit: Unit::Seconds,
        help: "the longest time since the release that the host is locked to",
    }],
    evaluate,
};

fn evaluate(facts: &Facts, thresholds: &Thresholds<'_>) -> Vec<Outcome> {
    if let Some(outcome) = without_manager(facts) {
        return vec![outcome];
    }
    let updates = match &facts.packages.updates {
        Ok(updates) => updates,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    let Some(locked) = &updates.locked else {
        return vec![Outcome::not_applicable(SUBJECT, "updates are not taken from one fixed release here")];
    };
    vec![judge(locked, facts.now, thresholds.value("max-age"))]
}

fn judge(locked: &Locked, now: Timestamp, max_age: u64) -> Outcome {
    let newer = locked.newest.as_deref().filter(|newest| is_later(newest, &locked.release));
    let of =
        locked.date.map_or_else(String::new, |date| format!(" of {}", date.to_zoned(TimeZone::UTC).date()));
    // One that is recent may have a successor: there is a new one nearly every week.
    if locked.date.map_or(newer.is_none(), |date| age(date, now) <= max_age) {
        return match locked.date {
            Some(_) => Outcome::pass(SUBJECT),
            None => Outcome::unknown(
                SUBJECT,
                format!(
                    "nothing tells how old the release {} is to which {} locks it",
                    locked.release, locked.by
                ),
            ),
        };
    }
    let headline = match newer {
        Some(newer) => format!("The host is locked to release {}{of}, and {newer} is out", locked.release),
        None => format!("The host is locked to an old release: {}{of}", locked.release),
    };
    let observed = format!("locked to {}{of}", locked.release);
    let expected = newer.map_or_else(
        || format!("a release of the last {} days", max_age / (24 * 3600)),
        |newer| format!("{newer}, or latest"),
    );
    Outcome::fail(SUBJECT, headline).with(Evidence::new(Source::named(&locked.by), observed, expected))
}

/// What no metadata on this host can tell, if its lock is that old: nothing outstanding is no answer then.
pub(super) fn blind(locked: &Locked, now: Timestamp, max_age: u64) -> Option<String> {
    let is_old = locked.date.is_none_or(|date| age(date, now) > max_age);
    let is_behind = locked.newest.as_deref().is_some_and(|newest| is_later(newest, &locked.release));
    (is_old || is_behind).then(|| {
        format!("it is locked to {}: what came after it, its metadata does not know", locked.release)
    })
}

fn age(date: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.duration_since(date).as_secs()).unwrap_or(0)
}

/// `2023.10.20260101` is later than `2023.9.20251105`: number by number.
fn is_later(a: &str, b: &str) -> bool {
    let numbers =
        |release: &str| -> Option<Vec<u64>> { release.split('.').map(|part| part.parse().ok()).collect() };
    match (numbers(a), numbers(b)) {
        (Some(a), Some(b)) => a > b,
        _ => false,
    }
}

pub(super) const MAX_AGE: u64 = 90 * 24 * 3600;

#[cfg(test)]
mod tests {
    use super::super::tests::now;
    use super::*;
    use crate::finding::Verdict;

    fn locked(release: &str, date: Option<&str>, newest: Option<&str>) -> Locked {
        Locked {
            release: release.into(),
            by: "/etc/dnf/vars/releasever".into(),
            date: date.map(|date| date.parse().unwrap()),
            newest: newest.map(str::to_owned),
        }
    }

    #[test]
    fn an_old_release_fails_and_one_with_a_known_successor_leaves_updates_unknown() {
        let old = Some("2026-08-01T00:00:00Z");
        let recent = Some("2026-11-01T00:00:00Z");
        for (release, date, newest, verdict, is_blind) in [
            ("2023.9.20261101", recent, None, Verdict::Pass, false),
            ("2023.9.20261101", recent, Some("2023.9.20261101"), Verdict::Pass, false),
            ("2023.9.20261101", recent, Some("2023.10.20261115"), Verdict::Pass, true),
            ("2023.10.20261101", recent, Some("2023.9.20261115"), Verdict::Pass, false),
            ("2023.9.20260801", old, None, Verdict::Fail, true),
            ("2023.9.20260801", old, Some("2023.10.20261115"), Verdict::Fail, true),
            ("2023.9", None, None, Verdict::Unknown, true),
            ("2023.9", None, Some("2023.10.20261115"), Verdict::Fail, true),
        ] {
            let locked = locked(release, date, newest);
            assert_eq!(judge(&locked, now(), MAX_AGE).verdict, verdict, "{locked:?}");
            assert_eq!(blind(&locked, now(), MAX_AGE).is_some(), is_blind, "{locked:?}");
        }
    }
}
