//! Whether what is installed is up to date, and whether it is what runs.

use super::{Check, Parameter, Thresholds, Topic, Unit};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::packages::at_work::AtWork;
use crate::host::packages::dpkg::State;
use crate::host::packages::{Freshness, Manager, Package, Pending, PendingState, Reboot, Updates};
use crate::host::{Facts, Wanted};

pub(super) const TOPIC: Topic = Topic {
    name: "packages",
    title: "Packages and updates",
    needs: Wanted { packages: true, processes: true, ..Wanted::NONE },
    lists: &[CHECKS, super::packages_running::CHECKS, super::packages_compared::CHECKS],
};

const CHECKS: &[Check] = &[
    Check {
        id: "packages-security-updates",
        title: "No security update is outstanding",
        why: "A security update is public, and so is the hole that it closes: from that day attackers know what to try. \
              Most break-ins through software use holes for which an update had long been there.",
        severity: Severity::High,
        controls: &[
            "CIS-AL2023:1.8",
            "CIS-Debian12:1.2.2.1",
            "CIS-Ubuntu22.04:1.2.2.1",
            "CIS-Ubuntu24.04:1.2.2.1",
            "NIST-800-53:SI-2",
            "AWS-WA:SEC06-BP01",
            "NCSC:5",
        ],
        remediation: "apt-get update && apt-get upgrade; then restart what still uses the old files, or the machine.",
        parameters: &[],
        evaluate: security_updates,
    },
    Check {
        id: "packages-updates",
        title: "No update is outstanding",
        why: "Updates that are no security updates mend crashes and lost data, and each one left out makes the next security update a larger step. \
              Some repair holes that nobody has recognised as such.",
        severity: Severity::Low,
        controls: &[
            "CIS-AL2023:1.8",
            "CIS-Debian12:1.2.2.1",
            "CIS-Ubuntu22.04:1.2.2.1",
            "CIS-Ubuntu24.04:1.2.2.1",
            "NIST-800-53:SI-2",
        ],
        remediation: "apt-get update && apt-get upgrade",
        parameters: &[],
        evaluate: updates,
    },
    Check {
        id: "packages-metadata-age",
        title: "The lists of available packages are recent",
        why: "Whether updates are outstanding is judged by the lists that the last apt-get update brought. \
              With old lists every machine looks up to date, which is how a broken mirror or proxy stays unnoticed.",
        severity: Severity::Medium,
        controls: &[
            "CIS-AL2023:1.2.3",
            "CIS-Debian12:1.2.1.2",
            "CIS-Ubuntu22.04:1.2.1.2",
            "CIS-Ubuntu24.04:1.2.1.2",
            "NIST-800-53:SI-2",
            "AWS-WA:SEC06-BP01",
        ],
        remediation: "apt-get update; if that fails, mend the sources in /etc/apt or the way to them. \
                      systemctl enable --now apt-daily.timer lets the machine do it every day.",
        parameters: &[Parameter {
            name: "max-age",
            default: 7 * 24 * 3600,
            range: (3600, 365 * 24 * 3600),
            unit: Unit::Seconds,
            help: "the longest time since the last apt-get update",
        }],
        evaluate: metadata_age,
    },
    Check {
        id: "packages-half-installed",
        title: "Every package is installed completely",
        why: "A package that was interrupted half-way may run old and new files side by side, or not run at all. \
              As long as one is in that state, apt may refuse to install anything, security updates included.",
        severity: Severity::Medium,
        controls: &[
            "CIS-AL2023:1.8",
            "CIS-Debian12:1.2.2.1",
            "CIS-Ubuntu22.04:1.2.2.1",
            "CIS-Ubuntu24.04:1.2.2.1",
            "NIST-800-53:SI-2",
        ],
        remediation: "dpkg --configure -a && apt-get --fix-broken install; \
                      a package marked reinstreq needs apt-get install --reinstall NAME.",
        parameters: &[],
        evaluate: half_installed,
    },
    Check {
        id: "packages-held-security",
        title: "No security update is withheld by a hold or a pin",
        why: "A hold or a preference is set for one day's reason and then outlives it in silence: \
              upgrades, also automatic ones, pass the package over while its holes are published.",
        severity: Severity::High,
        controls: &[
            "CIS-AL2023:1.8",
            "CIS-Debian12:1.2.2.1",
            "CIS-Ubuntu22.04:1.2.2.1",
            "CIS-Ubuntu24.04:1.2.2.1",
            "NIST-800-53:SI-2",
            "AWS-WA:SEC06-BP01",
        ],
        remediation: "For a hold: apt-mark unhold NAME. For a pin: see apt-cache policy NAME, and change the record in /etc/apt/preferences, \
                      /etc/apt/preferences.d or APT::Default-Release. Then apt-get upgrade.",
        parameters: &[],
        evaluate: held_security,
    },
    Check {
        id: "packages-reboot",
        title: "The newest installed kernel is the one that runs",
        why: "A kernel update closes nothing until the machine starts into it: the old kernel, with its published holes, \
              runs on while every list of packages says that the update is installed.",
        severity: Severity::Medium,
        controls: &[
            "CIS-AL2023:1.8",
            "CIS-Debian12:1.2.2.1",
            "CIS-Ubuntu22.04:1.2.2.1",
            "CIS-Ubuntu24.04:1.2.2.1",
            "NIST-800-53:SI-2",
            "AWS-WA:SEC06-BP01",
        ],
        remediation: "systemctl reboot, at a time that suits the machine's users.",
        parameters: &[],
        evaluate: reboot,
    },
];

