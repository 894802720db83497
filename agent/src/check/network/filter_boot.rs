//! Whether the packet filter is there again after the next start.

use super::of_machine;
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::network::boot::Loader;
use crate::host::network::outside::{self, Unlisted};
use crate::host::network::{Filter, Ip};

pub(super) const PERSISTENT: Check = Check {
    id: "network-firewall-persistent",
    title: "The packet filter's rules are loaded again at the next start",
    why: "Rules are in the kernel's memory. If no service loads them, the host is without them after its next restart, \
          which happens at night, by itself, and without anybody who would notice.",
    severity: Severity::Low,
    controls: &[
        "CIS-Debian12:4.2.3",
        "CIS-Debian12:4.3.9",
        "CIS-Debian12:4.3.10",
        "CIS-Ubuntu22.04:4.1.3",
        "CIS-Ubuntu22.04:4.2.9",
        "CIS-Ubuntu22.04:4.2.10",
        "CIS-Ubuntu24.04:4.2.3",
        "CIS-Ubuntu24.04:4.3.9",
        "CIS-Ubuntu24.04:4.3.10",
        "NIST-800-53:SC-7",
        "NIST-800-53:CM-6",
    ],
    remediation: "nft list ruleset > /etc/nftables.conf (with 'flush ruleset' as its first line) && systemctl enable \
                  nftables. With iptables-nft: apt-get install iptables-persistent && netfilter-persistent save.",
    parameters: &[],
    evaluate: persistent,
};

fn persistent(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let network = match of_machine(facts) {
        Ok(network) => network,
        Err(outcomes) => return outcomes,
    };
    let Some(filter) = &network.filter else {
        let reason = "the rules are in the kernel that runs, not below this root";
        return vec![Outcome::not_applicable(SUBJECT, reason)];
    };
    if let Some(outcome) = not_due(filter) {
        return vec![outcome];
    }
    if facts.surroundings.as_ref().is_ok_and(|surroundings| !surroundings.has_systemd) {
        return vec![Outcome::not_applicable(
            SUBJECT,
            "systemd does not run here, and what else loads rules is not known",
        )];
    }
    match &network.loaders {
        Ok(loaders) => vec![judge(loaders)],
        Err(cause) => vec![Outcome::unreadable(SUBJECT, cause)],
    }
}

/// The answer where there is no filter that could be lost.
fn not_due(filter: &Filter) -> Option<Outcome> {
    match (&filter.ruleset, &filter.interfaces) {
        (Err(cause), _) | (_, Err(cause)) => Some(Outcome::unreadable(SUBJECT, cause)),
        (Ok(ruleset), Ok(interfaces)) => match outside::unlisted(ruleset, interfaces, Ip::V4) {
            Unlisted::Denied(_) => None,
            _ => Some(Outcome::not_applicable(
                SUBJECT,
                "no filter is there that denies by default and could be lost",
            )),
        },
    }
}

fn judge(loaders: &[Loader]) -> Outcome {
    let evidence = loaders.iter().map(|loader| {
        let enabled = if loader.is_enabled { "enabled" } else { "not enabled" };
        let rules = match &loader.rules {
            Some(path) => format!("rules in {}", path.display()),
            None => "no file of rules".to_owned(),
        };
        Evidence::new(
            Source::named(loader.unit),
            format!("{enabled}, {rules}"),
            "enabled, with a file of rules",
        )
    });
    if loaders.iter().any(|loader| loader.is_enabled && loader.rules.is_some()) {
        return Outcome::pass(SUBJECT).with_all(evidence);
    }
    let headline = match loaders.is_empty() {
        true => {
            "No service that is known to load rules at the start is installed; the rules may be lost then"
        }
        false => "No service loads the packet filter's rules at the next start",
    };
    Outcome::fail(SUBJECT, headline).with_all(evidence)
}

const SUBJECT: &str = "packet filter";
