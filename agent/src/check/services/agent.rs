//! Whether the machine can be reached without ssh.

use super::{Judged, facts_of, hidden, one, unreadable};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;

pub(super) const CHECKS: &[Check] = &[Check {
    id: "services-ssm-agent",
    title: "The agent of Systems Manager is alive",
    why: "Session Manager gives access without an open port or a key on the machine, and Patch Manager works through the \
          same agent. That its service is active says little: without an instance role the agent only hibernates.",
    severity: Severity::Medium,
    controls: &["NIST-800-53:AC-17", "NIST-800-53:MA-4", "AWS-WA:SEC06-BP03", "NCSC:10"],
    remediation: "Give the instance a role with AmazonSSMManagedInstanceCore, then systemctl restart amazon-ssm-agent \
                  (snap restart amazon-ssm-agent). ssm-cli get-diagnostics --output table says what is missing. \
                  Debian: install the .deb from AWS's bucket of the region.",
    parameters: &[],
    evaluate,
}];

fn evaluate(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    one(alive(facts))
}

fn alive(facts: &Facts) -> Judged {
    let services = facts_of(facts, SUBJECT)?;
    let running = facts.running.as_ref().map_err(unreadable(SUBJECT))?;
    let surroundings = facts.surroundings.as_ref().map_err(unreadable(SUBJECT))?;
    let reason = match (surroundings.runs, surroundings.is_container) {
        (false, _) => Some("nothing runs below this root"),
        (_, true) => Some("this is a container: the agent runs on its host"),
        _ if !*surroundings.is_ec2.as_ref().map_err(unreadable(SUBJECT))? => Some("this is no EC2 instance"),
        _ => None,
    };
    if let Some(reason) = reason {
        return Ok(Outcome::not_applicable(SUBJECT, reason));
    }
    let ssm = services.ssm.as_ref().map_err(unreadable(SUBJECT))?;
    let agent = running.installed(&["amazon-ssm-agent"]).next();
    if agent.is_none() && running.is_partial {
        return Ok(hidden(SUBJECT));
    }
    let tell = |source: &str, observed: &str, expected: &str| {
        Evidence::new(Source::path(source), observed.to_owned(), expected.to_owned())
    };
    let (headline, evidence) = if agent.is_none() && !ssm.is_installed {
        let evidence = tell("/usr/bin/amazon-ssm-agent", "it is not installed", "that it runs");
        return Ok(Outcome::fail(SUBJECT, "The agent of Systems Manager is not installed")
            .at(Severity::Low)
            .with(evidence));
    } else if agent.is_none() {
        ("does not run", tell("/usr/bin/amazon-ssm-agent", "no process runs it", "that it runs"))
    } else if ssm.hibernated > ssm.logged {
        let observed = "newer than the agent's own log";
        ("hibernates", tell("/var/log/amazon/ssm/hibernate.log", observed, "older, or not there"))
    } else if running.installed(&["ssm-agent-worker"]).next().is_none() {
        if running.is_partial {
            return Ok(hidden(SUBJECT));
        }
        ("runs without its worker", tell("/usr/bin/ssm-agent-worker", "no process runs it", "that it runs"))
    } else if !ssm.is_registered {
        let expected = "a registration, or a directory with the instance's id";
        ("was never registered", tell("/var/lib/amazon/ssm", "neither", expected))
    } else {
        let evidence = tell("/var/lib/amazon/ssm", "registered, and agent and worker run", "that");
        return Ok(Outcome::pass(SUBJECT).with(evidence));
    };
    Ok(Outcome::fail(SUBJECT, format!("The agent of Systems Manager {headline}")).with(evidence))
}

const SUBJECT: &str = "ssm-agent";
