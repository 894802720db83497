//! Who gets in, and by what.

use super::{Hit, door, evidence, observed};
use crate::check::{Check, Thresholds};
use crate::finding::{Outcome, Severity, Text};
use crate::host::Facts;
use crate::host::sshd::{Effective, Witness};

pub(super) const ROOT: Check = Check {
    id: "ssh-root-login",
    title: "root cannot log in over ssh",
    why: "A login as root leaves no record of which person acted, and root is the one account name that every \
          attacker knows. People log in under their own name and use sudo, which logs who did what.",
    severity: Severity::Critical,
    controls: &[
        "CIS-AL2023:4.2.7",
        "CIS-Debian12:5.1.20",
        "CIS-Ubuntu22.04:5.1.20",
        "CIS-Ubuntu24.04:5.1.20",
        "NIST-800-53:AC-6",
        "AWS-WA:SEC06-BP03",
        "NCSC:10",
    ],
    remediation: "Make sure that you can log in as another user and use sudo. Then set 'PermitRootLogin no' before \
                  any other line that sets it (sshd keeps the first), remove it from the Match block that is named, \
                  and run: sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: root,
};

pub(super) const PASSWORD: Check = Check {
    id: "ssh-password",
    title: "No password is enough to log in over ssh",
    why: "A password can be guessed, reused and phished, and every ssh port on the internet is tried day and night. \
          A key cannot be guessed. One Match block or one drop-in of cloud-init is enough to bring passwords back.",
    severity: Severity::High,
    controls: &["NIST-800-53:IA-2", "NIST-800-53:IA-5", "AWS-WA:SEC06-BP03", "NCSC:10"],
    remediation: "Make sure that you can log in with a key. Then set 'PasswordAuthentication no' before any other line \
                  that sets it (a file such as /etc/ssh/sshd_config.d/00-guestward.conf is read first), remove it from \
                  the Match block that is named, and run: sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: password,
};

pub(super) const KEYBOARD_INTERACTIVE: Check = Check {
    id: "ssh-keyboard-interactive",
    title: "Keyboard-interactive is no way in by password",
    why: "Keyboard-interactive hands the login to PAM, which asks for the same password that PasswordAuthentication no \
          was meant to refuse. Before OpenSSH 8.7 it stays on until ChallengeResponseAuthentication is off as well.",
    severity: Severity::High,
    controls: &["NIST-800-53:IA-2", "NIST-800-53:IA-5", "AWS-WA:SEC06-BP03", "NCSC:10"],
    remediation: "Set 'KbdInteractiveAuthentication no' (before OpenSSH 8.7 also 'ChallengeResponseAuthentication no'), \
                  or, for a second factor, 'AuthenticationMethods publickey,keyboard-interactive'. Leave UsePAM as it \
                  is. Then run: sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: keyboard_interactive,
};

pub(super) const EMPTY_PASSWORD: Check = Check {
    id: "ssh-empty-password",
    title: "Nobody logs in over ssh without a password",
    why: "With PermitEmptyPasswords an account that has no password is open to whoever knows its name. \
          Such accounts come from images and installers, and nobody notices them locally.",
    severity: Severity::Critical,
    controls: &[
        "CIS-AL2023:4.2.9",
        "CIS-Debian12:5.1.19",
        "CIS-Ubuntu22.04:5.1.19",
        "CIS-Ubuntu24.04:5.1.19",
        "NIST-800-53:IA-5",
    ],
    remediation: "Remove the PermitEmptyPasswords line that is named (no is the default), then run: \
                  sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: empty_password,
};

pub(super) const HOSTBASED: Check = Check {
    id: "ssh-hostbased",
    title: "No login rests on the client's host alone",
    why: "Host-based authentication believes another machine when it says who the user is. Whoever takes that machine \
          has every account here that it may speak for.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:4.2.8",
        "CIS-Debian12:5.1.10",
        "CIS-Ubuntu22.04:5.1.10",
        "CIS-Ubuntu24.04:5.1.10",
        "NIST-800-53:CM-7",
    ],
    remediation: "Remove the HostbasedAuthentication line that is named (no is the default), then run: \
                  sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: hostbased,
};

const PERMIT_ROOT: &str = "PermitRootLogin";

fn root(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let door = match door(facts) {
        Ok(door) => door,
        Err(outcome) => return vec![*outcome],
    };
    door.judge(PERMIT_ROOT, "no", |witness, effective| {
        if witness.context.user != b"root" || !gets_as_far(witness, effective) || !effective.any_method() {
            return None;
        }
        let (severity, headline) = match &*effective.value(PERMIT_ROOT) {
            b"no" => return None,
            b"yes" if a_password_is_enough(effective) => {
                (Severity::Critical, "root can log in over ssh with a password")
            }
            b"forced-commands-only" => {
                (Severity::Low, "root can log in over ssh with keys that have a forced command")
            }
            _ => (Severity::Medium, "root can log in over ssh with a key"),
        };
        Some(Hit::new(severity, headline, evidence(effective, PERMIT_ROOT, "no")))
    })
}

