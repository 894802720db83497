//! The files that sudo believes: that they say what they seem to, and that only root can write them.

use std::collections::BTreeSet;

use super::{MAX_EVIDENCE, sudoers};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::sudoers::{DefectKind, Included, Sudoers};
use crate::host::{Facts, Kind};

pub(super) const CONFIG_VALID: Check = Check {
    id: "sudo-config-valid",
    title: "sudo understands every line of its configuration",
    why: "sudo drops a line that it does not understand, and before 1.9.3 it refuses to work at all. What the line \
          was to forbid is then allowed, what it was to allow is not, and the way to root may be shut.",
    severity: Severity::Medium,
    controls: &["NIST-800-53:CM-6", "NIST-800-53:AC-6", "NCSC:10"],
    remediation: "visudo -c names the lines; correct them with visudo -f FILE, which checks before it saves.",
    parameters: &[],
    evaluate: config_valid,
};

pub(super) const FILE_MODES: Check = Check {
    id: "sudo-file-modes",
    title: "Only root can change what sudo believes",
    why: "Whoever can write a file that sudo reads can make themselves root. sudo refuses some such files and takes \
          others; a readable one tells an intruder which account is worth stealing.",
    severity: Severity::High,
    controls: &["NIST-800-53:AC-6", "NIST-800-53:CM-6", "NCSC:10"],
    remediation: "chown root:root FILE && chmod 0440 FILE\nchown root:root /etc/sudoers.d && chmod 0750 /etc/sudoers.d",
    parameters: &[],
    evaluate: file_modes,
};

fn config_valid(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let sudoers = match sudoers(facts) {
        Ok(sudoers) => sudoers,
        Err(outcomes) => return outcomes,
    };
    let mut outcomes: Vec<Outcome> = [DefectKind::Syntax, DefectKind::Warning]
        .into_iter()
        .filter_map(|kind| defects(sudoers, kind))
        .collect();
    let unread = sudoers.defects.iter().filter(|defect| defect.kind == DefectKind::File);
    outcomes.extend(unread.take(MAX_EVIDENCE).map(|defect| Outcome::unknown("sudo", defect.what.as_str())));
    if outcomes.is_empty() { vec![Outcome::pass("sudo")] } else { outcomes }
}

fn defects(sudoers: &Sudoers, kind: DefectKind) -> Option<Outcome> {
    let found: Vec<Evidence> = sudoers
        .defects
        .iter()
        .filter(|defect| defect.kind == kind)
        .map(|defect| {
            let source = Source::line(&defect.place.path, defect.place.line);
            Evidence::new(source, defect.what.as_str(), "what sudoers(5) allows")
        })
        .collect();
    let (headline, severity) = match (kind, found.len()) {
        (_, 0) => return None,
        (DefectKind::Warning, 1) => ("sudo is told of an alias that is not there".to_owned(), Severity::Low),
        (DefectKind::Warning, n) => {
            (format!("sudo is told of {n} aliases that are not there"), Severity::Low)
        }
        (_, 1) => ("sudo does not understand a line of its configuration".to_owned(), Severity::Medium),
        (_, n) => (format!("sudo does not understand {n} lines of its configuration"), Severity::Medium),
    };
    Some(Outcome::fail("sudo", headline).at(severity).with_all(found.into_iter().take(MAX_EVIDENCE)))
}

fn file_modes(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let sudoers = match sudoers(facts) {
        Ok(sudoers) => sudoers,
        Err(outcomes) => return outcomes,
    };
    // A file that is included twice is still one file.
    let mut seen = BTreeSet::new();
    let mut outcomes: Vec<Outcome> =
        sudoers.files.iter().filter(|file| seen.insert(file.path.clone())).filter_map(file_mode).collect();
    let unread = sudoers.defects.iter().filter(|defect| defect.kind == DefectKind::File);
    outcomes.extend(unread.take(MAX_EVIDENCE).map(|defect| Outcome::unknown("sudo", defect.what.as_str())));
    if outcomes.is_empty() { vec![Outcome::pass("sudo")] } else { outcomes }
}

fn file_mode(file: &Included) -> Option<Outcome> {
    let path = Source::path(&file.path);
    let subject = path.text().to_string();
    // What could not be looked at is among the defects, unless it is merely not there.
    let Ok(meta) = &file.meta else { return None };
    let is_directory = meta.kind == Kind::Directory;
    let mut evidence = Vec::new();
    let mut object =
        |observed: String, expected: &str| evidence.push(Evidence::new(path.clone(), observed, expected));
    if meta.uid != 0 {
        object(format!("owner uid {}", meta.uid), "root");
    }
    if meta.gid != 0 && meta.mode & 0o070 != 0 {
        object(format!("group gid {}", meta.gid), "root");
    }
    let forbidden = if is_directory { 0o022 } else { 0o337 };
    if meta.mode & forbidden != 0 {
        object(format!("mode {:04o}", meta.mode), if is_directory { "0755 or less" } else { "0440 or 0400" });
    }
    let can_write = meta.uid != 0 || meta.mode & 0o022 != 0;
    let (headline, severity) = if can_write {
        (format!("Somebody other than root can write {subject}"), Severity::High)
    } else {
        (format!("{subject} is not as tightly kept as sudo wants it"), Severity::Low)
    };
    (!evidence.is_empty()).then(|| Outcome::fail(subject, headline).at(severity).with_all(evidence))
}
