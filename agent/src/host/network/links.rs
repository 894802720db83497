//! Which interfaces there are, with which addresses, and which of them face the outside; as rtnetlink(7) tells.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use crate::host::{Text, Unreadable};
use crate::sys::netlink::{self, Attributes, Message, Part};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    pub index: u32,
    pub name: Text,
    pub is_loopback: bool,
    pub is_up: bool,
    /// What the kernel made it of: `bridge`, `veth`, `wireguard`. Hardware, real or emulated, has none.
    pub kind: Option<Text>,
    pub addresses: Vec<IpAddr>,
    pub has_default_route: bool,
}

/// All interfaces of the network namespace that asks.
pub fn read() -> Result<Vec<Interface>, Unreadable> {
    let dump = |kind: u16, body: &[u8]| {
        netlink::dump(Part::Route, kind, body)
            .map_err(|errno| Unreadable::from_errno(Path::new("rtnetlink"), errno))
    };
    let mut interfaces: Vec<Interface> =
        dump(RTM_GETLINK, &[0; IFINFOMSG])?.iter().take(MAX_INTERFACES).filter_map(link).collect();
    for (index, address) in dump(RTM_GETADDR, &[0; IFADDRMSG])?.iter().filter_map(address) {
        if let Some(interface) = interfaces.iter_mut().find(|interface| interface.index == index) {
            interface.addresses.push(address);
        }
    }
    let defaults: Vec<u32> = dump(RTM_GETROUTE, &[0; RTMSG])?.iter().flat_map(default_routes).collect();
    for interface in &mut interfaces {
        interface.has_default_route = defaults.contains(&interface.index);
    }
    Ok(interfaces)
}

/// Those at which the outside arrives: hardware, and whatever carries a default route. Where there is neither, as
/// between two namespaces, every one but the loopback.
pub fn outer(interfaces: &[Interface]) -> Vec<&Interface> {
    let real = || interfaces.iter().filter(|interface| !interface.is_loopback && interface.is_up);
    let facing: Vec<&Interface> =
        real().filter(|interface| interface.kind.is_none() || interface.has_default_route).collect();
    if facing.is_empty() { real().collect() } else { facing }
}

/// Whether it has an IPv6 address that others can reach from beyond the link.
pub fn has_ipv6(interface: &Interface) -> bool {
    interface.addresses.iter().any(|address| match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
    })
}

/// The interface in an RTM_NEWLINK.
pub fn link(message: &Message) -> Option<Interface> {
    let (head, attributes) = message.body.split_at_checked(IFINFOMSG)?;
    let flags = u32::from_ne_bytes(head[8..12].try_into().ok()?);
    let name = Attributes::find(attributes, IFLA_IFNAME)?;
    let kind = Attributes::find(attributes, IFLA_LINKINFO)
        .and_then(|nested| Attributes::find(nested, IFLA_INFO_KIND));
    Some(Interface {
        index: u32::from_ne_bytes(head[4..8].try_into().ok()?),
        name: text(name),
        is_loopback: flags & IFF_LOOPBACK != 0,
        is_up: flags & IFF_UP != 0,
        kind: kind.map(text),
        addresses: Vec::new(),
        has_default_route: false,
    })
}

/// Interface and address in an RTM_NEWADDR.
pub fn address(message: &Message) -> Option<(u32, IpAddr)> {
    let (head, attributes) = message.body.split_at_checked(IFADDRMSG)?;
    // Of a tunnel IFA_ADDRESS is the other end, and IFA_LOCAL this one.
    let bytes =
        Attributes::find(attributes, IFA_LOCAL).or_else(|| Attributes::find(attributes, IFA_ADDRESS))?;
    let address = match bytes.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => return None,
    };
    Some((u32::from_ne_bytes(head[4..8].try_into().ok()?), address))
}

/// The interfaces of a default route in an RTM_NEWROUTE; several, if it has several next hops.
pub fn default_routes(message: &Message) -> Vec<u32> {
    let Some((head, attributes)) = message.body.split_at_checked(RTMSG) else { return Vec::new() };
    if head[1] != 0 || head[7] != RTN_UNICAST {
        return Vec::new();
    }
    let number = |bytes: &[u8]| bytes.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
    let mut indices: Vec<u32> = Attributes::find(attributes, RTA_OIF).and_then(number).into_iter().collect();
    // struct rtnexthop: length, flags, hops, interface; then its attributes.
    let mut hops = Attributes::find(attributes, RTA_MULTIPATH).unwrap_or_default();
    while let Some(head) = hops.first_chunk::<8>() {
        indices.extend(number(&head[4..]));
        let length = usize::from(u16::from_ne_bytes([head[0], head[1]])).max(8).next_multiple_of(4);
        hops = hops.get(length..).unwrap_or_default();
    }
    indices
}

fn text(bytes: &[u8]) -> Text {
    Text::from_bytes(bytes.split(|&byte| byte == 0).next().unwrap_or_default())
}

const RTM_GETLINK: u16 = 18;
const RTM_GETADDR: u16 = 22;
const RTM_GETROUTE: u16 = 26;
/// The sizes of struct ifinfomsg, ifaddrmsg and rtmsg, with which these messages begin.
const IFINFOMSG: usize = 16;
const IFADDRMSG: usize = 8;
const RTMSG: usize = 12;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const RTA_OIF: u16 = 4;
const RTA_MULTIPATH: u16 = 9;
const RTN_UNICAST: u8 = 1;
const IFF_UP: u32 = 1;
const IFF_LOOPBACK: u32 = 8;
/// A host of a thousand containers has two thousand.
const MAX_INTERFACES: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_loopback_is_one_and_faces_nobody() {
        let interfaces = read().unwrap();
        let lo = interfaces.iter().find(|interface| interface.is_loopback).unwrap();
        assert_eq!(lo.name.as_str(), "lo");
        assert!(!outer(&interfaces).iter().any(|interface| interface.is_loopback));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..120)) {
            let message = Message { kind: 0, body };
            let _ = (link(&message), address(&message), default_routes(&message));
        }
    }
}
