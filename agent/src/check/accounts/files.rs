//! Who may read and write the files that say who exists, and the homes of those who do.

use super::subject;
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::accounts::{Accounts, GROUP, Home, PASSWD};
use crate::host::{Cause, Facts, Kind, Meta, Unreadable};

pub(super) const FILE_MODES: Check = Check {
    id: "accounts-file-modes",
    title: "Only root can change the account files, and only root can read the hashes",
    why: "Whoever can write passwd or group can make themselves root; whoever can read shadow can crack every \
          password at leisure. The backups beside them (passwd-, shadow-) hold the same lines.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:6.1.2",
        "CIS-AL2023:6.1.4",
        "CIS-AL2023:6.1.6",
        "CIS-AL2023:6.1.8",
        "CIS-Debian12:7.1.1",
        "CIS-Debian12:7.1.3",
        "CIS-Debian12:7.1.5",
        "CIS-Debian12:7.1.7",
        "CIS-Ubuntu22.04:7.1.1",
        "CIS-Ubuntu24.04:7.1.1",
        "CIS-Ubuntu24.04:7.1.5",
        "NIST-800-53:AC-6",
    ],
    remediation: "chown root:root /etc/passwd /etc/group && chmod 0644 /etc/passwd /etc/group\n\
                  chmod o-rwx,g-wx /etc/shadow /etc/gshadow && chown root /etc/shadow /etc/gshadow\n\
                  The group of shadow and gshadow is root, or shadow on Debian and Ubuntu (chgrp shadow FILE).",
    parameters: &[],
    evaluate: file_modes,
};

pub(super) const HOME_MODES: Check = Check {
    id: "accounts-home-modes",
    title: "Home directories belong to their accounts and nobody else can write there",
    why: "Whoever can write in a home can plant a key in .ssh or a command in .profile and so become its owner. \
          sshd refuses keys in such a home, so this also locks people out.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:6.2.10",
        "CIS-Debian12:7.2.9",
        "CIS-Ubuntu22.04:7.2.9",
        "CIS-Ubuntu24.04:7.2.9",
        "NIST-800-53:AC-6",
        "NCSC:9",
    ],
    remediation: "chown NAME ~NAME && chmod go-w ~NAME\nchown NAME ~NAME/.ssh && chmod 0700 ~NAME/.ssh",
    parameters: &[],
    evaluate: home_modes,
};

fn file_modes(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let accounts = &facts.accounts;
    let mut outcomes: Vec<Outcome> =
        accounts.files.iter().map(|(path, meta)| file_mode(accounts, path, meta)).collect();
    if !accounts.files.iter().any(|(path, _)| *path == PASSWD) {
        let cause = Unreadable::new(PASSWD, Cause::Absent);
        outcomes.push(Outcome::unreadable(PASSWD, accounts.users.as_ref().err().unwrap_or(&cause)));
    }
    outcomes
}

fn file_mode(accounts: &Accounts, path: &str, meta: &Result<Meta, Unreadable>) -> Outcome {
    let meta = match meta {
        Ok(meta) if meta.kind == Kind::File => meta,
        Ok(meta) => return Outcome::unknown(path, format!("{path} is {}, not a regular file", meta.kind)),
        Err(cause) => return Outcome::unreadable(path, cause),
    };
    let is_public = path.starts_with(PASSWD) || path.starts_with(GROUP);
    let allowed = if is_public { 0o644 } else { 0o640 };
    let mut evidence = Vec::new();
    let mut object = |observed: String, expected: &str| {
        evidence.push(Evidence::new(Source::path(path), observed, expected))
    };
    if meta.mode & !allowed != 0 {
        object(format!("mode {:04o}", meta.mode), if is_public { "0644 or less" } else { "0640 or less" });
    }
    if meta.uid != 0 {
        object(format!("owner uid {}", meta.uid), "root");
    }
    // A group that has no rights does no harm, whichever it is.
    if meta.gid != 0 && meta.mode & 0o070 != 0 && (is_public || !is_shadow_group(accounts, meta.gid)) {
        object(format!("group gid {}", meta.gid), if is_public { "root" } else { "root or shadow" });
    }
    if evidence.is_empty() {
        return Outcome::pass(path);
    }
    let can_write = meta.uid != 0 || meta.mode & 0o022 != 0;
    let can_read = !is_public && meta.mode & 0o044 != 0;
    let (headline, severity) = match (can_write, can_read) {
        (true, _) => (format!("Somebody other than root can write {path}"), Severity::High),
        (false, true) => (format!("Somebody other than root can read the hashes in {path}"), Severity::High),
        (false, false) => (format!("{path} has a mode or a group that it should not have"), Severity::Low),
    };
    Outcome::fail(path, headline).at(severity).with_all(evidence)
}

fn is_shadow_group(accounts: &Accounts, gid: u32) -> bool {
    let groups = accounts.groups.as_deref().unwrap_or_default();
    groups.iter().any(|group| group.gid == gid && group.name == b"shadow")
}

fn home_modes(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    if let Err(cause) = &facts.accounts.users {
        return vec![Outcome::unreadable("accounts", cause)];
    }
    let homes = &facts.accounts.homes;
    let mut outcomes: Vec<Outcome> = homes.homes.iter().filter_map(home).collect();
    if homes.left_out > 0 {
        let reason = format!("{} more accounts than are looked at have a home", homes.left_out);
        outcomes.push(Outcome::unknown("accounts", reason));
    }
    if outcomes.is_empty() { vec![Outcome::pass("accounts")] } else { outcomes }
}

fn home(home: &Home) -> Option<Outcome> {
    let name = Text::from_bytes(&home.account);
    let subject = subject(&home.account);
    let mut evidence = Vec::new();
    let mut severity = Severity::Low;
    let parts = [(home.path.clone(), &home.meta), (home.path.join(".ssh"), &home.ssh)];
    for (path, meta) in &parts {
        let mut object = |weight: Severity, observed: String, expected: &str| {
            severity = severity.max(weight);
            evidence.push(Evidence::new(Source::path(path), observed, expected));
        };
        match meta {
            Err(cause) if cause.is_absent() => {}
            Err(Unreadable { cause: Cause::Malformed { .. }, .. }) => {
                let observed = "a home that is not an absolute path".to_owned();
                evidence = vec![Evidence::new(Source::line(PASSWD, home.line), observed, "an absolute path")];
                break;
            }
            Err(cause) => return Some(Outcome::unreadable(subject, cause)),
            Ok(meta) => {
                if !meta.is_directory() {
                    object(Severity::Low, format!("{}", meta.kind), "a directory");
                }
                if meta.is_world_writable() {
                    object(Severity::High, format!("mode {:04o}", meta.mode), "no write for others");
                }
                if meta.uid != home.uid && meta.uid != 0 {
                    let expected = format!("uid {} or root", home.uid);
                    object(Severity::Medium, format!("owner uid {}", meta.uid), &expected);
                }
            }
        }
    }
    if evidence.is_empty() {
        return None;
    }
    let headline = if severity == Severity::Low {
        format!("{name} has no proper home directory")
    } else {
        format!("Somebody other than {name} can write in the home of {name}")
    };
    Some(Outcome::fail(subject, headline).at(severity).with_all(evidence))
}
