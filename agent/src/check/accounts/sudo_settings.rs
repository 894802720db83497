//! What sudo does with every command: its terminal and its log.

use super::{pass_if_all_was_read, sudoers};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::Facts;
use crate::host::sudoers::{SUDOERS, Scope, Setting, Sudoers, Value, Version};

pub(super) const USE_PTY: Check = Check {
    id: "sudo-use-pty",
    title: "sudo runs commands in a terminal of their own",
    why: "Without use_pty a command that sudo runs keeps the caller's terminal. It can push keystrokes into it that \
          run after sudo has ended, as the caller, and a process left behind keeps that hold. \
          sudo 1.9.14 made the setting a default.",
    severity: Severity::Medium,
    controls: &[
        "CIS-AL2023:4.3.2",
        "CIS-Debian12:5.2.2",
        "CIS-Ubuntu22.04:5.2.2",
        "CIS-Ubuntu24.04:5.2.2",
        "NIST-800-53:AC-6",
    ],
    remediation: "echo 'Defaults use_pty' > /etc/sudoers.d/use_pty && chmod 0440 /etc/sudoers.d/use_pty && visudo -c",
    parameters: &[],
    evaluate: use_pty,
};

pub(super) const LOGGING: Check = Check {
    id: "sudo-logging",
    title: "sudo writes down every command",
    why: "sudo's record is what ties a command that ran as root to the person behind it. syslog carries it by \
          default; the CIS benchmarks want a log file of its own besides, which a flood of other messages cannot \
          push out. With neither there is no record at all.",
    severity: Severity::Medium,
    controls: &[
        "CIS-AL2023:4.3.3",
        "CIS-Debian12:5.2.3",
        "CIS-Ubuntu22.04:5.2.3",
        "CIS-Ubuntu24.04:5.2.3",
        "NIST-800-53:AU-3",
        "NCSC:13",
    ],
    remediation: "echo 'Defaults logfile=\"/var/log/sudo.log\"' > /etc/sudoers.d/logfile && \
                  chmod 0440 /etc/sudoers.d/logfile && visudo -c",
    parameters: &[],
    evaluate: logging,
};

fn use_pty(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let sudoers = match sudoers(facts) {
        Ok(sudoers) => sudoers,
        Err(outcomes) => return outcomes,
    };
    let exceptions: Vec<Evidence> = sudoers
        .settings
        .iter()
        .filter(|setting| setting.scope != Scope::Everyone && setting.name == b"use_pty")
        .filter(|setting| setting.value == Value::Flag(false))
        .map(|setting| evidence(setting, "use_pty"))
        .collect();
    let outcome = match sudoers.global(b"use_pty") {
        Some(setting) if setting.value == Value::Flag(false) => {
            Outcome::fail("sudo", "sudo lets commands keep the caller's terminal")
                .with(evidence(setting, "use_pty"))
        }
        Some(setting) => {
            Outcome { evidence: vec![evidence(setting, "use_pty")], ..pass_if_all_was_read(sudoers) }
        }
        None => by_version(facts, sudoers),
    };
    if exceptions.is_empty() || outcome.headline.is_some() {
        return vec![outcome.with_all(exceptions)];
    }
    let headline = "sudo lets some commands keep the caller's terminal";
    vec![Outcome::fail("sudo", headline).at(Severity::Low).with_all(exceptions)]
}

/// Nobody says anything: the program's own default holds.
fn by_version(facts: &Facts, sudoers: &Sudoers) -> Outcome {
    match &facts.sudo.version {
        Ok(version) => {
            let (major, minor, micro) = version;
            let evidence = Evidence::new(
                Source::named(&format!("compiled-in default of sudo {major}.{minor}.{micro}")),
                if *version >= PTY_BY_DEFAULT { "use_pty" } else { "!use_pty" },
                "use_pty",
            );
            if *version >= PTY_BY_DEFAULT {
                pass_if_all_was_read(sudoers).with(evidence)
            } else {
                Outcome::fail("sudo", "sudo lets commands keep the caller's terminal").with(evidence)
            }
        }
        Err(cause) => {
            let reason =
                format!("{SUDOERS} does not set use_pty, and its default depends on the version: {cause}");
            Outcome { denied: cause.is_denied(), ..Outcome::unknown("sudo", reason) }
        }
    }
}

fn logging(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let sudoers = match sudoers(facts) {
        Ok(sudoers) => sudoers,
        Err(outcomes) => return outcomes,
    };
    let on = |name: &[u8]| sudoers.global(name).filter(|setting| setting.value != Value::Flag(false));
    let off = |name: &[u8]| sudoers.global(name).filter(|setting| setting.value == Value::Flag(false));
    if let Some(setting) = off(b"log_allowed") {
        let headline = "sudo does not write down the commands that it allows";
        return vec![
            Outcome::fail("sudo", headline).at(Severity::High).with(evidence(setting, "log_allowed")),
        ];
    }
    let own = on(b"logfile").or_else(|| on(b"log_output")).or_else(|| on(b"log_input"));
    let outcome = match (own, off(b"syslog")) {
        (Some(setting), _) => pass_if_all_was_read(sudoers).with(evidence(setting, "a log of its own")),
        (None, Some(setting)) => Outcome::fail("sudo", "sudo writes no log at all")
            .at(Severity::High)
            .with(evidence(setting, "syslog, or a logfile")),
        (None, None) => Outcome::fail("sudo", "sudo logs to syslog only, not to a file of its own")
            .at(Severity::Low)
            .with(Evidence::new(Source::path(SUDOERS), "syslog (the default), no logfile", "logfile=PATH")),
    };
    vec![outcome]
}

fn evidence(setting: &Setting, expected: &str) -> Evidence {
    let name = Text::from_bytes(&setting.name);
    let observed = match &setting.value {
        Value::Flag(true) => format!("Defaults {name}"),
        Value::Flag(false) => format!("Defaults !{name}"),
        Value::Set(value) | Value::Add(value) | Value::Remove(value) => {
            format!("Defaults {name}={}", Text::from_bytes_within(value, MAX_VALUE))
        }
    };
    Evidence::new(Source::line(&setting.place.path, setting.place.line), observed, expected)
}

/// The release that turned use_pty on for everybody.
const PTY_BY_DEFAULT: Version = (1, 9, 14);
/// A path on a screen.
const MAX_VALUE: usize = 120;
