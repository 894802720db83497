//! Who may read and change what was written down.

use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::logging::LogFile;
use crate::host::{Facts, Kind};

pub(super) const CHECKS: &[Check] = &[Check {
    id: "logging-file-modes",
    title: "Only those who should can read and change the log files",
    why: "A log that everyone can write proves nothing. The logs about logins hold names, addresses and now and then a \
          password that somebody typed into the wrong field.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:5.1.3",
        "CIS-AL2023:5.2.4.1",
        "CIS-AL2023:5.2.4.4",
        "CIS-Debian12:6.1.4.1",
        "CIS-Debian12:6.2.4.1",
        "CIS-Debian12:6.2.4.4",
        "CIS-Ubuntu22.04:6.2.2.1",
        "CIS-Ubuntu22.04:6.3.4.1",
        "CIS-Ubuntu22.04:6.3.4.4",
        "CIS-Ubuntu24.04:6.1.4.1",
        "CIS-Ubuntu24.04:6.2.4.1",
        "CIS-Ubuntu24.04:6.2.4.4",
        "NIST-800-53:AU-9",
        "NIST-800-53:AC-6",
        "AWS-WA:SEC04-BP02",
    ],
    remediation: "chmod o-w FILE for what everyone can write; chmod o-rwx for the logs about logins (auth.log, secure, \
                  btmp, audit). logrotate makes new files as its 'create' line says: mend that line too.",
    parameters: &[],
    evaluate,
}];

fn evaluate(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let logging = match &facts.logging {
        Ok(logging) => logging,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    let files = match &logging.files {
        Ok(Some(files)) => files,
        Ok(None) => return vec![Outcome::not_applicable(SUBJECT, "there is no /var/log")],
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    let mut evidence = Vec::new();
    let mut severity = Severity::Low;
    let mut strange = None;
    for file in &files.files {
        if let Some((weight, piece)) = fault(file) {
            severity = severity.max(weight);
            evidence.push((weight, piece));
        }
        if !matches!(file.meta.kind, Kind::File | Kind::Directory | Kind::Socket) {
            strange = strange.or(Some(file));
        }
    }
    // The worst first: at most twenty are shown.
    evidence.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let (count, evidence) = (evidence.len(), evidence.into_iter().map(|(_, piece)| piece).take(MAX_EVIDENCE));
    if count > 0 {
        let headline = match severity {
            Severity::High => "Everyone can change log files",
            _ => "Everyone can read the logs about logins",
        };
        return vec![Outcome::fail(SUBJECT, headline).at(severity).with_all(evidence)];
    }
    if let Some(cause) = files.left_out.first() {
        return vec![Outcome::unreadable(SUBJECT, cause)];
    }
    if let Some(file) = strange {
        let path = Source::path(&file.path);
        let reason = format!("{} is {}, not a regular file", path.text(), file.meta.kind);
        return vec![Outcome::unknown(SUBJECT, reason)];
    }
    vec![Outcome::pass(SUBJECT)]
}

/// What is wrong with one file or directory.
fn fault(file: &LogFile) -> Option<(Severity, Evidence)> {
    let LogFile { path, meta } = file;
    let mode = format!("mode {:04o}", meta.mode);
    let is_sticky = meta.is_directory() && meta.mode & 0o1000 != 0;
    if meta.is_world_writable() && !is_sticky && meta.kind != Kind::Socket {
        return Some((Severity::High, Evidence::new(Source::path(path), mode, "no write for others")));
    }
    let is_readable = meta.kind == Kind::File && meta.mode & 0o004 != 0;
    let weight = if is_readable { about_logins(path)? } else { return None };
    Some((weight, Evidence::new(Source::path(path), mode, "no access for others")))
}

/// How bad it is that everyone reads a log: those about logins, and the audit trail. wtmp and lastlog are public.
fn about_logins(path: &std::path::Path) -> Option<Severity> {
    let inside = path.strip_prefix("/var/log").ok()?.to_str()?;
    let name = inside.rsplit('/').next()?;
    let is_of = |stem: &str| {
        name.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    };
    if is_of("auth.log") || is_of("secure") || inside.starts_with("audit/") {
        return Some(Severity::Medium);
    }
    is_of("btmp").then_some(Severity::Low)
}

const SUBJECT: &str = "/var/log";
const MAX_EVIDENCE: usize = 20;
