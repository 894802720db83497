//! Services of another time, and those that a server mostly has by accident.

use super::{Judged, Kind, MAX_EVIDENCE, facts_of, hidden, is_running, one, unreadable};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::packages::Manager;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "services-legacy-servers",
        title: "No service speaks a protocol that sends passwords in the clear",
        why: "telnet, ftp, rsh and their kin send names and passwords so that everyone on the way can read them, or ask \
              for none at all. Each has a successor that does not: ssh, sftp, https.",
        severity: Severity::High,
        controls: &[
            "CIS-AL2023:2.2.6",
            "CIS-AL2023:2.2.7",
            "CIS-AL2023:2.2.13",
            "CIS-Debian12:2.1.6",
            "CIS-Debian12:2.1.10",
            "CIS-Debian12:2.1.16",
            "CIS-Debian12:2.1.19",
            "CIS-Ubuntu22.04:2.1.6",
            "CIS-Ubuntu22.04:2.1.10",
            "CIS-Ubuntu22.04:2.1.16",
            "CIS-Ubuntu22.04:2.1.19",
            "CIS-Ubuntu24.04:2.1.6",
            "CIS-Ubuntu24.04:2.1.10",
            "CIS-Ubuntu24.04:2.1.16",
            "CIS-Ubuntu24.04:2.1.19",
            "NIST-800-53:CM-7",
            "NIST-800-53:SC-8",
            "AWS-WA:SEC09-BP02",
            "NCSC:1",
        ],
        remediation: "systemctl disable --now UNIT && apt-get purge PACKAGE (dnf remove PACKAGE); use sftp for files.",
        parameters: &[],
        evaluate: servers,
    },
    Check {
        id: "services-legacy-clients",
        title: "No client of such a protocol is installed",
        why: "A telnet or ftp client is used as soon as it is at hand, and then a password crosses the network in the \
              clear. curl and nc test a port just as well.",
        severity: Severity::Informational,
        controls: &[
            "CIS-AL2023:2.3.1",
            "CIS-AL2023:2.3.3",
            "CIS-Debian12:2.2.1",
            "CIS-Debian12:2.2.2",
            "CIS-Debian12:2.2.3",
            "CIS-Debian12:2.2.4",
            "CIS-Debian12:2.2.6",
            "CIS-Ubuntu22.04:2.2.1",
            "CIS-Ubuntu22.04:2.2.2",
            "CIS-Ubuntu22.04:2.2.3",
            "CIS-Ubuntu22.04:2.2.4",
            "CIS-Ubuntu22.04:2.2.6",
            "CIS-Ubuntu24.04:2.2.1",
            "CIS-Ubuntu24.04:2.2.2",
            "CIS-Ubuntu24.04:2.2.3",
            "CIS-Ubuntu24.04:2.2.4",
            "CIS-Ubuntu24.04:2.2.6",
            "NIST-800-53:CM-7",
        ],
        remediation: "apt-get purge telnet inetutils-telnet ftp tnftp rsh-client talk nis; dnf remove telnet ftp rsh",
        parameters: &[],
        evaluate: clients,
    },
    Check {
        id: "services-unneeded",
        title: "Nothing runs that a server rarely needs",
        why: "Every service that listens is a program that can be attacked. These came with something else more often \
              than somebody wanted them: network discovery, printing, file sharing, desktops.",
        severity: Severity::Informational,
        controls: &[
            "CIS-AL2023:2.2.2",
            "CIS-AL2023:2.2.3",
            "CIS-AL2023:2.2.4",
            "CIS-AL2023:2.2.10",
            "CIS-AL2023:2.2.12",
            "CIS-AL2023:2.2.16",
            "CIS-AL2023:2.2.17",
            "CIS-AL2023:2.2.18",
            "CIS-Debian12:2.1.1",
            "CIS-Debian12:2.1.2",
            "CIS-Debian12:2.1.3",
            "CIS-Debian12:2.1.7",
            "CIS-Debian12:2.1.8",
            "CIS-Debian12:2.1.11",
            "CIS-Debian12:2.1.12",
            "CIS-Debian12:2.1.13",
            "CIS-Debian12:2.1.14",
            "CIS-Debian12:2.1.15",
            "CIS-Debian12:2.1.20",
            "CIS-Debian12:3.1.3",
            "CIS-Ubuntu22.04:2.1.1",
            "CIS-Ubuntu22.04:2.1.2",
            "CIS-Ubuntu22.04:2.1.3",
            "CIS-Ubuntu22.04:2.1.7",
            "CIS-Ubuntu22.04:2.1.8",
            "CIS-Ubuntu22.04:2.1.11",
            "CIS-Ubuntu22.04:2.1.12",
            "CIS-Ubuntu22.04:2.1.13",
            "CIS-Ubuntu22.04:2.1.14",
            "CIS-Ubuntu22.04:2.1.15",
            "CIS-Ubuntu22.04:2.1.20",
            "CIS-Ubuntu22.04:3.1.3",
            "CIS-Ubuntu24.04:2.1.1",
            "CIS-Ubuntu24.04:2.1.2",
            "CIS-Ubuntu24.04:2.1.3",
            "CIS-Ubuntu24.04:2.1.7",
            "CIS-Ubuntu24.04:2.1.8",
            "CIS-Ubuntu24.04:2.1.11",
            "CIS-Ubuntu24.04:2.1.12",
            "CIS-Ubuntu24.04:2.1.13",
            "CIS-Ubuntu24.04:2.1.14",
            "CIS-Ubuntu24.04:2.1.15",
            "CIS-Ubuntu24.04:2.1.20",
            "CIS-Ubuntu24.04:3.1.3",
            "NIST-800-53:CM-7",
            "AWS-WA:SEC06-BP02",
        ],
        remediation: "systemctl disable --now UNIT, and its socket; mask it where another package needs it installed. \
                      Suppress this check where the machine is there for one of them.",
        parameters: &[],
        evaluate: unneeded,
    },
];

