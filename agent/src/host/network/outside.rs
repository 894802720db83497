//! What the packet filter does with those outside: addresses that no rule of ours names, at the interfaces that face
//! them, for a port that nobody listed or for one that somebody listens on.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::fate::Fate;
pub use super::fate::NO_CHAIN;
use super::links::{self, Interface};
use super::nftables::Ruleset;
use super::packet::Packet;
use super::sockets::Listener;
use super::{Ip, Protocol};
use crate::host::Text;

/// What becomes of connections that nobody provided for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlisted {
    /// Not let in; by what, for each interface.
    Denied(Vec<Text>),
    /// Let in: an example, and by what.
    Accepted {
        example: Text,
        by: Text,
    },
    Undecided {
        why: Text,
    },
}

/// Whether the filter keeps everybody outside from a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Kept,
    /// Let in, or not to be told.
    NotKept,
}

/// Tries ports across the whole range: a filter that lets most of them in denies nothing by default, and one that lets
/// in a range for its services still does.
pub fn unlisted(ruleset: &Ruleset, interfaces: &[Interface], ip: Ip) -> Unlisted {
    let mut steps = MAX_STEPS;
    let mut denied = BTreeSet::new();
    let mut undecided = None;
    for (interface, destination) in doors(interfaces, ip) {
        for (source, protocol) in strangers(ip) {
            let mut accepted = Vec::new();
            let mut doubts = Vec::new();
            for port in PORTS {
                let packet = packet(&interface, destination, source, protocol, port);
                match ruleset.fate(&packet, &mut steps) {
                    Fate::Accepted { by } => accepted.push((packet, by)),
                    Fate::Denied { by } => {
                        denied.insert(Text::new(&format!("{by} denies it at {}", packet.interface)));
                    }
                    Fate::Undecided { why } => doubts.push(why),
                }
            }
            let most = PORTS.len() / 2;
            if accepted.len() > most
                && let Some((packet, by)) = accepted.pop()
            {
                return Unlisted::Accepted { example: Text::new(&packet.to_string()), by };
            }
            if accepted.len() + doubts.len() > most {
                undecided = undecided.or(doubts.pop());
            }
        }
    }
    if let Some(why) = undecided {
        return Unlisted::Undecided { why };
    }
    let denied = denied.into_iter().collect();
    Unlisted::Denied(denied)
}

/// Whether nobody outside gets to a listener, as far as the rules can prove it.
pub fn reach(ruleset: &Ruleset, interfaces: &[Interface], listener: &Listener) -> Reach {
    let mut steps = MAX_STEPS;
    for ip in [Ip::V4, Ip::V6] {
        for (interface, destination) in doors(interfaces, ip) {
            if !listener.takes(destination) {
                continue;
            }
            for (source, protocol) in
                strangers(ip).into_iter().filter(|(_, protocol)| *protocol == listener.protocol)
            {
                let packet = packet(&interface, destination, source, protocol, listener.port);
                if !matches!(ruleset.fate(&packet, &mut steps), Fate::Denied { .. }) {
                    return Reach::NotKept;
                }
            }
        }
    }
    Reach::Kept
}

/// The interfaces that face the outside, with the addresses under which they are reached. Where there is none, an
/// interface that no rule names stands for those to come.
fn doors(interfaces: &[Interface], ip: Ip) -> Vec<(Interface, IpAddr)> {
    let mut doors = Vec::new();
    for interface in links::outer(interfaces).into_iter().take(MAX_INTERFACES) {
        let own = interface.addresses.iter().filter(|address| Ip::of(**address) == ip).take(MAX_ADDRESSES);
        let before = doors.len();
        doors.extend(own.map(|address| (interface.clone(), *address)));
        if doors.len() == before {
            doors.push((interface.clone(), some_address(ip)));
        }
    }
    if doors.is_empty() {
        let unnamed = Interface {
            index: u32::MAX,
            name: Text::new("(a new one)"),
            is_loopback: false,
            is_up: true,
            kind: None,
            addresses: Vec::new(),
            has_default_route: false,
        };
        doors.push((unnamed, some_address(ip)));
    }
    doors
}

fn strangers(ip: Ip) -> Vec<(IpAddr, Protocol)> {
    let sources: Vec<IpAddr> = STRANGERS.iter().filter_map(|address| address.parse().ok()).collect();
    let of_family = sources.into_iter().filter(|source| Ip::of(*source) == ip);
    of_family.flat_map(|source| [(source, Protocol::Tcp), (source, Protocol::Udp)]).collect()
}

fn packet(
    interface: &Interface,
    destination: IpAddr,
    source: IpAddr,
    protocol: Protocol,
    port: u16,
) -> Packet {
    Packet {
        interface: interface.name.as_str().to_owned(),
        interface_index: interface.index,
        source,
        destination,
        protocol,
        port,
    }
}

fn some_address(ip: Ip) -> IpAddr {
    match ip {
        Ip::V4 => IpAddr::from([192, 0, 2, 1]),
        Ip::V6 => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]),
    }
}

/// Addresses in different corners of the world, of which some are for documentation only: a list of addresses that
/// belong to nobody must not be taken for a filter, nor a list of countries.
const STRANGERS: [&str; 6] =
    ["20.55.66.77", "81.2.69.160", "203.0.113.9", "2600:1f18::99", "2a01:4f8::99", "2001:db8:9::99"];
/// Spread over the range, round numbers and those of known services left out.
const PORTS: [u16; 17] = [
    613, 1187, 4919, 8761, 12613, 16421, 20297, 24103, 28019, 31963, 36011, 40213, 44497, 49123, 53617,
    58481, 63743,
];
/// Instances have at most fifteen, and each at most thirty addresses, which rules rarely tell apart.
const MAX_INTERFACES: usize = 16;
const MAX_ADDRESSES: usize = 2;
/// Some ten thousand rules for each packet; seconds, at worst.
const MAX_STEPS: usize = 5_000_000;
