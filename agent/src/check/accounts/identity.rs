//! Names and numbers: who is root under another name, who shares an id, which lines are no entries.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::{MAX_EVIDENCE, subject};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::accounts::{GROUP, PASSWD, SHADOW};
use crate::host::{Cause, Facts, Unreadable};

pub(super) const EXTRA_UID_0: Check = Check {
    id: "accounts-extra-uid-0",
    title: "root is the only account with uid 0",
    why: "An account with uid 0 is root under another name: it bypasses every rule written for the name root, \
          and what it does is logged as root. Intruders add one as a back door because few people count uids.",
    severity: Severity::Critical,
    controls: &[
        "CIS-AL2023:6.2.9",
        "CIS-Debian12:5.4.2.1",
        "CIS-Ubuntu22.04:5.4.2.1",
        "CIS-Ubuntu24.04:5.4.2.1",
        "NIST-800-53:CM-8",
        "AWS-WA:SEC03-BP02",
    ],
    remediation: "Find out who made the account, then give it a uid of its own (usermod -u NEWUID NAME) \
                  or remove it (userdel NAME).",
    parameters: &[],
    evaluate: extra_uid_0,
};

pub(super) const DUPLICATE_IDS: Check = Check {
    id: "accounts-duplicate-ids",
    title: "No two accounts or groups share a number or a name",
    why: "Accounts with the same uid own each other's files and cannot be told apart in any log. Of two entries \
          with the same name only the first is used, so the second says something that is not true.",
    severity: Severity::Medium,
    controls: &[
        "CIS-AL2023:6.2.4",
        "CIS-AL2023:6.2.5",
        "CIS-AL2023:6.2.6",
        "CIS-AL2023:6.2.7",
        "CIS-Debian12:7.2.5",
        "CIS-Debian12:7.2.8",
        "CIS-Ubuntu22.04:7.2.5",
        "CIS-Ubuntu24.04:7.2.5",
        "CIS-Ubuntu24.04:7.2.6",
        "CIS-Ubuntu24.04:7.2.7",
        "CIS-Ubuntu24.04:7.2.8",
        "NIST-800-53:CM-8",
    ],
    remediation: "Give each its own number (usermod -u NEWUID NAME, groupmod -g NEWGID NAME), hand over its files \
                  (chown), and remove entries that double a name with vipw or vigr.",
    parameters: &[],
    evaluate: duplicate_ids,
};

pub(super) const FILE_SYNTAX: Check = Check {
    id: "accounts-file-syntax",
    title: "Every line of passwd, group and shadow is a whole entry",
    why: "Programs disagree about lines that are not whole: libc logs in with one that an audit skips. \
          Lines that begin with + or - let a NIS server add accounts where nsswitch.conf says so.",
    severity: Severity::Medium,
    controls: &["NIST-800-53:AC-2", "AWS-WA:SEC03-BP02", "NCSC:9"],
    remediation: "See the lines with pwck -r and grpck -r; correct or remove them with vipw, vipw -s or vigr.",
    parameters: &[],
    evaluate: file_syntax,
};

fn extra_uid_0(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let users = match &facts.accounts.users {
        Ok(users) => users,
        Err(cause) => return vec![Outcome::unreadable("accounts", cause)],
    };
    let extra: Vec<Outcome> = users
        .iter()
        .filter(|user| user.uid == 0 && user.name != b"root")
        .map(|user| {
            let name = Text::from_bytes(&user.name);
            Outcome::fail(subject(&user.name), format!("{name} has uid 0, so it is root under another name"))
                .with(Evidence::new(Source::line(PASSWD, user.line), "uid 0", "a uid of its own"))
        })
        .collect();
    if extra.is_empty() { vec![Outcome::pass("accounts")] } else { extra }
}

fn duplicate_ids(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    match &facts.accounts.users {
        Err(cause) => outcomes.push(Outcome::unreadable(PASSWD, cause)),
        Ok(users) => {
            // uid 0 has a check of its own.
            let uids = users.iter().filter(|user| user.uid != 0);
            shared("uid", PASSWD, uids.map(|user| (user.uid, user.line, &user.name)), &mut outcomes);
            let names = users.iter().map(|user| (Text::from_bytes(&user.name), user.line, &user.name));
            shared("user", PASSWD, names, &mut outcomes);
        }
    }
    match &facts.accounts.groups {
        Err(cause) => outcomes.push(Outcome::unreadable(GROUP, cause)),
        Ok(groups) => {
            shared(
                "gid",
                GROUP,
                groups.iter().map(|group| (group.gid, group.line, &group.name)),
                &mut outcomes,
            );
            let names = groups.iter().map(|group| (Text::from_bytes(&group.name), group.line, &group.name));
            shared("group", GROUP, names, &mut outcomes);
        }
    }
    if outcomes.is_empty() { vec![Outcome::pass("accounts")] } else { outcomes }
}

fn shared<'a, K: Ord + Display>(
    what: &str,
    file: &str,
    entries: impl Iterator<Item = (K, usize, &'a Vec<u8>)>,
    outcomes: &mut Vec<Outcome>,
) {
    let mut by_key: BTreeMap<K, Vec<(usize, &Vec<u8>)>> = BTreeMap::new();
    for (key, line, name) in entries {
        by_key.entry(key).or_default().push((line, name));
    }
    for (key, owners) in by_key.into_iter().filter(|(_, owners)| owners.len() > 1) {
        let headline = format!("{} entries of {file} share {what} {key}", owners.len());
        let evidence = owners.iter().take(MAX_EVIDENCE).map(|(line, name)| {
            let observed = format!("{} has {what} {key}", Text::from_bytes(name));
            Evidence::new(Source::line(file, *line), observed, format!("a {what} of its own"))
        });
        outcomes.push(Outcome::fail(format!("{what}:{key}"), headline).with_all(evidence));
    }
}

fn file_syntax(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let accounts = &facts.accounts;
    let files = [
        (PASSWD, accounts.users.as_ref().err()),
        (GROUP, accounts.groups.as_ref().err()),
        (SHADOW, accounts.shadow.as_ref().err()),
    ];
    files
        .into_iter()
        .map(|(file, cause)| match cause {
            Some(cause) => Outcome::unreadable(file, cause),
            None => lines_of(file, &accounts.defects, &accounts.compat),
        })
        .collect()
}

fn lines_of(file: &str, defects: &[Unreadable], compat: &[Unreadable]) -> Outcome {
    let of_file = |odd: &&Unreadable| odd.path == std::path::Path::new(file);
    let compat: Vec<&Unreadable> = compat.iter().filter(of_file).collect();
    let defects: Vec<&Unreadable> = defects.iter().filter(of_file).collect();
    let headline = match (compat.as_slice(), defects.as_slice()) {
        ([], []) => return Outcome::pass(file),
        ([], _) => format!("{file} has lines that are no whole entries"),
        _ => format!("{file} has lines that let NIS add or remove accounts"),
    };
    let evidence = compat.iter().chain(&defects).take(MAX_EVIDENCE).filter_map(|odd| match &odd.cause {
        Cause::Malformed { line, what } => {
            Some(Evidence::new(Source::line(file, *line), what.as_str(), "a whole entry"))
        }
        _ => None,
    });
    Outcome::fail(file, headline).with_all(evidence)
}
