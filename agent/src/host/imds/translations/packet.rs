//! The packet that is followed through the rules: what is known of it, and what one expression of a rule says to it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::sys::netlink::Attributes;

/// The first packet of a request for metadata; `None` is a byte that nobody knows beforehand.
#[derive(Debug, Clone)]
pub(super) struct Packet {
    pub(super) address: IpAddr,
    network: Vec<Option<u8>>,
    transport: Vec<Option<u8>>,
    is_local: bool,
}

/// The answer of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    /// Yes, and it asked for the service's very address.
    YesByName,
    Maybe,
    No,
}

/// What the expressions of a rule have loaded so far.
#[derive(Debug, Default)]
pub(super) struct Registers(BTreeMap<u32, Loaded>);

#[derive(Debug)]
struct Loaded {
    value: Vec<u8>,
    is_address: bool,
}

impl Packet {
    pub(super) fn to(address: IpAddr, is_local: bool) -> Self {
        let mut network = match address {
            IpAddr::V4(_) => vec![None; 20],
            IpAddr::V6(_) => vec![None; 40],
        };
        let (protocol, at, octets) = match address {
            IpAddr::V4(v4) => (9, 16, v4.octets().to_vec()),
            IpAddr::V6(v6) => (6, 24, v6.octets().to_vec()),
        };
        network[protocol] = Some(TCP);
        for (place, octet) in network.iter_mut().skip(at).zip(octets) {
            *place = Some(octet);
        }
        let mut transport = vec![None; 20];
        transport[2] = Some(0);
        transport[3] = Some(HTTP_PORT);
        Self { address, network, transport, is_local }
    }

    /// Whether a table of that family sees it: ip, ip6, or inet.
    pub(super) fn is_of(&self, family: u8) -> bool {
        family == NFPROTO_INET || family == self.family()
    }

    fn family(&self) -> u8 {
        if self.address.is_ipv4() { NFPROTO_IPV4 } else { NFPROTO_IPV6 }
    }

    /// What an expression that is neither a verdict nor a translation says; most load, some ask.
    pub(super) fn meets(&self, name: &[u8], body: &[u8], registers: &mut Registers) -> Answer {
        let number = |kind| number(body, kind);
        match name {
            b"payload" => {
                let value = self.bytes(number(2), number(3), number(4));
                let is_address = number(2) == Some(NETWORK_HEADER)
                    && value.as_ref().is_some_and(|value| octets(self.address).starts_with(value))
                    && value.as_ref().is_some_and(|value| value.len() == octets(self.address).len());
                registers.load(number(1), value, is_address)
            }
            b"meta" => registers.load(number(1), self.meta(number(2)), false),
            b"fib" => registers.load(number(1), self.kind_of_address(number(2), number(3)), false),
            b"bitwise" => registers.mask(body),
            b"cmp" => registers.compare(body),
            b"range" => registers.lies_between(body),
            // A value for the translation that follows; verdicts are the walk's business.
            b"immediate" => registers.load(number(1), data(body, 2).map(<[u8]>::to_vec), false),
            b"match" => self.xt(body),
            b"counter" | b"log" | b"comment" => Answer::Yes,
            _ => {
                // Whatever it loads is not what was there before.
                for register in [number(1), number(2), number(3)].into_iter().flatten() {
                    registers.0.remove(&register);
                }
                Answer::Maybe
            }
        }
    }

    fn bytes(&self, base: Option<u32>, offset: Option<u32>, length: Option<u32>) -> Option<Vec<u8>> {
        let header = match base? {
            NETWORK_HEADER => &self.network,
            TRANSPORT_HEADER => &self.transport,
            _ => return None,
        };
        let from = usize::try_from(offset?).ok()?;
        let to = from.checked_add(usize::try_from(length?).ok()?)?;
        header.get(from..to)?.iter().copied().collect()
    }

    fn meta(&self, key: Option<u32>) -> Option<Vec<u8>> {
        match key? {
            META_L4PROTO => Some(vec![TCP]),
            META_NFPROTO => Some(vec![self.family()]),
            META_PROTOCOL if self.address.is_ipv4() => Some(vec![0x08, 0x00]),
            META_PROTOCOL => Some(vec![0x86, 0xdd]),
            _ => None,
        }
    }

    fn kind_of_address(&self, result: Option<u32>, flags: Option<u32>) -> Option<Vec<u8>> {
        let asks = result? == FIB_ADDRTYPE && flags? & FIB_DESTINATION != 0;
        asks.then(|| self.route_type().to_ne_bytes().to_vec())
    }

    fn route_type(&self) -> u32 {
        if self.is_local { RTN_LOCAL } else { RTN_UNICAST }
    }

