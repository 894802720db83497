//! Findings as OCSF 1.5.0 events, class Compliance Finding (2003): what Security Lake and most SIEMs take.
//!
//! `tests/ocsf.rs` has every event judged by the published schema. The choices that the schema leaves open:
//!
//! * Every event creates a finding (activity 1). A failure and an unknown are New, a suppressed failure is
//!   Suppressed with the operator's words as the comment, a pass and what does not apply are Resolved: nothing is
//!   left to do, as Security Hub has it for what passed.
//! * A pass and what does not apply are Informational, whatever their check weighs when it fails.
//! * An unknown is compliance status Warning, which the schema has for a check without a result, and never Pass;
//!   what does not apply is Other.
//! * The finding's uid derives from machine, check and subject, so that the same matter has the same uid every day.

mod machine;

use std::borrow::Cow;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use machine::{Cloud, Device, Observable, Resource, name, observables, text};

use super::rfc3339_millis;
use crate::finding::{Evidence, Finding, Severity, Text, Verdict};
use crate::host::Identity;

/// Everything that the events of one look have in common.
#[derive(Debug)]
pub struct Look<'a> {
    pub time: jiff::Timestamp,
    pub identity: &'a Identity,
    /// The name of each framework, by the word before the colon of a control.
    pub frameworks: &'a [(&'static str, &'static str)],
}

#[derive(Debug, Serialize)]
pub struct Event<'a> {
    activity_id: u8,
    activity_name: &'static str,
    category_uid: u8,
    category_name: &'static str,
    class_uid: u16,
    class_name: &'static str,
    type_uid: u32,
    type_name: &'static str,
    time: i64,
    severity_id: u8,
    severity: &'static str,
    status_id: u8,
    status: &'static str,
    status_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_detail: Option<Cow<'a, str>>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud: Option<Cloud>,
    device: Device<'a>,
    resources: [Resource<'a>; 1],
    finding_info: FindingInfo<'a>,
    compliance: Compliance<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidences: Vec<Piece<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remediation: Option<Remediation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    observables: Vec<Observable<'a>>,
}

impl<'a> Event<'a> {
    pub fn new(look: &Look<'a>, finding: &'a Finding) -> Self {
        let uid = uid(look.identity, finding);
        let (severity_id, severity) = severity(finding);
        let (status_id, status) = status(finding);
        let decision = finding.suppressed.as_ref();
        Self {
            activity_id: 1,
            activity_name: "Create",
            category_uid: 2,
            category_name: "Findings",
            class_uid: 2003,
            class_name: "Compliance Finding",
            type_uid: 200_301,
            type_name: "Compliance Finding: Create",
            time: look.time.as_millisecond(),
            severity_id,
            severity,
            status_id,
            status,
            status_code: finding.verdict.name(),
            status_detail: detail(finding),
            message: finding.title.as_str(),
            comment: decision.map(|decision| decision.why.as_str()),
            metadata: Metadata::of(look, finding, &uid),
            cloud: look.identity.instance_id.as_ref().map(|_| Cloud { provider: "AWS" }),
            device: Device::of(look.identity),
            resources: [Resource::of(look.identity, finding)],
            compliance: Compliance::of(look, finding),
            evidences: finding.evidence.iter().map(Piece::from).collect(),
            remediation: needs_work(finding).then_some(Remediation { desc: finding.remediation }),
            observables: observables(look.identity),
            finding_info: FindingInfo::of(look, finding, uid),
        }
    }
}

/// Whether somebody may have something to do.
fn needs_work(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Fail | Verdict::Unknown)
}

fn severity(finding: &Finding) -> (u8, &'static str) {
    if !needs_work(finding) {
        return (1, "Informational");
    }
    match finding.severity {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

fn status(finding: &Finding) -> (u8, &'static str) {
    match finding.verdict {
        Verdict::Fail if finding.is_silenced() => (3, "Suppressed"),
        Verdict::Fail | Verdict::Unknown => (1, "New"),
        Verdict::Pass | Verdict::NotApplicable => (4, "Resolved"),
    }
}

/// Why there is no verdict, or who decided what about it.
fn detail(finding: &Finding) -> Option<Cow<'_, str>> {
    if let Some(reason) = &finding.reason {
        return Some(Cow::Borrowed(reason.as_str()));
    }
    let decision = finding.suppressed.as_ref()?;
    let state = if decision.expired { "the suppression ran out on" } else { "suppressed until" };
    Some(Cow::Owned(format!("{state} {} by {}", decision.until, decision.who)))
}

#[derive(Debug, Serialize)]
struct Metadata<'a> {
    version: &'static str,
    product: Product,
    /// One event of one look; the finding keeps its own uid over time.
    uid: String,
    event_code: &'a str,
    log_name: &'static str,
    log_provider: &'static str,
    original_time: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    profiles: &'static [&'static str],
}

