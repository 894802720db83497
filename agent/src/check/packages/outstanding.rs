//! Which updates are outstanding.

use super::{SUBJECT, UPDATES, bounded, evidence, trusted, without_manager};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity};
use crate::host::Facts;
use crate::host::packages::advisory::Urgency;
use crate::host::packages::{Pending, PendingState};

pub(in crate::check) const CHECKS: &[Check] = &[
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
        remediation: "apt-get update && apt-get upgrade, dnf upgrade --security or zypper patch --category security; then \
                      restart what still uses the old files, or the machine. guestward packages says what to do first.",
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
        remediation: "apt-get update && apt-get upgrade, dnf upgrade or zypper update.",
        parameters: &[],
        evaluate: updates,
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
                      /etc/apt/preferences.d or APT::Default-Release. Then apt-get upgrade. With dnf: dnf versionlock delete \
                      NAME, or the exclude line that is named; with zypper: zypper removelock NAME.",
        parameters: &[],
        evaluate: held_security,
    },
    Check {
        id: "packages-hidden-fix",
        title: "No third-party version hides a security fix of the distribution",
        why: "Where a foreign archive has a higher version of a package, the package manager takes that one and never offers \
              the distribution's security fix. Whether the foreign version has the fix as well, no list tells; often it has not.",
        severity: Severity::High,
        controls: UPDATES,
        remediation: "Ask whoever makes the foreign package whether it has the fix that is named. If not, take the \
                      distribution's: apt-get install NAME=VERSION, and give the foreign archive a lower priority in \
                      /etc/apt/preferences.d; with dnf a lower priority= or an excludepkgs= in its file in /etc/yum.repos.d.",
        parameters: &[],
        evaluate: hidden_fix,
    },
];

fn security_updates(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let outcomes = judge_updates(facts, "security update", |update| {
        update.is_security && update.state != PendingState::Pinned
    });
    let is_critical = facts.packages.updates.as_ref().is_ok_and(|updates| {
        let mut meant = updates.pending.iter().filter(|update| update.state != PendingState::Pinned);
        meant.any(|update| update.is_security && update.urgency() == Some(Urgency::Critical))
    });
    let at = |outcome: Outcome| if is_critical { outcome.at(Severity::Critical) } else { outcome };
    outcomes.into_iter().map(at).collect()
}

fn updates(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judge_updates(facts, "update", |update| !update.is_security && update.state == PendingState::Pending)
}

fn held_security(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judge_updates(facts, "withheld security update", |update| {
        update.is_security && matches!(update.state, PendingState::Held | PendingState::Pinned)
    })
}

fn hidden_fix(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judge_updates(facts, "hidden security fix", |update| update.hidden_fix.is_some())
}

/// One finding for the machine, with a line of evidence for each package.
fn judge_updates(facts: &Facts, what: &str, is_meant: impl Fn(&Pending) -> bool) -> Vec<Outcome> {
    if let Some(outcome) = without_manager(facts) {
        return vec![outcome];
    }
    let pending = match &facts.packages.updates {
        Ok(updates) => &updates.pending,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    let meant: Vec<&Pending> = pending.iter().filter(|update| is_meant(update)).collect();
    // What was found stands, whatever could not be read beside it.
    let headline = match meant.as_slice() {
        [] => return vec![trusted(facts, what).unwrap_or_else(|| Outcome::pass(SUBJECT))],
        [only] => format!("1 {what} is outstanding: {}", only.key()),
        _ => format!("{} {what}{} are outstanding", meant.len(), plural(what)),
    };
    let line = |update: &&Pending| -> Evidence { evidence(update) };
    vec![Outcome::fail(SUBJECT, headline).with_all(bounded(&meant, line))]
}

fn plural(what: &str) -> &'static str {
    if what.ends_with('x') { "es" } else { "s" }
}
