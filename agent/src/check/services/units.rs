//! Units that start what others may change, and daemons that get in each other's way.

use super::{Judged, Kind, MAX_EVIDENCE, facts_of, hidden, is_running, one, unreadable};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::services::Executed;
use crate::host::trail::Place;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "services-units-from-tmp",
        title: "Services start only programs that root alone can change",
        why: "A unit that starts a program in /tmp, in somebody's home or in a directory where everyone can write hands \
              its rights to whoever puts another program there. It is also how intruders make themselves permanent.",
        severity: Severity::High,
        controls: &["NIST-800-53:CM-7", "NIST-800-53:AC-6", "NIST-800-53:SI-7", "AWS-WA:SEC06-BP04"],
        remediation: "systemctl cat UNIT shows the command. If it is not yours, treat the machine as broken into. \
                      Otherwise move the program to /usr/local/bin or /opt (chown root:root, chmod 0755), or let the \
                      unit run as the account that owns it (User=NAME).",
        parameters: &[],
        evaluate: from_tmp,
    },
    Check {
        id: "services-time-daemon",
        title: "Only one program sets the clock",
        why: "Two time daemons correct each other's corrections, and the clock jumps. It comes from installing chrony or \
              ntp beside the one that was already there.",
        severity: Severity::Low,
        controls: &[
            "CIS-Debian12:2.3.1.1",
            "CIS-Ubuntu22.04:2.3.1.1",
            "CIS-Ubuntu24.04:2.3.1.1",
            "NIST-800-53:AU-8",
        ],
        remediation: "Keep one: systemctl disable --now systemd-timesyncd (or chrony, or ntp).",
        parameters: &[],
        evaluate: time_daemon,
    },
];

fn from_tmp(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    one(started_from_tmp(facts))
}

fn started_from_tmp(facts: &Facts) -> Judged {
    let services = facts_of(facts, PROGRAMS)?;
    let started = services.started.as_ref().map_err(unreadable(PROGRAMS))?;
    if started.is_empty() {
        return Ok(Outcome::not_applicable(PROGRAMS, "there are no units here that start by themselves"));
    }
    let programs = services.programs.as_ref().map_err(unreadable(PROGRAMS))?;
    let mut evidence = Vec::new();
    let mut unseen = None;
    for executed in programs {
        match &executed.trail {
            Err(cause) if !cause.is_absent() => unseen = unseen.or(Some(cause)),
            _ => evidence.extend(fault(executed)),
        }
    }
    let units: Vec<&str> = evidence.iter().map(|(unit, _): &(&str, Evidence)| *unit).collect();
    if let Some(first) = units.first() {
        let others = units.iter().filter(|unit| unit != &first).count();
        let more = if others > 0 { " and others" } else { "" };
        let headline = format!("{first}{more} start what others can change");
        let evidence = evidence.into_iter().map(|(_, piece)| piece).take(MAX_EVIDENCE);
        return Ok(Outcome::fail(PROGRAMS, headline).with_all(evidence));
    }
    Ok(match unseen {
        Some(cause) => Outcome::unreadable(PROGRAMS, cause),
        None => Outcome::pass(PROGRAMS),
    })
}

/// What is wrong with a program that a unit starts.
fn fault(executed: &Executed) -> Option<(&str, Evidence)> {
    let program = Source::path(&executed.program);
    let tell = |observed: String| {
        let source = Source::line(&executed.path, executed.line);
        let observed = format!("starts {}, {observed}", program.text());
        Some((executed.unit.as_str(), Evidence::new(source, observed, "a program that only root can change")))
    };
    if VOLATILE.iter().any(|folder| executed.program.starts_with(folder)) {
        return tell("where everyone may put programs".to_owned());
    }
    let places = executed.trail.as_ref().ok()?;
    if let Some(place) = places.iter().find(|place| is_open(place)) {
        return tell(format!("and everyone can write {}", Source::path(&place.path).text()));
    }
    let foreign = places.iter().find(|place| place.meta.uid != 0).filter(|_| executed.is_roots)?;
    tell(format!("as root, and uid {} owns {}", foreign.meta.uid, Source::path(&foreign.path).text()))
}

fn is_open(place: &Place) -> bool {
    let is_sticky = place.meta.is_directory() && place.meta.mode & 0o1000 != 0;
    place.meta.is_world_writable() && !is_sticky
}

fn time_daemon(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    one(single(facts))
}

fn single(facts: &Facts) -> Judged {
    let services = facts_of(facts, CLOCK)?;
    let running = facts.running.as_ref().map_err(unreadable(CLOCK))?;
    let evidence: Vec<Evidence> = if is_running(facts, CLOCK)? {
        DAEMONS.iter().filter_map(|kind| kind.running(running)).collect()
    } else {
        let started = services.started.as_ref().map_err(unreadable(CLOCK))?;
        DAEMONS.iter().filter_map(|kind| kind.started(started)).collect()
    };
    Ok(match evidence.len() {
        0 | 1 if running.is_partial => hidden(CLOCK),
        0 => Outcome::not_applicable(CLOCK, "no time daemon is in use; logging-time-sync judges that"),
        1 => Outcome::pass(CLOCK).with_all(evidence),
        count => Outcome::fail(CLOCK, format!("{count} programs set the clock")).with_all(evidence),
    })
}

const PROGRAMS: &str = "unit-programs";
const CLOCK: &str = "clock";
const VOLATILE: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];
const DAEMONS: &[Kind] = &[
    Kind {
        name: "chrony",
        packages: &[],
        units: &["chrony.service", "chronyd.service"],
        programs: &["chronyd"],
    },
    Kind {
        name: "timesyncd",
        packages: &[],
        units: &["systemd-timesyncd.service"],
        programs: &["systemd-timesyncd"],
    },
    Kind {
        name: "ntpd",
        packages: &[],
        units: &["ntp.service", "ntpd.service", "ntpsec.service", "openntpd.service"],
        programs: &["ntpd", "openntpd"],
    },
];