fn password(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let door = match door(facts) {
        Ok(door) => door,
        Err(outcome) => return vec![*outcome],
    };
    let keyword = "PasswordAuthentication";
    door.judge(keyword, "no", |witness, effective| {
        if !types_its_way_in(witness, effective, "password") {
            return None;
        }
        let hit = Hit::new(severity_for(witness), by_password(witness), evidence(effective, keyword, "no"));
        Some(with_methods(hit, effective))
    })
}

fn keyboard_interactive(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let door = match door(facts) {
        Ok(door) => door,
        Err(outcome) => return vec![*outcome],
    };
    door.judge("KbdInteractiveAuthentication", "no", |witness, effective| {
        if !types_its_way_in(witness, effective, "keyboard-interactive") {
            return None;
        }
        let (_, origin) = effective.keyboard_interactive();
        let decides = effective.keyboard_interactive_keyword();
        let found = observed(&origin, &format!("{decides} yes"), "no");
        let hit = if effective.is_on("UsePAM") {
            let headline = match witness.has_password {
                Some(false) => {
                    "PAM may ask for passwords over ssh, though no account here has one today".to_owned()
                }
                _ => format!("PAM may ask {} for a password over ssh, and that is enough", who(witness)),
            };
            Hit::new(severity_for(witness), headline, found)
        } else {
            // Nothing answers without PAM, until somebody turns it on.
            let headline =
                "Keyboard-interactive is on, and only UsePAM no keeps it from asking for passwords";
            Hit::new(Severity::Low, headline, found)
        };
        Some(with_methods(hit, effective))
    })
}

fn empty_password(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let door = match door(facts) {
        Ok(door) => door,
        Err(outcome) => return vec![*outcome],
    };
    let keyword = "PermitEmptyPasswords";
    door.judge(keyword, "no", |witness, effective| {
        if !effective.is_on(keyword) || witness.context.invalid_user {
            return None;
        }
        let found = evidence(effective, keyword, "no");
        let reaches = TYPED.iter().any(|method| types_its_way_in(witness, effective, method));
        Some(if reaches {
            Hit::new(Severity::Critical, "An account without a password is open over ssh", found)
        } else {
            Hit::new(
                Severity::Medium,
                "Empty passwords are allowed, and only the other settings keep them out",
                found,
            )
        })
    })
}

fn hostbased(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let door = match door(facts) {
        Ok(door) => door,
        Err(outcome) => return vec![*outcome],
    };
    let keyword = "HostbasedAuthentication";
    door.judge(keyword, "no", |_, effective| {
        let headline = "sshd believes other hosts about who their users are";
        effective
            .is_on(keyword)
            .then(|| Hit::new(Severity::High, headline, evidence(effective, keyword, "no")))
    })
}

/// Whether the account may try at all.
fn gets_as_far(witness: &Witness, effective: &Effective<'_>) -> bool {
    !witness.context.invalid_user && effective.turns_away(&witness.context).is_none()
}

/// Whether what a person types is enough for this connection, by this method.
fn types_its_way_in(witness: &Witness, effective: &Effective<'_>, method: &str) -> bool {
    let root_is_kept_out = witness.context.user == b"root" && *effective.value(PERMIT_ROOT) != *b"yes";
    !root_is_kept_out && gets_as_far(witness, effective) && effective.password_suffices(method)
}

/// Without PAM nothing on Linux answers a keyboard-interactive login.
fn a_password_is_enough(effective: &Effective<'_>) -> bool {
    effective.password_suffices("password")
        || (effective.is_on("UsePAM") && effective.password_suffices("keyboard-interactive"))
}

fn severity_for(witness: &Witness) -> Severity {
    if witness.has_password == Some(true) { Severity::Critical } else { Severity::High }
}

fn by_password(witness: &Witness) -> String {
    match witness.has_password {
        Some(true) => format!("{} can log in over ssh with a password", who(witness)),
        // Whoever has one would be a worse hit, and this one would not be told.
        Some(false) => "sshd accepts passwords, though no account on this machine has one today".to_owned(),
        None => format!("A password is all that sshd asks of {}", who(witness)),
    }
}

fn who(witness: &Witness) -> String {
    if witness.is_local {
        Text::from_bytes_within(&witness.context.user, 64).to_string()
    } else {
        format!("an account such as '{}'", Text::from_bytes_within(&witness.context.user, 64))
    }
}

/// The line that makes a typed answer enough, where there is one.
fn with_methods(mut hit: Hit, effective: &Effective<'_>) -> Hit {
    if effective.directives("AuthenticationMethods").next().is_some() {
        hit.evidence.push(evidence(effective, "AuthenticationMethods", "a key in every list"));
    }
    hit
}

const TYPED: &[&str] = &["password", "keyboard-interactive"];