fn servers(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    one(in_use(facts, LEGACY, SERVERS).map(|found| match found {
        Found::Nothing => Outcome::pass(LEGACY),
        Found::InUse(evidence) => {
            Outcome::fail(LEGACY, "A service of another time is in use").with_all(evidence)
        }
        Found::Installed(evidence) => {
            Outcome::fail(LEGACY, "A service of another time is installed, and not in use")
                .at(Severity::Low)
                .with_all(evidence)
        }
    }))
}

fn unneeded(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    one(in_use(facts, UNNEEDED, RARE).map(|found| match found {
        Found::InUse(evidence) => {
            Outcome::fail(UNNEEDED, "Services run that a server rarely needs").with_all(evidence)
        }
        Found::Nothing | Found::Installed(_) => Outcome::pass(UNNEEDED),
    }))
}

enum Found {
    Nothing,
    Installed(Vec<Evidence>),
    InUse(Vec<Evidence>),
}

/// Which of these run, start by themselves, or at least are installed.
fn in_use(facts: &Facts, subject: &str, kinds: &[Kind]) -> Judged<Found> {
    let services = facts_of(facts, subject)?;
    let runs = is_running(facts, subject)?;
    let running = facts.running.as_ref().map_err(unreadable(subject))?;
    let manager = facts.packages.manager.as_ref().copied().map_err(unreadable(subject))?;
    let started = services.started.as_ref();
    if let (false, Manager::None, Ok(true)) = (runs, manager, started.map(|started| started.is_empty())) {
        let reason = "there are no processes, no units and no packages here to ask";
        return Err(Box::new(Outcome::not_applicable(subject, reason)));
    }
    let found = |kind: &Kind| {
        kind.running(running).or_else(|| started.ok().and_then(|started| kind.started(started)))
    };
    let evidence: Vec<Evidence> = kinds.iter().filter_map(found).take(MAX_EVIDENCE).collect();
    if !evidence.is_empty() {
        return Ok(Found::InUse(evidence));
    }
    started.map_err(unreadable(subject))?;
    if running.is_partial {
        return Err(Box::new(hidden(subject)));
    }
    if manager == Manager::None {
        return Ok(Found::Nothing);
    }
    let names: Vec<&str> = kinds.iter().flat_map(|kind| kind.packages).copied().collect();
    let evidence = installed(facts, subject, &names)?;
    Ok(if evidence.is_empty() { Found::Nothing } else { Found::Installed(evidence) })
}

/// Those of these packages that are installed.
fn installed(facts: &Facts, subject: &str, names: &[&str]) -> Judged<Vec<Evidence>> {
    let database = facts.packages.database.as_ref().map_err(unreadable(subject))?;
    let present = database.present().filter(|package| names.contains(&package.name.as_str()));
    let evidence = present.map(|package| {
        let observed = format!("{} {} is installed", package.name, package.version);
        // rpm's database has no lines.
        let source = match package.line {
            0 => Source::path(&package.file),
            line => Source::line(&package.file, line),
        };
        Evidence::new(source, observed, "not installed")
    });
    Ok(evidence.take(MAX_EVIDENCE).collect())
}

fn clients(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    one(old_clients(facts))
}

fn old_clients(facts: &Facts) -> Judged {
    let services = facts_of(facts, CLIENTS)?;
    let evidence = match facts.packages.manager.as_ref().map_err(unreadable(CLIENTS))? {
        Manager::Apt => installed(facts, CLIENTS, CLIENT_PACKAGES)?,
        // A program that is there is there, also where the database cannot be read.
        Manager::Dnf | Manager::Zypper => match installed(facts, CLIENTS, CLIENT_PACKAGES) {
            Ok(evidence) => evidence,
            Err(unknown) => {
                let found = services.old_clients.as_ref().map_err(unreadable(CLIENTS))?;
                let there =
                    |path: &&'static str| Evidence::new(Source::path(path), "it is there", "not installed");
                let evidence: Vec<Evidence> = found.iter().map(there).collect();
                if evidence.is_empty() {
                    return Err(unknown);
                }
                evidence
            }
        },
        Manager::None => {
            return Ok(Outcome::not_applicable(CLIENTS, "there is no package manager here to ask"));
        }
    };
    Ok(match evidence.is_empty() {
        true => Outcome::pass(CLIENTS),
        false => {
            Outcome::fail(CLIENTS, "Clients of protocols without encryption are installed").with_all(evidence)
        }
    })
}

