//! The walls between programs: where memory lies, who may look into whom, what a link in /tmp may do, and the
//! modules that decide on access.

use super::{SUBJECT, judged, setting};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::kernel::{KernelState, PROFILES};
use crate::host::{Facts, Unreadable};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "kernel-aslr",
        title: "Programs are laid out in memory at random places",
        why: "An attack through a programming error has to know where things lie in memory. With the layout left to \
              chance such an attack mostly ends in a crash; without it, it works every time.",
        severity: Severity::High,
        controls: &[
            "CIS-AL2023:1.5.1",
            "CIS-Debian12:1.5.1",
            "CIS-Ubuntu22.04:1.5.1",
            "CIS-Ubuntu24.04:1.5.1",
            "NIST-800-53:SI-16",
            "AWS-WA:SEC06-BP02",
        ],
        remediation: "echo 'kernel.randomize_va_space = 2' > /etc/sysctl.d/60-aslr.conf && sysctl --system",
        parameters: &[],
        evaluate: aslr,
    },
    Check {
        id: "kernel-ptrace",
        title: "A program cannot look into its neighbours of the same user",
        why: "Without Yama's limit every process of a user can read the memory of the user's other processes: one \
              program that was broken into takes the keys out of the ssh agent and the tokens out of the shell.",
        severity: Severity::Low,
        controls: &[
            "CIS-AL2023:1.5.2",
            "CIS-Debian12:1.5.2",
            "CIS-Ubuntu22.04:1.5.2",
            "CIS-Ubuntu24.04:1.5.2",
            "NIST-800-53:AC-6",
        ],
        remediation: "echo 'kernel.yama.ptrace_scope = 1' > /etc/sysctl.d/60-ptrace.conf && sysctl --system\n\
                      Debuggers can still start a program themselves; attaching to a running one needs root.",
        parameters: &[],
        evaluate: ptrace,
    },
    Check {
        id: "kernel-protected-links",
        title: "Links and files that others left in /tmp are not followed blindly",
        why: "A program of root's that opens a file in a directory like /tmp can be led to another file by a link that \
              somebody put there first. These four settings end that whole family of attacks at no cost.",
        severity: Severity::Medium,
        controls: &["NIST-800-53:AC-6", "NIST-800-53:CM-6", "AWS-WA:SEC06-BP02"],
        remediation: "printf 'fs.protected_hardlinks = 1\\nfs.protected_symlinks = 1\\nfs.protected_fifos = 1\\n\
                      fs.protected_regular = 1\\n' > /etc/sysctl.d/60-links.conf && sysctl --system",
        parameters: &[],
        evaluate: links,
    },
    Check {
        id: "kernel-lsm",
        title: "A security module confines what services may do",
        why: "Owner and mode protect nothing from a service that was broken into and runs as root. SELinux or \
              AppArmor confine it to what its profile allows, which has stopped real break-ins from going further.",
        severity: Severity::Medium,
        controls: &[
            "CIS-AL2023:1.6.1.4",
            "CIS-AL2023:1.6.1.5",
            "CIS-Debian12:1.3.1.1",
            "CIS-Debian12:1.3.1.2",
            "CIS-Debian12:1.3.1.3",
            "CIS-Ubuntu22.04:1.3.1.1",
            "CIS-Ubuntu22.04:1.3.1.2",
            "CIS-Ubuntu22.04:1.3.1.3",
            "CIS-Ubuntu24.04:1.3.1.1",
            "CIS-Ubuntu24.04:1.3.1.2",
            "CIS-Ubuntu24.04:1.3.1.3",
            "NIST-800-53:AC-3",
            "NIST-800-53:AC-6",
            "AWS-WA:SEC06-BP02",
        ],
        remediation: "Amazon Linux: look through 'ausearch -m avc' for what would have been refused, then \
                      sed -i 's/^SELINUX=.*/SELINUX=enforcing/' /etc/selinux/config && setenforce 1. Debian, Ubuntu: \
                      apt-get install apparmor apparmor-profiles, and remove apparmor=0 from the kernel's command line.",
        parameters: &[],
        evaluate: lsm,
    },
];

