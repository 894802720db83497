//! What sshd lets happen: who logs in how, and with what algorithms.
//!
//! Every opinion here is about the settings in force for a connection, never about a line of a file: a check looks
//! at every kind of connection that the configuration tells apart, and names one that fails and the line that
//! decides it.

mod algorithms;
mod login;
mod settings;

use super::{Check, Topic};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::sshd::{Config, ConfigError, Effective, Origin, Sshd, Witness};
use crate::host::{Facts, Wanted};

pub(super) const TOPIC: Topic = Topic {
    name: "ssh",
    title: "The ssh door",
    needs: Wanted { accounts: true, sshd: true, ..Wanted::NONE },
    lists: &[CHECKS, super::ssh_files::CHECKS],
};

const CHECKS: &[Check] = &[
    login::ROOT,
    login::PASSWORD,
    login::KEYBOARD_INTERACTIVE,
    login::EMPTY_PASSWORD,
    login::HOSTBASED,
    algorithms::CIPHERS,
    algorithms::MACS,
    algorithms::KEX,
    algorithms::HOST_KEYS,
    settings::USER_ENVIRONMENT,
    settings::STRICT_MODES,
    settings::MAX_AUTH_TRIES,
    settings::LOGIN_GRACE,
    settings::LOG_LEVEL,
    settings::X11,
    settings::TUNNEL,
    settings::CONFIG_VALID,
];

/// An sshd whose settings are known.
struct Door<'a> {
    config: &'a Config,
    witnesses: &'a [Witness],
    subject: String,
}

/// The door, or the outcome where there is none to judge.
fn door(facts: &Facts) -> Result<Door<'_>, Box<Outcome>> {
    let sshd = installed(facts)?;
    let config = match &sshd.config {
        Ok(config) => config,
        Err(ConfigError::Unreadable(cause)) => return Err(Outcome::unreadable(SUBJECT, cause).into()),
        Err(ConfigError::Invalid(defect)) => {
            let reason = format!("sshd would not start with this configuration: {defect}");
            return Err(Outcome::unknown(SUBJECT, reason).into());
        }
    };
    match &sshd.witnesses {
        Ok(witnesses) => Ok(Door { config, witnesses, subject: subject(config) }),
        Err(cause) => Err(Outcome::unreadable(SUBJECT, cause).into()),
    }
}

fn installed(facts: &Facts) -> Result<&Sshd, Box<Outcome>> {
    match &facts.sshd {
        Ok(Some(sshd)) => Ok(sshd),
        Ok(None) => Err(Outcome::not_applicable(SUBJECT, NO_SSHD).into()),
        Err(cause) => Err(Outcome::unreadable(SUBJECT, cause).into()),
    }
}

fn subject(config: &Config) -> String {
    let ports: Vec<String> = config.ports().iter().map(u16::to_string).collect();
    format!("{SUBJECT}:{}", ports.join(","))
}

/// A connection on which something is wrong.
struct Hit {
    severity: Severity,
    headline: String,
    evidence: Vec<Evidence>,
}

impl Hit {
    fn new(severity: Severity, headline: impl Into<String>, evidence: Evidence) -> Self {
        Self { severity, headline: headline.into(), evidence: vec![evidence] }
    }
}

impl Door<'_> {
    /// The worst of all connections; what decides a pass is the setting that `keyword` has outside of Match.
    fn judge(
        &self,
        keyword: &'static str,
        expected: &str,
        opinion: impl Fn(&Witness, &Effective<'_>) -> Option<Hit>,
    ) -> Vec<Outcome> {
        let mut hits: Vec<Hit> = Vec::new();
        for witness in self.witnesses {
            // Where sshd itself gives up on a connection, nobody gets in.
            let Ok(effective) = self.config.evaluate(&witness.context) else { continue };
            let Some(mut hit) = opinion(witness, &effective) else { continue };
            let seen =
                |other: &Hit| same_source(&other.evidence, &hit.evidence) && other.severity >= hit.severity;
            if hits.iter().any(seen) {
                continue;
            }
            if let Some(first) = hit.evidence.first_mut() {
                first.witness = Some(Text::new(&witness.specification()));
            }
            hits.push(hit);
        }
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.severity));
        self.outcome(keyword, expected, hits)
    }

    fn outcome(&self, keyword: &'static str, expected: &str, hits: Vec<Hit>) -> Vec<Outcome> {
        let Some(worst) = hits.first() else {
            let passed = Outcome::pass(self.subject.as_str());
            return vec![passed.with(evidence(&self.config.outside_match(), keyword, expected))];
        };
        let mut outcome = Outcome::fail(self.subject.as_str(), worst.headline.as_str()).at(worst.severity);
        for evidence in hits.into_iter().flat_map(|hit| hit.evidence) {
            let shown = outcome.evidence.iter().any(|other: &Evidence| other.source == evidence.source);
            if !shown && outcome.evidence.len() < MOST_EVIDENCE {
                outcome = outcome.with(evidence);
            }
        }
        vec![outcome]
    }

    /// For what no Match block can change.
    fn judge_global(
        &self,
        keyword: &'static str,
        expected: &str,
        wrong: Option<(Severity, String)>,
    ) -> Vec<Outcome> {
        let settings = self.config.outside_match();
        let hits = wrong
            .into_iter()
            .map(|(severity, headline)| Hit::new(severity, headline, evidence(&settings, keyword, expected)));
        self.outcome(keyword, expected, hits.collect())
    }
}

fn same_source(one: &[Evidence], other: &[Evidence]) -> bool {
    one.first().map(|evidence| &evidence.source) == other.first().map(|evidence| &evidence.source)
}

/// A keyword's value and where it comes from.
fn evidence(effective: &Effective<'_>, keyword: &str, expected: &str) -> Evidence {
    let algorithms = effective.algorithms(keyword);
    if !algorithms.is_empty() {
        let shown = format!("{keyword} {}", algorithms.join(","));
        return observed(&effective.origin(keyword), &shown, expected);
    }
    let values: Vec<String> = effective
        .values(keyword)
        .iter()
        .map(|value| Text::from_bytes_within(value, 200).to_string())
        .collect();
    observed(&effective.origin(keyword), &format!("{keyword} {}", values.join(" ")), expected)
}

fn observed(origin: &Origin, observed: &str, expected: &str) -> Evidence {
    Evidence::new(source(origin), observed, expected)
}

fn source(origin: &Origin) -> Source {
    match origin {
        Origin::Line { file, line } => Source::line(file, *line),
        other => Source::named(&other.to_string()),
    }
}

const SUBJECT: &str = "sshd";
pub(super) const NO_SSHD: &str =
    "no sshd is installed: there is neither /usr/sbin/sshd nor /usr/local/sbin/sshd";
/// Enough to find the lines; a hostile configuration has thousands.
const MOST_EVIDENCE: usize = 8;
