//! sshd's files: who could change them, how strong the host's keys are, and whom the accounts let in.

mod authorized;

use super::{Check, Parameter, Thresholds, Unit};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::ssh_keys::blob::{Algorithm, PublicKey};
use crate::host::ssh_keys::{ConfigPlace, HostKey};
use crate::host::trail::Place;
use crate::host::{Facts, Meta, Unreadable};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "ssh-config-modes",
        title: "Only root can change sshd's configuration",
        why: "sshd reads its configuration whoever wrote it: it does not look at the owner or the mode. Whoever may \
              write one of these files, or a directory on the way to them, can let themselves in at the \
              next restart.",
        severity: Severity::High,
        controls: &[
            "CIS-AL2023:4.2.1",
            "CIS-Debian12:5.1.1",
            "CIS-Ubuntu22.04:5.1.1",
            "CIS-Ubuntu24.04:5.1.1",
            "NIST-800-53:AC-6",
        ],
        remediation: "chown root:root PATH && chmod go-w PATH, for each path that the evidence names.",
        parameters: &[],
        evaluate: config_modes,
    },
    Check {
        id: "ssh-host-key-modes",
        title: "Only root can read the host's private ssh keys",
        why: "Whoever has a copy of a host key can pretend to be this host to everybody who trusts it, and read \
              what they then type. A copy leaves no trace, so a key that others could read counts as read.",
        severity: Severity::High,
        controls: &[
            "CIS-AL2023:4.2.2",
            "CIS-AL2023:4.2.3",
            "CIS-Debian12:5.1.2",
            "CIS-Debian12:5.1.3",
            "CIS-Ubuntu22.04:5.1.2",
            "CIS-Ubuntu24.04:5.1.2",
            "CIS-Ubuntu24.04:5.1.3",
            "NIST-800-53:AC-6",
        ],
        remediation: "Make a new key, since the old one may be known: rm /etc/ssh/ssh_host_*_key* && ssh-keygen -A, \
                      restart sshd, and tell those who connect. If nobody but root ever logged in: chown root:root \
                      KEY KEY.pub && chmod 0600 KEY && chmod 0644 KEY.pub",
        parameters: &[],
        evaluate: host_key_modes,
    },
    Check {
        id: "ssh-host-key-strength",
        title: "The host's ssh keys are strong",
        why: "A host key is what tells this host from an impostor. DSA keys and RSA keys of less than 2048 bits \
              are within reach of a well-equipped attacker, and current clients refuse them.",
        severity: Severity::High,
        controls: &["NIST-800-53:SC-12", "NIST-800-53:SC-13", "NCSC:1"],
        remediation: "Make a new key in place of the weak one, restart sshd, and tell those who connect: \
                      ssh-keygen -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; a weak RSA key is replaced by \
                      ssh-keygen -t rsa -b 3072 -N '' -f /etc/ssh/ssh_host_rsa_key, a DSA key is removed.",
        parameters: &[RSA_BITS],
        evaluate: host_key_strength,
    },
    Check {
        id: "ssh-authorized-keys",
        title: "Every key that opens an account is strong, current and in a place that only its owner can write",
        why: "A key in authorized_keys opens its account for as long as the line stands: it does not expire, no \
              password change ends it, and it is the first thing that an intruder leaves behind. A weak key, or a \
              file that others can write, opens the account to more people than its owner.",
        severity: Severity::High,
        controls: &["NIST-800-53:IA-5", "NIST-800-53:AC-6", "AWS-WA:SEC03-BP04", "NCSC:10"],
        remediation: "Remove the lines that the evidence names, or replace their keys (ssh-keygen -t ed25519); \
                      chown USER and chmod go-w what others can write. Log in as a user of your own and use sudo \
                      instead of keys for root.",
        parameters: &[RSA_BITS],
        evaluate: authorized::evaluate,
    },
];

