//! Programs that run with the rights of their owner or group: who made them so.

use std::path::Path;

use super::shipped::{self, Shipped};
use super::{
    SUBJECT, bounded, cannot_look, group_name, is_below, pass_if_all_was_seen, shown, survey, user_name,
};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::files::{Files, Object, Override, Owners, Survey};
use crate::host::{Facts, Unreadable};

pub(super) const UNPACKAGED: Check = Check {
    id: "files-set-id-unpackaged",
    title: "Every set-uid and set-gid program belongs to a package",
    why: "A set-uid program that no package brought gets no updates, and a copy of a shell with the bit set is the \
          oldest way to keep the root that one has won. Whoever made it meant it, or should not have been able to.",
    severity: Severity::High,
    controls: CONTROLS,
    remediation: "ls -l FILE && file FILE, and if nobody knows why it is there: chmod ug-s FILE, keep a copy, and find \
                  out when it came (stat FILE). What has to be: suppress this check with the reason.",
    parameters: &[],
    evaluate: unpackaged,
};

pub(super) const MODE: Check = Check {
    id: "files-set-id-mode",
    title: "Packaged programs have the set-uid and set-gid bits that their packages gave them",
    why: "chmod u+s on an ordinary program such as find, vim or python3 makes a root shell of it for everybody. The \
          package manager does not notice, because dpkg records no modes, and a list of set-uid files has one line more.",
    severity: Severity::Medium,
    controls: CONTROLS,
    remediation: "chmod ug-s FILE, or reinstall the package: apt-get install --reinstall PACKAGE. What is meant to be \
                  so, tell dpkg: dpkg-statoverride --add OWNER GROUP MODE FILE.",
    parameters: &[],
    evaluate: mode,
};

/// For set-id bits, and for capabilities, which are parts of the same power.
pub(super) const CONTROLS: &[&str] = &[
    "CIS-AL2023:6.1.13",
    "CIS-Debian12:7.1.13",
    "CIS-Ubuntu22.04:7.1.13",
    "CIS-Ubuntu24.04:7.1.13",
    "NIST-800-53:AC-6",
    "NIST-800-53:CM-6",
    "AWS-WA:SEC03-BP02",
    "NCSC:5",
];

fn unpackaged(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let (files, survey) = match survey(facts) {
        Ok(found) => found,
        Err(outcomes) => return outcomes,
    };
    let strangers: Vec<&Object> =
        survey.set_id.list.iter().filter(|object| is_stranger(files, &object.path)).collect();
    if strangers.is_empty() {
        return vec![without_owners(files, survey).unwrap_or_else(|| pass_if_all_was_seen(survey))];
    }
    let severity = strangers.iter().map(|object| weight(object)).max().unwrap_or(Severity::High);
    let first = shown(&strangers[0].path);
    let headline = match strangers.len() {
        1 => format!("{first} runs with the rights of its owner or group, and no package brought it"),
        count => format!(
            "{first} and {} more run with the rights of others, and no package brought them",
            count - 1
        ),
    };
    let evidence = strangers.iter().map(|object| {
        Evidence::new(
            Source::path(&object.path),
            described(facts, object),
            "a package's file, or no set-id bit",
        )
    });
    vec![
        Outcome::fail(SUBJECT, headline)
            .at(severity)
            .with_all(bounded(evidence.collect(), survey.set_id.more)),
    ]
}

/// Whether no package owns it. In the places of people and of the machine's own software no package puts anything.
fn is_stranger(files: &Files, path: &Path) -> bool {
    match &files.owners {
        Ok(Some(owners)) => owners.package(path).is_none(),
        Ok(None) | Err(_) => is_below(path, NO_PACKAGES),
    }
}

fn weight(object: &Object) -> Severity {
    let is_roots = object.meta.mode & 0o4000 != 0 && object.meta.uid == 0;
    // Without the right to execute it for anybody else it gives nobody anything.
    let can_run = object.meta.mode & 0o011 != 0;
    match (is_roots, can_run) {
        (true, true) => Severity::Critical,
        (_, false) => Severity::Medium,
        (false, true) => Severity::High,
    }
}

