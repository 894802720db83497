//! Whether services that belong to nobody outside listen there.

use std::collections::BTreeMap;

use super::ports::{self, Class, Port};
use super::{MAX_EVIDENCE, SUBJECT, network};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::Facts;
use crate::host::network::outside::{self, Reach};
use crate::host::network::sockets::Listener;
use crate::host::network::{Filter, Network, Protocol};
use crate::host::running::Program;

pub(super) const ADMIN: Check = Check {
    id: "network-admin-ports",
    title: "No remote desktop and no remote shell but sshd listens beyond this host",
    why: "A desktop or a console on the network is a password away from the host, and is found within hours. ssh on \
          port 22 is what a server has and is judged by its own settings: reaching it is for security groups and the \
          packet filter to restrict, and Session Manager needs no port at all.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:2.4",
        "CIS-Debian12:2.1.20",
        "CIS-Debian12:2.1.22",
        "CIS-Ubuntu22.04:2.1.20",
        "CIS-Ubuntu22.04:2.1.22",
        "CIS-Ubuntu24.04:2.1.20",
        "CIS-Ubuntu24.04:2.1.22",
        "NIST-800-53:AC-17",
        "NIST-800-53:CM-7",
        "AWS-WA:SEC05-BP02",
        "NCSC:11",
    ],
    remediation: "Bind it to the loopback and reach it through ssh -L or Session Manager port forwarding \
                  (AWS-StartPortForwardingSession): X with -nolisten tcp, VNC with -localhost. Otherwise: \
                  systemctl disable --now UNIT",
    parameters: &[],
    evaluate: admin,
};

pub(super) const CONTROL: Check = Check {
    id: "network-control-ports",
    title: "No interface that governs containers or clusters listens beyond this host",
    why: "These interfaces start programs. The Docker API without TLS makes whoever reaches it root at once, and the \
          kubelet, etcd, Consul and Nomad come close; machines that look for them never sleep. A security group that \
          is opened for a moment is enough.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:2.4",
        "CIS-Debian12:2.1.22",
        "CIS-Ubuntu22.04:2.1.22",
        "CIS-Ubuntu24.04:2.1.22",
        "NIST-800-53:AC-17",
        "NIST-800-53:CM-7",
        "AWS-WA:SEC05-BP02",
        "NCSC:11",
    ],
    remediation: "Docker: remove -H tcp://… from its unit and \"hosts\" from /etc/docker/daemon.json, and use the \
                  socket over ssh (docker -H ssh://HOST). Others: bind them to the loopback or to the address of a \
                  private network, require client certificates, and let only their peers in with the packet filter.",
    parameters: &[],
    evaluate: control,
};

pub(super) const DATABASE: Check = Check {
    id: "network-database-ports",
    title: "No database listens beyond this host without the packet filter before it",
    why: "A database on every address is one rule of a security group away from everybody, and several of them ask for \
          no password by default. Whole collections have been copied and deleted within hours of being reachable.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:2.4",
        "CIS-Debian12:2.1.22",
        "CIS-Ubuntu22.04:2.1.22",
        "CIS-Ubuntu24.04:2.1.22",
        "NIST-800-53:CM-7",
        "NIST-800-53:SC-7",
        "AWS-WA:SEC05-BP02",
        "NCSC:11",
    ],
    remediation: "Bind it to the loopback, or to the one address that its clients use (bind-address, \
                  listen_addresses, bind, network.host), and let only their network in: nft add rule inet filter \
                  input ip saddr CLIENTS tcp dport PORT accept, in a chain whose policy is drop.",
    parameters: &[],
    evaluate: database,
};

pub(super) const LEGACY: Check = Check {
    id: "network-legacy-ports",
    title: "No service from before networks were hostile listens beyond this host",
    why: "telnet, ftp and the r-commands carry passwords that everybody on the way can read, or believe whatever a \
          client says of itself. rpcbind, NFS, SMB and SNMP belong to networks in which all hosts are trusted.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:2.2.6",
        "CIS-AL2023:2.2.7",
        "CIS-AL2023:2.2.10",
        "CIS-AL2023:2.2.12",
        "CIS-AL2023:2.2.13",
        "CIS-AL2023:2.2.17",
        "CIS-Debian12:2.1.6",
        "CIS-Debian12:2.1.12",
        "CIS-Debian12:2.1.13",
        "CIS-Debian12:2.1.14",
        "CIS-Debian12:2.1.15",
        "CIS-Debian12:2.1.16",
        "CIS-Ubuntu22.04:2.1.6",
        "CIS-Ubuntu22.04:2.1.12",
        "CIS-Ubuntu22.04:2.1.13",
        "CIS-Ubuntu22.04:2.1.14",
        "CIS-Ubuntu22.04:2.1.15",
        "CIS-Ubuntu22.04:2.1.16",
        "CIS-Ubuntu24.04:2.1.6",
        "CIS-Ubuntu24.04:2.1.12",
        "CIS-Ubuntu24.04:2.1.13",
        "CIS-Ubuntu24.04:2.1.14",
        "CIS-Ubuntu24.04:2.1.15",
        "CIS-Ubuntu24.04:2.1.16",
        "NIST-800-53:CM-7",
        "AWS-WA:SEC05-BP02",
        "NCSC:11",
    ],
    remediation: "systemctl disable --now UNIT (rpcbind: also rpcbind.socket), or apt-get purge / dnf remove its \
                  package; use ssh, sftp and S3 instead. Where NFS, SMB or SNMP has to stay, let only its clients in \
                  with the packet filter.",
    parameters: &[],
    evaluate: legacy,
};

