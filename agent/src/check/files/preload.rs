//! Libraries that the loader puts into every program.

use super::{bounded, cannot_look, guarded, shown};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::files::preload::FILE;
use crate::host::files::{Files, Object, Preload};

pub(super) const PRELOAD: Check = Check {
    id: "files-preload",
    title: "No stranger's library is loaded into every program",
    why: "What /etc/ld.so.preload names runs in every program that starts, root's included, and can hide files, processes \
          and logins from all of them: user-space rootkits live there. Who may write the loader's other lists can do the same.",
    severity: Severity::Critical,
    controls: &["NIST-800-53:AC-6", "NIST-800-53:CM-7", "AWS-WA:SEC06-BP05", "NCSC:5"],
    remediation: "cat /etc/ld.so.preload; dpkg -S LIBRARY says which package brought it. If nobody knows it, take the \
                  machine off the network and look at its disk from another one: programs on it may lie. Otherwise \
                  chown root:root FILE && chmod go-w FILE.",
    parameters: &[],
    evaluate,
};

fn evaluate(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let files = match &facts.files {
        Ok(files) => files,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    let libraries = match &files.preload {
        Ok(libraries) => libraries,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    let mut evidence: Vec<Evidence> =
        libraries.iter().filter_map(|library| of_library(files, library)).collect();
    let loose: Vec<&Object> =
        files.loader.loose.list.iter().filter(|object| guarded::is_wrong(object)).collect();
    evidence.extend(loose.iter().map(|object| guarded::evidence(facts, object)));
    if !evidence.is_empty() {
        let headline = match (libraries.first(), loose.first()) {
            (Some(library), _) => {
                format!("Every program loads {}, which cannot be vouched for", shown(&library.path))
            }
            (None, Some(object)) => format!("Somebody other than root can write {}", shown(&object.path)),
            (None, None) => String::new(),
        };
        return vec![Outcome::fail(SUBJECT, headline).with_all(bounded(evidence, 0))];
    }
    if !files.loader.unread.is_empty() {
        return vec![cannot_look(SUBJECT, &files.loader.unread)];
    }
    if libraries.is_empty() {
        let nothing = files.loader.count == 0;
        return vec![if nothing {
            Outcome::not_applicable(SUBJECT, NO_LOADER)
        } else {
            Outcome::pass(SUBJECT)
        }];
    }
    vec![match &files.owners {
        Err(cause) => Outcome::unreadable(SUBJECT, cause),
        Ok(None) => Outcome::unknown(
            SUBJECT,
            format!("{FILE} names libraries, and no package manager can vouch for them"),
        ),
        Ok(Some(_)) => Outcome::pass(SUBJECT).with_all(libraries.iter().take(super::MAX_EVIDENCE).map(told)),
    }]
}

/// What is wrong with a library of the list.
fn of_library(files: &Files, library: &Preload) -> Option<Evidence> {
    let wrong = |observed: String| {
        Evidence::new(Source::line(FILE, library.line), observed, "a package's library, root's alone")
    };
    let path = shown(&library.path);
    let trail = match &library.trail {
        Ok(trail) => trail,
        Err(cause) => return Some(wrong(format!("{path}: {cause}"))),
    };
    for place in &trail.places {
        let meta = &place.meta;
        let is_open = meta.mode & 0o022 != 0 && !(meta.is_directory() && meta.mode & 0o1000 != 0);
        if meta.uid != 0 || is_open {
            let at = shown(&place.path);
            return Some(wrong(format!(
                "{path}: {at} has mode {:04o} and owner uid {}",
                meta.mode, meta.uid
            )));
        }
    }
    // A link from one package's directory to another's file has a real path, too.
    let real = trail.end().map(|place| place.path.as_path());
    let is_packaged = files.package(&library.path).or_else(|| files.package(real?)).is_some();
    let is_known = matches!(&files.owners, Ok(Some(_)));
    (is_known && !is_packaged).then(|| wrong(format!("{path} is owned by no package")))
}

fn told(library: &Preload) -> Evidence {
    Evidence::new(
        Source::line(FILE, library.line),
        format!("{} is loaded", shown(&library.path)),
        "a package's library",
    )
}

const SUBJECT: &str = "loader";
const NO_LOADER: &str = "there is no list of the loader's below this root";
