//! Whether what is installed is up to date, and whether it is what runs.

mod exploited;
mod first;
mod locked;
mod outstanding;
mod overdue;
mod telling;
#[cfg(test)]
mod tests;

use super::packages_running::UPDATES;
use super::{Check, Parameter, Thresholds, Topic, Unit};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::packages::at_work::AtWork;
use crate::host::packages::dpkg::State;
use crate::host::packages::{Freshness, Manager, Package, Reboot};
use crate::host::{Facts, Wanted};
use crate::policy::Policy;
pub use first::patches;
pub use telling::{blind, notices, since};
use telling::{bounded, evidence, pending_security, trusted};

pub(super) const TOPIC: Topic = Topic {
    name: NAME,
    title: "Packages and updates",
    needs: Wanted { packages: true, processes: true, ..Wanted::NONE },
    lists: &[
        outstanding::CHECKS,
        URGENT,
        CHECKS,
        super::packages_running::CHECKS,
        super::packages_compared::CHECKS,
    ],
};

/// What cannot wait.
const URGENT: &[Check] = &[overdue::CHECK, exploited::CHECK, locked::CHECK];

const CHECKS: &[Check] = &[
    Check {
        id: "packages-metadata-age",
        title: "The lists of available packages are recent",
        why: "Whether updates are outstanding is judged by the lists that the last apt-get update, dnf makecache or zypper refresh brought. \
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
        remediation: "apt-get update, dnf makecache or zypper refresh; if that fails, mend the sources in /etc/apt, \
                      /etc/yum.repos.d or /etc/zypp/repos.d, or the way to them. systemctl enable --now apt-daily.timer or \
                      dnf-makecache.timer lets the machine do it every day.",
        parameters: &[Parameter {
            name: "max-age",
            default: 7 * 24 * 3600,
            range: (3600, 365 * 24 * 3600),
            unit: Unit::Seconds,
            help: "the longest time since the lists were last asked for",
        }],
        evaluate: metadata_age,
    },
    Check {
        id: "packages-half-installed",
        title: "Every package is installed completely",
        why: "A package that was interrupted half-way may run old and new files side by side, or not run at all. \
              As long as one is in that state, the package manager may refuse to install anything, security updates included.",
        severity: Severity::Medium,
        controls: &[
            "CIS-AL2023:1.8",
            "CIS-Debian12:1.2.2.1",
            "CIS-Ubuntu22.04:1.2.2.1",
            "CIS-Ubuntu24.04:1.2.2.1",
            "NIST-800-53:SI-2",
        ],
        remediation: "dpkg --configure -a && apt-get --fix-broken install; \
                      a package marked reinstreq needs apt-get install --reinstall NAME. With dnf: dnf history redo last, \
                      then dnf check.",
        parameters: &[],
        evaluate: half_installed,
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

fn metadata_age(facts: &Facts, thresholds: &Thresholds<'_>) -> Vec<Outcome> {
    if let Some(outcome) = without_manager(facts) {
        return vec![outcome];
    }
    let metadata = &facts.packages.metadata;
    let max_age = thresholds.value("max-age");
    let (subject, place) = match facts.packages.manager {
        Ok(Manager::Dnf) => ("dnf-cache", "/var/cache/dnf"),
        Ok(Manager::Zypper) => ("zypp-cache", "/var/cache/zypp"),
        _ => ("apt-lists", "/var/lib/apt/lists"),
    };
    vec![match metadata.freshness(facts.now, max_age) {
        Freshness::Fresh => Outcome::pass(subject),
        Freshness::Stale { reason } => {
            let headline = format!("The lists of available packages are out of date: {reason}");
            let refresh = metadata.refresh();
            let article = if refresh.starts_with('a') { "an" } else { "a" };
            let expected =
                format!("{article} {refresh} in the last {} hours, and lists still valid", max_age / 3600);
            Outcome::fail(subject, headline).with(Evidence::new(Source::path(place), reason, expected))
        }
        Freshness::Missing { reason } | Freshness::Unknown { reason } => match metadata.unsure.first() {
            Some(cause) if metadata.missing.is_empty() => Outcome::unreadable(subject, cause),
            _ => Outcome::unknown(subject, reason),
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

/// The threshold of `packages-metadata-age` in force, in seconds.
pub fn max_age(policy: &Policy) -> u64 {
    let parameter =
        CHECKS.iter().flat_map(|check| check.parameters).find(|parameter| parameter.name == "max-age");
    parameter.map_or(0, |parameter| policy.threshold("packages-metadata-age", parameter))
}

/// The topic's name.
pub const NAME: &str = "packages";
const SUBJECT: &str = "packages";
