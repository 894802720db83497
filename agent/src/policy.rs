//! What the operator wants: which checks run, how bad their failures are, their thresholds, what is accepted, and
//! what the agent itself may take.
//!
//! As meant; how it is written in TOML is `policy/file.rs`. A policy that cannot be read is an error and is
//! never replaced by defaults; only where there is no policy at all does the built-in one apply.

pub mod decoys;
mod digest;
mod file;
pub mod rules;
pub mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use jiff::civil::Date;

use crate::finding::Severity;
use decoys::Decoy;
pub use file::{Location, PolicyError, PolicyErrors, load, written};
use rules::{Rule, Rules};
use settings::Meant;

/// The policy in force. The default is the built-in one.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The files it came from, in the order in which they were laid over each other.
    pub sources: Vec<String>,
    pub fail_on: Option<Setting<Severity>>,
    pub topics: BTreeMap<&'static str, Setting<bool>>,
    pub checks: BTreeMap<&'static str, CheckSettings>,
    /// By their place in [`settings::SETTINGS`].
    settings: BTreeMap<usize, Setting<Meant>>,
    pub suppressions: Vec<Suppression>,
    /// What the files say of files, in their order; the built-in rules go before them.
    file_rules: Vec<Rule>,
    network_file_systems: Option<Setting<Vec<String>>>,
    hot: Option<Setting<Vec<PathBuf>>>,
    decoys: Vec<Decoy>,
    /// All of them, made ready when they are first asked for.
    rules: OnceLock<Arc<Rules>>,
}

/// A value that somebody set, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
}

/// A place in a policy file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    pub file: String,
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What a policy sets for one check; what it leaves out stays as the check has it.
#[derive(Debug, Clone, Default)]
pub struct CheckSettings {
    pub enabled: Option<Setting<bool>>,
    pub severity: Option<Setting<Severity>>,
    pub thresholds: BTreeMap<&'static str, Setting<u64>>,
}

/// An operator's recorded decision: who, why, until when. It silences, it never deletes.
#[derive(Debug, Clone)]
pub struct Suppression {
    pub check: &'static str,
    /// Which subject; `None` means every subject of the check.
    pub subject: Option<String>,
    pub who: String,
    pub why: String,
    /// The last day (UTC) on which it silences.
    pub until: Date,
    pub origin: Origin,
}

impl Suppression {
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now.to_zoned(jiff::tz::TimeZone::UTC).date() > self.until
    }
}

impl Policy {
    /// The severity from which on a failure counts as one.
    pub fn fail_on(&self) -> Severity {
        self.fail_on.as_ref().map_or(Severity::High, |set| set.value)
    }

    pub fn is_enabled(&self, topic: &str, check: &str) -> bool {
        let own = self.checks.get(check).and_then(|settings| settings.enabled.as_ref());
        own.or_else(|| self.topics.get(topic)).is_none_or(|enabled| enabled.value)
    }

    /// The severity that the policy sets for a check, if it does.
    pub fn severity(&self, check: &str) -> Option<Severity> {
        Some(self.checks.get(check)?.severity.as_ref()?.value)
    }

    /// The threshold in force.
    pub fn threshold(&self, check: &str, parameter: &Parameter) -> u64 {
        let set = self.checks.get(check).and_then(|settings| settings.thresholds.get(parameter.name));
        set.map_or(parameter.default, |setting| setting.value)
    }

    /// The decision that bears on a finding; one in force goes before one that has run out.
    pub fn suppression(&self, check: &str, subject: &str) -> Option<&Suppression> {
        self.suppressions
            .iter()
            .filter(|suppression| suppression.check == check)
            .filter(|suppression| suppression.subject.as_ref().is_none_or(|wanted| wanted == subject))
            .max_by_key(|suppression| suppression.until)
    }
}

/// A threshold of a check, as a policy may set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    pub default: u64,
    /// What a policy may set, both ends included.
    pub range: (u64, u64),
    pub unit: Unit,
    pub help: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    /// In a policy also written `"36h"` or `"7d"`.
    Seconds,
    /// In a policy also written `"64KiB"` or `"1GiB"`.
    Bytes,
}

/// The names that a policy may use: the registry of checks, as far as a policy is concerned.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    pub topics: Vec<&'static str>,
    pub checks: Vec<CheckName>,
}

/// A check, as far as a policy is concerned.
#[derive(Debug, Clone, Copy)]
pub struct CheckName {
    pub id: &'static str,
    pub topic: &'static str,
    pub parameters: &'static [Parameter],
}
