//! The connector's messages: struct nlmsghdr of netlink(7), struct cn_msg of linux/connector.h, struct proc_event of
//! linux/cn_proc.h. All of it in this machine's byte order.

use super::ProcessEvent;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Event(ProcessEvent),
    /// To a request: 0, or why not (errno.h).
    Answer(u32),
    /// Of a thread, or of no interest.
    Other,
}

/// Each message of the process connector with what it acknowledges. It ends at the first that does not fit.
pub(super) fn messages(datagram: &[u8]) -> impl Iterator<Item = (u32, Told)> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = usize::try_from(number(rest, 0)?).ok()?;
        let message = rest.get(..length).filter(|_| length >= NETLINK)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((number(message, ACK).unwrap_or(0), told(message).unwrap_or(Told::Other)))
    })
}

fn told(message: &[u8]) -> Option<Told> {
    if number(message, IDX)? != CN_IDX_PROC || number(message, VAL)? != CN_VAL_PROC {
        return None;
    }
    let first = |at: usize| number(message, EVENT_DATA + at);
    Some(match number(message, WHAT)? {
        NONE => Told::Answer(first(0)?),
        // Parent's id and process, child's id and process.
        FORK if first(8)? == first(12)? => {
            let at = u64::from_ne_bytes(*message.get(TIME..)?.first_chunk()?);
            Told::Event(ProcessEvent::Fork { parent: first(4)?, child: first(12)?, at })
        }
        // The others begin with the thread's id and its process.
        EXEC => Told::Event(ProcessEvent::Exec { pid: first(4)? }),
        UID if first(0)? == first(4)? => {
            Told::Event(ProcessEvent::Uid { pid: first(4)?, real: first(8)?, effective: first(12)? })
        }
        EXIT if first(0)? == first(4)? => Told::Event(ProcessEvent::Exit { pid: first(4)? }),
        _ => Told::Other,
    })
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Asks the connector to tell or not to; the answer acknowledges one more than `ack`, and has a sequence number of its
/// own.
pub(super) fn request(what: u32, ack: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(WHAT + 4);
    bytes.extend(40_u32.to_ne_bytes());
    // NLMSG_DONE, no flags.
    bytes.extend(3_u16.to_ne_bytes());
    bytes.extend(0_u16.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    for number in [CN_IDX_PROC, CN_VAL_PROC, 0, ack] {
        bytes.extend(number.to_ne_bytes());
    }
    // The length of what follows, and flags.
    bytes.extend(4_u16.to_ne_bytes());
    bytes.extend(0_u16.to_ne_bytes());
    bytes.extend(what.to_ne_bytes());
    bytes
}

pub(super) const CN_IDX_PROC: u32 = 1;
const CN_VAL_PROC: u32 = 1;
/// PROC_CN_MCAST_LISTEN and PROC_CN_MCAST_IGNORE.
pub(super) const LISTEN: u32 = 1;
pub(super) const IGNORE: u32 = 2;
/// PROC_EVENT_*
const NONE: u32 = 0;
pub(super) const FORK: u32 = 1;
pub(super) const EXEC: u32 = 2;
pub(super) const UID: u32 = 4;
pub(super) const EXIT: u32 = 0x8000_0000;
/// Where they are in a message.
const NETLINK: usize = 16;
const IDX: usize = NETLINK;
const VAL: usize = NETLINK + 4;
const ACK: usize = NETLINK + 12;
const CONNECTOR: usize = NETLINK + 20;
pub(super) const WHAT: usize = CONNECTOR;
const TIME: usize = CONNECTOR + 8;
pub(super) const EVENT_DATA: usize = CONNECTOR + 16;
