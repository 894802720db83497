//! Whether the files are as they were agreed to be, and whether anybody looks.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use jiff::SignedDuration;

use super::{SUBJECT, bounded, survey};
use crate::check::{Check, Parameter, Thresholds, Unit};
use crate::finding::wire::rfc3339_millis;
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::integrity::{Differs, Last};

pub(super) const CHECKED: Check = Check {
    id: "files-integrity-checked",
    title: "The files are regularly compared with what was agreed of them",
    why: "Whoever takes a machine changes files on it: a program, a library, a unit, a key. Without a record of how they \
          were meant to be, nobody can say afterwards which; and a record that nothing is compared with tells nobody in \
          time.",
    severity: Severity::Medium,
    controls: &[
        "CIS-AL2023:1.3.1",
        "CIS-AL2023:1.3.2",
        "CIS-Debian12:6.3.1",
        "CIS-Debian12:6.3.2",
        "CIS-Ubuntu22.04:6.1.1",
        "CIS-Ubuntu22.04:6.1.2",
        "CIS-Ubuntu24.04:6.3.1",
        "CIS-Ubuntu24.04:6.3.2",
        "NIST-800-53:SI-7",
        "NIST-800-53:CM-3",
        "AWS-WA:SEC06-BP04",
    ],
    remediation: "When the machine is as it should be: guestward baseline create. The sensor then compares every hour; \
                  systemctl status guestward and guestward status say whether it does. A baseline that is damaged or was \
                  rolled back is evidence: keep a copy of /var/lib/guestward/baseline before you make another.",
    parameters: &[Parameter {
        name: "max-age",
        default: 26 * 3600,
        range: (3600, 31 * 24 * 3600),
        unit: Unit::Seconds,
        help: "how long ago the last comparison may be",
    }],
    evaluate: checked,
};

pub(super) const DRIFT: Check = Check {
    id: "files-drift",
    title: "No file differs from what was agreed without a package's update",
    why: "A change that no package explains and nobody accepted was made by hand, by a tool without a record, or by \
          somebody who should not be there. Each is worth a look while it is fresh, and is lost among the others later.",
    severity: Severity::High,
    controls: &["NIST-800-53:SI-7", "NIST-800-53:CM-3", "NIST-800-53:CM-6", "AWS-WA:SEC06-BP04"],
    remediation: "guestward baseline diff shows what differs and how. What is meant: guestward baseline accept --reason \
                  TEXT PATH. What is not: restore it (apt-get install --reinstall PACKAGE for a package's own files), and \
                  find out who changed it. guestward baseline create --replace --reason TEXT begins anew, and the records \
                  say so.",
    parameters: &[],
    evaluate: drift,
};

