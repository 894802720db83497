//! Access keys in files, by the kind of place.

use std::collections::BTreeMap;
use std::path::Path;

use super::keys::{CONTROLS, EXPECTED, REMEDIATION, described, observed, severity};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::Facts;
use crate::host::credentials::{Credentials, Found, Looked};

pub(super) const HOMES: Check = Check {
    id: "credentials-homes",
    title: "No home directory holds an AWS access key",
    why: "A long-lived key works from anywhere, for whoever copies it, until somebody deletes it; most break-ins into \
          AWS accounts begin with one. On an instance nobody needs it: the role gives credentials that change by \
          themselves and are worth nothing after hours.",
    severity: Severity::High,
    controls: CONTROLS,
    remediation: REMEDIATION,
    parameters: &[],
    evaluate: |facts, _: &Thresholds<'_>| of_homes(facts, |credentials| &credentials.homes),
};

pub(super) const HISTORIES: Check = Check {
    id: "credentials-histories",
    title: "No command history holds an AWS access key",
    why: "What was once typed stays in a shell's history for years, is copied with the home and is the first file that \
          an intruder reads. A key that was exported by hand is usually a person's own, with a person's rights.",
    severity: Severity::High,
    controls: CONTROLS,
    remediation: "Make the key worthless, because it may have been copied: aws iam update-access-key --access-key-id \
                  KEY_ID --status Inactive, later aws iam delete-access-key. Then take its lines out of the history \
                  (bash: history -d LINE && history -w). Type none: aws sso login, or the instance's role.",
    parameters: &[],
    evaluate: |facts, _: &Thresholds<'_>| of_homes(facts, |credentials| &credentials.histories),
};

pub(super) const SYSTEM: Check = Check {
    id: "credentials-system",
    title: "No system configuration holds an AWS access key",
    why: "Units, cron tables, profiles and the settings of agents in /etc are read by every administrator, every backup \
          and often by every account. A key there is in every image that is made of this machine.",
    severity: Severity::High,
    controls: CONTROLS,
    remediation: REMEDIATION,
    parameters: &[],
    evaluate: |facts, _: &Thresholds<'_>| of(facts, "system", by_file, |credentials| &credentials.system),
};

pub(super) const APPLICATIONS: Check = Check {
    id: "credentials-applications",
    title: "No application's configuration holds an AWS access key",
    why: "Whoever finds a way to read files through a web application reads its .env first. The states of Terraform and \
          the configurations of containers keep keys in clear, too, and are seldom thought of as secrets.",
    severity: Severity::High,
    controls: CONTROLS,
    remediation: REMEDIATION,
    parameters: &[],
    evaluate: |facts, _: &Thresholds<'_>| {
        of(facts, "applications", by_file, |credentials| &credentials.applications)
    },
};

pub(super) const CLOUD_INIT: Check = Check {
    id: "credentials-cloud-init",
    title: "User data and cloud-init's logs hold no AWS access key",
    why: "User data is no place for a secret: every process on the instance may ask the metadata service for it, \
          everybody who may describe the instance or its launch template sees it, and cloud-init keeps copies and \
          logs.",
    severity: Severity::High,
    controls: CONTROLS,
    remediation: "Take the key out of the user data (aws ec2 modify-instance-attribute, and the launch template or \
                  stack that it came from), let the boot script use the instance's role or ask Secrets Manager, and \
                  make the key worthless: aws iam update-access-key --access-key-id KEY_ID --status Inactive, later \
                  aws iam delete-access-key. Then remove the copies that are named.",
    parameters: &[],
    evaluate: |facts, _: &Thresholds<'_>| {
        of(facts, "cloud-init", all_in_one, |credentials| &credentials.cloud_init)
    },
};

type Part = fn(&Credentials) -> &Looked;
type Telling = fn(&str, &[Found], i64) -> Vec<Outcome>;

fn of_homes(facts: &Facts, part: Part) -> Vec<Outcome> {
    let credentials = match &facts.credentials {
        Ok(credentials) => credentials,
        Err(cause) => return vec![Outcome::unreadable("homes", cause)],
    };
    if let Some(cause) = &credentials.accounts {
        return vec![Outcome::unreadable("homes", cause)];
    }
    let looked = part(credentials);
    if credentials.home_count == 0 && looked.unreadable_count == 0 {
        return vec![Outcome::not_applicable("homes", "no account has a home directory here")];
    }
    outcomes("homes", looked, by_file, facts)
}

fn of(facts: &Facts, subject: &str, telling: Telling, part: Part) -> Vec<Outcome> {
    let looked = match &facts.credentials {
        Ok(credentials) => part(credentials),
        Err(cause) => return vec![Outcome::unreadable(subject, cause)],
    };
    if looked.count == 0 && looked.unreadable_count == 0 {
        return vec![Outcome::not_applicable(subject, "none of the places where such files are exists here")];
    }
    outcomes(subject, looked, telling, facts)
}

fn outcomes(subject: &str, looked: &Looked, telling: Telling, facts: &Facts) -> Vec<Outcome> {
    let mut outcomes = telling(subject, &looked.keys, facts.now.as_second());
    outcomes.extend(unread(subject, looked));
    if outcomes.is_empty() { vec![Outcome::pass(subject)] } else { outcomes }
}

/// One answer for each file.
fn by_file(_: &str, keys: &[Found], now: i64) -> Vec<Outcome> {
    let mut files: BTreeMap<&Path, Vec<&Found>> = BTreeMap::new();
    for found in keys {
        files.entry(&found.path).or_default().push(found);
    }
    files.iter().filter_map(|(path, found)| fail(Source::path(path).text().clone(), found, now)).collect()
}

/// cloud-init keeps the same user data in five files: they are one matter.
fn all_in_one(subject: &str, keys: &[Found], now: i64) -> Vec<Outcome> {
    fail(Text::new(subject), &keys.iter().collect::<Vec<_>>(), now).into_iter().collect()
}

fn fail(subject: Text, keys: &[&Found], now: i64) -> Option<Outcome> {
    let weight = |found: &&Found| severity(&found.key, found.is_public, Some(now - found.modified));
    let worst = keys.iter().copied().max_by_key(weight)?;
    let more = match keys.iter().filter(|found| found.key.fingerprint != worst.key.fingerprint).count() {
        0 => String::new(),
        _ => " and others".to_owned(),
    };
    let place = Source::path(&worst.path);
    let reach = if worst.is_public { ", where every account can read it" } else { "" };
    let headline = format!("{} holds {}{more}{reach}", place.text(), described(&worst.key));
    let evidence = keys.iter().take(MAX_EVIDENCE).map(|found| {
        let source = match found.line {
            Some(line) => Source::line(&found.path, line),
            None => Source::path(&found.path),
        };
        Evidence::new(source, observed(&found.key), EXPECTED)
    });
    Some(Outcome::fail(subject, headline).at(weight(&worst)).with_all(evidence))
}

/// What could not be read, in one answer.
fn unread(subject: &str, looked: &Looked) -> Option<Outcome> {
    let first = looked.unreadable.first()?;
    let reason = match looked.unreadable_count {
        1 => first.to_string(),
        count => format!("{first}, and {} more", count - 1),
    };
    let mut outcome = Outcome::unknown(subject, reason);
    outcome.denied = looked.unreadable.iter().any(crate::host::Unreadable::is_denied);
    Some(outcome)
}

/// As many pieces of evidence as a reader looks at.
const MAX_EVIDENCE: usize = 20;
