//! Whether the system's messages outlive a restart, and the machine itself.

use super::{Judged, facts_of, one, program, running, runs};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::logging::Journald;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "logging-journal-persistent",
        title: "The system's messages are kept on disk",
        why: "A journal in memory is gone with the next start, and starting a machine again is the first thing that \
              somebody does who has something to hide. Without it nobody can say afterwards what happened.",
        severity: Severity::Medium,
        controls: &[
            "CIS-AL2023:5.1.2.2",
            "CIS-AL2023:5.1.2.4",
            "CIS-AL2023:5.1.1.1",
            "CIS-AL2023:5.1.1.2",
            "CIS-Debian12:6.1.1.1",
            "CIS-Debian12:6.1.2.4",
            "CIS-Debian12:6.1.3.1",
            "CIS-Debian12:6.1.3.2",
            "CIS-Debian12:6.1.3.5",
            "CIS-Ubuntu22.04:6.2.1.1.1",
            "CIS-Ubuntu22.04:6.2.1.1.5",
            "CIS-Ubuntu24.04:6.1.1.1",
            "CIS-Ubuntu24.04:6.1.2.4",
            "CIS-Ubuntu24.04:6.1.3.1",
            "CIS-Ubuntu24.04:6.1.3.2",
            "NIST-800-53:AU-11",
            "NIST-800-53:AU-4",
            "AWS-WA:SEC04-BP01",
            "NCSC:13",
        ],
        remediation: "mkdir -p /etc/systemd/journald.conf.d && printf '[Journal]\\nStorage=persistent\\n' > \
                      /etc/systemd/journald.conf.d/50-persistent.conf && systemctl restart systemd-journald && \
                      journalctl --flush",
        parameters: &[],
        evaluate: persistent,
    },
    Check {
        id: "logging-remote",
        title: "Something sends the system's messages away",
        why: "Whoever becomes root can change every log on the machine, and an instance that is terminated takes its \
              logs along. What has left the machine already stays.",
        severity: Severity::Low,
        controls: &[
            "CIS-AL2023:5.1.1.6",
            "CIS-Debian12:6.1.3.6",
            "CIS-Ubuntu24.04:6.1.3.6",
            "NIST-800-53:AU-6",
            "NIST-800-53:AU-9",
            "AWS-WA:SEC04-BP02",
            "NCSC:13",
        ],
        remediation: "Install the CloudWatch agent (dnf install amazon-cloudwatch-agent, or its .deb from AWS) with a \
                      logs section, or let rsyslog send: echo '*.* @@logs.example.com:514' > \
                      /etc/rsyslog.d/90-remote.conf && systemctl restart rsyslog",
        parameters: &[],
        evaluate: remote,
    },
];

fn persistent(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    one(kept(facts))
}

fn kept(facts: &Facts) -> Judged {
    let logging = facts_of(facts, JOURNAL)?;
    let unreadable = |cause| Box::new(Outcome::unreadable(JOURNAL, cause));
    let surroundings = facts.surroundings.as_ref().map_err(unreadable)?;
    if surroundings.is_container {
        let reason = "this is a container: what it says is kept by its host";
        return Ok(Outcome::not_applicable(JOURNAL, reason));
    }
    let journald = logging.journald.as_ref().map_err(unreadable)?;
    // Where something else is PID 1, journald is only a file.
    let has_journal = journald.is_installed && (surroundings.has_systemd || !surroundings.runs);
    let (is_kept, evidence) = storage(journald);
    if has_journal && is_kept {
        return Ok(Outcome::pass(JOURNAL).with(evidence));
    }
    let rsyslog = logging.rsyslog.as_ref().map_err(unreadable)?;
    if let Some((path, line)) = rsyslog.as_ref().and_then(|rsyslog| rsyslog.to_file.as_ref()) {
        let writes = Evidence::new(Source::line(path, *line), "rsyslog writes to a file", "that it does");
        if !surroundings.runs {
            return Ok(Outcome::pass(JOURNAL).with(writes));
        }
        if let Some(daemon) = program(running(facts, JOURNAL)?, &["rsyslogd"], JOURNAL)? {
            return Ok(Outcome::pass(JOURNAL).with(writes).with(runs(daemon)));
        }
    }
    if surroundings.runs
        && let Some(daemon) = program(running(facts, JOURNAL)?, OTHERS, JOURNAL)?
    {
        let reason = format!("{} runs, whose configuration guestward does not read", daemon.name);
        return Ok(Outcome::unknown(JOURNAL, reason));
    }
    if has_journal {
        return Ok(Outcome::fail(JOURNAL, "The system's messages are lost at every restart").with(evidence));
    }
    if !surroundings.runs {
        return Ok(Outcome::not_applicable(JOURNAL, "neither journald nor rsyslog is installed"));
    }
    let source = Source::named("journald, rsyslog, syslog-ng");
    Ok(Outcome::fail(JOURNAL, "Nothing keeps the system's messages").with(Evidence::new(
        source,
        "none of them runs",
        "one of them",
    )))
}

