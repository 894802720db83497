//! Files that root executes or reads as commands, and who else may write them.

use std::path::Path;

use super::{bounded, cannot_look, group_name, shown, user_name};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::files::{Files, Guarded, Object};

pub(super) const CRON: Check = Check {
    id: "files-cron-modes",
    title: "Only root can change what cron executes as root",
    why: "cron runs what these files say, most of it as root and within the hour. Whoever may write one of them, or the \
          directory that it is in, needs no hole in anything else.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:4.1.2",
        "CIS-AL2023:4.1.3",
        "CIS-AL2023:4.1.4",
        "CIS-AL2023:4.1.5",
        "CIS-AL2023:4.1.6",
        "CIS-AL2023:4.1.7",
        "CIS-Debian12:2.4.1.2",
        "CIS-Debian12:2.4.1.3",
        "CIS-Debian12:2.4.1.4",
        "CIS-Debian12:2.4.1.5",
        "CIS-Debian12:2.4.1.6",
        "CIS-Debian12:2.4.1.7",
        "CIS-Ubuntu22.04:2.4.1.2",
        "CIS-Ubuntu22.04:2.4.1.3",
        "CIS-Ubuntu22.04:2.4.1.4",
        "CIS-Ubuntu22.04:2.4.1.5",
        "CIS-Ubuntu22.04:2.4.1.6",
        "CIS-Ubuntu22.04:2.4.1.7",
        "CIS-Ubuntu24.04:2.4.1.2",
        "CIS-Ubuntu24.04:2.4.1.3",
        "CIS-Ubuntu24.04:2.4.1.4",
        "CIS-Ubuntu24.04:2.4.1.5",
        "CIS-Ubuntu24.04:2.4.1.6",
        "CIS-Ubuntu24.04:2.4.1.7",
        "NIST-800-53:AC-6",
        "NIST-800-53:CM-6",
        "NCSC:5",
    ],
    remediation: "chown root:root FILE && chmod go-w FILE. CIS asks for more, which hides the tables as well: \
                  chmod og-rwx /etc/crontab /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly",
    parameters: &[],
    evaluate: |facts, _: &Thresholds<'_>| {
        evaluate(facts, "cron", "cron is not installed", |files| &files.cron, is_wrong_for_cron)
    },
};

pub(super) const UNITS: Check = Check {
    id: "files-unit-modes",
    title: "Only root can change systemd's units",
    why: "A unit says which program root starts, and systemd reads it again at the next start of the machine. Whoever may \
          write a unit, a drop-in or the directory of one is root from then on.",
    severity: Severity::High,
    controls: &["NIST-800-53:AC-6", "NIST-800-53:CM-6", "AWS-WA:SEC03-BP02", "NCSC:5"],
    remediation: "chown root:root FILE && chmod go-w FILE, for each file that is named; then systemctl daemon-reload",
    parameters: &[],
    evaluate: |facts, _: &Thresholds<'_>| {
        evaluate(facts, "systemd", "systemd is not installed", |files| &files.units, is_wrong)
    },
};

pub(super) const PROFILE: Check = Check {
    id: "files-profile-modes",
    title: "Only root can change what root's shell reads when it starts",
    why: "A shell runs these files before its first prompt. Whoever may write one of them waits for the next login of an \
          administrator and has their rights.",
    severity: Severity::High,
    controls: &["NIST-800-53:AC-6", "NIST-800-53:CM-6", "NCSC:5"],
    remediation: "chown root:root FILE && chmod go-w FILE, for each file that is named",
    parameters: &[],
    evaluate: |facts, _: &Thresholds<'_>| {
        let none = "there are no start-up files of shells";
        evaluate(facts, "profile", none, |files| &files.profile, is_wrong)
    },
};

fn evaluate(
    facts: &Facts,
    subject: &str,
    none: &str,
    group: fn(&Files) -> &Guarded,
    is_wrong: fn(&Object) -> bool,
) -> Vec<Outcome> {
    let guarded = match &facts.files {
        Ok(files) => group(files),
        Err(cause) => return vec![Outcome::unreadable(subject, cause)],
    };
    let wrong: Vec<&Object> = guarded.loose.list.iter().filter(|object| is_wrong(object)).collect();
    if let Some(first) = wrong.first() {
        let headline = match wrong.len() {
            1 => format!("Somebody other than root can write {}", shown(&first.path)),
            count => {
                format!("Somebody other than root can write {} and {} more", shown(&first.path), count - 1)
            }
        };
        let evidence = wrong.iter().map(|object| evidence(facts, object)).collect();
        return vec![Outcome::fail(subject, headline).with_all(bounded(evidence, guarded.loose.more))];
    }
    vec![if !guarded.unread.is_empty() {
        cannot_look(subject, &guarded.unread)
    } else if guarded.loose.more > 0 {
        Outcome::unknown(
            subject,
            format!("{} more files than are looked at are not root's alone", guarded.loose.more),
        )
    } else if guarded.count == 0 {
        Outcome::not_applicable(subject, none)
    } else {
        Outcome::pass(subject)
    }]
}

pub(super) fn evidence(facts: &Facts, object: &Object) -> Evidence {
    let meta = &object.meta;
    let observed =
        format!("mode {:04o}, {}:{}", meta.mode, user_name(facts, meta.uid), group_name(facts, meta.gid));
    Evidence::new(Source::path(&object.path), observed, "root's, and no write for others")
}

/// Whether somebody who is not root may write it.
pub(super) fn is_wrong(object: &Object) -> bool {
    let meta = &object.meta;
    meta.uid != 0 || meta.is_world_writable() || (meta.is_group_writable() && meta.gid != 0)
}

/// In the spool people's tables are people's own; cron itself refuses one whose owner is not who its name says.
fn is_wrong_for_cron(object: &Object) -> bool {
    let (path, meta) = (&object.path, &object.meta);
    if !path.starts_with(SPOOL) {
        return is_wrong(object);
    }
    let is_open = meta.is_world_writable() || (meta.is_group_writable() && meta.gid != 0);
    if meta.is_directory() {
        // crontab(1) and at(1) run with a group of their own, and the sticky bit keeps people apart.
        return (is_open && (meta.mode & 0o1000 == 0 || meta.is_world_writable()))
            || meta.uid >= FIRST_PERSON;
    }
    let is_roots =
        path.file_name().is_some_and(|name| name == "root") && path.parent().is_some_and(is_of_tables);
    is_open || (is_roots && meta.uid != 0)
}

fn is_of_tables(directory: &Path) -> bool {
    directory == Path::new(SPOOL) || directory == Path::new("/var/spool/cron/crontabs")
}

const SPOOL: &str = "/var/spool/cron";
/// Accounts below belong to the system (login.defs(5), UID_MIN).
const FIRST_PERSON: u32 = 1000;
