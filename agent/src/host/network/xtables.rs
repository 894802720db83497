//! Matches and targets of iptables, which iptables-nft puts into nf_tables as they are: structures of the kernel's
//! `xt_*.h`, whose layout is part of its promise to user space.

use super::Protocol;
use super::bits::{self, Bits, Certainty};
use super::nftables::Verdict;
use super::packet::{Packet, SOURCE_PORT, octets};
use crate::host::Text;

/// What a target does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Sets a mark that later rules may ask for.
    Marks,
    Pass,
    Unclear,
    Untracks,
    Verdict(Verdict),
}

pub fn target(name: &Text, _revision: u32, info: &[u8]) -> Effect {
    match name.as_str() {
        "REJECT" | "DROP" | "TARPIT" | "DELUDE" => Effect::Verdict(Verdict::Drop),
        "ACCEPT" => Effect::Verdict(Verdict::Accept),
        "NFQUEUE" => Effect::Verdict(Verdict::Queue),
        "MARK" | "CONNMARK" | "HMARK" => Effect::Marks,
        // struct xt_ct_target_info begins with its flags; XT_CT_NOTRACK is the first.
        "CT" if info.first_chunk().is_some_and(|flags| u16::from_ne_bytes(*flags) & 1 == 0) => Effect::Pass,
        "CT" | "NOTRACK" => Effect::Untracks,
        name if HARMLESS.contains(&name) => Effect::Pass,
        _ => Effect::Unclear,
    }
}

/// Whether a match holds.
pub fn holds(
    name: &Text,
    revision: u32,
    info: &[u8],
    packet: &Packet,
    connection: &[Bits],
    mark: &[Bits],
) -> Certainty {
    let info = Info(info);
    let answer = match (name.as_str(), revision) {
        // Under the limit, or over it: the first packet is under it.
        ("comment", _) | ("limit", _) => Some(Certainty::Yes),
        ("state", _) => {
            info.u32(0).map(|states| among(connection, states & NEW != 0, states & XT_STATE_UNTRACKED != 0))
        }
        ("conntrack", 2 | 3) => conntrack(&info, connection),
        ("tcp", _) => tcp(&info, packet),
        ("udp", _) => udp(&info, packet),
        ("multiport", 1) => multiport(&info, packet),
        ("icmp" | "icmp6" | "sctp" | "dccp" | "esp" | "ah", _) => Some(Certainty::No),
        ("addrtype", 1) => addrtype(&info),
        ("iprange", 1) => iprange(&info, packet),
        ("mark", 1) => mark_of(&info, mark),
        ("pkttype", _) => pkttype(&info),
        _ => None,
    };
    answer.unwrap_or(Certainty::Maybe)
}

/// Whether the connection's state is among those wanted: for a packet that begins one, new or untracked.
fn among(connection: &[Bits], new: bool, untracked: bool) -> Certainty {
    let is = |state: u32| bits::equal(connection, &state.to_ne_bytes()) == Certainty::Yes;
    match (is(NEW), is(UNTRACKED)) {
        (true, _) => Certainty::of(new),
        (_, true) => Certainty::of(untracked),
        _ => Certainty::Maybe,
    }
}

/// struct xt_conntrack_mtinfo2 and 3, as far as only the state is asked for.
fn conntrack(info: &Info<'_>, connection: &[Bits]) -> Option<Certainty> {
    let (flags, inverted, states) = (info.u16(146)?, info.u16(148)?, info.u16(150)?);
    if flags & !(XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS) != 0 {
        return None;
    }
    let holds = among(connection, u32::from(states) & NEW != 0, states & XT_CONNTRACK_UNTRACKED != 0);
    Some(holds.negated_if(inverted & XT_CONNTRACK_STATE != 0))
}

/// struct xt_tcp.
fn tcp(info: &Info<'_>, packet: &Packet) -> Option<Certainty> {
    if packet.protocol != Protocol::Tcp {
        return Some(Certainty::No);
    }
    let inverted = info.u8(11)?;
    let flags = SYN & info.u8(9)? == info.u8(10)?;
    let ports = ports(info, packet, inverted)?;
    let option = if info.u8(8)? == 0 { Certainty::Yes } else { Certainty::Maybe };
    Some(ports.and(Certainty::of(flags != (inverted & 4 != 0))).and(option))
}

/// struct xt_udp.
fn udp(info: &Info<'_>, packet: &Packet) -> Option<Certainty> {
    match packet.protocol {
        Protocol::Udp => ports(info, packet, info.u8(8)?),
        Protocol::Tcp => Some(Certainty::No),
    }
}

/// Two ranges of ports, with which both begin.
fn ports(info: &Info<'_>, packet: &Packet, inverted: u8) -> Option<Certainty> {
    let source = (info.u16(0)?..=info.u16(2)?).contains(&SOURCE_PORT) != (inverted & 1 != 0);
    let destination = (info.u16(4)?..=info.u16(6)?).contains(&packet.port) != (inverted & 2 != 0);
    Some(Certainty::of(source && destination))
}

