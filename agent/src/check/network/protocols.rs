//! Whether protocols that hardly anybody uses can be loaded by whoever opens a socket.

use super::SUBJECT;
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;

pub(super) const PROTOCOLS: Check = Check {
    id: "network-protocols",
    title: "DCCP, SCTP, RDS and TIPC cannot be loaded by opening a socket",
    why: "The kernel loads a protocol when any account opens a socket for it. These four are used by hardly any \
          server, are tested little, and have made more than one local account root.",
    severity: Severity::Informational,
    controls: &[
        "CIS-AL2023:3.1.2",
        "CIS-AL2023:3.1.3",
        "CIS-AL2023:3.1.4",
        "CIS-AL2023:3.1.5",
        "CIS-Debian12:3.2.1",
        "CIS-Debian12:3.2.2",
        "CIS-Debian12:3.2.3",
        "CIS-Debian12:3.2.4",
        "CIS-Ubuntu22.04:3.2.1",
        "CIS-Ubuntu22.04:3.2.2",
        "CIS-Ubuntu22.04:3.2.3",
        "CIS-Ubuntu22.04:3.2.4",
        "CIS-Ubuntu24.04:3.2.1",
        "CIS-Ubuntu24.04:3.2.2",
        "CIS-Ubuntu24.04:3.2.3",
        "CIS-Ubuntu24.04:3.2.4",
        "NIST-800-53:CM-7",
    ],
    remediation: "for m in dccp sctp rds tipc; do echo \"install $m /bin/false\"; done > \
                  /etc/modprobe.d/60-protocols.conf; rmmod what is loaded and not used.",
    parameters: &[],
    evaluate: protocols,
};

fn protocols(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let network = match &facts.network {
        Ok(network) => network,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    match &facts.surroundings {
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
        Ok(surroundings) if surroundings.is_container => {
            return vec![Outcome::not_applicable(
                SUBJECT,
                "this is a container: its host loads the kernel's modules",
            )];
        }
        Ok(_) => {}
    }
    let protocols = match &network.protocols {
        Ok(protocols) => protocols,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    if protocols.is_empty() {
        return vec![Outcome::not_applicable(SUBJECT, "no modules of the kernel are installed here")];
    }
    let mut evidence = Vec::new();
    for protocol in protocols {
        match (&protocol.module, &protocol.barred) {
            _ if protocol.is_loaded => {
                let observed = format!("{} is loaded", protocol.name);
                evidence.push(Evidence::new(Source::path("/proc/modules"), observed, "not loaded"));
            }
            (Some(module), None) => {
                let observed = format!("{} may be loaded", protocol.name);
                let expected = format!("install {} /bin/false in /etc/modprobe.d", protocol.name);
                evidence.push(Evidence::new(Source::path(module), observed, expected));
            }
            _ => {}
        }
    }
    if evidence.is_empty() {
        return vec![Outcome::pass(SUBJECT)];
    }
    vec![
        Outcome::fail(SUBJECT, "Protocols that hardly anybody uses may be loaded by anybody")
            .with_all(evidence),
    ]
}
