//! Access keys that processes carry.

use super::keys::{CONTROLS, EXPECTED, described, observed, severity};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::credentials::{Carried, Environments};
use crate::host::{Facts, Unreadable};

pub(super) const ENVIRONMENT: Check = Check {
    id: "credentials-environment",
    title: "No process carries an AWS access key in its environment",
    why: "A variable is handed on to every child, shows in crash reports and debug pages, and can be read by every \
          process of the same user. On a command line, every account of the machine can read it.",
    severity: Severity::High,
    controls: CONTROLS,
    remediation: "Give the instance (or the task, or the pod) a role and take the variables out of what starts the \
                  process: its unit (systemctl cat UNIT), its compose file, its shell. Restart it, then make the key \
                  worthless: aws iam update-access-key --access-key-id KEY_ID --status Inactive, later \
                  aws iam delete-access-key.",
    parameters: &[],
    evaluate: environment,
};

fn environment(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let environments = match facts.credentials.as_ref().map(|credentials| &credentials.environments) {
        Ok(Ok(environments)) => environments,
        Ok(Err(cause)) | Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    if environments.count == 0 {
        return vec![Outcome::not_applicable(SUBJECT, "nothing runs below this root")];
    }
    let mut outcomes: Vec<Outcome> = environments.keys.iter().map(carried).collect();
    outcomes.extend(unread(environments));
    if outcomes.is_empty() { vec![Outcome::pass(SUBJECT)] } else { outcomes }
}

fn carried(carried: &Carried) -> Outcome {
    let Carried { process, unit, variable, key, pids } = carried;
    let first = pids.first().copied().unwrap_or_default();
    let (file, place) = match variable {
        Some(variable) => ("environ", variable.as_str()),
        None => ("cmdline", "its command line"),
    };
    let of_unit = unit.as_ref().map(|unit| format!(" ({unit})")).unwrap_or_default();
    let others = match pids.len() {
        0 | 1 => String::new(),
        count => format!(", and in {} more processes of that name", count - 1),
    };
    let headline = format!("{process}{of_unit} carries {} in {place}", described(key));
    let observed = format!("{}{others}", observed(key));
    let source = Source::named(&format!("/proc/{first}/{file}"));
    let name = variable.as_ref().map_or("command line", |variable| variable.as_str());
    Outcome::fail(format!("process:{process}:{name}"), headline)
        .at(severity(key, variable.is_none(), None))
        .with(Evidence::new(source, observed, EXPECTED))
}

fn unread(environments: &Environments) -> Option<Outcome> {
    let first = environments.unreadable.first()?;
    let reason = match environments.unreadable_count {
        1 => first.to_string(),
        count => format!("{first}, and {} more of {} processes", count - 1, environments.count),
    };
    let mut outcome = Outcome::unknown(SUBJECT, reason);
    outcome.denied = environments.unreadable.iter().any(Unreadable::is_denied);
    Some(outcome)
}

const SUBJECT: &str = "processes";