fn mode(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let (files, survey) = match survey(facts) {
        Ok(found) => found,
        Err(outcomes) => return outcomes,
    };
    let owners = match &files.owners {
        Ok(Some(owners)) => owners,
        Ok(None) => return vec![Outcome::not_applicable(SUBJECT, NO_MANAGER)],
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    // Names decide: a table of numbers would be another one on every machine.
    if let Some(cause) = facts.accounts.users.as_ref().err().or(facts.accounts.groups.as_ref().err()) {
        return vec![Outcome::unreadable(SUBJECT, cause)];
    }
    let found: Vec<(Severity, Evidence, Text)> =
        survey.set_id.list.iter().filter_map(|object| judge(facts, owners, object)).collect();
    let Some((_, _, first)) = found.iter().max_by_key(|(severity, ..)| *severity) else {
        if survey.set_id.more > 0 {
            let reason = format!("{} more set-id files than are looked at", survey.set_id.more);
            return vec![Outcome::unknown(SUBJECT, reason)];
        }
        return vec![pass_if_all_was_seen(survey)];
    };
    let severity = found.iter().map(|(severity, ..)| *severity).max().unwrap_or(Severity::Medium);
    let headline = match found.len() {
        1 => format!("{first} is set-uid or set-gid, other than its package is known to ship it"),
        count => {
            format!(
                "{first} and {} more are set-uid or set-gid, other than their packages are known to ship them",
                count - 1
            )
        }
    };
    let evidence = found.into_iter().map(|(_, evidence, _)| evidence).collect();
    vec![Outcome::fail(SUBJECT, headline).at(severity).with_all(bounded(evidence, survey.set_id.more))]
}

/// What is wrong with a packaged set-id file.
fn judge(facts: &Facts, owners: &Owners, object: &Object) -> Option<(Severity, Evidence, Text)> {
    let package = owners.package(&object.path)?;
    let (owner, group) = (user_name(facts, object.meta.uid), group_name(facts, object.meta.gid));
    if let Some(meant) = owners.overrides.get(&object.path) {
        let is = |meant: &[u8], name: &str, id: u32| {
            meant == name.as_bytes() || meant == format!("#{id}").as_bytes()
        };
        if meant.mode == object.meta.mode
            && is(&meant.owner, &owner, object.meta.uid)
            && is(&meant.group, &group, object.meta.gid)
        {
            return None;
        }
    }
    let rows = rows(owners, &object.path);
    if rows.iter().any(|row| fits(row, object, &owner, &group)) {
        return None;
    }
    let severity = if is_escape(&object.path) && object.meta.mode & 0o011 != 0 {
        if object.meta.uid == 0 && object.meta.mode & 0o4000 != 0 {
            Severity::Critical
        } else {
            Severity::High
        }
    } else if rows.is_empty() {
        Severity::Medium
    } else {
        Severity::High
    };
    let expected = match rows.first() {
        Some(row) => {
            format!(
                "mode {:04o}, {}:{}, as package {package} ships it",
                row.mode,
                Text::new(&row.owner),
                Text::new(&row.group)
            )
        }
        None if owners.shipped.is_some() => format!("no set-id bit: package {package} ships it without"),
        None => format!("no set-id bit: guestward does not know that package {package} ships it so"),
    };
    let evidence = Evidence::new(Source::path(&object.path), described(facts, object), expected);
    Some((severity, evidence, shown(&object.path)))
}

/// How a package ships it: as rpm records it, or as is known of Debian's.
fn rows(owners: &Owners, path: &Path) -> Vec<Row> {
    let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match &owners.shipped {
        Some(shipped) => {
            let row = |meant: &Override| Row {
                mode: meant.mode,
                owner: word(&meant.owner),
                group: word(&meant.group),
            };
            shipped.get(path).map(row).into_iter().collect()
        }
        None => {
            let row = |Shipped { mode, owner, group }| Row {
                mode,
                owner: owner.to_owned(),
                group: group.to_owned(),
            };
            shipped::at(path).map(row).collect()
        }
    }
}

struct Row {
    mode: u32,
    owner: String,
    group: String,
}

/// Whether it is as shipped, or tighter.
fn fits(row: &Row, object: &Object, owner: &str, group: &str) -> bool {
    let mode = object.meta.mode;
    mode & !row.mode == 0
        && (mode & 0o4200 == 0 || row.owner == owner)
        && (mode & 0o2020 == 0 || row.group == group)
}

/// A shell, an interpreter, or a program that starts another or writes where it is told: a way to its owner's rights.
pub(super) fn is_escape(path: &Path) -> bool {
    let name = path.file_name().map(std::ffi::OsStr::to_string_lossy).unwrap_or_default();
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    ESCAPES.contains(&name)
}

fn described(facts: &Facts, object: &Object) -> String {
    let meta = &object.meta;
    format!("mode {:04o}, {}:{}", meta.mode, user_name(facts, meta.uid), group_name(facts, meta.gid))
}

/// The answer where it is not known, or not asked, what belongs to packages.
fn without_owners(files: &Files, survey: &Survey) -> Option<Outcome> {
    if !survey.unread.is_empty() {
        return Some(cannot_look(SUBJECT, &survey.unread));
    }
    match &files.owners {
        Ok(Some(_)) if survey.set_id.more > 0 => {
            let reason = format!("{} more set-id files than are looked at", survey.set_id.more);
            Some(Outcome::unknown(SUBJECT, reason))
        }
        Ok(Some(_)) => None,
        Ok(None) if survey.set_id.is_empty() => None,
        Ok(None) => Some(Outcome::not_applicable(SUBJECT, NO_MANAGER)),
        Err(cause) => Some(unreadable(cause)),
    }
}

fn unreadable(cause: &Unreadable) -> Outcome {
    Outcome::unreadable(SUBJECT, cause)
}

const NO_MANAGER: &str = "there is no package manager that could own anything: neither dpkg nor rpm";
/// FHS 3.0 keeps these from packages.
const NO_PACKAGES: &[&str] = &["/home", "/root", "/srv", "/usr/local", "/var/tmp"];
/// Names without their versions: python3.11 is python.
const ESCAPES: &[&str] = &[
    "ash",
    "awk",
    "bash",
    "busybox",
    "cat",
    "chmod",
    "chown",
    "cp",
    "csh",
    "curl",
    "dash",
    "dd",
    "ed",
    "emacs",
    "env",
    "expect",
    "find",
    "fish",
    "gawk",
    "gdb",
    "gcc",
    "git",
    "install",
    "java",
    "ksh",
    "less",
    "lua",
    "make",
    "mawk",
    "more",
    "mv",
    "nano",
    "nc",
    "nice",
    "nmap",
    "node",
    "openssl",
    "perl",
    "php",
    "pip",
    "pwsh",
    "python",
    "rsync",
    "ruby",
    "rvim",
    "sed",
    "setarch",
    "sh",
    "socat",
    "strace",
    "systemctl",
    "systemd-run",
    "tar",
    "tclsh",
    "tcsh",
    "tee",
    "time",
    "timeout",
    "tmux",
    "unshare",
    "vi",
    "vim",
    "vim.basic",
    "vim.tiny",
    "watch",
    "wget",
    "xargs",
    "zip",
    "zsh",
];
