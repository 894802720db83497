//! Files that hold what opens other machines: who may read them, and what does not belong in them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::credentials::{Credentials, Guarded, Remote};
use crate::host::{Facts, Unreadable};

pub(super) const FILE_MODES: Check = Check {
    id: "credentials-file-modes",
    title: "Files that hold passwords, tokens and private keys are their owners' alone",
    why: "The AWS CLI, git, docker, psql and others keep what they log in with in files of the home, in clear. \
          Whoever can read such a file is its owner elsewhere; whoever can write it chooses where the owner logs in.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:6.2.11",
        "CIS-Debian12:7.2.10",
        "CIS-Ubuntu22.04:7.2.10",
        "CIS-Ubuntu24.04:7.2.10",
        "NIST-800-53:AC-6",
        "NIST-800-53:IA-5",
        "AWS-WA:SEC02-BP03",
        "NCSC:10",
    ],
    remediation: "chmod 0600 FILE, and change what it holds if others can log in here. Most of these programs make the \
                  file so by themselves: a copy, an archive or a umask of 0000 undid it.",
    parameters: &[],
    evaluate: file_modes,
};

pub(super) const GIT_REMOTES: Check = Check {
    id: "credentials-git-remotes",
    title: "No Git repository keeps a password in a remote's address",
    why: "A clone by https://name:token@host/ writes the token into .git/config, where it stays for as long as the \
          repository does, shows in every git remote -v, and goes along with every copy of the directory.",
    severity: Severity::Medium,
    controls: &["NIST-800-53:IA-5", "AWS-WA:SEC02-BP03", "NCSC:10"],
    remediation: "git remote set-url NAME https://HOST/PATH, withdraw the token, and let a credential helper or a deploy \
                  key of its own do the login.",
    parameters: &[],
    evaluate: git_remotes,
};

fn file_modes(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let credentials = match known(facts) {
        Ok(credentials) => credentials,
        Err(cause) => return vec![Outcome::unreadable(HOMES, cause)],
    };
    if credentials.home_count == 0 && credentials.guarded.is_empty() {
        return vec![Outcome::not_applicable(HOMES, "no account has a home directory here")];
    }
    let mut outcomes: Vec<Outcome> = credentials.guarded.iter().filter_map(guarded).collect();
    if outcomes.is_empty() {
        outcomes.push(Outcome::pass(HOMES));
    }
    outcomes
}

fn known(facts: &Facts) -> Result<&Credentials, &Unreadable> {
    let credentials = facts.credentials.as_ref()?;
    credentials.accounts.as_ref().map_or(Ok(credentials), Err)
}

fn guarded(file: &Result<Guarded, Unreadable>) -> Option<Outcome> {
    let file = match file {
        Ok(file) => file,
        Err(cause) => return Some(Outcome::unreadable(Source::path(&cause.path).text().clone(), cause)),
    };
    let may = match (file.is_public, file.is_writable) {
        (_, true) => "change",
        (true, false) => "read",
        (false, false) => return None,
    };
    let source = Source::path(&file.path);
    let whose = match &file.account {
        Some(account) => format!("with which {} logs in elsewhere", Text::from_bytes(account)),
        None => "which holds a private key of this machine".to_owned(),
    };
    let headline = format!("Every account can {may} {}, {whose}", source.text());
    let observed = format!("mode {:04o}", file.mode);
    Some(Outcome::fail(source.text().clone(), headline).with(Evidence::new(source, observed, "0600 or less")))
}

fn git_remotes(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let credentials = match known(facts) {
        Ok(credentials) => credentials,
        Err(cause) => return vec![Outcome::unreadable(REPOSITORIES, cause)],
    };
    let looked = [&credentials.homes, &credentials.applications];
    if looked.iter().all(|looked| looked.count == 0 && looked.unreadable_count == 0)
        && credentials.home_count == 0
    {
        return vec![Outcome::not_applicable(
            REPOSITORIES,
            "none of the places where repositories are exists here",
        )];
    }
    let mut files: BTreeMap<&Path, Vec<&Remote>> = BTreeMap::new();
    for remote in &credentials.remotes {
        files.entry(&remote.path).or_default().push(remote);
    }
    let mut outcomes: Vec<Outcome> =
        files.iter().map(|(path, remotes)| of_repository(path, remotes)).collect();
    if let Some(cause) = looked.iter().find_map(|looked| looked.unreadable.first()) {
        outcomes.push(Outcome::unreadable(REPOSITORIES, cause));
    }
    if outcomes.is_empty() { vec![Outcome::pass(REPOSITORIES)] } else { outcomes }
}

fn of_repository(path: &Path, remotes: &[&Remote]) -> Outcome {
    let place = Source::path(path);
    let is_public = remotes.iter().any(|remote| remote.is_public);
    let reach = if is_public { ", where every account can read it" } else { "" };
    let host = remotes.first().map(|remote| remote.host.as_str()).unwrap_or_default();
    let headline = format!("{} keeps a password for {host}{reach}", place.text());
    let evidence = remotes.iter().take(MAX_EVIDENCE).map(|remote| {
        let observed = format!("a password in the address of {}", remote.host);
        Evidence::new(Source::line(&remote.path, remote.line), observed, "an address without a password")
    });
    let severity = if is_public { Severity::High } else { Severity::Medium };
    Outcome::fail(place.text().clone(), headline).at(severity).with_all(evidence)
}

const HOMES: &str = "homes";
const REPOSITORIES: &str = "repositories";
/// As many pieces of evidence as a reader looks at.
const MAX_EVIDENCE: usize = 20;
