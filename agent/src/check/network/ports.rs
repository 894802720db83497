//! Ports that nobody outside should reach, with what they are and how much they open.

use crate::finding::Severity;
use crate::host::network::Protocol::{self, Tcp, Udp};

/// Which check a port belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Somebody's desktop or shell.
    Admin,
    /// Whoever reaches it runs programs here, or on many hosts.
    Control,
    Database,
    /// Older than the idea that a network may be hostile.
    Legacy,
}

#[derive(Debug)]
pub(super) struct Port {
    pub(super) protocol: Protocol,
    /// The first and the last.
    pub(super) range: (u16, u16),
    pub(super) class: Class,
    pub(super) severity: Severity,
    pub(super) name: &'static str,
    /// What whoever reaches it can do.
    pub(super) reason: &'static str,
}

pub(super) fn of(class: Class, protocol: Protocol, port: u16) -> Option<&'static Port> {
    PORTS
        .iter()
        .filter(|row| row.class == class && row.protocol == protocol)
        .find(|row| (row.range.0..=row.range.1).contains(&port))
}

/// The port of sshd, which a server has.
pub(super) const SSH: u16 = 22;

const fn row(
    class: Class,
    severity: Severity,
    protocol: Protocol,
    port: u16,
    name: &'static str,
    reason: &'static str,
) -> Port {
    Port { protocol, range: (port, port), class, severity, name, reason }
}

use Class::{Admin, Control, Database, Legacy};
use Severity::{Critical, High, Medium};

#[rustfmt::skip]
const PORTS: &[Port] = &[
    row(Control, Critical, Tcp, 2375, "the Docker API without TLS", "whoever reaches it is root here"),
    row(Control, High, Tcp, 2376, "the Docker API", "a client certificate away from root"),
    row(Control, High, Tcp, 4243, "the Docker API", "its old port, usually without TLS"),
    row(Control, High, Tcp, 10250, "the kubelet", "it runs commands in every pod"),
    row(Control, High, Tcp, 10255, "the kubelet's read-only port", "it tells every pod's settings to everybody"),
    row(Control, Medium, Tcp, 6443, "the Kubernetes API", "it governs the cluster, and everybody may try"),
    row(Control, High, Tcp, 2379, "etcd", "it holds the secrets of a cluster"),
    row(Control, High, Tcp, 2380, "etcd's peers", "a new member gets everything"),
    row(Control, High, Tcp, 8500, "Consul", "without access lists it runs scripts"),
    row(Control, High, Tcp, 4646, "Nomad", "without access lists it runs jobs"),
    row(Control, Medium, Tcp, 9090, "Prometheus or Cockpit", "it tells of every host, or is a login"),
    row(Control, Medium, Tcp, 5601, "Kibana", "it shows the logs, and has run code before"),
    row(Control, Medium, Tcp, 15672, "RabbitMQ's management", "guest is a default account"),
    row(Control, Medium, Tcp, 8200, "Vault", "it holds every secret"),
    row(Database, High, Tcp, 1433, "SQL Server", "a password away from the data"),
    row(Database, High, Udp, 1434, "SQL Server's browser", "it tells where the databases are, and amplifies"),
    row(Database, High, Tcp, 1521, "Oracle", "a password away from the data"),
    row(Database, High, Tcp, 3306, "MySQL or MariaDB", "a password away from the data"),
    row(Database, High, Tcp, 33060, "MySQL's X protocol", "a password away from the data"),
    row(Database, High, Tcp, 5432, "PostgreSQL", "a password away from the data"),
    row(Database, High, Tcp, 6379, "Redis", "it has no password by default, and writes files"),
    row(Database, High, Tcp, 9200, "Elasticsearch or OpenSearch", "it often has no password"),
    row(Database, High, Tcp, 9300, "Elasticsearch's nodes", "a new node gets the data"),
    row(Database, High, Tcp, 11211, "memcached", "it has no password"),
    row(Database, High, Udp, 11211, "memcached", "it has no password, and amplifies fifty thousand times"),
    row(Database, High, Tcp, 27017, "MongoDB", "it has no password by default"),
    row(Database, High, Tcp, 5984, "CouchDB", "a password away from the data"),
    row(Database, High, Tcp, 8086, "InfluxDB", "a password away from the data"),
    row(Database, High, Tcp, 9042, "Cassandra", "it has no password by default"),
    row(Database, High, Tcp, 7000, "Cassandra's nodes", "a new node gets the data"),
    row(Database, High, Tcp, 8123, "ClickHouse", "its default account has no password"),
    row(Legacy, High, Tcp, 21, "ftp", "passwords cross the network as they are"),
    row(Legacy, High, Tcp, 23, "telnet", "passwords and sessions cross the network as they are"),
    row(Legacy, High, Udp, 69, "tftp", "anybody reads files, and may write them"),
    row(Legacy, Medium, Tcp, 79, "finger", "it tells who exists"),
    row(Legacy, Medium, Tcp, 111, "rpcbind", "it tells what runs"),
    row(Legacy, Medium, Udp, 111, "rpcbind", "it tells what runs, and amplifies"),
    row(Legacy, Medium, Tcp, 139, "SMB over NetBIOS", "files and accounts, within reach of every worm"),
    row(Legacy, Medium, Tcp, 445, "SMB", "files and accounts, within reach of every worm"),
    row(Legacy, Medium, Udp, 161, "SNMP", "a word such as 'public' is all that it asks for"),
    row(Legacy, High, Tcp, 512, "rexec", "passwords cross the network as they are"),
    row(Legacy, High, Tcp, 513, "rlogin", "it believes what a client says of itself"),
    row(Legacy, High, Tcp, 514, "rsh", "it believes what a client says of itself"),
    row(Legacy, Medium, Tcp, 873, "rsync", "modules are open unless somebody closed them"),
    row(Legacy, Medium, Tcp, 2049, "NFS", "it believes what a client says of its users"),
    row(Admin, High, Tcp, 3389, "remote desktop", "a desktop for whoever guesses a password"),
    row(Admin, High, Tcp, 5500, "VNC, listening for servers", "it shows whatever it is sent"),
    Port {
        protocol: Tcp,
        range: (5900, 5930),
        class: Admin,
        severity: High,
        name: "VNC",
        reason: "eight characters of password, or none, before a desktop",
    },
    Port {
        protocol: Tcp,
        range: (6000, 6010),
        class: Admin,
        severity: High,
        name: "X11",
        reason: "whoever reaches it sees the screen and types",
    },
    row(Admin, High, Tcp, 5985, "WinRM", "commands for whoever has a password, unencrypted"),
    row(Admin, High, Tcp, 5986, "WinRM", "commands for whoever has a password"),
    row(Admin, Medium, Tcp, 10000, "Webmin", "root for whoever has a password, and holes before"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_listed_twice_and_ssh_not_at_all() {
        for (index, row) in PORTS.iter().enumerate() {
            assert!(row.range.0 <= row.range.1, "{}", row.name);
            assert!(!(row.range.0..=row.range.1).contains(&SSH), "{}", row.name);
            for other in &PORTS[index + 1..] {
                let apart = row.range.1 < other.range.0 || other.range.1 < row.range.0;
                assert!(apart || row.protocol != other.protocol, "{} and {}", row.name, other.name);
            }
        }
    }
}