impl<'a> Metadata<'a> {
    fn of(look: &Look<'_>, finding: &'a Finding, uid: &str) -> Self {
        Self {
            version: "1.5.0",
            product: Product {
                name: "guestward",
                vendor_name: "guestward",
                version: env!("CARGO_PKG_VERSION"),
                lang: "en",
            },
            uid: format!("{uid}-{}", look.time.as_millisecond()),
            event_code: finding.check,
            log_name: "guestward.posture",
            log_provider: "guestward",
            original_time: rfc3339_millis(look.time),
            // The class carries a device without the host profile; cloud is required by its profile.
            profiles: if look.identity.instance_id.is_some() { &["cloud"] } else { &[] },
        }
    }
}

#[derive(Debug, Serialize)]
struct Product {
    name: &'static str,
    vendor_name: &'static str,
    version: &'static str,
    lang: &'static str,
}

#[derive(Debug, Serialize)]
struct FindingInfo<'a> {
    uid: String,
    title: &'a str,
    desc: &'static str,
    created_time: i64,
    types: [&'static str; 1],
    analytic: Analytic,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data_sources: Vec<&'a str>,
}

impl<'a> FindingInfo<'a> {
    fn of(look: &Look<'_>, finding: &'a Finding, uid: String) -> Self {
        let mut data_sources: Vec<&str> =
            finding.evidence.iter().map(|evidence| evidence.source.text().as_str()).collect();
        data_sources.dedup();
        Self {
            uid,
            title: finding.title.as_str(),
            desc: finding.why,
            created_time: look.time.as_millisecond(),
            types: [finding.topic],
            analytic: Analytic { type_id: 1, r#type: "Rule", uid: finding.check, category: finding.topic },
            data_sources,
        }
    }
}

#[derive(Debug, Serialize)]
struct Analytic {
    type_id: u8,
    r#type: &'static str,
    uid: &'static str,
    category: &'static str,
}

#[derive(Debug, Serialize)]
struct Compliance<'a> {
    control: &'static str,
    category: &'static str,
    standards: Vec<&'static str>,
    requirements: &'static [&'static str],
    status_id: u8,
    status: &'static str,
    status_code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    status_details: Vec<&'a str>,
}

impl<'a> Compliance<'a> {
    fn of(look: &Look<'_>, finding: &'a Finding) -> Self {
        let (status_id, status) = match finding.verdict {
            Verdict::Pass => (1, "Pass"),
            Verdict::Fail => (3, "Fail"),
            // In the schema's words: "did not yield a result due to missing information".
            Verdict::Unknown => (2, "Warning"),
            Verdict::NotApplicable => (99, "Not Applicable"),
        };
        Self {
            control: finding.check,
            category: finding.topic,
            standards: standards(look, finding),
            requirements: finding.controls,
            status_id,
            status,
            status_code: finding.verdict.name(),
            status_details: finding.reason.iter().map(Text::as_str).collect(),
        }
    }
}

fn standards(look: &Look<'_>, finding: &Finding) -> Vec<&'static str> {
    let mut standards: Vec<&'static str> = Vec::new();
    for control in finding.controls {
        let word = control.split(':').next().unwrap_or(control);
        let name = look.frameworks.iter().find(|(id, _)| *id == word).map_or(word, |(_, name)| name);
        if !standards.contains(&name) {
            standards.push(name);
        }
    }
    standards
}

/// One observation; its four parts are the vendor's own, so they are the evidence's data.
#[derive(Debug, Serialize)]
struct Piece<'a> {
    name: &'a str,
    data: Observation<'a>,
}

#[derive(Debug, Serialize)]
struct Observation<'a> {
    observed: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    expected: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<&'a str>,
}

impl<'a> From<&'a Evidence> for Piece<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        Self {
            name: evidence.source.text().as_str(),
            data: Observation {
                observed: evidence.observed.as_str(),
                expected: evidence.expected.as_str(),
                witness: text(&evidence.witness),
            },
        }
    }
}

#[derive(Debug, Serialize)]
struct Remediation {
    desc: &'static str,
}

/// The same for the same matter on the same machine, whenever it is looked at. Lengths keep the parts apart.
fn uid(identity: &Identity, finding: &Finding) -> String {
    let machine = text(&identity.machine_id).or(text(&identity.instance_id)).unwrap_or(name(identity));
    let mut hash = Sha256::new();
    for part in [machine, finding.check, finding.subject.as_str()] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(UID_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// Enough that no two findings of a fleet meet.
const UID_BYTES: usize = 16;
