//! Whether the host updates itself.

use std::path::Path;

use crate::check::Thresholds;
use crate::finding::{Evidence, Outcome, Source, Text};
use crate::host::apt_conf::AptConf;
use crate::host::auto_updates::{AptUpdates, AutoUpdates, DnfUpdates, Timer};
use crate::host::{Facts, Unreadable};

pub(super) fn evaluate(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let outcome = match &facts.auto_updates {
        Ok(AutoUpdates::Apt(apt)) => of_apt(apt).unwrap_or_else(|cause| Outcome::unreadable(SUBJECT, cause)),
        Ok(AutoUpdates::Dnf(found)) => of_dnf(found),
        Ok(AutoUpdates::Nothing) => {
            Outcome::not_applicable(SUBJECT, "this host has no package manager that installs updates")
        }
        Err(cause) => Outcome::unreadable(SUBJECT, cause),
    };
    vec![outcome]
}

fn of_apt(apt: &AptUpdates) -> Result<Outcome, &Unreadable> {
    if !apt.is_installed.as_ref().copied()? {
        let evidence = Evidence::new(
            Source::path("/var/lib/dpkg/status"),
            "unattended-upgrades is not installed",
            "installed",
        );
        return Ok(Outcome::fail(SUBJECT, "Nothing installs security updates by itself").with(evidence));
    }
    let conf = apt.conf.as_ref()?;
    let mut evidence: Vec<Evidence> = SETTINGS.iter().filter_map(|name| setting(conf, name)).collect();
    if ORIGINS.iter().all(|name| conf.list(name).iter().all(|origin| origin.is_empty())) {
        let source = Source::named("apt.conf, Unattended-Upgrade::Origins-Pattern");
        evidence.push(Evidence::new(source, "no origin is allowed", "the security origin"));
    }
    for (unit, timer) in &apt.timers {
        match timer.as_ref()? {
            Timer::Enabled => {}
            Timer::Missing if apt.has_cron_job.as_ref().copied()? => {}
            Timer::Missing => evidence.push(of_unit(unit, "missing, and so is apt's cron job")),
            Timer::Disabled => evidence.push(of_unit(unit, "disabled")),
            Timer::Masked => evidence.push(of_unit(unit, "masked")),
        }
    }
    Ok(if evidence.is_empty() {
        Outcome::pass(SUBJECT)
    } else {
        Outcome::fail(SUBJECT, "unattended-upgrades is installed and switched off").with_all(evidence)
    })
}

/// What is wrong with one of the intervals: a number of days, or of `s`, `m`, `h`, or `always`; 0 is never.
fn setting(conf: &AptConf, name: &str) -> Option<Evidence> {
    let value = conf.value(name);
    let is_off =
        value.is_empty() && name != ENABLE || value.iter().all(|&byte| byte == b'0') && !value.is_empty();
    is_off.then(|| {
        let observed =
            if value.is_empty() { Text::new("not set") } else { Text::from_bytes_within(value, MAX_SHOWN) };
        Evidence::new(Source::named(&format!("apt.conf, {name}")), observed, "1")
    })
}

fn of_unit(unit: &str, state: &str) -> Evidence {
    Evidence::new(Source::path(Path::new("/etc/systemd/system").join(unit)), state, "enabled")
}

fn of_dnf(found: &[DnfUpdates]) -> Outcome {
    let mut evidence = Vec::new();
    let mut unread = None;
    for updates in found {
        match why_not(updates) {
            Ok(None) => return Outcome::pass(SUBJECT),
            Ok(Some(reason)) => evidence.push(reason),
            Err(cause) => unread = Some(cause),
        }
    }
    if let Some(cause) = unread {
        return Outcome::unreadable(SUBJECT, cause);
    }
    if found.is_empty() {
        let source = Source::path("/etc/dnf/automatic.conf");
        evidence.push(Evidence::new(source, "dnf-automatic is not installed", "installed"));
    }
    Outcome::fail(SUBJECT, "Nothing installs security updates by itself").with_all(evidence)
}

/// Why one of the programs installs nothing; nothing, if it does.
fn why_not(updates: &DnfUpdates) -> Result<Option<Evidence>, &Unreadable> {
    let (forced, (name, unit)) = (updates.forced.as_ref().copied()?, &updates.unit);
    if forced == Timer::Enabled {
        return Ok(None);
    }
    let applies = updates.applies.as_ref().copied()?;
    let evidence = match (unit.as_ref().copied()?, applies) {
        (Timer::Enabled, Some((true, _))) => return Ok(None),
        (Timer::Enabled, Some((false, line))) => {
            Evidence::new(Source::line(&updates.config, line), "apply_updates = no", "apply_updates = yes")
        }
        (Timer::Enabled, None) => {
            Evidence::new(Source::path(&updates.config), "apply_updates is not set", "apply_updates = yes")
        }
        (Timer::Masked, _) => of_unit(name, "masked"),
        (Timer::Disabled | Timer::Missing, _) => of_unit(name, "not enabled"),
    };
    Ok(Some(evidence))
}

const SUBJECT: &str = "auto-updates";
const ENABLE: &str = "APT::Periodic::Enable";
const SETTINGS: [&str; 3] =
    [ENABLE, "APT::Periodic::Update-Package-Lists", "APT::Periodic::Unattended-Upgrade"];
const ORIGINS: [&str; 2] = ["Unattended-Upgrade::Allowed-Origins", "Unattended-Upgrade::Origins-Pattern"];
const MAX_SHOWN: usize = 40;
