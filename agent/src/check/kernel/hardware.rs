//! What the kernel does about the weaknesses of its processor.

use super::{SUBJECT, judged};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::kernel::WEAKNESSES;

pub(super) const CHECKS: &[Check] = &[Check {
    id: "kernel-mitigations",
    title: "The kernel works around the weaknesses of its processor",
    why: "Spectre, Meltdown and their kin let one program read the memory of another. Somebody who switched the \
          workarounds off for speed has opened that door; where only the microcode is missing, the owner of a virtual \
          machine can do little but take a newer kernel or another instance type.",
    severity: Severity::Medium,
    controls: &["NIST-800-53:SI-2", "NIST-800-53:SI-16", "AWS-WA:SEC06-BP01"],
    remediation: "Remove mitigations=off and its like from GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub or \
                  grub2-mkconfig -o /boot/grub2/grub.cfg, and reboot. For what remains: install the newest kernel; what \
                  needs microcode is up to AWS, and newer instance types have it.",
    parameters: &[],
    evaluate,
}];

fn evaluate(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judged(facts, |kernel| {
        let command_line = kernel.command_line.as_ref()?;
        let off: Vec<&str> =
            command_line.as_str().split_ascii_whitespace().filter(|word| SWITCHES.contains(word)).collect();
        if !off.is_empty() {
            let headline = format!("Protection from processor weaknesses is switched off: {}", off.join(" "));
            let evidence =
                off.iter().map(|word| Evidence::new(Source::path("/proc/cmdline"), *word, "not there"));
            return Ok(Outcome::fail(SUBJECT, headline).with_all(evidence));
        }
        let Some(weaknesses) = kernel.weaknesses.as_ref()? else {
            return Ok(Outcome::unknown(SUBJECT, "this kernel does not tell about processor weaknesses"));
        };
        let open: Vec<_> =
            weaknesses.iter().filter(|(_, says)| says.as_str().starts_with("Vulnerable")).collect();
        let unsure: Vec<&str> = weaknesses
            .iter()
            .filter(|(_, says)| says.as_str().starts_with("Unknown"))
            .map(|(name, _)| name.as_str())
            .collect();
        if open.is_empty() && !unsure.is_empty() {
            let reason = format!("the kernel cannot tell from inside a guest: {}", unsure.join(", "));
            return Ok(Outcome::unknown(SUBJECT, reason));
        }
        if open.is_empty() {
            return Ok(Outcome::pass(SUBJECT));
        }
        let names: Vec<&str> = open.iter().map(|(name, _)| name.as_str()).collect();
        let headline =
            format!("Nothing protects from {} here, perhaps for want of microcode", names.join(", "));
        let evidence = open.iter().map(|(name, says)| {
            let source = Source::path(std::path::Path::new(WEAKNESSES).join(name.as_str()));
            Evidence::new(source, says.clone(), "Mitigation or Not affected")
        });
        // A guest sees what its host lets it see, and often can do nothing about it.
        Ok(Outcome::fail(SUBJECT, headline).at(Severity::Informational).with_all(evidence.take(20)))
    })
}

/// Words that take a protection away, Documentation/admin-guide/kernel-parameters.txt.
const SWITCHES: &[&str] = &[
    "mitigations=off",
    "nopti",
    "pti=off",
    "kpti=0",
    "kpti=off",
    "nospectre_v1",
    "nospectre_v2",
    "nospectre_bhb",
    "spectre_v2=off",
    "spectre_v2_user=off",
    "spectre_bhi=off",
    "spec_store_bypass_disable=off",
    "nospec_store_bypass_disable",
    "ssbd=force-off",
    "l1tf=off",
    "mds=off",
    "tsx_async_abort=off",
    "mmio_stale_data=off",
    "retbleed=off",
    "gather_data_sampling=off",
    "reg_file_data_sampling=off",
    "spec_rstack_overflow=off",
    "srbds=off",
    "indirect_target_selection=off",
    "tsa=off",
    "vmscape=off",
];
