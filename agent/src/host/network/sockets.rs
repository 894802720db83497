//! What listens: the sockets in `/proc/net`, and the processes that hold them.
//!
//! `/proc/net` shows the network namespace of whoever asks, and so does netlink: listeners and rules belong together.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt as _;

use super::Protocol;
use crate::host::running::{has_ended, place};
use crate::host::{Cause, Host, Unreadable};

#[derive(Debug, Default)]
pub struct Listeners {
    /// In order of protocol, port and address.
    pub sockets: Vec<Listener>,
    /// Whether some processes did not show their sockets, so that an owner may be missing.
    pub is_partial: bool,
}

/// A TCP socket that listens, or a UDP socket that anybody may write to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    pub protocol: Protocol,
    pub port: u16,
    /// IPv4 addresses that were mapped into IPv6 are IPv4. `::` takes IPv4 as well, unless the socket says otherwise,
    /// which only its owner can.
    pub address: IpAddr,
    pub uid: u32,
    pub inode: u64,
    /// The processes that hold it.
    pub pids: Vec<u32>,
}

impl Listeners {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        let mut sockets = Vec::new();
        for (path, protocol, may_lack) in TABLES {
            match read(host, path, protocol) {
                Ok(found) => sockets.extend(found),
                // Without IPv6 in the kernel there is no table of it.
                Err(cause) if may_lack && cause.is_absent() => {}
                Err(cause) => return Err(cause),
            }
        }
        let mut listeners = Self { sockets, is_partial: false };
        listeners.find_owners(host)?;
        listeners.sockets.sort();
        Ok(listeners)
    }

    /// Asks one process after the other, and no more than are needed.
    fn find_owners(&mut self, host: &Host) -> Result<(), Unreadable> {
        let mut wanted: BTreeMap<u64, usize> = self
            .sockets
            .iter()
            .enumerate()
            .filter(|(_, socket)| socket.inode != 0 && !socket.is_loopback())
            .map(|(index, socket)| (socket.inode, index))
            .collect();
        let names = match host.list("/proc", MAX_PROCESSES) {
            Err(cause) if cause.is_absent() => Vec::new(),
            names => names?,
        };
        let mut pids: Vec<u32> = names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect();
        pids.sort_unstable();
        for pid in pids {
            if wanted.is_empty() {
                break;
            }
            match held(host, pid) {
                Ok(inodes) => {
                    for inode in inodes {
                        let Some(&index) = wanted.get(&inode) else { continue };
                        self.sockets[index].pids.push(pid);
                        // PID 1 holds what a unit is activated by; whoever serves it comes later.
                        if pid != 1 {
                            wanted.remove(&inode);
                        }
                    }
                }
                Err(cause) if has_ended(&cause) => {}
                Err(_) => self.is_partial = true,
            }
        }
        for socket in &mut self.sockets {
            socket.pids.dedup();
        }
        Ok(())
    }
}

impl Listener {
    pub fn is_loopback(&self) -> bool {
        self.address.is_loopback()
    }

    pub fn is_wildcard(&self) -> bool {
        self.address.is_unspecified()
    }

    /// Whether packets of this family can reach it.
    pub fn takes(&self, address: IpAddr) -> bool {
        match self.address {
            IpAddr::V4(own) => address.is_ipv4() && (own.is_unspecified() || own == address),
            IpAddr::V6(own) => own.is_unspecified() || own == address,
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(f, "{address}:{}/{}", self.port, self.protocol),
            IpAddr::V6(address) => write!(f, "[{address}]:{}/{}", self.port, self.protocol),
        }
    }
}

fn read(host: &Host, path: &str, protocol: Protocol) -> Result<Vec<Listener>, Unreadable> {
    let (file, _) = host.open(path)?;
    let mut lines = BufReader::new(file.take(MAX_BYTES));
    let mut sockets = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        if number > MAX_LINES {
            return Err(Unreadable::new(path, Cause::TooMany { limit: MAX_LINES }));
        }
        line.clear();
        let count = (&mut lines).take(MAX_LINE).read_until(b'\n', &mut line);
        if count.map_err(|error| Unreadable::from_io(path.as_ref(), &error))? == 0 {
            if number == 1 {
                return Err(Unreadable::malformed(path, 1, "there is not even a heading"));
            }
            break;
        }
        let malformed = || Unreadable::malformed(path, number, "not a line of a table of sockets");
        if number == 1 {
            // The heading says that this is what we take it for.
            if !line.trim_ascii_start().starts_with(b"sl ") {
                return Err(malformed());
            }
        } else if let Some(socket) = socket(&line, protocol).ok_or_else(malformed)? {
            sockets.push(socket);
        }
    }
    Ok(sockets)
}

