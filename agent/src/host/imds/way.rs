//! Where a request for metadata goes when this host sends it: out to the hypervisor, or to somebody here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::errno::Errno;

use super::endpoint::{SERVICE_V4, SERVICE_V6};
use super::translations::Translations;
use super::{Cause, Host, Text, Unreadable};
use crate::sys::netlink::{self, Attributes, Part};

#[derive(Debug, Clone)]
pub struct Way {
    pub v4: Result<Route, Unreadable>,
    pub v6: Result<Route, Unreadable>,
    /// The interfaces that have one of the service's addresses themselves.
    pub addresses: Result<Vec<Local>, Unreadable>,
    /// The sockets that listen on one of them.
    pub listeners: Result<Vec<IpAddr>, Unreadable>,
    pub translations: Translations,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Out,
    /// To this very host.
    Local,
    Closed(Closed),
    None,
}

/// Routes that lead nowhere on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    Blackhole,
    Prohibit,
    Unreachable,
}

impl Closed {
    /// With its article: "a prohibit" route.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blackhole => "a blackhole",
            Self::Prohibit => "a prohibit",
            Self::Unreachable => "an unreachable",
        }
    }
}

/// An address of the service on an interface of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    pub interface: Text,
    pub address: IpAddr,
}

impl Way {
    pub(super) fn of(host: &Host) -> Self {
        let v4 = route(SERVICE_V4.into());
        Self {
            translations: Translations::of(host, v4.as_ref() == Ok(&Route::Local)),
            v4,
            v6: route(SERVICE_V6.into()),
            addresses: addresses(),
            listeners: listeners(host),
        }
    }
}

fn route(to: IpAddr) -> Result<Route, Unreadable> {
    let (family, octets) = match to {
        IpAddr::V4(v4) => (AF_INET, v4.octets().to_vec()),
        IpAddr::V6(v6) => (AF_INET6, v6.octets().to_vec()),
    };
    // struct rtmsg: family, prefix, and nothing else that we ask for; then the destination.
    let mut body = vec![0; RTMSG];
    body[0] = family;
    body[1] = u8::try_from(octets.len() * 8).unwrap_or(u8::MAX);
    body.extend(u16::try_from(4 + octets.len()).unwrap_or(u16::MAX).to_ne_bytes());
    body.extend(RTA_DST.to_ne_bytes());
    body.extend(octets);
    let kind = match netlink::ask(Part::Route, RTM_GETROUTE, &body) {
        Ok(message) => message.body.get(RTM_TYPE).copied(),
        Err(Errno::EACCES) => return Ok(Route::Closed(Closed::Prohibit)),
        Err(Errno::EHOSTUNREACH) => return Ok(Route::Closed(Closed::Unreachable)),
        Err(Errno::EINVAL) => return Ok(Route::Closed(Closed::Blackhole)),
        Err(Errno::ENETUNREACH | Errno::EAFNOSUPPORT | Errno::EOPNOTSUPP) => return Ok(Route::None),
        Err(errno) => return Err(Unreadable::new(format!("the route to {to}"), Cause::Os(errno))),
    };
    Ok(match kind {
        Some(RTN_LOCAL) => Route::Local,
        Some(RTN_BLACKHOLE) => Route::Closed(Closed::Blackhole),
        Some(RTN_UNREACHABLE) => Route::Closed(Closed::Unreachable),
        Some(RTN_PROHIBIT) => Route::Closed(Closed::Prohibit),
        Some(_) => Route::Out,
        None => return Err(Unreadable::malformed(format!("the route to {to}"), 0, "a short answer")),
    })
}

fn addresses() -> Result<Vec<Local>, Unreadable> {
    let messages = netlink::dump(Part::Route, RTM_GETADDR, &[0; IFADDRMSG])
        .map_err(|errno| Unreadable::new("the addresses of this host", Cause::Os(errno)))?;
    Ok(messages.iter().filter_map(|message| local(&message.body)).collect())
}

/// The interface of an RTM_NEWADDR, if the address is one of the service's.
fn local(body: &[u8]) -> Option<Local> {
    let attributes = body.get(IFADDRMSG..)?;
    let is = |kind, octets: &[u8]| Attributes::find(attributes, kind) == Some(octets);
    let has = |octets: &[u8]| is(IFA_ADDRESS, octets) || is(IFA_LOCAL, octets);
    let address: IpAddr = match () {
        () if has(&SERVICE_V4.octets()) => SERVICE_V4.into(),
        () if has(&SERVICE_V6.octets()) => SERVICE_V6.into(),
        () => return None,
    };
    let index = u32::from_ne_bytes(*body.get(4..)?.first_chunk()?);
    let interface = match nix::net::if_::if_indextoname(index) {
        Ok(name) => Text::from_bytes(name.to_bytes()),
        Err(_) => Text::new(&format!("interface {index}")),
    };
    Some(Local { interface, address })
}

fn listeners(host: &Host) -> Result<Vec<IpAddr>, Unreadable> {
    let mut found = Vec::new();
    for path in [TCP, "/proc/net/tcp6"] {
        match host.read(path, MAX_SOCKETS) {
            // Without IPv6 there is no tcp6; a tree that is not a running system has neither.
            Err(cause) if cause.is_absent() && (path != TCP || !host.is_live()) => {}
            table => found.extend(listeners_in(&table?)),
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Those of proc_pid_net(5)'s tcp and tcp6 that listen on an address of the service.
pub fn listeners_in(table: &[u8]) -> Vec<IpAddr> {
    let lines = table.split(|&byte| byte == b'\n').skip(1);
    lines
        .filter_map(|line| {
            let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace().skip(1);
            let (address, _) = words.next()?.split_once(':')?;
            let state = words.nth(1)?;
            let address = address_of(address)?;
            (state == LISTEN && (address == SERVICE_V4 || address == SERVICE_V6)).then_some(address)
        })
        .collect()
}

/// Words of 32 bits, each as the machine has it in memory.
fn address_of(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let octets = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
            let address = Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?);
            Some(address.to_canonical())
        }
        _ => None,
    }
}

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// struct rtmsg and its field for the type.
const RTMSG: usize = 12;
const RTM_TYPE: usize = 7;
const RTM_GETROUTE: u16 = 26;
const RTA_DST: u16 = 1;
const RTN_LOCAL: u8 = 2;
const RTN_BLACKHOLE: u8 = 6;
const RTN_UNREACHABLE: u8 = 7;
const RTN_PROHIBIT: u8 = 8;
/// struct ifaddrmsg.
const IFADDRMSG: usize = 8;
const RTM_GETADDR: u16 = 22;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const TCP: &str = "/proc/net/tcp";
/// TCP_LISTEN, in hexadecimal.
const LISTEN: &str = "0A";
/// 150 bytes a socket: a few hundred thousand.
const MAX_SOCKETS: u64 = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_listener_on_the_services_address_is_seen_and_no_other() {
        let table = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n   \
            0: FEA9FEA9:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n   \
            1: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n   \
            2: FEA9FEA9:0050 0500000A:9C40 01 00000000:00000000 00:00000000 00000000     0        0 1 1\n";
        assert_eq!(listeners_in(table), [IpAddr::from(SERVICE_V4)]);
        let six = b"  sl\n   0: C20E00FD000000000000000054020000:0050 0:0000 0A 0\n";
        assert_eq!(listeners_in(six), [IpAddr::from(SERVICE_V6)]);
    }

    proptest! {
        #[test]
        fn no_table_and_no_message_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = listeners_in(&bytes);
            let _ = local(&bytes);
        }
    }
}
