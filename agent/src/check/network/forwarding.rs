//! Whether the host passes on packets that are not meant for it, and for whom.

use super::{MAX_EVIDENCE, SUBJECT, of_machine};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::network::Network;
use crate::host::network::stack::Settings;
use crate::host::{Facts, Unreadable, sysctl};

pub(super) const FORWARDING: Check = Check {
    id: "network-forwarding",
    title: "Packets are forwarded only where containers, virtual machines or a VPN need it",
    why: "A host that forwards is a way around the rules between networks, for whoever can put it into their route. \
          Container engines, hypervisors and VPNs need it, and their presence is taken for the reason; on other \
          servers it is a leftover.",
    severity: Severity::Low,
    controls: &[
        "CIS-AL2023:3.2.1",
        "CIS-Debian12:3.3.1",
        "CIS-Ubuntu22.04:3.3.1",
        "CIS-Ubuntu24.04:3.3.1",
        "NIST-800-53:CM-7",
        "NIST-800-53:SC-7",
    ],
    remediation: "printf 'net.ipv4.ip_forward = 0\\nnet.ipv6.conf.all.forwarding = 0\\n' > \
                  /etc/sysctl.d/60-forwarding.conf && sysctl --system. Suppress this check on a NAT instance or a \
                  router.",
    parameters: &[],
    evaluate: forwarding,
};

fn forwarding(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let network = match of_machine(facts) {
        Ok(network) => network,
        Err(outcomes) => return outcomes,
    };
    let evidence = match forwards(network) {
        Ok(evidence) => evidence,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, &cause)],
    };
    if evidence.is_empty() {
        return vec![Outcome::pass(SUBJECT)];
    }
    if let Some(needed_by) = needed_by(facts, network) {
        let reason = Evidence::new(Source::named("running programs"), needed_by, "what needs forwarding");
        return vec![Outcome::pass(SUBJECT).with_all(evidence).with(reason)];
    }
    vec![match &facts.running {
        Err(cause) => Outcome::unreadable(SUBJECT, cause),
        // Who needs it may be among those that are not shown.
        Ok(running) if running.is_partial => {
            let mut outcome =
                Outcome::unknown(SUBJECT, "packets are forwarded, and not all processes are shown");
            outcome.denied = true;
            outcome
        }
        Ok(_) => {
            Outcome::fail(SUBJECT, "Packets are forwarded, and nothing that runs needs it").with_all(evidence)
        }
    }]
}

fn forwards(network: &Network) -> Result<Vec<Evidence>, Unreadable> {
    let mut evidence = Vec::new();
    if *network.stack.ip_forward.as_ref().map_err(Clone::clone)? != 0 {
        evidence.push(Evidence::new(Source::path(sysctl::path("net.ipv4.ip_forward")), "1", "0"));
    }
    let mut each = |settings: &Settings, folder: &str| {
        for (interface, values) in &settings.interfaces {
            if values.get("forwarding").is_some_and(|value| *value != 0) && evidence.len() < MAX_EVIDENCE {
                evidence.push(Evidence::new(
                    Source::named(&format!("{folder}/{interface}/forwarding")),
                    "1",
                    "0",
                ));
            }
        }
    };
    each(network.stack.ipv4.as_ref().map_err(Clone::clone)?, "/proc/sys/net/ipv4/conf");
    if let Some(ipv6) = network.stack.ipv6.as_ref().map_err(Clone::clone)? {
        each(ipv6, "/proc/sys/net/ipv6/conf");
    }
    Ok(evidence)
}

fn needed_by(facts: &Facts, network: &Network) -> Option<Text> {
    if let Ok(running) = &facts.running
        && let Some(program) = running.installed(FORWARDERS).next()
    {
        let unit = program.unit.as_ref().map(|unit| format!(", {unit}")).unwrap_or_default();
        return Some(Text::new(&format!("{}, pid {}{unit}", program.name, program.pid)));
    }
    // WireGuard is in the kernel and has no program.
    let interfaces = network.filter.as_ref().and_then(|filter| filter.interfaces.as_ref().ok())?;
    let tunnel = interfaces
        .iter()
        .find(|interface| interface.kind.as_ref().is_some_and(|kind| kind.as_str() == "wireguard"))?;
    Some(Text::new(&format!("the WireGuard interface {}", tunnel.name)))
}

/// Programs that do not work without forwarding: containers, virtual machines, VPNs, routing.
const FORWARDERS: &[&str] = &[
    "dockerd",
    "containerd",
    "kubelet",
    "k3s",
    "crio",
    "libvirtd",
    "virtnetworkd",
    "lxd",
    "incusd",
    "podman",
    "openvpn",
    "charon",
    "charon-systemd",
    "pluto",
    "tailscaled",
    "zebra",
    "bird",
    "keepalived",
];
