//! What the kernel gives away, and which of its larger doors are open to everyone.

use super::{SUBJECT, judged, setting};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::kernel::KernelState;
use crate::host::{Facts, Unreadable};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "kernel-pointers",
        title: "The kernel does not show its addresses to everyone",
        why: "An exploit against the kernel needs to know where the kernel lies. With kptr_restrict at 0 /proc/kallsyms \
              and others may give that away to any account.",
        severity: Severity::Low,
        controls: &["NIST-800-53:SI-16", "NIST-800-53:CM-6", "AWS-WA:SEC06-BP02"],
        remediation: "echo 'kernel.kptr_restrict = 1' > /etc/sysctl.d/60-kptr.conf && sysctl --system",
        parameters: &[],
        evaluate: pointers,
    },
    Check {
        id: "kernel-dmesg",
        title: "Only root reads the kernel's messages",
        why: "The kernel's messages hold addresses, device details and traces of crashed programs, all of which help \
              somebody who already has an account to become root.",
        severity: Severity::Low,
        controls: &["NIST-800-53:SI-11", "NIST-800-53:CM-6", "AWS-WA:SEC06-BP02"],
        remediation: "echo 'kernel.dmesg_restrict = 1' > /etc/sysctl.d/60-dmesg.conf && sysctl --system",
        parameters: &[],
        evaluate: dmesg,
    },
    Check {
        id: "kernel-perf",
        title: "Ordinary users cannot measure the kernel with perf",
        why: "The perf interface lets a program watch the kernel's own work, which leaks what it does for others, and \
              it has itself been a source of holes that led to root.",
        severity: Severity::Low,
        controls: &["NIST-800-53:AC-6", "NIST-800-53:CM-6", "AWS-WA:SEC06-BP02"],
        remediation: "echo 'kernel.perf_event_paranoid = 2' > /etc/sysctl.d/60-perf.conf && sysctl --system",
        parameters: &[],
        evaluate: perf,
    },
    Check {
        id: "kernel-unprivileged-bpf",
        title: "Only root loads BPF programs",
        why: "The part of the kernel that checks BPF programs of ordinary users has had one hole after the other that \
              made such a user root. Nearly nothing but root's own tools needs it.",
        severity: Severity::Medium,
        controls: &["NIST-800-53:AC-6", "NIST-800-53:CM-7", "AWS-WA:SEC06-BP02"],
        remediation: "echo 'kernel.unprivileged_bpf_disabled = 1' > /etc/sysctl.d/60-bpf.conf && sysctl --system",
        parameters: &[],
        evaluate: bpf,
    },
    Check {
        id: "kernel-user-namespaces",
        title: "User namespaces are limited for ordinary users",
        why: "In a user namespace an ordinary user is root over parts of the kernel that were written for root alone, \
              and many holes of the last years began there. Rootless containers and browser sandboxes need them, \
              so this is a choice and not a mistake.",
        severity: Severity::Informational,
        controls: &["NIST-800-53:AC-6", "NIST-800-53:CM-7"],
        remediation: "If nothing here runs rootless containers or a browser: \
                      echo 'user.max_user_namespaces = 0' > /etc/sysctl.d/60-userns.conf && sysctl --system. \
                      Services with PrivateUsers= need them too.",
        parameters: &[],
        evaluate: namespaces,
    },
    Check {
        id: "kernel-core-dumps",
        title: "Programs that crash leave no memory of privileged processes behind",
        why: "A core dump is a copy of a program's memory with the keys and passwords that were in it. Of programs \
              that run with more rights than their user it should not be written, and otherwise not kept.",
        severity: Severity::Low,
        controls: &[
            "CIS-AL2023:1.5.3",
            "CIS-Debian12:1.5.3",
            "CIS-Ubuntu22.04:1.5.3",
            "CIS-Ubuntu24.04:1.5.3",
            "NIST-800-53:SC-28",
            "NIST-800-53:CM-6",
        ],
        remediation: "echo 'fs.suid_dumpable = 0' > /etc/sysctl.d/60-core.conf && sysctl --system\n\
                      With systemd-coredump: mkdir -p /etc/systemd/coredump.conf.d && \
                      printf '[Coredump]\\nStorage=none\\nProcessSizeMax=0\\n' > /etc/systemd/coredump.conf.d/50-none.conf",
        parameters: &[],
        evaluate: core_dumps,
    },
    Check {
        id: "kernel-sysrq",
        title: "The console's magic keys cannot kill processes or dump memory",
        why: "Whoever reaches a console, also the serial console of EC2, can use the SysRq keys without logging in. \
              Syncing and rebooting are meant for emergencies; killing every process, the screen lock among them, is not.",
        severity: Severity::Low,
        controls: &["NIST-800-53:AC-3", "NIST-800-53:CM-7"],
        remediation: "echo 'kernel.sysrq = 176' > /etc/sysctl.d/60-sysrq.conf && sysctl --system\n\
                      176 allows sync, remount read-only and reboot; 0 allows nothing.",
        parameters: &[],
        evaluate: sysrq,
    },
];

fn pointers(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        at_least(kernel, "kernel.kptr_restrict", 1, "The kernel shows its addresses to everyone")
    })
}

