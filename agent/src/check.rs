//! What is good and what is not: one list of checks, each a pure function of facts.
//!
//! No I/O here (`tests/house.rs` reads the `use` lines). Adding a check is one [`Check`] entry in its topic's
//! `CHECKS` and one fixture file, `tests/fixtures/TOPIC/ID.txt`, with a case for pass, fail and "cannot look".
//! The listing, `explain`, the manual page, shell completions and the names a policy may use derive from the entry.

pub mod accounts;
pub mod controls;
mod credentials;
mod files;
mod imds;
mod kernel;
mod logging;
mod network;
pub mod packages;
mod packages_compared;
mod packages_running;
mod services;
pub mod ssh;
mod ssh_files;

use crate::finding::{Finding, Outcome, Severity, Suppressed, Text, Verdict};
use crate::host::{Facts, Wanted};
use crate::policy::{CheckName, Policy, Vocabulary};
pub use crate::policy::{Parameter, Unit};

/// One question, with a stable id.
#[derive(Debug)]
pub struct Check {
    pub id: &'static str,
    /// What is true when it passes: "Root cannot log in over ssh".
    pub title: &'static str,
    /// Why a reader should care, in two or three sentences that can be believed.
    pub why: &'static str,
    /// Unless the outcome or the policy says otherwise.
    pub severity: Severity,
    /// The outside requirements that it serves: `CIS-AL2023:4.2.7`, `NIST-800-53:AC-6`, `AWS-WA:SEC06-BP03`, `NCSC:10`.
    pub controls: &'static [&'static str],
    /// What to do, pasteable where that is possible.
    pub remediation: &'static str,
    /// The thresholds that a policy may set.
    pub parameters: &'static [Parameter],
    pub evaluate: fn(&Facts, &Thresholds<'_>) -> Vec<Outcome>,
}

/// The thresholds in force for one check.
#[derive(Debug)]
pub struct Thresholds<'a> {
    check: &'static Check,
    policy: &'a Policy,
}

impl Thresholds<'_> {
    /// A name that the check does not declare is a mistake in the check: its fixtures stop on it.
    pub fn value(&self, name: &str) -> u64 {
        let declared = self.check.parameters.iter().find(|parameter| parameter.name == name);
        debug_assert!(declared.is_some(), "{} asks for '{name}', which it does not declare", self.check.id);
        declared.map_or(0, |parameter| self.policy.threshold(self.check.id, parameter))
    }
}

/// A group of checks about one subject.
#[derive(Debug)]
pub struct Topic {
    pub name: &'static str,
    pub title: &'static str,
    /// What its checks need to know.
    pub needs: Wanted,
    /// One list a file.
    pub lists: &'static [&'static [Check]],
}

impl Topic {
    pub fn checks(&self) -> impl Iterator<Item = &'static Check> + use<> {
        self.lists.iter().copied().flatten()
    }
}

/// Every topic, in the order in which a reader wants them.
pub const TOPICS: &[Topic] = &[
    ssh::TOPIC,
    accounts::TOPIC,
    files::TOPIC,
    packages::TOPIC,
    imds::TOPIC,
    credentials::TOPIC,
    network::TOPIC,
    kernel::TOPIC,
    logging::TOPIC,
    services::TOPIC,
];

/// Every check, with its topic.
pub fn all() -> impl Iterator<Item = (&'static Topic, &'static Check)> {
    TOPICS.iter().flat_map(|topic| topic.checks().map(move |check| (topic, check)))
}

pub fn by_id(id: &str) -> Option<(&'static Topic, &'static Check)> {
    all().find(|(_, check)| check.id == id)
}

/// A threshold as a check has it when no policy says otherwise.
pub fn default_of(id: &str, name: &str) -> u64 {
    let parameters = by_id(id).map_or(&[][..], |(_, check)| check.parameters);
    parameters.iter().find(|parameter| parameter.name == name).map_or(0, |parameter| parameter.default)
}

/// The names that a policy may use.
pub fn vocabulary() -> Vocabulary {
    Vocabulary {
        topics: TOPICS.iter().map(|topic| topic.name).collect(),
        checks: all()
            .map(|(topic, check)| CheckName { id: check.id, topic: topic.name, parameters: check.parameters })
            .collect(),
    }
}

/// The checks that `names` (topics or ids) and the policy leave on; no names means all.
///
/// A check that is named outright runs even when the policy turns it off: somebody asked.
pub fn select(names: &[String], policy: &Policy) -> Vec<(&'static Topic, &'static Check)> {
    all()
        .filter(|(topic, check)| {
            let by_topic = names.is_empty() || names.iter().any(|name| name == topic.name);
            names.iter().any(|name| name == check.id) || (by_topic && policy.is_enabled(topic.name, check.id))
        })
        .collect()
}

pub fn wanted(selected: &[(&'static Topic, &'static Check)]) -> Wanted {
    selected.iter().fold(Wanted::default(), |wanted, (topic, _)| wanted.and(topic.needs))
}

/// The verdict of every selected check, worst first.
pub fn judge(facts: &Facts, policy: &Policy, selected: &[(&'static Topic, &'static Check)]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = selected
        .iter()
        .flat_map(|(topic, check)| {
            let outcomes = (check.evaluate)(facts, &Thresholds { check, policy });
            let outcomes = if outcomes.is_empty() { vec![silent(check)] } else { outcomes };
            outcomes.into_iter().map(|outcome| finding(topic, check, outcome, policy, facts))
        })
        .collect();
    // Stable, so checks and their outcomes keep the registry's order within a rank.
    findings.sort_by_key(rank);
    findings
}

/// A check that says nothing has not looked.
fn silent(check: &Check) -> Outcome {
    Outcome::unknown("host", format!("{} gave no answer; this is a defect in guestward", check.id))
}

fn finding(
    topic: &'static Topic,
    check: &'static Check,
    outcome: Outcome,
    policy: &Policy,
    facts: &Facts,
) -> Finding {
    let suppressed = (outcome.verdict == Verdict::Fail)
        .then(|| policy.suppression(check.id, outcome.subject.as_str()))
        .flatten()
        .map(|suppression| Suppressed {
            who: Text::new(&suppression.who),
            why: Text::new(&suppression.why),
            until: suppression.until.to_string(),
            expired: suppression.has_expired(facts.now),
        });
    Finding {
        check: check.id,
        topic: topic.name,
        verdict: outcome.verdict,
        severity: policy.severity(check.id).or(outcome.severity).unwrap_or(check.severity),
        subject: outcome.subject,
        title: outcome.headline.unwrap_or_else(|| Text::new(check.title)),
        evidence: outcome.evidence,
        why: check.why,
        remediation: check.remediation,
        controls: check.controls,
        reason: outcome.reason,
        suppressed,
        denied: outcome.denied,
    }
}

/// Open failures by severity, then what could not be looked at, then what somebody accepted, then the rest.
fn rank(finding: &Finding) -> (u8, std::cmp::Reverse<Severity>) {
    let group = match finding.verdict {
        Verdict::Fail if !finding.is_silenced() => 0,
        Verdict::Unknown => 1,
        Verdict::Fail => 2,
        Verdict::Pass => 3,
        Verdict::NotApplicable => 4,
    };
    (group, std::cmp::Reverse(finding.severity))
}