fn admin(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    listening(facts, Class::Admin)
}

fn control(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    listening(facts, Class::Control)
}

fn database(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    listening(facts, Class::Database)
}

fn legacy(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    listening(facts, Class::Legacy)
}

fn listening(facts: &Facts, class: Class) -> Vec<Outcome> {
    let network = match network(facts) {
        Ok(network) => network,
        Err(outcomes) => return outcomes,
    };
    let listeners = match &network.listeners {
        Ok(listeners) => listeners,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    let mut found: BTreeMap<(Protocol, u16), Vec<&Listener>> = BTreeMap::new();
    let beyond = listeners.sockets.iter().filter(|listener| !listener.is_loopback());
    for listener in beyond.clone() {
        found.entry((listener.protocol, listener.port)).or_default().push(listener);
    }
    let mut kept = Vec::new();
    let mut outcomes = Vec::new();
    for ((protocol, number), listeners) in found {
        let Some(port) = ports::of(class, protocol, number) else { continue };
        match open(facts, network, port, number, &listeners) {
            Ok(outcome) => outcomes.push(outcome),
            Err(evidence) => kept.extend(evidence),
        }
    }
    if class == Class::Admin {
        let ssh = beyond.filter(|listener| listener.protocol == Protocol::Tcp && listener.port == ports::SSH);
        kept.extend(ssh.map(|listener| evidence(facts, listener, "sshd, as on every server")));
    }
    if outcomes.is_empty() {
        kept.truncate(MAX_EVIDENCE);
        outcomes.push(Outcome::pass(SUBJECT).with_all(kept));
    }
    outcomes
}

/// A listed port that is open, or what was seen of one that nobody outside reaches.
fn open(
    facts: &Facts,
    network: &Network,
    port: &Port,
    number: u16,
    listeners: &[&Listener],
) -> Result<Outcome, Vec<Evidence>> {
    let is_kept = listeners.iter().all(|listener| is_kept(network.filter.as_ref(), listener));
    let is_wildcard = listeners.iter().any(|listener| listener.is_wildcard());
    let expected =
        if is_kept { "an address of its own" } else { "the loopback, or the packet filter before it" };
    let shown = listeners.iter().take(MAX_EVIDENCE);
    let evidence: Vec<Evidence> = shown.map(|listener| evidence(facts, listener, expected)).collect();
    if is_kept && !is_wildcard {
        return Err(evidence);
    }
    let (subject, who) = (format!("{}:{number}", port.protocol), holder(facts, listeners[0]));
    let (place, severity) = match (is_kept, is_wildcard) {
        (true, _) => ("on every address, behind the packet filter", Severity::Informational),
        (false, true) => ("on every address", port.severity),
        (false, false) => ("beyond this host", port.severity),
    };
    let headline =
        format!("{} listens {place}, port {number}/{}: {who}; {}", port.name, port.protocol, port.reason);
    Ok(Outcome::fail(subject, headline).at(severity).with_all(evidence))
}

/// Whether the packet filter is proved to keep everybody outside from it.
fn is_kept(filter: Option<&Filter>, listener: &Listener) -> bool {
    let Some(Filter { ruleset: Ok(ruleset), interfaces: Ok(interfaces), .. }) = filter else { return false };
    outside::reach(ruleset, interfaces, listener) == Reach::Kept
}

fn evidence(facts: &Facts, listener: &Listener, expected: &str) -> Evidence {
    Evidence::new(Source::named(&listener.to_string()), holder(facts, listener), expected)
}

/// Who holds a socket: program, process and unit, as far as one may know.
fn holder(facts: &Facts, listener: &Listener) -> Text {
    let Some(&pid) = listener.pids.iter().find(|pid| **pid != 1).or(listener.pids.first()) else {
        return Text::new(&format!("a process that is not shown, uid {}", listener.uid));
    };
    if pid == 1 {
        return Text::new("systemd (socket activation), pid 1");
    }
    let running = facts.running.as_ref().ok();
    let Some(program) =
        running.and_then(|running| running.programs.iter().find(|program| program.pid == pid))
    else {
        return Text::new(&format!("pid {pid}"));
    };
    let name = name(program);
    Text::new(&match &program.unit {
        Some(unit) => format!("{name}, pid {pid}, {unit}"),
        None => format!("{name}, pid {pid}"),
    })
}

fn name(program: &Program) -> String {
    let file = program.program.as_ref().ok().and_then(|path| path.file_name());
    file.map_or_else(
        || program.name.to_string(),
        |file| Text::from_bytes(file.as_encoded_bytes()).to_string(),
    )
}
