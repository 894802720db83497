//! Single settings: what a session may do, what is logged, how long a stranger may hold the door.

use super::{Hit, door, evidence, installed, observed, subject};
use crate::check::{Check, Parameter, Thresholds, Unit};
use crate::finding::{Outcome, Severity, Text};
use crate::host::Facts;
use crate::host::sshd::{ConfigError, Effective, Version};

pub(super) const USER_ENVIRONMENT: Check = Check {
    id: "ssh-user-environment",
    title: "Users cannot set sshd's environment for their sessions",
    why: "With PermitUserEnvironment a user's own files set variables such as LD_PRELOAD before any forced command or \
          restricted shell runs, and so get around it.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:4.2.10",
        "CIS-Debian12:5.1.21",
        "CIS-Ubuntu22.04:5.1.21",
        "CIS-Ubuntu24.04:5.1.21",
        "NIST-800-53:CM-7",
    ],
    remediation: "Remove the PermitUserEnvironment line that is named (no is the default), then run: \
                  sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: user_environment,
};

pub(super) const STRICT_MODES: Check = Check {
    id: "ssh-strict-modes",
    title: "sshd refuses keys from files that others can write",
    why: "With StrictModes sshd does not use an authorized_keys file that somebody else may write. Without it any user \
          who can write there, or to the home directory, can log in as that account.",
    severity: Severity::High,
    controls: &["NIST-800-53:AC-6"],
    remediation: "Remove the StrictModes line that is named (yes is the default), mend the modes that it was meant to \
                  work around, then run: sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: strict_modes,
};

pub(super) const MAX_AUTH_TRIES: Check = Check {
    id: "ssh-max-auth-tries",
    title: "A connection gets few tries to authenticate",
    why: "Each connection that may try often makes guessing cheaper, and failures are logged only after half of the \
          tries are used up. Four leave room for a few keys in an agent.",
    severity: Severity::Medium,
    controls: &[
        "CIS-AL2023:4.2.16",
        "CIS-Debian12:5.1.16",
        "CIS-Ubuntu22.04:5.1.16",
        "CIS-Ubuntu24.04:5.1.16",
        "NIST-800-53:AU-3",
    ],
    remediation: "Set 'MaxAuthTries 4' before any other line that sets it, then run: sshd -t && systemctl reload sshd",
    parameters: &[Parameter {
        name: "max",
        default: 4,
        range: (1, 100),
        unit: Unit::Count,
        help: "the most tries that a connection may have",
    }],
    evaluate: max_auth_tries,
};

pub(super) const LOGIN_GRACE: Check = Check {
    id: "ssh-login-grace",
    title: "A stranger cannot hold a connection for long",
    why: "Until it has authenticated, a connection takes one of the few places that sshd keeps for strangers. The longer \
          it may stay, the fewer connections it takes to lock everybody else out; 0 means for ever.",
    severity: Severity::Medium,
    controls: &[
        "CIS-AL2023:4.2.19",
        "CIS-Debian12:5.1.13",
        "CIS-Ubuntu22.04:5.1.13",
        "CIS-Ubuntu24.04:5.1.13",
        "NIST-800-53:CM-7",
    ],
    remediation: "Set 'LoginGraceTime 60' before any other line that sets it, then run: \
                  sshd -t && systemctl reload sshd",
    parameters: &[Parameter {
        name: "max",
        default: 60,
        range: (1, 86_400),
        unit: Unit::Seconds,
        help: "the longest time to authenticate in",
    }],
    evaluate: login_grace,
};

pub(super) const LOG_LEVEL: Check = Check {
    id: "ssh-log-level",
    title: "sshd logs who logs in",
    why: "Below INFO sshd does not record logins, so nobody can tell afterwards who came in or with which key. DEBUG \
          levels record more than is anybody's business and fill the disk.",
    severity: Severity::Medium,
    controls: &[
        "CIS-AL2023:4.2.5",
        "CIS-Debian12:5.1.14",
        "CIS-Ubuntu22.04:5.1.14",
        "CIS-Ubuntu24.04:5.1.14",
        "NIST-800-53:AU-7",
        "NCSC:13",
    ],
    remediation: "Set 'LogLevel VERBOSE' (or INFO, the default) in place of the line that is named, then run: \
                  sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: log_level,
};

pub(super) const X11: Check = Check {
    id: "ssh-x11",
    title: "sshd forwards no X11",
    why: "X11 forwarding lets whoever controls this host reach the display and the keyboard of the person who logs in. \
          A server has no use for it.",
    severity: Severity::Medium,
    controls: &[
        "CIS-AL2023:4.2.12",
        "CIS-Debian12:5.1.8",
        "CIS-Ubuntu22.04:5.1.8",
        "CIS-Ubuntu24.04:5.1.8",
        "NIST-800-53:CM-7",
    ],
    remediation: "Set 'X11Forwarding no' before any other line that sets it, then run: \
                  sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: x11,
};

pub(super) const TUNNEL: Check = Check {
    id: "ssh-tunnel",
    title: "sshd makes no network tunnels",
    why: "PermitTunnel lets a login join this host's network to another as if by cable, past every firewall and \
          security group between them.",
    severity: Severity::Medium,
    controls: &["CIS-Debian12:5.1.8", "CIS-Ubuntu22.04:5.1.8", "CIS-Ubuntu24.04:5.1.8", "NIST-800-53:CM-7"],
    remediation: "Remove the PermitTunnel line that is named (no is the default), then run: \
                  sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: tunnel,
};

