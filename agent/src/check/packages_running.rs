//! Updates that do not protect: installed and not running, or never installed by themselves.

mod auto_updates;

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::Facts;
use crate::host::processes::{Owner, Process, Processes};

/// What asks for updates, and that they are in force.
pub(super) const UPDATES: &[&str] = &[
    "CIS-AL2023:1.8",
    "CIS-Debian12:1.2.2.1",
    "CIS-Ubuntu22.04:1.2.2.1",
    "CIS-Ubuntu24.04:1.2.2.1",
    "NIST-800-53:SI-2",
    "AWS-WA:SEC06-BP01",
    "NCSC:5.2",
];

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "packages-restart",
        title: "Every process runs the code that is installed",
        why: "An update replaces files; a process that was already running keeps the old code, with its holes, until it \
              is started again. A library that was mended on disk is then still open to attack in every service \
              that uses it, and the list of packages says that all is well.",
        severity: Severity::Medium,
        controls: UPDATES,
        remediation: "systemctl restart UNIT, for each unit that is named; end the sessions of users whose programs \
                      are named; reboot if it is PID 1's, dbus's or nearly everything's.",
        parameters: &[],
        evaluate: restart,
    },
    Check {
        id: "packages-auto-updates",
        title: "Security updates are installed automatically",
        why: "Most holes are used within days of the update that closes them. A host that waits for somebody to \
              remember it is open for as long as nobody does.",
        severity: Severity::Medium,
        controls: UPDATES,
        remediation: "Debian, Ubuntu: apt-get install unattended-upgrades && printf 'APT::Periodic::Update-Package-Lists \
                      \"1\";\\nAPT::Periodic::Unattended-Upgrade \"1\";\\n' > /etc/apt/apt.conf.d/20auto-upgrades && \
                      systemctl unmask apt-daily.timer apt-daily-upgrade.timer && systemctl enable --now \
                      apt-daily.timer apt-daily-upgrade.timer. Amazon Linux, Red Hat: dnf install dnf-automatic && \
                      systemctl enable --now dnf-automatic-install.timer. Suppress this check where Patch Manager or \
                      new images bring the updates.",
        parameters: &[],
        evaluate: auto_updates::evaluate,
    },
];

fn restart(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let processes = match &facts.processes {
        Ok(processes) if processes.count == 0 => {
            return vec![Outcome::not_applicable(SUBJECT, "nothing runs below this root")];
        }
        Ok(processes) => processes,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    let mut groups: BTreeMap<String, Vec<&Process>> = BTreeMap::new();
    for process in &processes.outdated {
        groups.entry(group(process)).or_default().push(process);
    }
    let mut outcomes: Vec<Outcome> =
        groups.into_iter().map(|(subject, processes)| outdated(subject, &processes)).collect();
    outcomes.extend(not_seen(processes));
    if outcomes.is_empty() { vec![Outcome::pass(SUBJECT)] } else { outcomes }
}

/// What has to be started again together: a unit, or the processes of one name and owner.
fn group(process: &Process) -> String {
    match &process.unit {
        Some(unit) => format!("unit:{unit}"),
        None => format!("process:{},uid={}", process.name, process.uid),
    }
}

fn outdated(subject: String, processes: &[&Process]) -> Outcome {
    let mut by_package: BTreeMap<String, (BTreeSet<u32>, Vec<Text>)> = BTreeMap::new();
    for process in processes {
        for gone in &process.gone {
            let (pids, files) = by_package.entry(package(&gone.owner)).or_default();
            pids.insert(process.pid);
            let file = Text::from_bytes(gone.path.as_os_str().as_encoded_bytes());
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    let what = subject.split_once(':').map_or(subject.as_str(), |(_, name)| name);
    let headline = format!("{what} still runs code that an update has replaced");
    let evidence: Vec<Evidence> =
        by_package.iter().map(|(name, (pids, files))| of_package(name, pids, files)).collect();
    Outcome::fail(subject, headline).with_all(evidence)
}

fn of_package(name: &str, pids: &BTreeSet<u32>, files: &[Text]) -> Evidence {
    let first = pids.first().copied().unwrap_or_default();
    let source = Source::named(&format!("/proc/{first}/maps"));
    let shown: Vec<&str> = files.iter().take(MAX_FILES).map(Text::as_str).collect();
    let more = match files.len().saturating_sub(MAX_FILES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let who = match pids.len() {
        1 => format!("pid {first}"),
        count => format!("pid {first} and {} others", count - 1),
    };
    let observed = format!("{name}: {who} runs the old {}{more}", shown.join(", "));
    Evidence::new(source, observed, "the file that is installed now")
}

fn package(owner: &Owner) -> String {
    match owner {
        Owner::Package(name) => format!("package {name}"),
        Owner::Distribution => "a package of the distribution".to_owned(),
    }
}

/// What could not be looked into, in one answer.
fn not_seen(processes: &Processes) -> Option<Outcome> {
    let first = processes.unreadable.first()?;
    let reason = match processes.unreadable.len() {
        1 => first.to_string(),
        count => format!("{count} of {} processes could not be looked into: {first}", processes.count),
    };
    let mut outcome = Outcome::unknown(SUBJECT, reason);
    outcome.denied = processes.unreadable.iter().any(crate::host::Unreadable::is_denied);
    Some(outcome)
}

const SUBJECT: &str = "processes";
/// An interpreter with all of its modules has hundreds.
const MAX_FILES: usize = 3;
