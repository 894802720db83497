//! Whether the times in the logs are right.

use super::{Judged, facts_of, one, program, running, runs};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::logging::Logging;
use crate::host::logging::chrony;
use crate::host::running::Program;

pub(super) const CHECKS: &[Check] = &[Check {
    id: "logging-time-sync",
    title: "The clock is kept right",
    why: "Logs of several machines can be put together only if their clocks agree. A clock that is far off also makes \
          AWS refuse signed requests and certificates look expired.",
    severity: Severity::Medium,
    controls: &[
        "CIS-AL2023:2.1.1",
        "CIS-AL2023:2.1.2",
        "CIS-Debian12:2.3.2.1",
        "CIS-Debian12:2.3.2.2",
        "CIS-Debian12:2.3.3.1",
        "CIS-Debian12:2.3.3.3",
        "CIS-Ubuntu22.04:2.3.2.1",
        "CIS-Ubuntu22.04:2.3.2.2",
        "CIS-Ubuntu22.04:2.3.3.1",
        "CIS-Ubuntu22.04:2.3.3.3",
        "CIS-Ubuntu24.04:2.3.2.1",
        "CIS-Ubuntu24.04:2.3.2.2",
        "CIS-Ubuntu24.04:2.3.3.1",
        "CIS-Ubuntu24.04:2.3.3.3",
        "NIST-800-53:AU-8",
        "NIST-800-53:SC-45",
        "AWS-WA:SEC04-BP01",
        "NCSC:13",
    ],
    remediation: "apt-get install chrony (dnf install chrony), and in /etc/chrony/chrony.conf (/etc/chrony.conf): \
                  server 169.254.169.123 prefer iburst minpoll 4 maxpoll 4\n\
                  then systemctl enable --now chrony (chronyd) && systemctl restart chrony",
    parameters: &[],
    evaluate,
}];

fn evaluate(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    one(kept_right(facts))
}

fn kept_right(facts: &Facts) -> Judged {
    let logging = facts_of(facts, SUBJECT)?;
    let running = running(facts, SUBJECT)?;
    let is_ec2 = facts.surroundings.as_ref().is_ok_and(|surroundings| surroundings.is_ec2 == Ok(true));
    if let Some(daemon) = running.installed(&["chronyd"]).next() {
        return by_chrony(logging, daemon, is_ec2);
    }
    if let Some(daemon) = running.installed(&["systemd-timesyncd"]).next() {
        return by_timesyncd(logging, daemon, is_ec2);
    }
    if let Some(daemon) = running.installed(OTHERS).next() {
        let reason = format!("{} runs, whose configuration guestward does not read", daemon.name);
        return Ok(Outcome::unknown(SUBJECT, reason));
    }
    program(running, DAEMONS, SUBJECT)?;
    let source = Source::named("chronyd, systemd-timesyncd, ntpd");
    Ok(Outcome::fail(SUBJECT, "Nothing keeps the clock right").with(Evidence::new(
        source,
        "none of them runs",
        "one",
    )))
}

fn by_chrony(logging: &Logging, daemon: &Program, is_ec2: bool) -> Judged {
    let unreadable = |cause| Box::new(Outcome::unreadable(SUBJECT, cause));
    let Some(chrony) = logging.chrony.as_ref().map_err(unreadable)? else {
        return Ok(Outcome::unknown(SUBJECT, "chronyd runs, and its configuration is not in /etc"));
    };
    if chrony.sources.is_empty() {
        let source = Source::path("/etc/chrony/chrony.conf");
        return Ok(Outcome::fail(SUBJECT, "chronyd runs and has nowhere to take the time from")
            .with(Evidence::new(source, "no server, pool, peer or refclock", "at least one")));
    }
    let names: Vec<(&str, Evidence)> =
        chrony.sources.iter().map(|source| (source.name.as_str(), told(source))).collect();
    Ok(amazon_or_other(names, is_ec2).with(runs(daemon)))
}

fn told(source: &chrony::Source) -> Evidence {
    let observed = format!("{} {}", source.kind, source.name);
    Evidence::new(Source::line(&source.path, source.line), observed, "on EC2: server 169.254.169.123")
}

fn by_timesyncd(logging: &Logging, daemon: &Program, is_ec2: bool) -> Judged {
    let unreadable = |cause| Box::new(Outcome::unreadable(SUBJECT, cause));
    let conf = logging.timesyncd.as_ref().map_err(unreadable)?;
    if !logging.is_synchronised.as_ref().copied().map_err(unreadable)? {
        let source = Source::path("/run/systemd/timesync/synchronized");
        return Ok(Outcome::fail(SUBJECT, "systemd-timesyncd runs and has not reached a server")
            .with(Evidence::new(source, "not there", "there since the first answer"))
            .with(runs(daemon)));
    }
    let mut names = Vec::new();
    for setting in conf.list("Time", "NTP") {
        for server in setting.value.split_ascii_whitespace() {
            let observed = format!("NTP={}", setting.value);
            let evidence = Evidence::new(
                Source::line(&setting.path, setting.line),
                observed,
                "on EC2: NTP=169.254.169.123",
            );
            names.push((server, evidence));
        }
    }
    if names.is_empty() {
        let source = Source::path("/etc/systemd/timesyncd.conf");
        let observed = "no NTP=, so the network's servers or those that are compiled in";
        names.push(("", Evidence::new(source, observed, "on EC2: NTP=169.254.169.123")));
    }
    Ok(amazon_or_other(names, is_ec2).with(runs(daemon)))
}

/// A pass; on EC2, if one of the sources is Amazon's: a hop away, free, and independent of the internet.
fn amazon_or_other(names: Vec<(&str, Evidence)>, is_ec2: bool) -> Outcome {
    let is_amazons = names.iter().any(|(name, _)| AMAZON.iter().any(|part| name.contains(part)));
    let evidence = names.into_iter().map(|(_, evidence)| evidence).take(MAX_EVIDENCE);
    if is_ec2 && !is_amazons {
        let headline = "The time comes over the network, and not from EC2's own clock";
        return Outcome::fail(SUBJECT, headline).at(Severity::Informational).with_all(evidence);
    }
    Outcome::pass(SUBJECT).with_all(evidence)
}

const SUBJECT: &str = "clock";
const OTHERS: &[&str] = &["ntpd", "openntpd", "ptp4l", "phc2sys"];
const DAEMONS: &[&str] = &["chronyd", "systemd-timesyncd", "ntpd"];
/// The Amazon Time Sync Service by both addresses, its public pool, and the clock that newer instances have as a device.
const AMAZON: [&str; 5] =
    ["169.254.169.123", "fd00:ec2::123", "aws.com", "amazon.pool.ntp.org", "PHC /dev/ptp"];
const MAX_EVIDENCE: usize = 10;
