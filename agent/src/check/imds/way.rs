//! Whether somebody on this host answers in place of the service.

use super::{MAX_EVIDENCE, SUBJECT, imds, silent};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::imds::{Route, Translation, Way};
use crate::host::{Facts, Unreadable};

pub(super) const IMPERSONATION: Check = Check {
    id: "imds-impersonation",
    title: "Nothing on this host answers in place of the metadata service",
    why: "Whoever answers at 169.254.169.254 decides which credentials every program here works with. An address on an \
          interface or one firewall rule is enough, and agents then send their logs to a stranger's account while the \
          owner sees silence.",
    severity: Severity::Critical,
    controls: &["NIST-800-53:SC-7", "NIST-800-53:IA-9", "AWS-WA:SEC02-BP02", "AWS-WA:SEC06-BP02", "NCSC:10"],
    remediation: "ip addr del 169.254.169.254/32 dev IFACE, or nft delete rule FAMILY TABLE CHAIN handle N, as the \
                  evidence names them; then find out who added it, and treat credentials used since as not AWS's. A \
                  credentials proxy for containers (kube2iam, kiam) that is there on purpose is a case for a suppression.",
    parameters: &[],
    evaluate: impersonation,
};

fn impersonation(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let way = match imds(facts).map(|imds| imds.way.as_ref()) {
        Ok(Ok(way)) => way,
        Ok(Err(silence)) => return silent(silence),
        Err(outcomes) => return outcomes,
    };
    let own = own(way);
    let passing: Vec<Evidence> =
        way.translations.found.iter().filter(|rule| !rule.is_own).map(diverts).collect();
    let mut outcomes = Vec::new();
    if !own.is_empty() {
        let headline = "Requests for instance metadata are answered on this host, not by AWS";
        outcomes.push(Outcome::fail(SUBJECT, headline).with_all(own.into_iter().take(MAX_EVIDENCE)));
    }
    if !passing.is_empty() {
        let headline = "Requests for instance metadata that pass through this host are diverted";
        let fail = Outcome::fail("imds:forwarded", headline).at(Severity::Medium);
        outcomes.push(fail.with_all(passing.into_iter().take(MAX_EVIDENCE)));
    }
    if outcomes.is_empty() { vec![not_seen(way).unwrap_or_else(|| Outcome::pass(SUBJECT))] } else { outcomes }
}

fn own(way: &Way) -> Vec<Evidence> {
    let expected = "a route out of this host";
    let mut evidence = Vec::new();
    for local in way.addresses.iter().flatten() {
        let source = Source::named(&format!("interface {}", local.interface));
        evidence.push(Evidence::new(source, format!("has the address {}", local.address), "not this one"));
    }
    for (route, name) in [(&way.v4, "169.254.169.254"), (&way.v6, "fd00:ec2::254")] {
        if *route == Ok(Route::Local) {
            let source = Source::named(&format!("the route to {name}"));
            evidence.push(Evidence::new(source, "leads to this host itself", expected));
        }
    }
    for address in way.listeners.iter().flatten() {
        let source = Source::named("/proc/net/tcp");
        evidence.push(Evidence::new(source, format!("a socket listens on {address}"), "none"));
    }
    evidence.extend(way.translations.found.iter().filter(|rule| rule.is_own).map(diverts));
    evidence
}

fn diverts(rule: &Translation) -> Evidence {
    let observed = format!("gives requests to {} another destination", rule.address);
    Evidence::new(Source::named(rule.rule.as_str()), observed, "no such rule")
}

/// What could not be looked at, in one answer.
fn not_seen(way: &Way) -> Option<Outcome> {
    let routes = [way.v4.as_ref().err(), way.v6.as_ref().err()];
    let unread: Vec<&Unreadable> = routes
        .into_iter()
        .chain([way.addresses.as_ref().err(), way.listeners.as_ref().err()])
        .flatten()
        .chain(&way.translations.unread)
        .collect();
    if let Some(first) = unread.first() {
        let mut outcome = Outcome::unknown(SUBJECT, first.to_string());
        outcome.denied = unread.iter().any(|cause| cause.is_denied());
        return Some(outcome);
    }
    let rule = way.translations.unclear.first()?;
    let reason = format!("whether this rule takes requests for {} is not clear: {}", rule.address, rule.rule);
    Some(Outcome::unknown(SUBJECT, reason))
}
