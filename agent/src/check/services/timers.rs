//! Whether automatic updates, once configured, really run. Whether they are configured is packages-auto-updates.

use super::{Judged, facts_of, one, unreadable};
use crate::check::packages_running::UPDATES;
use crate::check::{Check, Parameter, Thresholds, Unit};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::auto_updates::{AutoUpdates, Timer};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "services-auto-update-timers",
    title: "The timers of automatic updates really went off",
    why: "Updates that are configured and never run protect nobody, and nothing complains: a timer that was stopped by \
          hand, or waits for a boot that never ends, looks enabled for months.",
    severity: Severity::Medium,
    controls: UPDATES,
    remediation: "systemctl list-timers --all 'apt-daily*' 'dnf*' shows when they will run; systemctl enable --now \
                  apt-daily.timer apt-daily-upgrade.timer starts them. journalctl -u apt-daily-upgrade says what happened.",
    parameters: &[Parameter {
        name: "max-age",
        default: 7 * 24 * 3600,
        range: (24 * 3600, 365 * 24 * 3600),
        unit: Unit::Seconds,
        help: "the longest time since a timer last went off",
    }],
    evaluate,
}];

fn evaluate(facts: &Facts, thresholds: &Thresholds<'_>) -> Vec<Outcome> {
    one(went_off(facts, thresholds.value("max-age")))
}

fn went_off(facts: &Facts, max_age: u64) -> Judged {
    let services = facts_of(facts, SUBJECT)?;
    let updates = facts.auto_updates.as_ref().map_err(unreadable(SUBJECT))?;
    let surroundings = facts.surroundings.as_ref().map_err(unreadable(SUBJECT))?;
    let reason = match surroundings {
        surroundings if !surroundings.runs => "nothing runs below this root",
        surroundings if surroundings.is_container => "this is a container: a new image updates it",
        surroundings if !surroundings.has_systemd => "systemd does not run here, and so has no timers",
        _ => "",
    };
    if !reason.is_empty() {
        return Ok(Outcome::not_applicable(SUBJECT, reason));
    }
    let timers = enabled(updates)?;
    if timers.is_empty() {
        let reason = "no timer of automatic updates is enabled; packages-auto-updates judges that";
        return Ok(Outcome::not_applicable(SUBJECT, reason));
    }
    let uptime = *services.uptime.as_ref().map_err(unreadable(SUBJECT))?;
    let now = facts.now.as_second();
    let mut late = Vec::new();
    let mut seen = Vec::new();
    for timer in timers {
        let source = Source::path(format!("/var/lib/systemd/timers/stamp-{timer}"));
        let last = services.stamp(timer).map_err(unreadable(SUBJECT))?;
        let age = last.map(|last| u64::try_from(now.saturating_sub(last)).unwrap_or(0));
        let observed = age.map_or("it never went off".to_owned(), |age| format!("{} ago", days(age)));
        let evidence = Evidence::new(source, observed, format!("at most {} ago", days(max_age)));
        if age.is_some_and(|age| age <= max_age) { seen.push(evidence) } else { late.push(evidence) }
    }
    if late.is_empty() {
        return Ok(Outcome::pass(SUBJECT).with_all(seen));
    }
    if uptime < max_age {
        let reason =
            format!("the machine has been up for {} only: the timers' time is still to come", days(uptime));
        return Ok(Outcome::not_applicable(SUBJECT, reason));
    }
    Ok(Outcome::fail(SUBJECT, "Automatic updates are enabled and do not run").with_all(late))
}

/// The timers that ought to go off.
fn enabled(updates: &AutoUpdates) -> Judged<Vec<&'static str>> {
    let mut timers = Vec::new();
    match updates {
        AutoUpdates::Apt(apt) => {
            if apt.is_installed.as_ref().copied().map_err(unreadable(SUBJECT))? {
                for (name, timer) in &apt.timers {
                    if timer.as_ref().copied().map_err(unreadable(SUBJECT))? == Timer::Enabled {
                        timers.push(*name);
                    }
                }
            }
        }
        AutoUpdates::Dnf(found) => {
            for updates in found {
                let (name, timer) = &updates.unit;
                let is_enabled = timer.as_ref().copied().map_err(unreadable(SUBJECT))? == Timer::Enabled;
                // yum-cron is a service that leaves its work to cron.
                if is_enabled && name.ends_with(".timer") {
                    timers.push(*name);
                }
            }
        }
        AutoUpdates::Nothing => {}
    }
    Ok(timers)
}

fn days(seconds: u64) -> String {
    match seconds / 86_400 {
        0 => format!("{} hours", seconds / 3600),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

const SUBJECT: &str = "auto-updates";
