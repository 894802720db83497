//! What anybody may write.

use std::path::Path;

use super::{SUBJECT, SYSTEM, bounded, is_below, pass_if_all_was_seen, shown, survey};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::files::{Kept, Object, Reach};

pub(super) const FILES: Check = Check {
    id: "files-world-writable",
    title: "No system file can be written by everybody",
    why: "Whoever may write a program or a configuration file has the rights of everybody who uses it, root's included. \
          One forgotten chmod 777 turns any hole in any service into the whole machine.",
    severity: Severity::High,
    controls: CONTROLS,
    remediation: "chmod o-w FILE, for each file that is named. Where several accounts have to write it, give it a group \
                  of theirs: chgrp GROUP FILE && chmod g+w,o-w FILE.",
    parameters: &[],
    evaluate: files,
};

pub(super) const DIRECTORIES: Check = Check {
    id: "files-world-writable-dirs",
    title: "Directories that everybody may write in are sticky",
    why: "Without the sticky bit whoever may write in a directory may also rename and remove what others have in it, \
          and put their own in its place. A service that looks there again finds what an attacker left for it.",
    severity: Severity::High,
    controls: CONTROLS,
    remediation: "chmod o-w DIRECTORY, or where everybody has to write there: chmod +t DIRECTORY.",
    parameters: &[],
    evaluate: directories,
};

const CONTROLS: &[&str] = &[
    "CIS-AL2023:6.1.11",
    "CIS-Debian12:7.1.11",
    "CIS-Ubuntu22.04:7.1.11",
    "CIS-Ubuntu24.04:7.1.11",
    "NIST-800-53:AC-6",
    "AWS-WA:SEC03-BP02",
    "NCSC:5",
];

fn files(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    match survey(facts) {
        Ok((_, survey)) if survey.open_files.is_empty() => vec![pass_if_all_was_seen(survey)],
        Ok((_, survey)) => {
            vec![fail(&survey.open_files, "can be written by everybody", "no write for others")]
        }
        Err(outcomes) => outcomes,
    }
}

fn directories(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    match survey(facts) {
        Ok((_, survey)) if survey.open_directories.is_empty() => vec![pass_if_all_was_seen(survey)],
        Ok((_, survey)) => {
            let what = "lets everybody exchange what is in it";
            vec![fail(&survey.open_directories, what, "sticky (1777), or no write for others")]
        }
        Err(outcomes) => outcomes,
    }
}

fn fail(objects: &Kept<Object>, what: &str, expected: &str) -> Outcome {
    let mut sorted: Vec<(Severity, &Object)> =
        objects.list.iter().map(|object| (severity(object), object)).collect();
    sorted.sort_by(|(a, left), (b, right)| b.cmp(a).then_with(|| left.path.cmp(&right.path)));
    let worst = sorted.first().map_or(Severity::High, |(severity, _)| *severity);
    let first = sorted.first().map(|(_, object)| shown(&object.path).to_string()).unwrap_or_default();
    let headline = match sorted.len() as u64 + objects.more - 1 {
        0 => format!("{first} {what}"),
        others => format!("{first} {what}, and so with {others} more"),
    };
    let evidence = sorted.iter().map(|(_, object)| evidence(object, expected)).collect();
    Outcome::fail(SUBJECT, headline).at(worst).with_all(bounded(evidence, objects.more))
}

fn evidence(object: &Object, expected: &str) -> Evidence {
    let meta = &object.meta;
    let behind = match object.reach {
        Reach::Everybody => "",
        Reach::Some => ", in a directory that not everybody may enter",
    };
    let observed = format!("mode {:04o}, owner uid {}{behind}", meta.mode, meta.uid);
    Evidence::new(Source::path(&object.path), observed, expected)
}

fn severity(object: &Object) -> Severity {
    let is_program = !object.meta.is_directory() && object.meta.mode & 0o111 != 0;
    match object.reach {
        Reach::Some => Severity::Low,
        Reach::Everybody if is_below(&object.path, PEOPLES) => Severity::Low,
        Reach::Everybody if object.path == Path::new("/") || is_below(&object.path, SYSTEM) || is_program => {
            Severity::High
        }
        Reach::Everybody => Severity::Medium,
    }
}

/// Where people keep what is theirs.
const PEOPLES: &[&str] = &["/home", "/var/tmp"];
