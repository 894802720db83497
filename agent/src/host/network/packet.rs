//! A packet that somebody outside might send: the first of a connection, with what is known of it.

use std::fmt;
use std::net::IpAddr;

use super::Protocol;
use super::bits::{self, Bits};

/// The first packet of a connection to this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub interface: String,
    pub interface_index: u32,
    /// Of the same family as the destination.
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: Protocol,
    pub port: u16,
}

impl Packet {
    pub fn is_ipv4(&self) -> bool {
        self.destination.is_ipv4()
    }

    /// Bytes of a header, as nf_tables' payload loads them.
    pub fn header(&self, base: u32, offset: usize, length: usize) -> Vec<Bits> {
        let header = match base {
            1 => self.network_header(),
            2 => self.transport_header(),
            // The link's own header, and what is inside of the connection.
            _ => Vec::new(),
        };
        (offset..offset.saturating_add(length.min(MAX_LOAD)))
            .map(|at| header.get(at).copied().unwrap_or(Bits::UNKNOWN))
            .collect()
    }

    fn network_header(&self) -> Vec<Bits> {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                // Version and length of the header; no type of service.
                let mut header = bits::known(&[0x45, 0]);
                header.extend(bits::unknown(4));
                // Not to be fragmented, and no fragment; some time to live.
                header.extend(bits::known(&[0x40, 0]));
                header.extend(bits::unknown(1));
                header.extend(bits::known(&[self.protocol.number()]));
                header.extend(bits::unknown(2));
                header.extend(bits::known(&source.octets()));
                header.extend(bits::known(&destination.octets()));
                header
            }
            (source, destination) => {
                let mut header = bits::known(&[0x60, 0]);
                header.extend(bits::unknown(4));
                header.extend(bits::known(&[self.protocol.number()]));
                header.extend(bits::unknown(1));
                header.extend(bits::known(&octets(source)));
                header.extend(bits::known(&octets(destination)));
                header
            }
        }
    }

    fn transport_header(&self) -> Vec<Bits> {
        let mut header = bits::known(&SOURCE_PORT.to_be_bytes());
        header.extend(bits::known(&self.port.to_be_bytes()));
        if self.protocol == Protocol::Tcp {
            // Some sequence number, nothing to acknowledge, some length, and SYN.
            header.extend(bits::unknown(4));
            header.extend(bits::known(&[0; 4]));
            header.extend(bits::unknown(1));
            header.extend(bits::known(&[0x02]));
        }
        header
    }

    /// The value of a `meta` key, the packet's mark apart.
    pub fn meta(&self, key: u32) -> Vec<Bits> {
        let ethernet: u16 = if self.is_ipv4() { 0x0800 } else { 0x86dd };
        match key {
            META_PROTOCOL => bits::known(&ethernet.to_be_bytes()),
            META_IIF => bits::known(&self.interface_index.to_ne_bytes()),
            META_OIF => bits::known(&[0; 4]),
            META_IIFNAME => bits::known(&name(&self.interface)),
            META_OIFNAME => bits::known(&name("")),
            META_NFPROTO => bits::known(&[if self.is_ipv4() { 2 } else { 10 }]),
            META_L4PROTO => bits::known(&[self.protocol.number()]),
            // To this host, and to nobody else.
            META_PKTTYPE => bits::known(&[0]),
            _ => bits::unknown(MAX_LOAD),
        }
    }

    /// What the routing table says of its source, to which the way back leads over the same interface, or of its
    /// destination, which is this host.
    pub fn route(&self, result: u32, flags: u32) -> Vec<Bits> {
        let is_of_source = flags & FIB_SOURCE != 0;
        match result {
            FIB_OIF if flags & FIB_PRESENT != 0 => bits::known(&[1]),
            FIB_OIF if is_of_source => bits::known(&self.interface_index.to_ne_bytes()),
            FIB_OIFNAME if is_of_source => bits::known(&name(&self.interface)),
            FIB_TYPE if is_of_source => bits::known(&RTN_UNICAST.to_ne_bytes()),
            FIB_TYPE => bits::known(&RTN_LOCAL.to_ne_bytes()),
            _ => bits::unknown(MAX_LOAD),
        }
    }

    /// The value of a `ct` key, the connection's state apart.
    pub fn connection(&self, key: u32) -> Vec<Bits> {
        match key {
            // It is the first packet in the direction in which the connection was begun.
            CT_DIRECTION => bits::known(&[0]),
            // Neither answered nor translated; no mark yet.
            CT_STATUS | CT_MARK => bits::known(&[0; 4]),
            CT_L3PROTOCOL => bits::known(&[if self.is_ipv4() { 2 } else { 10 }]),
            CT_PROTOCOL => bits::known(&[self.protocol.number()]),
            _ => bits::unknown(MAX_LOAD),
        }
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} port {} from {} at {}", self.protocol, self.port, self.source, self.interface)
    }
}

pub(super) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// A name as the kernel keeps it: sixteen bytes, padded with NULs.
fn name(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(16, 0);
    bytes
}

pub(super) const META_MARK: u32 = 3;
const META_PROTOCOL: u32 = 1;
const META_IIF: u32 = 4;
const META_OIF: u32 = 5;
const META_IIFNAME: u32 = 6;
const META_OIFNAME: u32 = 7;
const META_NFPROTO: u32 = 15;
const META_L4PROTO: u32 = 16;
const META_PKTTYPE: u32 = 19;
pub(super) const CT_STATE: u32 = 0;
const CT_DIRECTION: u32 = 1;
const CT_STATUS: u32 = 2;
const CT_MARK: u32 = 3;
const CT_L3PROTOCOL: u32 = 7;
const CT_PROTOCOL: u32 = 10;
/// NFT_FIB_RESULT_*, NFTA_FIB_F_* and RTN_* of the kernel.
const FIB_OIF: u32 = 1;
const FIB_OIFNAME: u32 = 2;
const FIB_TYPE: u32 = 3;
const FIB_SOURCE: u32 = 1;
const FIB_PRESENT: u32 = 32;
const RTN_UNICAST: u32 = 1;
const RTN_LOCAL: u32 = 2;
/// Any of those that clients are given.
pub(super) const SOURCE_PORT: u16 = 54013;
/// The kernel's registers together.
pub(super) const MAX_LOAD: usize = 64;
