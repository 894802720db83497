//! Whether guestward's own list of updates is to be believed on this machine.

use jiff::SignedDuration;

use super::{Check, Parameter, Thresholds, Unit};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::packages::Manager;
use crate::host::packages::compared::{Compared, Outcome as Came};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "packages-self-check",
    title: "guestward lists the updates that the package manager lists",
    why: "guestward works out by itself which updates are outstanding, from the files that the package manager reads, because \
          that takes a tenth of the time and no right to write. Should it ever come to another list, whatever it says of \
          updates here is not to be believed: so the package manager is asked once a night, and both lists are compared.",
    severity: Severity::Medium,
    controls: &["NIST-800-53:SI-2", "NIST-800-53:CA-7", "AWS-WA:SEC06-BP01"],
    remediation: "A difference is a defect in guestward: please report it with what guestward packages --self-check prints; until \
                  then the package manager's own list is the right one. Where no comparison is made: \
                  systemctl enable --now guestward-self-check.timer",
    parameters: &[Parameter {
        name: "max-age",
        default: 3 * 24 * 3600,
        range: (3600, 365 * 24 * 3600),
        unit: Unit::Seconds,
        help: "the longest time since the last comparison",
    }],
    evaluate: compared,
}];

fn compared(facts: &Facts, thresholds: &Thresholds<'_>) -> Vec<Outcome> {
    let manager = match &facts.packages.manager {
        Ok(manager) => manager,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    if *manager == Manager::None {
        return vec![Outcome::not_applicable(SUBJECT, "there is no package manager: neither dpkg nor rpm")];
    }
    vec![match &facts.packages.compared {
        Err(cause) => Outcome::unreadable(SUBJECT, cause),
        Ok(None) => Outcome::not_applicable(SUBJECT, "the package manager was never asked on this host"),
        Ok(Some(compared)) => judge(compared, facts, thresholds.value("max-age")),
    }]
}

fn judge(compared: &Compared, facts: &Facts, max_age: u64) -> Outcome {
    let Compared { manager, time, .. } = compared;
    let limit = SignedDuration::from_secs(i64::try_from(max_age).unwrap_or(i64::MAX));
    match &compared.outcome {
        // However old it is: no later comparison came to another end.
        Came::Differs(lines) => {
            let headline = format!("{manager} lists other updates than guestward");
            let source = || Source::path(&compared.path);
            let evidence = lines.iter().map(|line| {
                Evidence::new(source(), line.as_str(), format!("the same list, as of {time:.0}"))
            });
            Outcome::fail(SUBJECT, headline).with_all(evidence)
        }
        _ if facts.now.duration_since(*time) > limit => {
            Outcome::unknown(SUBJECT, format!("{manager} was last asked at {time:.0}"))
        }
        Came::Unanswered(why) => Outcome::unknown(SUBJECT, format!("{manager} gave no answer: {why}")),
        Came::Agreed(_) => Outcome::pass(SUBJECT),
    }
}

const SUBJECT: &str = "package-manager";