fn checked(facts: &Facts, thresholds: &Thresholds<'_>) -> Vec<Outcome> {
    if let Err(outcomes) = survey(facts)
        && facts.integrity.last.as_ref().is_ok_and(Option::is_none)
    {
        return outcomes;
    }
    let max_age = i64::try_from(thresholds.value("max-age")).unwrap_or(i64::MAX);
    let last = match &facts.integrity.last {
        Ok(Some(last)) => last,
        Ok(None) => return vec![without_baseline(facts)],
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    if let Some(damaged) = &last.damaged {
        let evidence =
            Evidence::new(Source::path(&last.path), damaged.clone(), "a baseline that can be trusted");
        return vec![
            Outcome::fail(SUBJECT, "The baseline cannot be trusted").at(Severity::High).with(evidence),
        ];
    }
    let time = rfc3339_millis(last.time);
    let age = facts.now.duration_since(last.time);
    if -age > AHEAD {
        return vec![Outcome::unknown(
            SUBJECT,
            format!("the last comparison was at {time}, which is to come"),
        )];
    }
    let observed = format!("last compared at {time}");
    if age > SignedDuration::from_secs(max_age) {
        let evidence =
            Evidence::new(Source::path(&last.path), observed, format!("not longer ago than {max_age} s"));
        return vec![Outcome::fail(SUBJECT, "The files were not compared lately").with(evidence)];
    }
    if !last.is_complete {
        return vec![incomplete(last)];
    }
    vec![Outcome::pass(SUBJECT).with(Evidence::new(
        Source::path(&last.path),
        observed,
        "a recent comparison",
    ))]
}

fn without_baseline(facts: &Facts) -> Outcome {
    match &facts.integrity.other {
        Ok(Some(path)) => {
            let expected = "that something compares the files";
            Outcome::pass(SUBJECT).with(Evidence::new(
                Source::path(path),
                "it sets off another checker",
                expected,
            ))
        }
        Ok(None) => {
            let place = Source::named("file integrity");
            let evidence = Evidence::new(place, "no baseline, and no other checker is set off", "a baseline");
            Outcome::fail(SUBJECT, "Nothing compares the files with what they should be").with(evidence)
        }
        Err(cause) => Outcome::unreadable(SUBJECT, cause),
    }
}

fn drift(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let last = match &facts.integrity.last {
        Ok(Some(last)) => last,
        Ok(None) => return vec![Outcome::not_applicable(SUBJECT, "there is no baseline to differ from")],
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    let found: u64 = COUNTED.iter().filter_map(|severity| last.unexplained.get(severity.name())).sum();
    if found > 0 {
        return vec![differs(last, found)];
    }
    if let Some(damaged) = &last.damaged {
        return vec![Outcome::unknown(SUBJECT, format!("the baseline cannot be trusted: {damaged}"))];
    }
    let age = facts.now.duration_since(last.time);
    if age > STALE || -age > AHEAD {
        let reason = format!("the last comparison was at {}", rfc3339_millis(last.time));
        return vec![Outcome::unknown(SUBJECT, reason)];
    }
    if !last.is_complete {
        return vec![incomplete(last)];
    }
    let observed = format!("as agreed at {}", rfc3339_millis(last.time));
    vec![Outcome::pass(SUBJECT).with(Evidence::new(Source::path(&last.path), observed, "as agreed"))]
}

fn differs(last: &Last, found: u64) -> Outcome {
    let counted: Vec<&Differs> = last.drifts.iter().filter(|drift| severity(drift).is_some()).collect();
    let worst = COUNTED.into_iter().find(|severity| last.unexplained.contains_key(severity.name()));
    let evidence: Vec<Evidence> = counted.iter().map(|drift| evidence(drift)).collect();
    let more = found.saturating_sub(evidence.len() as u64);
    let objects = if found == 1 { "object differs" } else { "objects differ" };
    let outcome = Outcome::fail(SUBJECT, format!("{found} {objects} from what was agreed"));
    outcome.at(worst.unwrap_or(Severity::Medium)).with_all(bounded(evidence, more))
}

fn evidence(drift: &Differs) -> Evidence {
    let fields: Vec<&str> = drift.fields.iter().map(|field| field.as_str()).collect();
    let observed = match fields.as_slice() {
        [] => drift.change.to_string(),
        fields => format!("{}: {}", drift.change, fields.join(", ")),
    };
    Evidence::new(Source::path(Path::new(OsStr::from_bytes(&drift.path))), observed, "as agreed")
}

fn severity(drift: &Differs) -> Option<Severity> {
    COUNTED.into_iter().find(|severity| severity.name() == drift.severity)
}

fn incomplete(last: &Last) -> Outcome {
    let time = rfc3339_millis(last.time);
    let reason = match last.unseen {
        0 => format!("the comparison at {time} did not find everything that differs"),
        1 => format!("the comparison at {time} could not look at 1 place"),
        unseen => format!("the comparison at {time} could not look at {unseen} places"),
    };
    Outcome::unknown(SUBJECT, reason)
}

/// What is worse than a remark, the worst first.
const COUNTED: [Severity; 3] = [Severity::Critical, Severity::High, Severity::Medium];
/// A day, and what a machine may need to come back to its turn.
const STALE: SignedDuration = SignedDuration::from_hours(26);
/// A clock that is set back by less is a clock that is set.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);
