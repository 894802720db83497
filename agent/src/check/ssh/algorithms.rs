//! Algorithms that should not be on offer any more.

use super::{Hit, door, observed};
use crate::check::{Check, Thresholds};
use crate::finding::{Outcome, Severity};
use crate::host::Facts;

pub(super) const CIPHERS: Check = Check {
    id: "ssh-weak-ciphers",
    title: "sshd offers no weak cipher",
    why: "CBC modes leak plaintext through how sshd handles broken packets, and arcfour, 3DES, Blowfish and CAST are \
          broken or have blocks too small for long sessions. Every client since 2013 knows better ones.",
    severity: Severity::High,
    controls: &[
        "CIS-Debian12:5.1.6",
        "CIS-Ubuntu22.04:5.1.6",
        "CIS-Ubuntu24.04:5.1.6",
        "NIST-800-53:SC-8",
        "NCSC:1",
    ],
    remediation: "Remove the names from the Ciphers line that is named (the default has none of them), then run: \
                  sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: ciphers,
};

pub(super) const MACS: Check = Check {
    id: "ssh-weak-macs",
    title: "sshd offers no weak message authentication",
    why: "MD5, SHA-1, truncated and 64-bit codes are weaker than the ciphers that they guard. OpenSSH still offers \
          hmac-sha1 and umac-64 by default for old clients, so leaving the list alone is not enough.",
    severity: Severity::Medium,
    controls: &[
        "CIS-Debian12:5.1.15",
        "CIS-Ubuntu22.04:5.1.15",
        "CIS-Ubuntu24.04:5.1.15",
        "NIST-800-53:SC-8",
    ],
    remediation: "Set 'MACs -*md5*,*-96*,*ripemd160*,umac-64*,hmac-sha1*' before any other MACs line, then run: \
                  sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: macs,
};

pub(super) const KEX: Check = Check {
    id: "ssh-weak-kex",
    title: "sshd offers no weak key exchange",
    why: "SHA-1 no longer resists collisions, and the 1024-bit group1 is within reach of a state. Whoever breaks the key \
          exchange reads the session, also one that was recorded years ago.",
    severity: Severity::Medium,
    controls: &[
        "CIS-Debian12:5.1.12",
        "CIS-Ubuntu22.04:5.1.12",
        "CIS-Ubuntu24.04:5.1.12",
        "NIST-800-53:SC-8",
    ],
    remediation: "Set 'KexAlgorithms -*-sha1' before any other KexAlgorithms line, then run: \
                  sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: kex,
};

pub(super) const HOST_KEYS: Check = Check {
    id: "ssh-weak-hostkey-algorithms",
    title: "sshd neither makes nor accepts SHA-1 or DSA signatures",
    why: "ssh-rsa signs with SHA-1, for which collisions can be bought, and ssh-dss has keys of 1024 bits only. OpenSSH \
          dropped ssh-rsa from its defaults in 8.8; RSA keys go on working with SHA-2.",
    severity: Severity::Medium,
    controls: &["NIST-800-53:SC-8", "NCSC:1"],
    remediation: "Set 'HostKeyAlgorithms -ssh-rsa*,ssh-dss*' and 'PubkeyAcceptedAlgorithms -ssh-rsa*,ssh-dss*' \
                  (PubkeyAcceptedKeyTypes before OpenSSH 8.5), then run: sshd -t && systemctl reload sshd",
    parameters: &[],
    evaluate: host_keys,
};

fn ciphers(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    lists(facts, &["Ciphers"], Severity::High, "cipher", |name| {
        let broken = ["arcfour", "3des", "blowfish", "cast128", "des", "none"];
        name.contains("-cbc") || broken.iter().any(|start| name.starts_with(start))
    })
}

fn macs(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    lists(facts, &["MACs"], Severity::Medium, "message authentication", |name| {
        let weak = ["md5", "-96", "ripemd160", "umac-64", "hmac-sha1"];
        weak.iter().any(|part| name.contains(part))
    })
}

fn kex(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    lists(facts, &["KexAlgorithms"], Severity::Medium, "key exchange", |name| {
        name.ends_with("-sha1") || name.contains("group1-")
    })
}

fn host_keys(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let keywords = &["HostKeyAlgorithms", "PubkeyAcceptedAlgorithms", "CASignatureAlgorithms"];
    lists(facts, keywords, Severity::Medium, "signature", |name| {
        name.starts_with("ssh-rsa") || name.starts_with("ssh-dss")
    })
}

/// Every list in force in some connection, without the names that `is_weak`.
fn lists(
    facts: &Facts,
    keywords: &'static [&'static str],
    severity: Severity,
    what: &str,
    is_weak: fn(&str) -> bool,
) -> Vec<Outcome> {
    let door = match door(facts) {
        Ok(door) => door,
        Err(outcome) => return vec![*outcome],
    };
    let first = keywords.first().copied().unwrap_or_default();
    door.judge(first, "nothing weak", |_, effective| {
        let mut hit: Option<Hit> = None;
        for keyword in keywords {
            let weak: Vec<String> =
                effective.algorithms(keyword).into_iter().filter(|name| is_weak(name)).collect();
            if weak.is_empty() {
                continue;
            }
            let found = observed(
                &effective.origin(keyword),
                &format!("{keyword} has {}", weak.join(", ")),
                "none of these",
            );
            match &mut hit {
                Some(hit) => hit.evidence.push(found),
                None => {
                    let headline = format!("sshd offers weak {what} algorithms: {}", weak.join(", "));
                    hit = Some(Hit::new(severity, headline, found));
                }
            }
        }
        hit
    })
}
