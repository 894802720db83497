//! The posture as JSON: schema `guestward.posture/1`, pinned by golden files in `tests/golden`.
//!
//! The only serde for findings. A field's name here is a promise to scripts and dashboards.

pub mod body;
pub mod cut;
pub mod drift;
pub mod folded;
pub mod gap;
mod hashed;
pub mod integrity;
pub mod key;
pub mod metrics;
pub mod note;
pub mod object;
pub mod ocsf;
pub mod open;
pub mod open_drift;
pub mod packages;
pub mod proof;
pub mod record;
pub mod status;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{Evidence, Finding, Severity, Summary, Suppressed};
use crate::host::Identity;

pub const POSTURE_SCHEMA: &str = "guestward.posture/1";

#[derive(Debug, Serialize)]
pub struct Posture<'a> {
    schema: &'static str,
    time: String,
    host: HostName<'a>,
    summary: Counts,
    findings: Vec<Entry<'a>>,
}

impl<'a> Posture<'a> {
    pub fn new(time: jiff::Timestamp, identity: &'a Identity, findings: &'a [Finding]) -> Self {
        Self {
            schema: POSTURE_SCHEMA,
            time: rfc3339_millis(time),
            host: HostName::from(identity),
            summary: Counts::from(Summary::of(findings)),
            findings: findings.iter().map(Entry::from).collect(),
        }
    }
}

/// RFC 3339 in UTC with milliseconds, the house's one way to write a time.
pub fn rfc3339_millis(time: jiff::Timestamp) -> String {
    format!("{time:.3}")
}

/// As exact as a file system tells it.
fn rfc3339_nanos(time: jiff::Timestamp) -> String {
    format!("{time:.9}")
}

/// The house's one way to write a hash: 43 characters for 32 bytes.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[derive(Debug, Serialize)]
struct HostName<'a> {
    hostname: Option<&'a str>,
    machine_id: Option<&'a str>,
    os: Option<&'a str>,
    kernel: Option<&'a str>,
    instance_id: Option<&'a str>,
}

impl<'a> From<&'a Identity> for HostName<'a> {
    fn from(identity: &'a Identity) -> Self {
        Self {
            hostname: identity.hostname.as_ref().map(super::Text::as_str),
            machine_id: identity.machine_id.as_ref().map(super::Text::as_str),
            os: identity.os.as_ref().map(super::Text::as_str),
            kernel: identity.kernel.as_ref().map(super::Text::as_str),
            instance_id: identity.instance_id.as_ref().map(super::Text::as_str),
        }
    }
}

#[derive(Debug, Serialize)]
struct Counts {
    pass: usize,
    fail: usize,
    unknown: usize,
    not_applicable: usize,
    #[serde(skip_serializing_if = "is_zero")]
    suppressed: usize,
    worst: Option<&'static str>,
}

impl From<Summary> for Counts {
    fn from(summary: Summary) -> Self {
        Self {
            pass: summary.pass,
            fail: summary.fail,
            unknown: summary.unknown,
            not_applicable: summary.not_applicable,
            suppressed: summary.suppressed,
            worst: summary.worst.map(Severity::name),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    check: &'static str,
    topic: &'static str,
    verdict: &'static str,
    severity: &'static str,
    subject: &'a str,
    title: &'a str,
    evidence: Vec<Proof<'a>>,
    why: &'static str,
    remediation: &'static str,
    controls: &'static [&'static str],
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppression: Option<Decision<'a>>,
}

impl<'a> From<&'a Finding> for Entry<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            check: finding.check,
            topic: finding.topic,
            verdict: finding.verdict.name(),
            severity: finding.severity.name(),
            subject: finding.subject.as_str(),
            title: finding.title.as_str(),
            evidence: finding.evidence.iter().map(Proof::from).collect(),
            why: finding.why,
            remediation: finding.remediation,
            controls: finding.controls,
            reason: finding.reason.as_ref().map(super::Text::as_str),
            suppression: finding.suppressed.as_ref().map(Decision::from),
        }
    }
}

#[derive(Debug, Serialize)]
struct Proof<'a> {
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_b64: Option<String>,
    observed: &'a str,
    expected: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<&'a str>,
}

impl<'a> From<&'a Evidence> for Proof<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        Self {
            source: evidence.source.text().as_str(),
            path_b64: evidence.source.exact_path().map(|bytes| BASE64.encode(bytes)),
            observed: evidence.observed.as_str(),
            expected: evidence.expected.as_str(),
            witness: evidence.witness.as_ref().map(super::Text::as_str),
        }
    }
}

#[derive(Debug, Serialize)]
struct Decision<'a> {
    who: &'a str,
    why: &'a str,
    until: &'a str,
    expired: bool,
}

impl<'a> From<&'a Suppressed> for Decision<'a> {
    fn from(suppressed: &'a Suppressed) -> Self {
        Self {
            who: suppressed.who.as_str(),
            why: suppressed.why.as_str(),
            until: &suppressed.until,
            expired: suppressed.expired,
        }
    }
}