/// struct xt_multiport_v1.
fn multiport(info: &Info<'_>, packet: &Packet) -> Option<Certainty> {
    let is = |port: u16| {
        let mut at = 0;
        while at < usize::from(info.u8(1)?).min(MULTIPORT_MAX) {
            let low = info.u16(2 + 2 * at)?;
            // A range takes two places.
            let is_range = info.u8(32 + at)? != 0;
            let high = if is_range { info.u16(2 + 2 * (at + 1))? } else { low };
            if (low..=high).contains(&port) {
                return Some(true);
            }
            at += 1 + usize::from(is_range);
        }
        Some(false)
    };
    let found = match info.u8(0)? {
        0 => is(SOURCE_PORT)?,
        1 => is(packet.port)?,
        _ => is(SOURCE_PORT)? || is(packet.port)?,
    };
    Some(Certainty::of(found != (info.u8(47)? != 0)))
}

/// struct xt_addrtype_info_v1: the source is somebody, the destination is here.
fn addrtype(info: &Info<'_>) -> Option<Certainty> {
    let (source, destination, flags) = (info.u16(0)?, info.u16(2)?, info.u32(4)?);
    let holds = |wanted: u16, own: u16, inverted: bool| wanted == 0 || (wanted & own != 0) != inverted;
    Some(Certainty::of(holds(source, UNICAST, flags & 1 != 0) && holds(destination, LOCAL, flags & 2 != 0)))
}

/// struct xt_iprange_mtinfo.
fn iprange(info: &Info<'_>, packet: &Packet) -> Option<Certainty> {
    let flags = info.u8(64)?;
    let within = |at: usize, address| {
        let own = octets(address);
        let (low, high) = (info.0.get(at..at + own.len())?, info.0.get(at + 16..at + 16 + own.len())?);
        Some(low <= own.as_slice() && own.as_slice() <= high)
    };
    let source = flags & 1 == 0 || within(0, packet.source)? != (flags & 0x10 != 0);
    let destination = flags & 2 == 0 || within(32, packet.destination)? != (flags & 0x20 != 0);
    Some(Certainty::of(source && destination))
}

/// struct xt_mark_mtinfo1.
fn mark_of(info: &Info<'_>, mark: &[Bits]) -> Option<Certainty> {
    let (value, mask) = (info.u32(0)?.to_ne_bytes(), info.u32(4)?.to_ne_bytes());
    let masked: Vec<Bits> = mark.iter().zip(mask).map(|(bits, mask)| bits.masked(mask, 0)).collect();
    Some(bits::equal(&masked, &value).negated_if(info.u8(8)? != 0))
}

/// struct xt_pkttype_info: the packet is for this host alone, which is 0.
fn pkttype(info: &Info<'_>) -> Option<Certainty> {
    Some(Certainty::of((info.u32(0)? == 0) != (info.u32(4)? != 0)))
}

struct Info<'a>(&'a [u8]);

impl Info<'_> {
    fn u8(&self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    fn u16(&self, at: usize) -> Option<u16> {
        self.0.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
    }

    fn u32(&self, at: usize) -> Option<u32> {
        self.0.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
    }
}

/// Targets after which the packet goes on, and no rule asks for what they changed.
const HARMLESS: &[&str] = &[
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CONNSECMARK",
    "DSCP",
    "ECN",
    "HL",
    "IDLETIMER",
    "LED",
    "LOG",
    "NFACCT",
    "NFLOG",
    "RATEEST",
    "SECMARK",
    "SET",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TEE",
    "TOS",
    "TRACE",
    "TTL",
    "ULOG",
];
const SYN: u8 = 0x02;
/// The states as nf_tables knows them. XT_STATE_BIT(IP_CT_NEW) is in the same place, the others are not.
const NEW: u32 = 8;
const UNTRACKED: u32 = 64;
const XT_STATE_UNTRACKED: u32 = 1 << 6;
const XT_CONNTRACK_UNTRACKED: u16 = 1 << 8;
const XT_CONNTRACK_STATE: u16 = 1;
const XT_CONNTRACK_STATE_ALIAS: u16 = 1 << 13;
const XT_UNICAST: u16 = 1 << 1;
const XT_LOCAL: u16 = 1 << 2;
const UNICAST: u16 = XT_UNICAST;
const LOCAL: u16 = XT_LOCAL;
/// XT_MULTI_PORTS.
const MULTIPORT_MAX: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_structure_makes_it_panic(
            info in proptest::collection::vec(any::<u8>(), 0..200),
            name in "(state|conntrack|tcp|udp|multiport|addrtype|iprange|mark|pkttype|CT|other)",
            revision in 0..4_u32,
        ) {
            let packet = Packet {
                interface: "eth0".into(),
                interface_index: 2,
                source: "203.0.113.9".parse().unwrap(),
                destination: "192.0.2.1".parse().unwrap(),
                protocol: Protocol::Tcp,
                port: 1,
            };
            let _ = holds(&Text::new(&name), revision, &info, &packet, &bits::unknown(4), &bits::unknown(4));
            let _ = target(&Text::new(&name), revision, &info);
        }
    }
}
