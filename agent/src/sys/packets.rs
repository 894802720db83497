//! The IP headers of what a peer sends, which no TCP socket shows: a raw socket that only listens.
//!
//! It needs CAP_NET_RAW. It sends nothing, and sees the segments of that peer alone.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd as _, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, connect, recv, socket,
};

/// What a peer sends from now on, kept by the kernel until it is asked for.
#[derive(Debug)]
pub struct Overheard {
    socket: OwnedFd,
    peer: SocketAddrV4,
}

impl Overheard {
    /// Listens to the segments of one TCP peer.
    pub fn from(peer: SocketAddrV4) -> Result<Self, Errno> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Inet, SockType::Raw, flags, SockProtocol::Tcp)?;
        // A raw socket has no ports: this only tells the kernel whose segments are wanted.
        connect(socket.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(*peer.ip(), 0)))?;
        Ok(Self { socket, peer })
    }

    /// The time to live, on arrival here, of the first segment so far whose payload `is_wanted`.
    pub fn time_to_live(&self, is_wanted: impl Fn(&[u8]) -> bool) -> Result<Option<u8>, Errno> {
        let mut buffer = vec![0; MAX_PACKET];
        for _ in 0..MAX_PACKETS {
            let count = match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => return Ok(None),
                count => count?,
            };
            let segment = buffer.get(..count).and_then(Segment::parse);
            if let Some(segment) = segment.filter(|segment| segment.source == self.peer)
                && is_wanted(segment.payload)
            {
                return Ok(Some(segment.time_to_live));
            }
        }
        Ok(None)
    }
}

/// A TCP segment in an IPv4 packet, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment<'a> {
    pub source: SocketAddrV4,
    pub time_to_live: u8,
    pub payload: &'a [u8],
}

impl<'a> Segment<'a> {
    /// From the first byte of the IP header on (RFC 791, RFC 9293); `None` when it is anything else.
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        let header = packet.first_chunk::<20>()?;
        let length = usize::from(header[0] & 0x0f) * 4;
        if header[0] >> 4 != 4 || length < header.len() || header[9] != TCP {
            return None;
        }
        let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let segment = packet.get(length..total.min(packet.len()))?;
        let ports = segment.first_chunk::<20>()?;
        let source = Ipv4Addr::new(header[12], header[13], header[14], header[15]);
        Some(Self {
            source: SocketAddrV4::new(source, u16::from_be_bytes([ports[0], ports[1]])),
            time_to_live: header[8],
            payload: segment.get(usize::from(ports[12] >> 4) * 4..)?,
        })
    }
}

/// The protocol's number.
const TCP: u8 = 6;
/// The largest that IPv4 has.
const MAX_PACKET: usize = 65_535;
/// More than other programs get from the service in the moment that we listen.
const MAX_PACKETS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PACKET: &[u8] = &[
        0x45, 0, 0, 44, 0, 0, 0x40, 0, 2, 6, 0, 0, 169, 254, 169, 254, 10, 0, 0, 5, // IP
        0, 80, 0x9c, 0x40, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 0, 0, 0, 0, 0, 0, // TCP
        b'H', b'T', b'T', b'P',
    ];

    #[test]
    fn a_segment_tells_its_source_its_time_to_live_and_its_payload() {
        let segment = Segment::parse(PACKET).unwrap();
        assert_eq!(segment.source, "169.254.169.254:80".parse().unwrap());
        assert_eq!((segment.time_to_live, segment.payload), (2, &b"HTTP"[..]));
    }

    #[test]
    fn a_packet_that_is_cut_anywhere_is_no_segment_or_a_shorter_one() {
        for end in 0..PACKET.len() {
            assert_eq!(Segment::parse(&PACKET[..end]).is_some(), end >= 40, "{end}");
        }
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = Segment::parse(&bytes);
        }

        #[test]
        fn no_changed_byte_makes_it_panic(at in 0..PACKET.len(), byte: u8) {
            let mut packet = PACKET.to_vec();
            packet[at] = byte;
            let _ = Segment::parse(&packet);
        }
    }
}