fn dmesg(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        at_least(kernel, "kernel.dmesg_restrict", 1, "Every user reads the kernel's messages")
    })
}

fn perf(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        let name = "kernel.perf_event_paranoid";
        match kernel.number(name)? {
            None => Ok(Outcome::not_applicable(SUBJECT, "this kernel has no perf")),
            Some(_) => at_least(kernel, name, 2, "Every user may measure the kernel with perf"),
        }
    })
}

fn bpf(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        let name = "kernel.unprivileged_bpf_disabled";
        match kernel.number(name)? {
            None => Ok(Outcome::not_applicable(SUBJECT, "this kernel has no BPF")),
            Some(_) => at_least(kernel, name, 1, "Every user may load BPF programs into the kernel"),
        }
    })
}

fn at_least<'a>(
    kernel: &'a KernelState,
    name: &str,
    least: i64,
    headline: &str,
) -> Result<Outcome, &'a Unreadable> {
    let value = kernel.number(name)?;
    let evidence = setting(name, value, &format!("{least} or more"));
    let is_enough = value.is_some_and(|value| value >= least);
    let outcome = if is_enough { Outcome::pass(SUBJECT) } else { Outcome::fail(SUBJECT, headline) };
    Ok(outcome.with(evidence))
}

fn namespaces(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        let Some(most) = kernel.number(MAX_NAMESPACES)? else {
            return Ok(Outcome::not_applicable(SUBJECT, "this kernel has no user namespaces"));
        };
        // Debian's and Ubuntu's own settings; other kernels do not have them.
        let limits = [
            (MAX_NAMESPACES, Some(most), 0),
            (USERNS_CLONE, kernel.number(USERNS_CLONE)?, 0),
            (APPARMOR, kernel.number(APPARMOR)?, 1),
        ];
        if let Some((name, value, _)) = limits.iter().find(|(_, value, limit)| *value == Some(*limit)) {
            return Ok(Outcome::pass(SUBJECT).with(setting(name, *value, "a limit")));
        }
        let there = limits.iter().filter(|(_, value, _)| value.is_some());
        let evidence = there.map(|(name, value, limit)| setting(name, *value, &limit.to_string()));
        Ok(Outcome::fail(SUBJECT, "Every user may make user namespaces").with_all(evidence))
    })
}

const MAX_NAMESPACES: &str = "user.max_user_namespaces";
const USERNS_CLONE: &str = "kernel.unprivileged_userns_clone";
const APPARMOR: &str = "kernel.apparmor_restrict_unprivileged_userns";

fn core_dumps(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        let name = "fs.suid_dumpable";
        let value = kernel.number(name)?;
        let pattern = kernel.core_pattern.as_ref()?.as_str();
        let privileged = setting(name, value, "0");
        if !matches!(value, Some(0 | 2)) {
            let headline = "The memory of privileged programs is written where their users can read it";
            return Ok(Outcome::fail(SUBJECT, headline).at(Severity::Medium).with(privileged));
        }
        if pattern.starts_with('|') && pattern.contains("systemd-coredump") {
            return kept(kernel);
        }
        // At 2 the kernel writes such dumps for root alone, and only to a handler or an absolute path.
        let observed = if pattern.is_empty() { "empty".to_owned() } else { pattern.to_owned() };
        let source = Source::path("/proc/sys/kernel/core_pattern");
        Ok(Outcome::pass(SUBJECT).with(privileged).with(Evidence::new(source, observed, "any")))
    })
}

/// systemd-coredump keeps what crashes, unless it is told not to.
fn kept(kernel: &KernelState) -> Result<Outcome, &Unreadable> {
    let coredump = kernel.coredump.as_ref()?;
    let (source, observed) = match coredump.last("Coredump", "Storage") {
        Some(setting) if setting.value == "none" => {
            let source = Source::line(&setting.path, setting.line);
            return Ok(Outcome::pass(SUBJECT).with(Evidence::new(source, "Storage=none", "Storage=none")));
        }
        Some(setting) => (Source::line(&setting.path, setting.line), format!("Storage={}", setting.value)),
        None => {
            (Source::path("/etc/systemd/coredump.conf"), "Storage is not set, which is external".to_owned())
        }
    };
    Ok(Outcome::fail(SUBJECT, "systemd-coredump keeps the memory of programs that crash")
        .at(Severity::Informational)
        .with(Evidence::new(source, observed, "Storage=none")))
}

fn sysrq(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        let name = "kernel.sysrq";
        let Some(value) = kernel.number(name)? else {
            return Ok(Outcome::not_applicable(SUBJECT, "this kernel has no magic keys"));
        };
        let evidence =
            setting(name, Some(value), "without 8 (dumps) and 64 (signals), and not 1 (everything)");
        Ok(match value == 1 || value & (DUMPS | SIGNALS) != 0 {
            true => Outcome::fail(SUBJECT, "The console's magic keys can kill every process").with(evidence),
            false => Outcome::pass(SUBJECT).with(evidence),
        })
    })
}

/// The bits of Documentation/admin-guide/sysrq.rst.
const DUMPS: i64 = 8;
const SIGNALS: i64 = 64;