const LEGACY: &str = "legacy-servers";
const CLIENTS: &str = "legacy-clients";
const UNNEEDED: &str = "unneeded";

const SERVERS: &[Kind] = &[
    Kind {
        name: "telnet",
        packages: &["telnetd", "telnetd-ssl", "inetutils-telnetd", "telnet-server"],
        units: &["telnet.socket", "telnetd.service"],
        programs: &["in.telnetd", "telnetd", "inetutils-telnetd"],
    },
    Kind {
        name: "ftp",
        packages: &["vsftpd", "proftpd-core", "proftpd-basic", "pure-ftpd", "ftpd", "inetutils-ftpd"],
        units: &["vsftpd.service", "vsftpd.socket", "proftpd.service", "proftpd.socket", "pure-ftpd.service"],
        programs: &["vsftpd", "proftpd", "pure-ftpd", "in.ftpd", "ftpd"],
    },
    Kind {
        name: "rsh",
        packages: &["rsh-server", "rsh-redone-server"],
        units: &["rsh.socket", "rlogin.socket", "rexec.socket"],
        programs: &["in.rshd", "in.rlogind", "in.rexecd", "rshd", "rlogind"],
    },
    Kind {
        name: "tftp",
        packages: &["tftpd-hpa", "atftpd", "tftpd", "tftp-server"],
        units: &["tftpd-hpa.service", "tftp.socket", "tftp.service", "atftpd.service"],
        programs: &["in.tftpd", "atftpd", "tftpd"],
    },
    Kind {
        name: "talk",
        packages: &["talkd", "inetutils-talkd", "talk-server"],
        units: &["ntalk.socket", "talk.socket"],
        programs: &["in.talkd", "in.ntalkd", "talkd"],
    },
    Kind { name: "NIS", packages: &["ypserv"], units: &["ypserv.service"], programs: &["ypserv"] },
    Kind {
        name: "inetd",
        packages: &["xinetd", "openbsd-inetd", "inetutils-inetd", "rlinetd"],
        units: &["xinetd.service", "inetd.service", "openbsd-inetd.service", "inetutils-inetd.service"],
        programs: &["xinetd", "inetd", "inetutils-inetd"],
    },
];

const CLIENT_PACKAGES: &[&str] = &[
    "telnet",
    "inetutils-telnet",
    "telnet-ssl",
    "rsh",
    "rsh-client",
    "rsh-redone-client",
    "nis",
    "ypbind",
    "yp-tools",
    "talk",
    "inetutils-talk",
    "ftp",
    "tnftp",
    "inetutils-ftp",
    "tftp",
    "tftp-hpa",
];

/// Web, mail and name servers are what servers are for, and not here.
const RARE: &[Kind] = &[
    rare("avahi", &["avahi-daemon.service", "avahi-daemon.socket"], &["avahi-daemon"]),
    rare("cups", &["cups.service", "cups.socket", "cups-browsed.service"], &["cupsd", "cups-browsed"]),
    rare("rpcbind", &["rpcbind.service", "rpcbind.socket"], &["rpcbind"]),
    rare("NFS server", &["nfs-server.service", "nfs-kernel-server.service"], &["rpc.mountd", "nfsdcld"]),
    rare("snmpd", &["snmpd.service"], &["snmpd"]),
    rare("samba", &["smbd.service", "nmbd.service", "smb.service", "nmb.service"], &["smbd", "nmbd"]),
    rare("dovecot", &["dovecot.service", "dovecot.socket"], &["dovecot"]),
    rare("bluetooth", &["bluetooth.service"], &["bluetoothd"]),
    rare("autofs", &["autofs.service"], &["automount"]),
    rare(
        "DHCP server",
        &["isc-dhcp-server.service", "dhcpd.service", "kea-dhcp4.service"],
        &["dhcpd", "kea-dhcp4"],
    ),
    rare("LDAP server", &["slapd.service"], &["slapd"]),
    rare("rsync daemon", &["rsync.service", "rsyncd.service", "rsyncd.socket"], &[]),
    rare(
        "desktop",
        &["gdm.service", "gdm3.service", "lightdm.service", "sddm.service"],
        &["Xorg", "gdm3", "gdm", "lightdm", "sddm", "Xwayland"],
    ),
];

const fn rare(name: &'static str, units: &'static [&'static str], programs: &'static [&'static str]) -> Kind {
    Kind { name, packages: &[], units, programs }
}
