//! Questions to the kernel over netlink(7), and its answers as bounded messages.
//!
//! Only questions: nothing here changes a route or a rule. The answers are those of the network namespace that the
//! calling thread is in.

use std::os::fd::{AsRawFd as _, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt,
    socket, sockopt,
};
use nix::sys::time::TimeVal;

/// Which part of the kernel answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// rtnetlink(7): addresses, routes.
    Route,
    /// nfnetlink: nf_tables.
    Netfilter,
}

/// One message of an answer, without its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub kind: u16,
    pub body: Vec<u8>,
}

/// One message in, one message out.
pub fn ask(part: Part, kind: u16, body: &[u8]) -> Result<Message, Errno> {
    let mut messages = exchange(part, kind, NLM_F_REQUEST, body)?;
    if messages.is_empty() { Err(Errno::ENODATA) } else { Ok(messages.swap_remove(0)) }
}

/// Everything of a kind.
pub fn dump(part: Part, kind: u16, body: &[u8]) -> Result<Vec<Message>, Errno> {
    let mut tries = 0;
    loop {
        match exchange(part, kind, NLM_F_REQUEST | NLM_F_DUMP, body) {
            // Somebody changed it while it was told: half of the old and half of the new is no answer.
            Err(Errno::EINTR) if tries < MAX_TRIES => tries += 1,
            done => return done,
        }
    }
}

fn exchange(part: Part, kind: u16, flags: u16, body: &[u8]) -> Result<Vec<Message>, Errno> {
    let socket = open(part)?;
    let length = u32::try_from(HEADER + body.len()).map_err(|_| Errno::EMSGSIZE)?;
    let mut request = Vec::with_capacity(HEADER + body.len());
    request.extend(length.to_ne_bytes());
    request.extend(kind.to_ne_bytes());
    request.extend(flags.to_ne_bytes());
    request.extend(SEQUENCE.to_ne_bytes());
    request.extend(0_u32.to_ne_bytes());
    request.extend(body);
    send(socket.as_raw_fd(), &request, MsgFlags::empty())?;
    let is_dump = flags & NLM_F_DUMP == NLM_F_DUMP;
    let mut messages = Vec::new();
    let mut total = 0;
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_TRUNC) {
            Err(Errno::EINTR) => continue,
            count => count?,
        };
        let datagram = buffer.get(..count).ok_or(Errno::EMSGSIZE)?;
        total += count;
        if total > MAX_ANSWER {
            return Err(Errno::EFBIG);
        }
        if take(datagram, is_dump, &mut messages)? {
            return Ok(messages);
        }
    }
}

fn open(part: Part) -> Result<OwnedFd, Errno> {
    let protocol = match part {
        Part::Route => SockProtocol::NetlinkRoute,
        Part::Netfilter => SockProtocol::NetlinkNetFilter,
    };
    let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
    // The kernel answers at once or not at all; a lost answer must not hold us.
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(DEADLINE_SECONDS, 0))?;
    Ok(socket)
}

/// Adds a datagram's messages; whether the answer is complete.
fn take(mut datagram: &[u8], is_dump: bool, messages: &mut Vec<Message>) -> Result<bool, Errno> {
    while !datagram.is_empty() {
        let header = datagram.get(..HEADER).ok_or(Errno::EBADMSG)?;
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        let flags = u16::from_ne_bytes([header[6], header[7]]);
        let body = datagram.get(HEADER..length).ok_or(Errno::EBADMSG)?;
        if flags & NLM_F_DUMP_INTR != 0 {
            return Err(Errno::EINTR);
        }
        match kind {
            NLMSG_NOOP => {}
            NLMSG_DONE => return finished(body).map(|()| true),
            NLMSG_ERROR => return finished(body).map(|()| true),
            kind => messages.push(Message { kind, body: body.to_vec() }),
        }
        datagram = datagram.get(padded(length)..).unwrap_or_default();
    }
    Ok(!is_dump)
}

/// The error number with which an answer ends: negative, or 0.
fn finished(body: &[u8]) -> Result<(), Errno> {
    match body.first_chunk::<4>().map(|code| i32::from_ne_bytes(*code)) {
        None | Some(0) => Ok(()),
        Some(code) => Err(Errno::from_raw(code.saturating_neg())),
    }
}

/// The attributes in a message's body, or in another attribute: kind without its flag bits, and value.
///
/// Stops at the first that does not fit; [`Attributes::is_whole`] says whether that happened.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    rest: &'a [u8],
    is_whole: bool,
}

impl<'a> Attributes<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, is_whole: true }
    }

    /// The value of the first attribute of that kind.
    pub fn find(bytes: &'a [u8], wanted: u16) -> Option<&'a [u8]> {
        Self::of(bytes).find(|(kind, _)| *kind == wanted).map(|(_, value)| value)
    }

    /// Whether everything so far was well formed.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let parsed = self.rest.first_chunk::<4>().and_then(|header| {
            let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
            let kind = u16::from_ne_bytes([header[2], header[3]]) & NLA_TYPE_MASK;
            Some((kind, self.rest.get(4..length)?, length))
        });
        let Some((kind, value, length)) = parsed else {
            self.rest = &[];
            self.is_whole = false;
            return None;
        };
        self.rest = self.rest.get(padded(length)..).unwrap_or_default();
        Some((kind, value))
    }
}

fn padded(length: usize) -> usize {
    length.next_multiple_of(4)
}

/// struct nlmsghdr: length, kind, flags, sequence, port.
const HEADER: usize = 16;
const NLM_F_REQUEST: u16 = 0x01;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLMSG_NOOP: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// Without NLA_F_NESTED and NLA_F_NET_BYTEORDER.
const NLA_TYPE_MASK: u16 = 0x3fff;
/// One question a socket, so one number is enough.
const SEQUENCE: u32 = 1;
/// The kernel's messages have at most 32 KiB (NLMSG_GOODSIZE and what it grows a dump's buffer to).
const BUFFER: usize = 64 * 1024;
/// A firewall of a hundred thousand rules, and an end.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
const MAX_TRIES: usize = 5;
const DEADLINE_SECONDS: i64 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_kernel_tells_its_addresses() {
        // RTM_GETADDR with an empty struct ifaddrmsg.
        let messages = dump(Part::Route, 22, &[0; 8]).unwrap();
        assert!(messages.iter().any(|message| message.body.windows(4).any(|four| four == [127, 0, 0, 1])));
    }

    #[test]
    fn an_error_is_told_by_its_number() {
        assert_eq!(ask(Part::Route, 0x7fff, &[]).unwrap_err(), Errno::EOPNOTSUPP);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = take(&bytes, true, &mut Vec::new());
            let _ = Attributes::of(&bytes).count();
        }
    }
}