fn aslr(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        let name = "kernel.randomize_va_space";
        let value = kernel.number(name)?;
        let evidence = setting(name, value, "2");
        Ok(match value {
            Some(2) => Outcome::pass(SUBJECT).with(evidence),
            Some(1) => {
                Outcome::fail(SUBJECT, "The heap of every program lies at a place that can be guessed")
                    .at(Severity::Medium)
                    .with(evidence)
            }
            _ => {
                Outcome::fail(SUBJECT, "Programs lie in memory where an attacker expects them").with(evidence)
            }
        })
    })
}

fn ptrace(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        let name = "kernel.yama.ptrace_scope";
        let value = kernel.number(name)?;
        let evidence = setting(name, value, "1 or more");
        Ok(match value {
            Some(1..) => Outcome::pass(SUBJECT).with(evidence),
            Some(_) => {
                Outcome::fail(SUBJECT, "Every program can read the memory of its user's other programs")
                    .with(evidence)
            }
            None => {
                Outcome::fail(SUBJECT, "This kernel does not limit ptrace: it has no Yama").with(evidence)
            }
        })
    })
}

fn links(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        let mut evidence = Vec::new();
        let mut severity = Severity::Low;
        for (name, weight) in LINKS {
            let value = kernel.number(name)?;
            if value.is_none_or(|value| value < 1) {
                evidence.push(setting(name, value, "1 or more"));
                severity = severity.max(weight);
            }
        }
        if evidence.is_empty() {
            return Ok(Outcome::pass(SUBJECT));
        }
        let names: Vec<String> = evidence.iter().map(|piece| piece.source.text().to_string()).collect();
        let names: Vec<&str> = names.iter().filter_map(|path| path.rsplit('/').next()).collect();
        let headline = format!("Traps left in /tmp can catch programs of root's: {} off", names.join(", "));
        Ok(Outcome::fail(SUBJECT, headline).at(severity).with_all(evidence))
    })
}

/// Links have long been on in every distribution; the other two are younger and catch rarer cases.
const LINKS: [(&str, Severity); 4] = [
    ("fs.protected_hardlinks", Severity::Medium),
    ("fs.protected_symlinks", Severity::Medium),
    ("fs.protected_fifos", Severity::Low),
    ("fs.protected_regular", Severity::Low),
];

fn lsm(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, access)
}

fn access(kernel: &KernelState) -> Result<Outcome, &Unreadable> {
    let access = &kernel.access;
    let enforce = Source::path("/sys/fs/selinux/enforce");
    match access.selinux.as_ref().copied()? {
        Some(true) => return Ok(Outcome::pass(SUBJECT).with(Evidence::new(enforce, "1", "1"))),
        Some(false) => {
            // Amazon Linux 2023 comes like this: denials are written down, which is a beginning.
            return Ok(Outcome::fail(
                SUBJECT,
                "SELinux is permissive: it notes what it would refuse, and refuses nothing",
            )
            .at(Severity::Low)
            .with(Evidence::new(enforce, "0", "1")));
        }
        None => {}
    }
    // Without these two there is no telling what an absent module means.
    kernel.number("kernel.randomize_va_space")?;
    if !access.apparmor.as_ref().copied()? {
        let source = Source::named("/sys/fs/selinux, /sys/module/apparmor/parameters/enabled");
        return Ok(Outcome::fail(SUBJECT, "No security module confines services").with(Evidence::new(
            source,
            "neither SELinux nor AppArmor is on",
            "one of them",
        )));
    }
    let profiles = access.profiles.as_ref()?;
    let observed = format!("{} profiles enforced, {} not", profiles.enforced, profiles.others);
    let evidence = Evidence::new(Source::path(PROFILES), observed, "at least one profile enforced");
    Ok(match profiles.enforced {
        0 => Outcome::fail(SUBJECT, "AppArmor is on and enforces no profile").with(evidence),
        _ => Outcome::pass(SUBJECT).with(evidence),
    })
}