/// Whether journald writes to disk, and what says so.
fn storage(journald: &Journald) -> (bool, Evidence) {
    let setting = journald.conf.last("Journal", "Storage");
    let (source, value) = match setting {
        Some(setting) => (Source::line(&setting.path, setting.line), setting.value.as_str()),
        None => (Source::path("/etc/systemd/journald.conf"), "auto"),
    };
    let folder = if journald.has_folder { "is there" } else { "is missing" };
    match value {
        "persistent" => (true, Evidence::new(source, "Storage=persistent", "persistent")),
        "volatile" | "none" => (false, Evidence::new(source, format!("Storage={value}"), "persistent")),
        // systemd takes what it does not know for the default.
        _ => {
            let observed = format!("Storage={value}, and /var/log/journal {folder}");
            (
                journald.has_folder,
                Evidence::new(source, observed, "persistent, or auto with /var/log/journal"),
            )
        }
    }
}

fn remote(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    one(sent(facts))
}

fn sent(facts: &Facts) -> Judged {
    let logging = facts_of(facts, SENDING)?;
    let running = running(facts, SENDING)?;
    if let Some(shipper) = running.installed(SHIPPERS).next() {
        return Ok(Outcome::pass(SENDING).with(runs(shipper)));
    }
    let rsyslog = logging.rsyslog.as_ref().map_err(|cause| Box::new(Outcome::unreadable(SENDING, cause)))?;
    let forward = rsyslog.as_ref().and_then(|rsyslog| rsyslog.to_host.as_ref());
    if let (Some((path, line)), Some(daemon)) = (forward, running.installed(&["rsyslogd"]).next()) {
        let evidence = Evidence::new(Source::line(path, *line), "rsyslog sends messages on", "that it does");
        return Ok(Outcome::pass(SENDING).with(evidence).with(runs(daemon)));
    }
    program(running, SHIPPERS, SENDING)?;
    let source = Source::named("running programs, /etc/rsyslog.conf");
    Ok(Outcome::fail(SENDING, "Nothing sends the system's messages away").with(Evidence::new(
        source,
        "no program that is known to send logs",
        "one that does",
    )))
}

const JOURNAL: &str = "journal";
const SENDING: &str = "log-shipping";
const OTHERS: &[&str] = &["syslog-ng", "syslogd", "metalog", "socklog"];
/// Programs that do nothing but send logs, or nearly so. What they are told to send was not looked at.
const SHIPPERS: &[&str] = &[
    "amazon-cloudwatch-agent",
    "fluent-bit",
    "td-agent-bit",
    "fluentd",
    "td-agent",
    "vector",
    "filebeat",
    "journalbeat",
    "elastic-agent",
    "promtail",
    "alloy",
    "otelcol",
    "otelcol-contrib",
    "splunkd",
    "nxlog",
    "systemd-journal-upload",
    "remote_syslog",
];
