//! What processes do, as the kernel tells it: the process connector, drivers/connector/cn_proc.c.
//!
//! A fork is told before the child runs, an exec before the program's first instruction, an exit when everything that
//! the process held is let go. It takes CAP_NET_ADMIN in the first user, process and network namespaces, and
//! CONFIG_PROC_EVENTS.

mod filter;
mod parse;

use std::fmt;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, NetlinkAddr, bind, recvfrom, send, setsockopt, sockopt};
use rustix::net::{AddressFamily, SocketFlags, SocketType, netlink, socket_with};

use parse::Told;

/// What a process did. Threads are left out: they come and go within their process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessEvent {
    /// The parent is whose child it is: with CLONE_PARENT of clone(2) that is not the process that forked.
    Fork {
        parent: u32,
        child: u32,
        /// When, in nanoseconds of CLOCK_MONOTONIC.
        at: u64,
    },
    /// It executes another program.
    Exec {
        pid: u32,
    },
    Uid {
        pid: u32,
        real: u32,
        effective: u32,
    },
    /// Its first thread ended. Others may go on, and one of them may yet execute another program under this pid.
    Exit {
        pid: u32,
    },
}

/// The events in a datagram of the connector.
pub fn parse(datagram: &[u8]) -> impl Iterator<Item = ProcessEvent> {
    parse::messages(datagram).filter_map(|(_, told)| match told {
        Told::Event(event) => Some(event),
        Told::Answer(_) | Told::Other => None,
    })
}

/// The kernel's queue of such events.
pub struct ProcessEvents {
    socket: OwnedFd,
    buffer: Box<[u8]>,
}

impl ProcessEvents {
    /// Listens from now on.
    pub fn listen() -> Result<Self, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(netlink::CONNECTOR))
            .map_err(|errno| Errno::from_raw(errno.raw_os_error()))?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 1 << (parse::CN_IDX_PROC - 1)))?;
        // A smaller queue only overruns sooner, and that is told.
        if setsockopt(&socket, sockopt::RcvBufForce, &QUEUE).is_err() {
            let _ = setsockopt(&socket, sockopt::RcvBuf, &QUEUE);
        }
        let mut events = Self { socket, buffer: vec![0; DATAGRAM].into_boxed_slice() };
        events.tell(parse::LISTEN)?;
        // Without it there is only more to read.
        let _ = filter::attach(events.socket.as_fd());
        Ok(events)
    }

    /// Adds what happened since the last time, until nothing is left or there is a lot of it (then there may be more);
    /// whether something was lost in between.
    pub fn drain(&mut self, events: &mut Vec<ProcessEvent>) -> Result<bool, Errno> {
        let mut is_overrun = false;
        for _ in 0..AT_ONCE {
            match self.receive() {
                Ok(Some(datagram)) => events.extend(parse(datagram)),
                Ok(None) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(Errno::ENOBUFS) => is_overrun = true,
                Err(errno) => return Err(errno),
            }
        }
        Ok(is_overrun)
    }

    /// What becomes readable when something happened.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// One datagram; none where it is not the kernel that sent it, for whoever has CAP_NET_ADMIN may send here.
    fn receive(&mut self) -> Result<Option<&[u8]>, Errno> {
        let (count, from) = recvfrom::<NetlinkAddr>(self.socket.as_raw_fd(), &mut self.buffer)?;
        let is_kernels = from.is_some_and(|from| from.pid() == 0);
        Ok(if is_kernels { self.buffer.get(..count) } else { None })
    }

    /// The connector answers within the call that asks, or (in another namespace, or without such a kernel) not at all.
    fn tell(&mut self, what: u32) -> Result<(), Errno> {
        let ours = self.port()?;
        send(self.socket.as_raw_fd(), &parse::request(what, ours), MsgFlags::empty())?;
        loop {
            let datagram = match self.receive() {
                Err(Errno::EAGAIN) => return Err(Errno::EOPNOTSUPP),
                Err(Errno::EINTR | Errno::ENOBUFS) => continue,
                datagram => datagram?,
            };
            for (of, told) in parse::messages(datagram.unwrap_or_default()) {
                match told {
                    Told::Answer(0) if of == ours.wrapping_add(1) => return Ok(()),
                    Told::Answer(error) if of == ours.wrapping_add(1) => {
                        return Err(Errno::from_raw(error.cast_signed()));
                    }
                    _ => {}
                }
            }
        }
    }

    /// A number that no other listener has: answers go to all of them.
    fn port(&self) -> Result<u32, Errno> {
        Ok(nix::sys::socket::getsockname::<NetlinkAddr>(self.socket.as_raw_fd())?.pid())
    }
}

impl Drop for ProcessEvents {
    fn drop(&mut self) {
        // Before Linux 6.6 the kernel counts who listens, and goes on to tell nobody about everything.
        let request = parse::request(parse::IGNORE, 0);
        let _ = send(self.socket.as_raw_fd(), &request, MsgFlags::empty());
    }
}

impl fmt::Debug for ProcessEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessEvents").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// In bytes; the kernel doubles it, and counts about a kilobyte for an event: some 60,000 of them.
const QUEUE: usize = 32 * 1024 * 1024;
/// struct nlmsghdr, cn_msg and proc_event are less than 100 bytes.
const DATAGRAM: usize = 4096;
/// More than fit into the queue.
const AT_ONCE: usize = 200_000;

#[cfg(test)]
mod tests;
