//! Whether the packet filter lets in what nobody provided for. It is judged by its rules as the kernel has them,
//! whichever tool wrote them: the fate of packets from outside to ports that no rule names.

use super::of_machine;
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::network::links::{self, Interface};
use crate::host::network::outside::{self, Unlisted};
use crate::host::network::{Filter, Ip};
use crate::host::{Facts, Unreadable};

pub(super) const IPV4: Check = Check {
    id: "network-firewall",
    title: "The packet filter denies IPv4 connections that no rule provides for",
    why: "On EC2 the security group is the outer wall, and it is opened by mistake, for a test, or by whoever got hold \
          of the account. A second wall on the host holds then, and also against neighbours in the same group. The \
          rules in the kernel are judged, whichever tool wrote them.",
    severity: Severity::Medium,
    controls: &[
        "CIS-AL2023:3.4.2.2",
        "CIS-AL2023:3.4.2.3",
        "CIS-AL2023:3.4.2.7",
        "CIS-Debian12:4.2.7",
        "CIS-Debian12:4.3.4",
        "CIS-Debian12:4.3.5",
        "CIS-Debian12:4.3.8",
        "CIS-Debian12:4.4.2.1",
        "CIS-Ubuntu22.04:4.1.7",
        "CIS-Ubuntu22.04:4.2.4",
        "CIS-Ubuntu22.04:4.2.5",
        "CIS-Ubuntu22.04:4.2.8",
        "CIS-Ubuntu22.04:4.3.2.1",
        "CIS-Ubuntu24.04:4.2.7",
        "CIS-Ubuntu24.04:4.3.4",
        "CIS-Ubuntu24.04:4.3.5",
        "CIS-Ubuntu24.04:4.3.8",
        "CIS-Ubuntu24.04:4.4.2.1",
        "NIST-800-53:SC-7",
        "AWS-WA:SEC05-BP02",
        "NCSC:11",
    ],
    remediation: REMEDIATION,
    parameters: &[],
    evaluate: ipv4,
};

pub(super) const IPV6: Check = Check {
    id: "network-firewall-ipv6",
    title: "The packet filter denies IPv6 connections that no rule provides for",
    why: "Rules for IPv4 say nothing about IPv6: a host with iptables rules alone is open by its other address, which \
          in a VPC is a public one. Nobody notices, because everything that one tries by name works.",
    severity: Severity::Medium,
    controls: &[
        "CIS-AL2023:3.4.2.7",
        "CIS-Debian12:4.2.7",
        "CIS-Debian12:4.3.8",
        "CIS-Debian12:4.4.3.1",
        "CIS-Ubuntu22.04:4.1.7",
        "CIS-Ubuntu22.04:4.2.8",
        "CIS-Ubuntu22.04:4.3.3.1",
        "CIS-Ubuntu24.04:4.2.7",
        "CIS-Ubuntu24.04:4.3.8",
        "CIS-Ubuntu24.04:4.4.3.1",
        "NIST-800-53:SC-7",
        "AWS-WA:SEC05-BP02",
        "NCSC:11",
    ],
    remediation: REMEDIATION,
    parameters: &[],
    evaluate: ipv6,
};

const REMEDIATION: &str = "Keep a session open while you try it. In /etc/nftables.conf:\n\
     table inet filter {\n\
     \x20 chain input {\n\
     \x20   type filter hook input priority filter; policy drop;\n\
     \x20   iif lo accept\n\
     \x20   ct state established,related accept\n\
     \x20   ct state invalid drop\n\
     \x20   meta l4proto { icmp, ipv6-icmp } accept\n\
     \x20   tcp dport 22 accept\n\
     \x20 }\n\
     }\n\
     then: nft -c -f /etc/nftables.conf && systemctl enable --now nftables. Or: ufw allow OpenSSH && ufw enable.";

fn ipv4(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    default_deny(facts, Ip::V4)
}

fn ipv6(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    default_deny(facts, Ip::V6)
}

fn default_deny(facts: &Facts, ip: Ip) -> Vec<Outcome> {
    let network = match of_machine(facts) {
        Ok(network) => network,
        Err(outcomes) => return outcomes,
    };
    let Some(filter) = &network.filter else {
        return vec![Outcome::not_applicable(
            SUBJECT,
            "the rules are in the kernel that runs, not below this root",
        )];
    };
    vec![judge(filter, ip)]
}

fn judge(filter: &Filter, ip: Ip) -> Outcome {
    let interfaces = match &filter.interfaces {
        Ok(interfaces) => interfaces,
        Err(cause) => return Outcome::unreadable(SUBJECT, cause),
    };
    if ip == Ip::V6 && !has_ipv6(interfaces) {
        return Outcome::not_applicable(
            SUBJECT,
            "no interface has an IPv6 address that reaches beyond its link",
        );
    }
    let ruleset = match &filter.ruleset {
        Ok(ruleset) => ruleset,
        Err(cause) => return Outcome::unreadable(SUBJECT, cause),
    };
    match outside::unlisted(ruleset, interfaces, ip) {
        Unlisted::Denied(by) => {
            let by = by.into_iter().take(super::MAX_EVIDENCE);
            let told =
                by.map(|by| Evidence::new(Source::named("nf_tables"), by, "a rule or policy that denies"));
            Outcome::pass(SUBJECT).with_all(told)
        }
        Unlisted::Undecided { why } => Outcome::unknown(
            SUBJECT,
            format!("whether packets come in depends on {why}, which no packet tells"),
        ),
        Unlisted::Accepted { example, by } => match legacy(filter, ip) {
            Some(outcome) => outcome,
            None => {
                let headline = if by.as_str() == outside::NO_CHAIN {
                    format!(
                        "No packet filter stands before this host: nf_tables has no rules on its {} input",
                        name(ip)
                    )
                } else {
                    format!("The packet filter lets in {} connections that no rule provides for", name(ip))
                };
                let observed = format!("accepted by {by}");
                let evidence =
                    Evidence::new(Source::named("nf_tables"), observed, "denied").with_witness(example);
                Outcome::fail(SUBJECT, headline).with(evidence)
            }
        },
    }
}

/// Where nf_tables lets packets in, the old iptables may still keep them out, and does not tell.
fn legacy(filter: &Filter, ip: Ip) -> Option<Outcome> {
    match filter.has_legacy(ip) {
        Ok(false) => None,
        Ok(true) => {
            let reason = "the filter table of the old iptables is loaded, and only its own tool can read it; \
                          move its rules to nf_tables: iptables-legacy-save | iptables-nft-restore";
            Some(Outcome::unknown(SUBJECT, reason))
        }
        Err(cause) => Some(unreadable(cause)),
    }
}

fn unreadable(cause: &Unreadable) -> Outcome {
    Outcome::unreadable(SUBJECT, cause)
}

fn has_ipv6(interfaces: &[Interface]) -> bool {
    interfaces.iter().filter(|interface| !interface.is_loopback).any(links::has_ipv6)
}

pub(super) fn name(ip: Ip) -> &'static str {
    match ip {
        Ip::V4 => "IPv4",
        Ip::V6 => "IPv6",
    }
}

const SUBJECT: &str = "packet filter";