/// A line of `/proc/net/{tcp,tcp6,udp,udp6}`: none if it is malformed, `Some(None)` if it does not listen.
pub fn socket(line: &[u8], protocol: Protocol) -> Option<Option<Listener>> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let (local, remote, state) = (words.nth(1)?, words.next()?, words.next()?);
    let (uid, inode) = (words.nth(3)?.parse().ok()?, words.nth(1)?.parse().ok()?);
    let (address, port) = endpoint(local)?;
    let (peer, peer_port) = endpoint(remote)?;
    let listens = match protocol {
        Protocol::Tcp => state == TCP_LISTEN,
        Protocol::Udp => state == UDP_UNCONNECTED && peer.is_unspecified() && peer_port == 0,
    };
    let pids = Vec::new();
    Some(listens.then_some(Listener { protocol, port, address, uid, inode, pids }))
}

/// `0100007F:1F90`: the address in 32-bit words of the machine's byte order, the port as a number.
fn endpoint(word: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = word.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for at in (0..address.len()).step_by(8) {
        let word = u32::from_str_radix(address.get(at..at + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let address = match bytes.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)).to_canonical(),
        _ => return None,
    };
    Some((address, port))
}

/// The inodes of a process's sockets.
fn held(host: &Host, pid: u32) -> Result<Vec<u64>, Unreadable> {
    let folder = place(pid).join("fd");
    let mut inodes = Vec::new();
    for name in host.list(&folder, MAX_FILES)? {
        let Ok(target) = host.read_link(folder.join(name)) else { continue };
        let inode: Option<u64> = target
            .as_os_str()
            .as_bytes()
            .strip_prefix(b"socket:[")
            .and_then(|rest| std::str::from_utf8(rest.strip_suffix(b"]")?).ok()?.parse().ok());
        inodes.extend(inode);
    }
    Ok(inodes)
}

/// Table, protocol, and whether a kernel may lack it.
const TABLES: [(&str, Protocol, bool); 4] = [
    ("/proc/net/tcp", Protocol::Tcp, false),
    ("/proc/net/tcp6", Protocol::Tcp, true),
    ("/proc/net/udp", Protocol::Udp, false),
    ("/proc/net/udp6", Protocol::Udp, true),
];
/// TCP_LISTEN and TCP_CLOSE of the kernel's tcp_states.h.
const TCP_LISTEN: &str = "0A";
const UDP_UNCONNECTED: &str = "07";
/// Twice the connections that a busy proxy has.
const MAX_LINES: usize = 2_000_000;
const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// The kernel's lines have 150 bytes.
const MAX_LINE: u64 = 4096;
/// The kernel's own limit on process ids, with room for what else is in /proc.
const MAX_PROCESSES: usize = 4_200_000;
/// fs.nr_open's default.
const MAX_FILES: usize = 1_048_576;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_waits_for_anybody_listens() {
        let line = |local: &str, remote: &str, state: &str| {
            format!(
                "   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000   102        0 4711 1 0"
            )
        };
        let tcp = |local: &str, state| socket(line(local, "00000000:0000", state).as_bytes(), Protocol::Tcp);
        let shown = |found: Option<Option<Listener>>| found.unwrap().unwrap().to_string();
        assert_eq!(shown(tcp("00000000:0016", "0A")), "0.0.0.0:22/tcp");
        assert_eq!(tcp("00000000:0016", "01"), Some(None));
        if cfg!(target_endian = "little") {
            assert_eq!(shown(tcp("0100007F:1F90", "0A")), "127.0.0.1:8080/tcp");
            assert_eq!(shown(tcp("0000000000000000FFFF00000100007F:1F90", "0A")), "127.0.0.1:8080/tcp");
        }
        assert_eq!(shown(tcp("00000000000000000000000000000000:0016", "0A")), "[::]:22/tcp");
        let udp = |remote| socket(line("00000000:006F", remote, "07").as_bytes(), Protocol::Udp);
        assert_eq!(shown(udp("00000000:0000")), "0.0.0.0:111/udp");
        assert_eq!(udp("0101007F:0035"), Some(None));
        assert_eq!(tcp("0100007F", "0A"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_of_proc_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = socket(&bytes, Protocol::Tcp);
        }

        #[test]
        fn no_words_make_it_panic(line in "[0-9A-F: ]{0,120}") {
            let _ = socket(line.as_bytes(), Protocol::Udp);
        }
    }
}