pub(super) const CONFIG_VALID: Check = Check {
    id: "ssh-config-valid",
    title: "sshd would start with the configuration on disk",
    why: "sshd reads its configuration when it starts and when it is reloaded. A mistake in it does nothing until then, \
          and then takes the only way in with it, often at a reboot when nobody watches.",
    severity: Severity::Critical,
    controls: &["NIST-800-53:CM-6", "AWS-WA:SEC06-BP05"],
    remediation: "Mend the line that is named, then see that this says nothing: sshd -t",
    parameters: &[],
    evaluate: config_valid,
};

fn user_environment(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let door = match door(facts) {
        Ok(door) => door,
        Err(outcome) => return vec![*outcome],
    };
    let keyword = "PermitUserEnvironment";
    let wrong = match &*door.config.outside_match().value(keyword) {
        b"no" => None,
        b"yes" => Some("users can set any variable for their sessions before sshd runs a command".to_owned()),
        names => {
            let names = Text::from_bytes_within(names, 80);
            Some(format!("users can set the variables {names} for their sessions"))
        }
    };
    door.judge_global(keyword, "no", wrong.map(|headline| (Severity::High, headline)))
}

fn strict_modes(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let door = match door(facts) {
        Ok(door) => door,
        Err(outcome) => return vec![*outcome],
    };
    let keyword = "StrictModes";
    let headline = "sshd uses authorized_keys files that others can write";
    let wrong = !door.config.outside_match().is_on(keyword);
    door.judge_global(keyword, "yes", wrong.then(|| (Severity::High, headline.to_owned())))
}

fn max_auth_tries(facts: &Facts, thresholds: &Thresholds<'_>) -> Vec<Outcome> {
    let door = match door(facts) {
        Ok(door) => door,
        Err(outcome) => return vec![*outcome],
    };
    let keyword = "MaxAuthTries";
    let max = thresholds.value("max");
    let expected = format!("at most {max}");
    door.judge(keyword, &expected, |_, effective| {
        let tries = effective.number(keyword).filter(|&tries| tries > max)?;
        let headline = format!("A connection may try {tries} times to authenticate");
        Some(Hit::new(Severity::Medium, headline, evidence(effective, keyword, &expected)))
    })
}

fn login_grace(facts: &Facts, thresholds: &Thresholds<'_>) -> Vec<Outcome> {
    let door = match door(facts) {
        Ok(door) => door,
        Err(outcome) => return vec![*outcome],
    };
    let keyword = "LoginGraceTime";
    let max = thresholds.value("max");
    let expected = format!("1 to {max} seconds");
    let headline = match door.config.outside_match().number(keyword) {
        Some(0) => Some("A stranger may hold a connection for ever".to_owned()),
        Some(seconds) if seconds > max => {
            Some(format!("A stranger may hold a connection for {seconds} seconds"))
        }
        _ => None,
    };
    door.judge_global(keyword, &expected, headline.map(|headline| (Severity::Medium, headline)))
}

fn log_level(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let door = match door(facts) {
        Ok(door) => door,
        Err(outcome) => return vec![*outcome],
    };
    let keyword = "LogLevel";
    let expected = "INFO or VERBOSE";
    door.judge(keyword, expected, |_, effective| {
        let found = || evidence(effective, keyword, expected);
        match &*effective.value(keyword) {
            b"INFO" | b"VERBOSE" => None,
            b"QUIET" | b"FATAL" | b"ERROR" => {
                Some(Hit::new(Severity::Medium, "sshd does not log who logs in", found()))
            }
            _ => Some(Hit::new(
                Severity::Low,
                "sshd logs its inner workings, users' secrets possibly among them",
                found(),
            )),
        }
    })
}

fn x11(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let door = match door(facts) {
        Ok(door) => door,
        Err(outcome) => return vec![*outcome],
    };
    let keyword = "X11Forwarding";
    door.judge(keyword, "no", |_, effective| {
        let on = effective.is_on(keyword) && !forwarding_is_disabled(effective);
        let headline = "sshd forwards X11 to whoever logs in";
        on.then(|| Hit::new(Severity::Medium, headline, evidence(effective, keyword, "no")))
    })
}

/// Before 10.0 DisableForwarding forgot X11 and the agent (CVE-2025-32728).
fn forwarding_is_disabled(effective: &Effective<'_>) -> bool {
    effective.version() >= Version::new(10, 0) && effective.is_on("DisableForwarding")
}

fn tunnel(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let door = match door(facts) {
        Ok(door) => door,
        Err(outcome) => return vec![*outcome],
    };
    let keyword = "PermitTunnel";
    door.judge(keyword, "no", |_, effective| {
        let headline = "Whoever logs in can join this host's network to another";
        let on = *effective.value(keyword) != *b"no";
        on.then(|| Hit::new(Severity::Medium, headline, evidence(effective, keyword, "no")))
    })
}

fn config_valid(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let sshd = match installed(facts) {
        Ok(sshd) => sshd,
        Err(outcome) => return vec![*outcome],
    };
    vec![match &sshd.config {
        Ok(config) => Outcome::pass(subject(config)),
        Err(ConfigError::Unreadable(cause)) => Outcome::unreadable(super::SUBJECT, cause),
        Err(ConfigError::Invalid(defect)) => {
            let what = Text::new(&defect.what);
            Outcome::fail(super::SUBJECT, format!("sshd would not start: {what}")).with(observed(
                &defect.origin,
                what.as_str(),
                "a line that sshd accepts",
            ))
        }
    }]
}
