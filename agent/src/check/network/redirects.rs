//! Whether somebody else's packets decide which way packets go: ICMP redirects and source routes. What counts is what
//! the kernel makes of the settings for all interfaces and for each of them, which differs from setting to setting.

use super::{MAX_EVIDENCE, SUBJECT, of_machine};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::network::Network;
use crate::host::network::stack::{Settings, Values};

pub(super) const REDIRECTS: Check = Check {
    id: "network-redirects",
    title: "The stack neither believes ICMP redirects nor sends them",
    why: "A redirect tells a host to send its packets by way of somebody else, and anybody on the link can forge one. \
          In a VPC there is one router, and it never sends any. Judged is what is in force for each interface: a host \
          that forwards believes them only if both settings say so, any other host if either does.",
    severity: Severity::Low,
    controls: &[
        "CIS-AL2023:3.2.2",
        "CIS-AL2023:3.3.2",
        "CIS-AL2023:3.3.3",
        "CIS-Debian12:3.3.2",
        "CIS-Debian12:3.3.5",
        "CIS-Debian12:3.3.6",
        "CIS-Ubuntu22.04:3.3.2",
        "CIS-Ubuntu22.04:3.3.5",
        "CIS-Ubuntu22.04:3.3.6",
        "CIS-Ubuntu24.04:3.3.2",
        "CIS-Ubuntu24.04:3.3.5",
        "CIS-Ubuntu24.04:3.3.6",
        "NIST-800-53:CM-6",
        "NIST-800-53:SC-7",
    ],
    remediation: "for k in ipv4.conf.all.accept_redirects ipv4.conf.default.accept_redirects \
                  ipv4.conf.all.send_redirects ipv4.conf.default.send_redirects ipv6.conf.all.accept_redirects \
                  ipv6.conf.default.accept_redirects; do echo \"net.$k = 0\"; done > \
                  /etc/sysctl.d/60-redirects.conf && sysctl --system; interfaces that are there keep their own value: \
                  sysctl -w net.ipv4.conf.IF.accept_redirects=0, or restart.",
    parameters: &[],
    evaluate: redirects,
};

pub(super) const SOURCE_ROUTES: Check = Check {
    id: "network-source-routes",
    title: "The stack refuses packets that bring their own route",
    why: "With a source route the sender of a packet chooses its way, around the filters that stand on the usual one, \
          and gets the answers by the same way. No program of today needs it.",
    severity: Severity::Medium,
    controls: &[
        "CIS-AL2023:3.3.1",
        "CIS-Debian12:3.3.8",
        "CIS-Ubuntu22.04:3.3.8",
        "CIS-Ubuntu24.04:3.3.8",
        "NIST-800-53:CM-6",
        "NIST-800-53:SC-7",
    ],
    remediation: "for f in 4 6; do for i in all default; do echo \"net.ipv$f.conf.$i.accept_source_route = 0\"; done; \
                  done > /etc/sysctl.d/60-source-route.conf && sysctl --system",
    parameters: &[],
    evaluate: source_routes,
};

fn redirects(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judge(facts, "ICMP redirects are believed or sent", |network, bad| {
        let ipv4 = network.stack.ipv4.as_ref().map_err(Clone::clone)?;
        bad.each(ipv4, "/proc/sys/net/ipv4/conf", "accept_redirects", |all, own, values| {
            // IN_DEV_RX_REDIRECTS of the kernel.
            if forwards(values) { all != 0 && own != 0 } else { all != 0 || own != 0 }
        });
        bad.each(ipv4, "/proc/sys/net/ipv4/conf", "send_redirects", |all, own, values| {
            // Only who forwards has anything to redirect.
            forwards(values) && (all != 0 || own != 0)
        });
        if let Some(ipv6) = network.stack.ipv6.as_ref().map_err(Clone::clone)? {
            bad.each(ipv6, "/proc/sys/net/ipv6/conf", "accept_redirects", |_, own, values| {
                is_on(values) && !forwards(values) && own != 0
            });
        }
        Ok(())
    })
}

fn source_routes(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    judge(facts, "Packets that bring their own route are taken", |network, bad| {
        let ipv4 = network.stack.ipv4.as_ref().map_err(Clone::clone)?;
        bad.each(ipv4, "/proc/sys/net/ipv4/conf", "accept_source_route", |all, own, _| all != 0 && own != 0);
        if let Some(ipv6) = network.stack.ipv6.as_ref().map_err(Clone::clone)? {
            // The lesser of both counts; at 0 only the form that Mobile IPv6 needs is taken.
            bad.each(ipv6, "/proc/sys/net/ipv6/conf", "accept_source_route", |all, own, values| {
                is_on(values) && all.min(own) > 0
            });
        }
        Ok(())
    })
}

fn forwards(values: &Values) -> bool {
    values.get("forwarding").is_some_and(|value| *value != 0)
}

fn is_on(values: &Values) -> bool {
    values.get("disable_ipv6").is_none_or(|value| *value == 0)
}

type Look = fn(&Network, &mut Bad) -> Result<(), crate::host::Unreadable>;

fn judge(facts: &Facts, headline: &str, look: Look) -> Vec<Outcome> {
    let network = match of_machine(facts) {
        Ok(network) => network,
        Err(outcomes) => return outcomes,
    };
    let mut bad = Bad::default();
    if let Err(cause) = look(network, &mut bad) {
        return vec![Outcome::unreadable(SUBJECT, &cause)];
    }
    if !bad.evidence.is_empty() {
        bad.evidence.truncate(MAX_EVIDENCE);
        return vec![Outcome::fail(SUBJECT, headline).with_all(bad.evidence)];
    }
    match bad.missing {
        Some(path) => vec![Outcome::unknown(SUBJECT, format!("{path} does not exist"))],
        None => vec![Outcome::pass(SUBJECT)],
    }
}

/// What is not as it should be, and the first setting that is not there at all.
#[derive(Debug, Default)]
struct Bad {
    evidence: Vec<Evidence>,
    missing: Option<String>,
}

impl Bad {
    /// Asks `is_bad` for every interface: the value for all, its own, and its other values.
    fn each(
        &mut self,
        settings: &Settings,
        folder: &str,
        name: &'static str,
        is_bad: fn(i64, i64, &Values) -> bool,
    ) {
        let Some(&all) = settings.all.get(name) else {
            self.missing.get_or_insert(format!("{folder}/all/{name}"));
            return;
        };
        for (interface, values) in &settings.interfaces {
            let path = format!("{folder}/{interface}/{name}");
            let Some(&own) = values.get(name) else {
                self.missing.get_or_insert(path);
                continue;
            };
            if is_bad(all, own, values) {
                self.evidence.push(Evidence::new(
                    Source::named(&path),
                    format!("{own}, and {all} for all"),
                    "0 in force",
                ));
            }
        }
    }
}
