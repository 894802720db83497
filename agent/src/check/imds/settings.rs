//! What sends the programs of this host elsewhere for their credentials.

use super::{MAX_EVIDENCE, SUBJECT, imds, silent};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::imds::{Seen, Setting, Settings};

pub(super) const ENDPOINT_OVERRIDE: Check = Check {
    id: "imds-endpoint-override",
    title: "No program is told to fetch its credentials from a stranger",
    why: "One variable or one line in a profile moves where an SDK asks for metadata and credentials. Whoever can set it \
          for a service gives it an account of their own, or reads every request; it survives every hardening of the \
          real service.",
    severity: Severity::High,
    controls: &["NIST-800-53:IA-5", "NIST-800-53:CM-6", "AWS-WA:SEC02-BP02", "NCSC:10"],
    remediation: "Take the line out of the unit (systemctl cat UNIT), of its EnvironmentFile or of ~/.aws/config, and \
                  restart the program. Suppress this check for a host whose programs have such a service on purpose.",
    parameters: &[],
    evaluate: endpoint_override,
};

pub(super) const PROXY: Check = Check {
    id: "imds-proxy",
    title: "No proxy is asked for instance metadata",
    why: "botocore and other SDKs obey http_proxy for metadata, too. The request then leaves the host: at best the proxy \
          answers with an error and credentials are missing, at worst with the credentials of its own instance.",
    severity: Severity::Low,
    controls: &["NIST-800-53:SC-7", "AWS-WA:SEC02-BP02", "NCSC:11"],
    remediation: "Add the address to the same place that sets the proxy: NO_PROXY=169.254.169.254,fd00:ec2::254,localhost",
    parameters: &[],
    evaluate: proxy,
};

fn endpoint_override(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let settings = match settings(facts) {
        Ok(settings) => settings,
        Err(outcomes) => return outcomes,
    };
    let odd: Vec<(&Seen, Severity)> =
        settings.seen.iter().filter_map(|seen| Some((seen, weight(seen)?))).collect();
    let Some(worst) = odd.iter().map(|(_, severity)| *severity).max() else {
        return vec![not_seen(settings).unwrap_or_else(|| Outcome::pass(SUBJECT))];
    };
    let headline = match odd.iter().find(|(_, severity)| *severity == worst) {
        Some((seen, Severity::High)) => format!("{} sends programs to {}", seen.setting.name(), seen.target),
        _ => "Settings of the AWS SDKs keep version 1 of the metadata service in use".to_owned(),
    };
    let evidence = odd.iter().take(MAX_EVIDENCE).map(|(seen, _)| evidence(seen, expected(seen.setting)));
    vec![Outcome::fail(SUBJECT, headline).at(worst).with_all(evidence)]
}

/// How bad a setting is; `None` when it is as AWS has it.
fn weight(seen: &Seen) -> Option<Severity> {
    let target = &seen.target;
    let is = |wanted: &[&str]| {
        wanted.iter().any(|wanted| target.address.is_some() && target.address == wanted.parse().ok())
    };
    let is_loopback = target.address.is_some_and(|address| address.is_loopback());
    let odd = match seen.setting {
        Setting::Endpoint => {
            let is_service = is(&["169.254.169.254", "fd00:ec2::254"]);
            !is_service || target.scheme.as_str() != "http" || target.port.unwrap_or(80) != 80
        }
        // The agents of ECS and EKS, and whatever serves on this host itself.
        Setting::ContainerFullUri => {
            let is_agent = is(&["169.254.170.2", "169.254.170.23", "fd00:ec2::23"]);
            !is_agent && !is_loopback && target.host.as_str() != "localhost"
        }
        Setting::ContainerRelativeUri => !is(&["169.254.170.2"]),
        Setting::V1Disabled if target.host.as_str() == "false" => return Some(Severity::Low),
        // An unknown mode stops the SDK: nothing is given away.
        Setting::V1Disabled | Setting::EndpointMode | Setting::Proxy => false,
    };
    odd.then_some(Severity::High)
}

fn expected(setting: Setting) -> &'static str {
    match setting {
        Setting::Endpoint => "unset, or http://169.254.169.254",
        Setting::ContainerFullUri => "unset, this host itself, or the agent of ECS or EKS",
        Setting::ContainerRelativeUri => "unset, or a path that begins with /",
        Setting::V1Disabled => "unset, or true",
        Setting::EndpointMode | Setting::Proxy => "unset",
    }
}

fn proxy(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let settings = match settings(facts) {
        Ok(settings) => settings,
        Err(outcomes) => return outcomes,
    };
    if settings.processes == 0 && settings.unread.is_empty() {
        return vec![Outcome::not_applicable(SUBJECT, "nothing runs below this root")];
    }
    let Some(first) = settings.proxies.first() else {
        return vec![not_seen(settings).unwrap_or_else(|| Outcome::pass(SUBJECT))];
    };
    let headline = format!("Requests for instance metadata go through the proxy {}", first.target);
    let proxies = settings.proxies.iter().take(MAX_EVIDENCE);
    let evidence = proxies.map(|seen| evidence(seen, "169.254.169.254 in no_proxy"));
    vec![Outcome::fail(SUBJECT, headline).with_all(evidence)]
}

fn evidence(seen: &Seen, expected: &str) -> Evidence {
    let source = if seen.line == 0 { Source::path(&seen.path) } else { Source::line(&seen.path, seen.line) };
    let more = match seen.others {
        0 => String::new(),
        1 => " (and one more place)".to_owned(),
        others => format!(" (and {others} more places)"),
    };
    Evidence::new(source, format!("{} = {}{more}", seen.setting.name(), seen.target), expected)
}

fn settings(facts: &Facts) -> Result<&Settings, Vec<Outcome>> {
    imds(facts)?.settings.as_ref().map_err(silent)
}

fn not_seen(settings: &Settings) -> Option<Outcome> {
    let first = settings.unread.first()?;
    let reason = match settings.unread.len() {
        1 => first.to_string(),
        count => format!("{count} places could not be looked into: {first}"),
    };
    let mut outcome = Outcome::unknown(SUBJECT, reason);
    outcome.denied = settings.unread.iter().any(crate::host::Unreadable::is_denied);
    Some(outcome)
}