    /// The matches that iptables-nft(8) hands on as they are: struct xt_addrtype_info_v1 and struct xt_tcp.
    fn xt(&self, body: &[u8]) -> Answer {
        let name = string(body, 1);
        let inside = Attributes::find(body, 3).unwrap_or_default();
        let word = |at: usize| -> Option<u16> { Some(u16::from_ne_bytes(*inside.get(at..)?.first_chunk()?)) };
        match name {
            b"comment" => Answer::Yes,
            b"addrtype" => match (number(body, 2), word(2), word(4)) {
                (Some(1..), Some(types), Some(flags)) if types != 0 => {
                    let is_one = u32::from(types) & (1 << self.route_type()) != 0;
                    // It may ask for the source and the interface, too: a no is certain, a yes is not.
                    if is_one == (flags & ADDRTYPE_INVERTED == 0) { Answer::Maybe } else { Answer::No }
                }
                _ => Answer::Maybe,
            },
            b"tcp" => match (word(4), word(6), inside.get(11)) {
                (Some(low), Some(high), Some(inverted)) => {
                    let is_one = (low..=high).contains(&u16::from(HTTP_PORT));
                    if is_one == (inverted & TCP_PORT_INVERTED == 0) { Answer::Maybe } else { Answer::No }
                }
                _ => Answer::Maybe,
            },
            _ => Answer::Maybe,
        }
    }
}

impl Registers {
    fn load(&mut self, register: Option<u32>, value: Option<Vec<u8>>, is_address: bool) -> Answer {
        // A payload that is written, not loaded, names no register here.
        let Some(register) = register else { return Answer::Maybe };
        match value {
            Some(value) => self.0.insert(register, Loaded { value, is_address }),
            None => self.0.remove(&register),
        };
        Answer::Yes
    }

    /// `value & mask ^ xor`; a shift leaves the register unknown.
    fn mask(&mut self, body: &[u8]) -> Answer {
        let masked = || {
            let loaded = self.0.get(&number(body, 1)?)?;
            if number(body, 6).unwrap_or(0) != 0 {
                return None;
            }
            let (mask, xor) = (data(body, 4)?, data(body, 5)?);
            let bytes = loaded.value.iter().zip(mask).zip(xor);
            let value: Vec<u8> = bytes.map(|((byte, mask), xor)| byte & mask ^ xor).collect();
            (value.len() == loaded.value.len()).then_some((value, loaded.is_address))
        };
        let (value, is_address) = masked().unzip();
        self.load(number(body, 2), value, is_address.unwrap_or(false))
    }

    fn lies_between(&self, body: &[u8]) -> Answer {
        let between = || {
            let loaded = self.0.get(&number(body, 1)?)?;
            let (low, high) = (data(body, 3)?, data(body, 4)?);
            let value = loaded.value.get(..low.len()).filter(|_| low.len() == high.len())?;
            Some((low <= value && value <= high) == (number(body, 2)? == 0))
        };
        match between() {
            Some(true) => Answer::Yes,
            Some(false) => Answer::No,
            None => Answer::Maybe,
        }
    }

    fn compare(&self, body: &[u8]) -> Answer {
        let (Some(register), Some(operator), Some(wanted)) =
            (number(body, 1), number(body, 2), data(body, 3))
        else {
            return Answer::Maybe;
        };
        let Some(loaded) = self.0.get(&register) else { return Answer::Maybe };
        // The kernel compares as many bytes as the rule has.
        let Some(value) = loaded.value.get(..wanted.len()) else { return Answer::Maybe };
        let is_so = match operator {
            0 => value == wanted,
            1 => value != wanted,
            2 => value < wanted,
            3 => value <= wanted,
            4 => value > wanted,
            5 => value >= wanted,
            _ => return Answer::Maybe,
        };
        match (is_so, loaded.is_address && operator == 0) {
            (true, true) => Answer::YesByName,
            (true, false) => Answer::Yes,
            (false, _) => Answer::No,
        }
    }
}

/// An attribute that is a number of 32 bits, in network order as nf_tables writes them.
pub(super) fn number(body: &[u8], kind: u16) -> Option<u32> {
    Some(u32::from_be_bytes(*Attributes::find(body, kind)?.first_chunk()?))
}

/// An attribute that is a string, without its closing NUL.
pub(super) fn string(body: &[u8], kind: u16) -> &[u8] {
    let value = Attributes::find(body, kind).unwrap_or_default();
    value.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// The value in an attribute that nests it (NFTA_DATA_VALUE).
fn data(body: &[u8], kind: u16) -> Option<&[u8]> {
    Attributes::find(Attributes::find(body, kind)?, 1)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

const TCP: u8 = 6;
const HTTP_PORT: u8 = 80;
const NFPROTO_INET: u8 = 1;
const NFPROTO_IPV4: u8 = 2;
const NFPROTO_IPV6: u8 = 10;
/// enum nft_payload_bases.
const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;
/// enum nft_meta_keys.
const META_PROTOCOL: u32 = 1;
const META_NFPROTO: u32 = 15;
const META_L4PROTO: u32 = 16;
/// enum nft_fib_result and nft_fib_flags.
const FIB_ADDRTYPE: u32 = 3;
const FIB_DESTINATION: u32 = 2;
/// rtnetlink(7)'s types of a route.
const RTN_UNICAST: u32 = 1;
const RTN_LOCAL: u32 = 2;
/// XT_ADDRTYPE_INVERT_DEST and XT_TCP_INV_DSTPT.
const ADDRTYPE_INVERTED: u16 = 2;
const TCP_PORT_INVERTED: u8 = 2;
