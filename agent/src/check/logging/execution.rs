//! Whether a record is made of the programs that are started.

use super::{Judged, facts_of, one, program, running, runs};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::logging::Auditd;
use crate::host::logging::audit::Rules;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "logging-exec",
        title: "A record is made of the programs that are started",
        why: "After a break-in the first question is what was run, by whom and when. Shell histories are written by the \
              intruder; a record that the kernel feeds is not.",
        severity: Severity::Low,
        controls: &[
            "CIS-AL2023:5.2.1.1",
            "CIS-Debian12:6.2.1.1",
            "CIS-Ubuntu22.04:6.3.1.1",
            "CIS-Ubuntu24.04:6.2.1.1",
            "NIST-800-53:AU-12",
            "NIST-800-53:AU-2",
            "AWS-WA:SEC04-BP01",
            "NCSC:13",
        ],
        remediation: "apt-get install auditd (dnf install audit), then: printf -- '-a always,exit -F arch=b64 -S \
                      execve,execveat -k exec\\n-a always,exit -F arch=b32 -S execve,execveat -k exec\\n' > \
                      /etc/audit/rules.d/50-exec.rules && augenrules --load. Amazon Linux ships '-a never,task', \
                      which must be removed from /etc/audit/rules.d/audit.rules.",
        parameters: &[],
        evaluate: execution,
    },
    Check {
        id: "logging-auditd",
        title: "auditd runs, starts with the machine, and its rules cannot be changed",
        why: "An audit daemon that is installed and does not run gives a false feeling of safety. Rules that root may \
              change at any time are the first thing that an intruder with root changes.",
        severity: Severity::Low,
        controls: &[
            "CIS-AL2023:5.2.1.4",
            "CIS-AL2023:5.2.3.20",
            "CIS-Debian12:6.2.1.2",
            "CIS-Debian12:6.2.3.20",
            "CIS-Ubuntu22.04:6.3.1.2",
            "CIS-Ubuntu22.04:6.3.3.20",
            "CIS-Ubuntu24.04:6.2.1.2",
            "CIS-Ubuntu24.04:6.2.3.20",
            "NIST-800-53:AU-9",
            "NIST-800-53:AU-12",
            "AWS-WA:SEC04-BP01",
        ],
        remediation: "systemctl unmask auditd && systemctl enable --now auditd\n\
                      echo '-e 2' > /etc/audit/rules.d/99-finalize.rules && augenrules --load\n\
                      From then on rules change only with a restart of the machine.",
        parameters: &[],
        evaluate: auditd,
    },
];

fn execution(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    one(recorded(facts))
}

fn recorded(facts: &Facts) -> Judged {
    let logging = facts_of(facts, EXEC)?;
    let running = running(facts, EXEC)?;
    if let Some(recorder) = running.installed(RECORDERS).next() {
        return Ok(Outcome::pass(EXEC).with(runs(recorder)));
    }
    let unreadable = |cause| Box::new(Outcome::unreadable(EXEC, cause));
    let evidence = match logging.auditd.as_ref().map_err(unreadable)? {
        None => Evidence::new(Source::path("/usr/sbin/auditd"), "auditd is not installed", "a recorder"),
        Some(auditd) => match by_rule(auditd.rules.as_ref().map_err(unreadable)?) {
            Err(evidence) => evidence,
            Ok(evidence) => match program(running, &["auditd"], EXEC)? {
                Some(daemon) => return Ok(Outcome::pass(EXEC).with(evidence).with(runs(daemon))),
                None => Evidence::new(Source::named("auditd"), "it does not run", "that it runs"),
            },
        },
    };
    // That none of the others runs must be seen, too.
    program(running, RECORDERS, EXEC)?;
    Ok(Outcome::fail(EXEC, "No record is made of the programs that are started").with(evidence))
}

/// The rule that records executions, or what is in the way.
fn by_rule(rules: &Rules) -> Result<Evidence, Evidence> {
    if let Some((0, path, line)) = &rules.enabled {
        return Err(Evidence::new(
            Source::line(path, *line),
            "-e 0, which switches audit off",
            "-e 1 or -e 2",
        ));
    }
    if let Some(rule) = rules.silenced() {
        let observed = "-a never,task, which keeps every system call from being recorded";
        return Err(Evidence::new(Source::line(&rule.path, rule.line), observed, "not there"));
    }
    match rules.execution() {
        Some(rule) => {
            let limits = if rule.fields.is_empty() { "all".to_owned() } else { rule.fields.join(" ") };
            Ok(Evidence::new(
                Source::line(&rule.path, rule.line),
                format!("records execve, {limits}"),
                "execve",
            ))
        }
        None => {
            let observed = "no rule for execve";
            Err(Evidence::new(Source::path("/etc/audit/rules.d"), observed, "-a always,exit -S execve"))
        }
    }
}

fn auditd(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    one(kept_running(facts))
}

fn kept_running(facts: &Facts) -> Judged {
    let logging = facts_of(facts, AUDITD)?;
    let running = running(facts, AUDITD)?;
    let unreadable = |cause| Box::new(Outcome::unreadable(AUDITD, cause));
    let Some(auditd) = logging.auditd.as_ref().map_err(unreadable)? else {
        let reason = "auditd is not installed; logging-exec says whether something else records";
        return Ok(Outcome::not_applicable(AUDITD, reason));
    };
    let Auditd { enablement, rules } = auditd;
    let rules = rules.as_ref().map_err(unreadable)?;
    let daemon = program(running, &["auditd"], AUDITD)?;
    let has_systemd = facts.surroundings.as_ref().is_ok_and(|surroundings| surroundings.has_systemd);
    let mut evidence = Vec::new();
    if daemon.is_none() {
        evidence.push(Evidence::new(Source::named("auditd"), "it does not run", "that it runs"));
    }
    if has_systemd && !enablement.is_enabled() {
        evidence.push(Evidence::new(Source::named("auditd.service"), enablement.name(), "enabled"));
    }
    let headline = if evidence.is_empty() {
        "Root can change the audit rules unseen"
    } else {
        "auditd is installed and does not run"
    };
    match &rules.enabled {
        Some((2, ..)) => {}
        Some((value, path, line)) => {
            evidence.push(Evidence::new(Source::line(path, *line), format!("-e {value}"), "-e 2"));
        }
        None => evidence.push(Evidence::new(Source::path("/etc/audit/rules.d"), "no -e", "-e 2")),
    }
    Ok(match evidence.is_empty() {
        true => Outcome::pass(AUDITD).with_all(daemon.map(runs)),
        false => Outcome::fail(AUDITD, headline).with_all(evidence),
    })
}

const EXEC: &str = "executions";
const AUDITD: &str = "auditd";
/// Programs whose business it is to record what is started. What they are told to record was not looked at.
const RECORDERS: &[&str] = &[
    "falco",
    "tetragon",
    "tracee",
    "kunai",
    "osqueryd",
    "auditbeat",
    "go-audit",
    "sysmon",
    "amazon-guardduty-agent",
    "falcon-sensor",
    "elastic-endpoint",
    "wazuh-agentd",
    "ossec-agentd",
    "s1-agent",
    "mdatp",
    "wdavdaemon",
];