fn security_updates(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judge_updates(facts, "security update", |update| {
        update.is_security && update.state != PendingState::Pinned
    })
}

fn updates(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judge_updates(facts, "update", |update| !update.is_security && update.state == PendingState::Pending)
}

fn held_security(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judge_updates(facts, "withheld security update", |update| {
        update.is_security && matches!(update.state, PendingState::Held | PendingState::Pinned)
    })
}

/// One finding for the machine, with a line of evidence for each package.
fn judge_updates(facts: &Facts, what: &str, is_meant: impl Fn(&Pending) -> bool) -> Vec<Outcome> {
    if let Some(outcome) = without_manager(facts) {
        return vec![outcome];
    }
    let Updates { pending, unsure, .. } = match &facts.packages.updates {
        Ok(updates) => updates,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    let meant: Vec<&Pending> = pending.iter().filter(|update| is_meant(update)).collect();
    if let [only] = meant.as_slice() {
        let headline = format!("1 {what} is outstanding: {}", only.key());
        return vec![Outcome::fail(SUBJECT, headline).with(evidence(only))];
    }
    if !meant.is_empty() {
        let headline = format!("{} {what}s are outstanding", meant.len());
        return vec![Outcome::fail(SUBJECT, headline).with_all(bounded(&meant, |update| evidence(update)))];
    }
    // What could not be read may hide an update; what was found stands in any case.
    if let Some(cause) = unsure.first() {
        return vec![Outcome::unreadable(SUBJECT, cause)];
    }
    // Lists that are out of date know of no newer update, and so prove nothing.
    let max_age = super::default_of("packages-metadata-age", "max-age");
    match facts.packages.metadata.freshness(facts.now, max_age).reason() {
        Some(reason) => vec![Outcome::unknown(SUBJECT, format!("no {what} is known of, and {reason}"))],
        None => vec![Outcome::pass(SUBJECT)],
    }
}

fn evidence(update: &Pending) -> Evidence {
    let how = match update.state {
        PendingState::Pending => String::new(),
        state => format!(", {}", state.name()),
    };
    let expected = match update.origin.as_str() {
        "" => update.candidate.clone(),
        origin => format!("{} from {origin}", update.candidate),
    };
    let source = Source::named(&format!("package {}", update.key()));
    Evidence::new(source, format!("{} installed{how}", update.installed), expected)
}

fn metadata_age(facts: &Facts, thresholds: &Thresholds<'_>) -> Vec<Outcome> {
    if let Some(outcome) = without_manager(facts) {
        return vec![outcome];
    }
    let metadata = &facts.packages.metadata;
    let max_age = thresholds.value("max-age");
    vec![match metadata.freshness(facts.now, max_age) {
        Freshness::Fresh => Outcome::pass(LISTS_SUBJECT),
        Freshness::Stale { reason } => {
            let headline = format!("The lists of available packages are out of date: {reason}");
            let source = Source::path("/var/lib/apt/lists");
            let expected =
                format!("an apt-get update in the last {} hours, and lists still valid", max_age / 3600);
            Outcome::fail(LISTS_SUBJECT, headline).with(Evidence::new(source, reason, expected))
        }
        Freshness::Missing { reason } | Freshness::Unknown { reason } => match metadata.unsure.first() {
            Some(cause) if metadata.missing.is_empty() => Outcome::unreadable(LISTS_SUBJECT, cause),
            _ => Outcome::unknown(LISTS_SUBJECT, reason),
        },
    }]
}

fn half_installed(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    if let Some(outcome) = without_manager(facts) {
        return vec![outcome];
    }
    let database = match &facts.packages.database {
        Ok(database) => database,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    let broken: Vec<&Package> = database.packages.iter().filter(|package| is_broken(package)).collect();
    if broken.is_empty() {
        return vec![Outcome::pass(SUBJECT)];
    }
    let headline = match broken.as_slice() {
        [only] => format!("{} is not installed completely", only.name),
        _ => format!("{} packages are not installed completely", broken.len()),
    };
    if let Some(at_work) = &facts.packages.at_work {
        return vec![Outcome::unknown(SUBJECT, format!("{headline}, and {}", who(at_work)))];
    }
    vec![Outcome::fail(SUBJECT, headline).with_all(bounded(&broken, |package| {
        let again = if package.needs_reinstall { ", must be reinstalled" } else { "" };
        Evidence::new(
            Source::line(&package.file, package.line),
            format!("{}: {}{again}", package.name, package.state.name()),
            "installed",
        )
    }))]
}

fn who(AtWork { lock, pid }: &AtWork) -> String {
    let who = pid.map_or_else(|| "somebody".to_owned(), |pid| format!("process {pid}"));
    format!("{who} is at work ({lock} is locked)")
}

/// Waiting triggers are work that the next run of dpkg does by itself, and leave the package usable.
fn is_broken(package: &Package) -> bool {
    package.needs_reinstall
        || matches!(package.state, State::HalfInstalled | State::Unpacked | State::HalfConfigured)
}

fn reboot(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    const KERNEL: &str = "kernel";
    if let Some(outcome) = without_manager(facts) {
        return vec![Outcome { subject: Text::new(KERNEL), ..outcome }];
    }
    let kernel = match &facts.packages.kernel {
        Ok(kernel) => kernel,
        Err(cause) => return vec![Outcome::unreadable(KERNEL, cause)],
    };
    vec![match kernel.reboot() {
        Reboot::NotNeeded { .. } => Outcome::pass(KERNEL),
        Reboot::NotApplicable { reason } => Outcome::not_applicable(KERNEL, reason),
        Reboot::Unknown { reason } => Outcome::unknown(KERNEL, reason),
        Reboot::Needed { reason, newest } => {
            let source = kernel.request.as_ref().map_or("/proc/sys/kernel/osrelease", |request| request.path);
            let expected =
                newest.map_or_else(|| "no request".to_owned(), |newest| format!("{newest}, the newest"));
            Outcome::fail(KERNEL, format!("The machine needs a restart: {reason}")).with(Evidence::new(
                Source::path(source),
                reason,
                expected,
            ))
        }
    }]
}

/// The answer where no package manager is, or none that is understood.
fn without_manager(facts: &Facts) -> Option<Outcome> {
    match &facts.packages.manager {
        Ok(Manager::None) => {
            Some(Outcome::not_applicable(SUBJECT, "there is no package manager: neither dpkg nor rpm"))
        }
        Ok(Manager::Apt | Manager::Dnf | Manager::Zypper) => None,
        Err(cause) => Some(Outcome::unreadable(SUBJECT, cause)),
    }
}

/// Evidence for the first of many, and a last line that counts the rest.
fn bounded<T>(found: &[T], each: impl Fn(&T) -> Evidence) -> Vec<Evidence> {
    let mut evidence: Vec<Evidence> = found.iter().take(MAX_EVIDENCE).map(each).collect();
    let more = found.len().saturating_sub(MAX_EVIDENCE);
    if more > 0 {
        evidence.push(Evidence::new(Source::named("and more"), format!("{more} more packages"), "none"));
    }
    evidence
}

const SUBJECT: &str = "packages";
const LISTS_SUBJECT: &str = "apt-lists";
/// More than any machine that is looked after has, and a bound for one that is not.
const MAX_EVIDENCE: usize = 1_000;
