//! Settings of the stack that answer questions of their own.

use super::{MAX_EVIDENCE, SUBJECT, of_machine};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::network::stack::Settings;
use crate::host::{Facts, Unreadable, sysctl};

pub(super) const SYN_COOKIES: Check = Check {
    id: "network-syn-cookies",
    title: "The stack answers floods of half-open connections with SYN cookies",
    why: "A flood of first packets from made-up addresses fills the table of connections that are being opened, and \
          nobody else gets in. With cookies the table is not needed while it is full.",
    severity: Severity::Medium,
    controls: &[
        "CIS-AL2023:3.3.8",
        "CIS-Debian12:3.3.10",
        "CIS-Ubuntu22.04:3.3.10",
        "CIS-Ubuntu24.04:3.3.10",
        "NIST-800-53:SC-5",
        "NIST-800-53:CM-6",
    ],
    remediation: "echo 'net.ipv4.tcp_syncookies = 1' > /etc/sysctl.d/60-syncookies.conf && sysctl --system",
    parameters: &[],
    evaluate: syn_cookies,
};

pub(super) const RP_FILTER: Check = Check {
    id: "network-rp-filter",
    title: "Packets whose source cannot be answered are dropped on every interface",
    why: "Without reverse path filtering a packet may claim to come from anywhere, also from a network that is behind \
          another interface and trusted. Loose mode (2) is enough, and right for instances with several interfaces.",
    severity: Severity::Low,
    controls: &[
        "CIS-AL2023:3.3.7",
        "CIS-Debian12:3.3.7",
        "CIS-Ubuntu22.04:3.3.7",
        "CIS-Ubuntu24.04:3.3.7",
        "NIST-800-53:SC-7",
        "NIST-800-53:CM-6",
    ],
    remediation: "printf 'net.ipv4.conf.all.rp_filter = 2\\nnet.ipv4.conf.default.rp_filter = 2\\n' > \
                  /etc/sysctl.d/60-rp-filter.conf && sysctl --system",
    parameters: &[],
    evaluate: rp_filter,
};

pub(super) const ICMP: Check = Check {
    id: "network-icmp",
    title: "Pings to broadcast addresses and malformed ICMP errors are ignored",
    why: "Whoever answers pings to a broadcast address helps to flood the address that the ping claims to come from. \
          Malformed errors, if they are not ignored, fill the log.",
    severity: Severity::Low,
    controls: &[
        "CIS-AL2023:3.3.5",
        "CIS-AL2023:3.3.6",
        "CIS-Debian12:3.3.3",
        "CIS-Debian12:3.3.4",
        "CIS-Ubuntu22.04:3.3.3",
        "CIS-Ubuntu22.04:3.3.4",
        "CIS-Ubuntu24.04:3.3.3",
        "CIS-Ubuntu24.04:3.3.4",
        "NIST-800-53:SC-5",
        "NIST-800-53:CM-6",
    ],
    remediation: "printf 'net.ipv4.icmp_echo_ignore_broadcasts = 1\\nnet.ipv4.icmp_ignore_bogus_error_responses = \
                  1\\n' > /etc/sysctl.d/60-icmp.conf && sysctl --system",
    parameters: &[],
    evaluate: icmp,
};

pub(super) const LOG_MARTIANS: Check = Check {
    id: "network-log-martians",
    title: "Packets with impossible addresses are logged",
    why: "Packets that claim to come from addresses that cannot be are a mistake in somebody's configuration or \
          somebody's attempt. In a VPC few of them arrive, so those that do are worth a line in the log.",
    severity: Severity::Informational,
    controls: &[
        "CIS-AL2023:3.3.4",
        "CIS-Debian12:3.3.9",
        "CIS-Ubuntu22.04:3.3.9",
        "CIS-Ubuntu24.04:3.3.9",
        "NIST-800-53:AU-3",
    ],
    remediation: "printf 'net.ipv4.conf.all.log_martians = 1\\nnet.ipv4.conf.default.log_martians = 1\\n' > \
                  /etc/sysctl.d/60-martians.conf && sysctl --system",
    parameters: &[],
    evaluate: log_martians,
};

