//! What root, or who became root, may put into the kernel.

use super::{SUBJECT, judged, setting};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::kernel::{KernelState, LOCKDOWN, Lockdown};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "kernel-module-signing",
        title: "The kernel takes only modules that are signed",
        why: "A rootkit in the kernel hides from everything that runs above it. Where modules must be signed, becoming \
              root is not enough to load one. It needs a kernel that insists, mostly together with secure boot.",
        severity: Severity::Informational,
        controls: &["NIST-800-53:CM-14", "NIST-800-53:SI-7", "AWS-WA:SEC06-BP04"],
        remediation: "Add module.sig_enforce=1 to the kernel's command line (GRUB_CMDLINE_LINUX in /etc/default/grub, \
                      then update-grub or grub2-mkconfig) and reboot. Modules built on the host, such as DKMS makes, \
                      must then be signed with a key that the kernel knows.",
        parameters: &[],
        evaluate: signing,
    },
    Check {
        id: "kernel-lockdown",
        title: "Not even root can change the running kernel",
        why: "In lockdown the kernel refuses what would let root overwrite it: raw memory, unsigned modules, another \
              kernel by kexec. A break-in then cannot hide below the system.",
        severity: Severity::Informational,
        controls: &["NIST-800-53:SI-7", "NIST-800-53:CM-14", "AWS-WA:SEC06-BP04"],
        remediation: "Use an AMI and an instance type with UEFI secure boot, or add lockdown=integrity to the kernel's \
                      command line and reboot.",
        parameters: &[],
        evaluate: lockdown,
    },
    Check {
        id: "kernel-kexec",
        title: "The running kernel cannot be replaced by another one",
        why: "kexec starts another kernel without a reboot that anybody would notice, and past secure boot. kdump \
              loads its own at the start, and needs the door open only until then.",
        severity: Severity::Informational,
        controls: &["NIST-800-53:SI-7", "NIST-800-53:CM-7"],
        remediation: "echo 'kernel.kexec_load_disabled = 1' > /etc/sysctl.d/60-kexec.conf && sysctl --system\n\
                      Not where kdump or live patching by kexec is used.",
        parameters: &[],
        evaluate: kexec,
    },
    Check {
        id: "kernel-tainted",
        title: "The kernel runs only what its distribution built",
        why: "A module that was forced in, or that nobody signed, may be a driver that somebody needed, or a rootkit. \
              The kernel remembers until it is started again, even when the module has been unloaded.",
        severity: Severity::Informational,
        controls: &["NIST-800-53:SI-7", "NIST-800-53:CM-14", "AWS-WA:SEC06-BP04"],
        remediation: "Look at who brought them: grep '(' /proc/modules names tainting modules, and modinfo NAME says \
                      where each comes from. Suppress this check where the drivers are wanted.",
        parameters: &[],
        evaluate: tainted,
    },
];

fn signing(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        // The settings must be readable, or an absent file says nothing.
        let disabled = kernel.number("kernel.modules_disabled")?;
        if !kernel.has_modules.as_ref().copied()? {
            return Ok(Outcome::not_applicable(SUBJECT, "this kernel loads no modules"));
        }
        if disabled == Some(1) {
            return Ok(Outcome::pass(SUBJECT).with(setting("kernel.modules_disabled", disabled, "1")));
        }
        if is_locked(kernel)? {
            return Ok(Outcome::pass(SUBJECT).with(of_lockdown(kernel)?));
        }
        let source = Source::path("/sys/module/module/parameters/sig_enforce");
        let observed = match kernel.requires_signatures.as_ref().copied()? {
            Some(true) => return Ok(Outcome::pass(SUBJECT).with(Evidence::new(source, "Y", "Y"))),
            Some(false) => "N",
            None => "not there: this kernel cannot check signatures",
        };
        Ok(Outcome::fail(SUBJECT, "Root can load modules that nobody signed")
            .with(Evidence::new(source, observed, "Y")))
    })
}

fn lockdown(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        kernel.number("kernel.modules_disabled")?;
        let evidence = of_lockdown(kernel)?;
        Ok(match is_locked(kernel)? {
            true => Outcome::pass(SUBJECT).with(evidence),
            false => Outcome::fail(SUBJECT, "Root can change the running kernel").with(evidence),
        })
    })
}

fn kexec(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        let name = "kernel.kexec_load_disabled";
        let Some(value) = kernel.number(name)? else {
            return Ok(Outcome::not_applicable(SUBJECT, "this kernel has no kexec"));
        };
        if is_locked(kernel)? {
            return Ok(Outcome::pass(SUBJECT).with(of_lockdown(kernel)?));
        }
        let evidence = setting(name, Some(value), "1");
        Ok(match value {
            0 => Outcome::fail(SUBJECT, "Root can start another kernel by kexec").with(evidence),
            _ => Outcome::pass(SUBJECT).with(evidence),
        })
    })
}

fn is_locked(kernel: &KernelState) -> Result<bool, &crate::host::Unreadable> {
    Ok(kernel.lockdown.as_ref().copied()? != Lockdown::Off)
}

fn of_lockdown(kernel: &KernelState) -> Result<Evidence, &crate::host::Unreadable> {
    let observed = match kernel.lockdown.as_ref()? {
        Lockdown::Off => "none",
        Lockdown::Integrity => "integrity",
        Lockdown::Confidentiality => "confidentiality",
    };
    Ok(Evidence::new(Source::path(LOCKDOWN), observed, "integrity or confidentiality"))
}

fn tainted(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        let name = "kernel.tainted";
        let Some(value) = kernel.number(name)? else {
            return Ok(Outcome::unknown(SUBJECT, "this kernel does not tell whether it is tainted"));
        };
        let marks: Vec<&str> =
            TAINTS.iter().filter(|(bit, _)| value & (1 << bit) != 0).map(|(_, mark)| *mark).collect();
        if marks.is_empty() {
            return Ok(Outcome::pass(SUBJECT).with(setting(name, Some(value), "none of these marks")));
        }
        let headline = format!("The kernel has taken in {}", marks.join(", "));
        Ok(Outcome::fail(SUBJECT, headline).with(setting(name, Some(value), "0")))
    })
}

/// Those bits of Documentation/admin-guide/tainted-kernels.rst that are about whose code runs; others tell of crashes
/// and of hardware.
const TAINTS: [(u32, &str); 5] = [
    (0, "a proprietary module"),
    (1, "a module that was loaded by force"),
    (3, "a module that was unloaded by force"),
    (12, "a module from outside of the kernel's sources"),
    (13, "a module without a valid signature"),
];