fn config_modes(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    if let Some(outcome) = without_daemon(facts) {
        return vec![outcome];
    }
    let places = match &facts.ssh_keys.config {
        Ok(places) => places,
        Err(cause) => return vec![Outcome::unreadable(CONFIG_SUBJECT, cause)],
    };
    let mut outcomes = Vec::new();
    let mut told = Vec::new();
    for ConfigPlace { path, trail } in places {
        match trail {
            Ok(trail) => {
                for place in trail.places.iter().filter(|place| !is_roots_own(&place.meta)) {
                    // A directory is on the way to several files, and is told once.
                    if !told.contains(&&place.path) {
                        told.push(&place.path);
                        outcomes.push(changeable_by_others(place));
                    }
                }
            }
            Err(cause) => outcomes.push(Outcome::unreadable(subject_of_path(path), cause)),
        }
    }
    if outcomes.is_empty() { vec![Outcome::pass(CONFIG_SUBJECT)] } else { outcomes }
}

fn changeable_by_others(place: &Place) -> Outcome {
    let path = Text::from_bytes(place.path.as_os_str().as_encoded_bytes());
    let headline = format!("Others than root can change {path}, and with it who may log in");
    let expected = "owner root, not writable by group or others";
    Outcome::fail(subject_of_path(&place.path), headline).with(Evidence::new(
        Source::path(&place.path),
        owner_and_mode(&place.meta),
        expected,
    ))
}

fn is_roots_own(meta: &Meta) -> bool {
    meta.uid == 0 && !meta.is_group_writable() && !meta.is_world_writable()
}

fn owner_and_mode(meta: &Meta) -> String {
    format!("owner {}:{}, mode {:04o}", meta.uid, meta.gid, meta.mode)
}

fn host_key_modes(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    of_each_host_key(facts, |key| {
        let subject = subject_of_path(&key.path);
        let mut evidence = Vec::new();
        match &key.private {
            Ok(Some(meta)) => evidence.extend(private_mode(facts, key, meta)),
            Ok(None) => {}
            Err(cause) => return Some(Outcome::unreadable(subject, cause)),
        }
        let private_is_open = !evidence.is_empty();
        match &key.public {
            Ok(Some(meta)) if !is_roots_own(meta) => evidence.push(Evidence::new(
                Source::path(&key.public_path),
                owner_and_mode(meta),
                "owner root, mode 0644 or stricter",
            )),
            Ok(_) => {}
            Err(cause) if !private_is_open => {
                return Some(Outcome::unreadable(subject_of_path(&key.public_path), cause));
            }
            Err(_) => {}
        }
        if evidence.is_empty() {
            return None;
        }
        let path = Text::from_bytes(key.path.as_os_str().as_encoded_bytes());
        let outcome = if private_is_open {
            Outcome::fail(subject, format!("Others than root can read or change the private key {path}"))
        } else {
            // Nothing secret is lost; what administrators copy to known_hosts may be forged.
            Outcome::fail(subject, format!("Others than root can change {path}.pub")).at(Severity::Medium)
        };
        Some(outcome.with_all(evidence))
    })
}

/// What is wrong with a private key's mode, if anything.
fn private_mode(facts: &Facts, key: &HostKey, meta: &Meta) -> Option<Evidence> {
    let groups = facts.accounts.groups.as_deref().unwrap_or_default();
    // Red Hat lets ssh-keysign read the keys through this group, and patches sshd to accept it.
    let is_key_group = groups.iter().any(|group| group.gid == meta.gid && group.name == b"ssh_keys");
    let allowed = if is_key_group { 0o640 } else { 0o600 };
    let is_good = meta.uid == 0 && meta.mode & 0o777 & !allowed == 0;
    (!is_good).then(|| {
        let source = Source::path(&key.path);
        Evidence::new(source, owner_and_mode(meta), format!("owner root, mode {allowed:04o} or stricter"))
    })
}