fn syn_cookies(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let stack = match of_machine(facts) {
        Ok(network) => &network.stack,
        Err(outcomes) => return outcomes,
    };
    match &stack.syn_cookies {
        Err(cause) => vec![Outcome::unreadable(SUBJECT, cause)],
        Ok(1 | 2) => vec![Outcome::pass(SUBJECT)],
        Ok(value) => {
            let source = Source::path(sysctl::path("net.ipv4.tcp_syncookies"));
            let evidence = Evidence::new(source, value.to_string(), "1");
            vec![Outcome::fail(SUBJECT, "SYN cookies are switched off").with(evidence)]
        }
    }
}

fn icmp(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let stack = match of_machine(facts) {
        Ok(network) => &network.stack,
        Err(outcomes) => return outcomes,
    };
    let settings: [(&str, &Result<i64, Unreadable>); 2] = [
        ("net.ipv4.icmp_echo_ignore_broadcasts", &stack.ignore_broadcasts),
        ("net.ipv4.icmp_ignore_bogus_error_responses", &stack.ignore_bogus_errors),
    ];
    let mut evidence = Vec::new();
    for (name, value) in settings {
        match value {
            Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
            Ok(0) => evidence.push(Evidence::new(Source::path(sysctl::path(name)), "0", "1")),
            Ok(_) => {}
        }
    }
    if evidence.is_empty() {
        return vec![Outcome::pass(SUBJECT)];
    }
    vec![Outcome::fail(SUBJECT, "The stack answers ICMP that should be ignored").with_all(evidence)]
}

fn rp_filter(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let headline = "Packets with made-up sources come in: reverse path filtering is off";
    of_each(facts, "rp_filter", "1 or 2 (the greater of both counts)", headline, |all, own| all.max(own) >= 1)
}

fn log_martians(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let headline = "Packets with impossible addresses leave no trace in the log";
    of_each(facts, "log_martians", "1 (either counts)", headline, |all, own| all != 0 || own != 0)
}

/// One setting of IPv4 on every interface; `is_good` is told the value for all and the interface's own.
fn of_each(
    facts: &Facts,
    name: &'static str,
    expected: &str,
    headline: &str,
    is_good: fn(i64, i64) -> bool,
) -> Vec<Outcome> {
    let settings = match of_machine(facts) {
        Ok(network) => &network.stack.ipv4,
        Err(outcomes) => return outcomes,
    };
    let settings = match settings {
        Ok(settings) => settings,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    match bad_interfaces(settings, name, expected, is_good) {
        Err(reason) => vec![Outcome::unknown(SUBJECT, reason)],
        Ok(evidence) if evidence.is_empty() => vec![Outcome::pass(SUBJECT)],
        Ok(evidence) => vec![Outcome::fail(SUBJECT, headline).with_all(evidence)],
    }
}

fn bad_interfaces(
    settings: &Settings,
    name: &'static str,
    expected: &str,
    is_good: fn(i64, i64) -> bool,
) -> Result<Vec<Evidence>, String> {
    let missing = |interface: &str| format!("/proc/sys/net/ipv4/conf/{interface}/{name} does not exist");
    let all = *settings.all.get(name).ok_or_else(|| missing("all"))?;
    let mut evidence = Vec::new();
    for (interface, values) in &settings.interfaces {
        let own = *values.get(name).ok_or_else(|| missing(interface.as_str()))?;
        if !is_good(all, own) && evidence.len() < MAX_EVIDENCE {
            let source = Source::named(&format!("/proc/sys/net/ipv4/conf/{interface}/{name}"));
            evidence.push(Evidence::new(source, format!("{own}, and {all} for all"), expected));
        }
    }
    Ok(evidence)
}