fn host_key_strength(facts: &Facts, thresholds: &Thresholds<'_>) -> Vec<Outcome> {
    let floor = thresholds.value(RSA_BITS.name);
    of_each_host_key(facts, |host_key| {
        let subject = subject_of_path(&host_key.path);
        let key = match &host_key.key {
            Ok(key) => key,
            Err(cause) => return Some(Outcome::unreadable(subject, cause)),
        };
        let (severity, expected) = weakness(key, floor)
            .map(|expected| (Severity::High, expected))
            .or_else(|| ageing(key).map(|expected| (Severity::Low, expected)))?;
        let headline = match severity {
            Severity::Low => format!("The host key of {} bits will not last much longer", key.bits),
            _ => format!("The host key is weak: {} of {} bits", key.algorithm, key.bits),
        };
        let evidence = Evidence::new(Source::path(&host_key.path), key.to_string(), expected);
        Some(Outcome::fail(subject, headline).at(severity).with(evidence))
    })
}

/// What should stand in place of a key that is too weak.
fn weakness(key: &PublicKey, floor: u64) -> Option<String> {
    let bits = key.bits as u64;
    match key.algorithm {
        Algorithm::Dsa => Some("no DSA key".to_owned()),
        Algorithm::Rsa if bits < floor => Some(format!("RSA of at least {floor} bits, or ed25519")),
        _ => None,
    }
}

/// What should stand in place of a key that NIST SP 800-57 trusts only until 2030.
fn ageing(key: &PublicKey) -> Option<String> {
    let ages = key.algorithm == Algorithm::Rsa && key.bits < LASTING_RSA_BITS;
    ages.then(|| format!("RSA of at least {LASTING_RSA_BITS} bits, or ed25519"))
}

/// Asks `judge` about every host key; one pass if it complains about none.
fn of_each_host_key(facts: &Facts, judge: impl Fn(&HostKey) -> Option<Outcome>) -> Vec<Outcome> {
    if let Some(outcome) = without_daemon(facts) {
        return vec![outcome];
    }
    let keys = &facts.ssh_keys.host_keys;
    if keys.is_empty() && facts.ssh_keys.known.is_ok() {
        // An image before its first start: every instance makes keys of its own then.
        return vec![Outcome::not_applicable(HOST_KEYS_SUBJECT, "this host has no ssh host key yet")];
    }
    let outcomes = keys.iter().filter_map(judge).collect();
    unless_elsewhere(facts, HOST_KEYS_SUBJECT, outcomes)
}

/// A pass where nothing was found, unless the configuration, which could not be read, names other files.
fn unless_elsewhere(facts: &Facts, subject: &str, mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
    match &facts.ssh_keys.known {
        Err(cause) => outcomes.push(Outcome::unreadable(subject, cause)),
        Ok(()) if outcomes.is_empty() => outcomes.push(Outcome::pass(subject)),
        Ok(()) => {}
    }
    outcomes
}

/// The outcome where there is no sshd that could read any of this.
fn without_daemon(facts: &Facts) -> Option<Outcome> {
    match &facts.ssh_keys.daemon {
        Ok(Some(_)) => None,
        Ok(None) => Some(Outcome::not_applicable("sshd", super::ssh::NO_SSHD)),
        Err(cause) => Some(Outcome::unreadable("sshd", cause)),
    }
}

fn subject_of_path(path: &std::path::Path) -> String {
    format!("file:{}", Text::from_bytes(path.as_os_str().as_encoded_bytes()))
}

fn told_as(cause: &Unreadable) -> Text {
    Text::new(&cause.to_string())
}

const CONFIG_SUBJECT: &str = "sshd_config";
const HOST_KEYS_SUBJECT: &str = "host-keys";
/// NIST SP 800-131A: less is disallowed since 2014.
const RSA_BITS: Parameter = Parameter {
    name: "rsa-bits",
    default: 2048,
    range: (1024, 16384),
    unit: Unit::Count,
    help: "RSA keys with fewer bits are weak",
};
/// What ssh-keygen makes by itself since OpenSSH 8.0; 128 bits of security (NIST SP 800-57).
const LASTING_RSA_BITS: usize = 3072;
