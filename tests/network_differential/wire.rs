//! Two network namespaces and a cable between them: the host whose rules are judged, and somebody who knocks.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use guestward::host::network::Protocol;
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;

use crate::support::namespace::{inside, shell};

/// Ports on which the host listens: listed ones, and some that no rule names.
pub(crate) const PORTS: [u16; 5] = [22, 80, 8761, 24103, 53617];
/// Who knocks, and from where.
pub(crate) const SOURCES: [&str; 5] =
    ["192.0.2.2", "10.0.0.9", "81.2.69.160", "2001:db8:1::2", "2a01:4f8::99"];
pub(crate) const OWN: [&str; 2] = ["192.0.2.1", "2001:db8:1::1"];
/// The first of the ports from which is knocked, each time from another: a connection that the host remembers is not
/// new. No rule tells them from the one that guestward's packets are from.
const SOURCE_PORTS: u16 = 54013;
const SOURCE_PORT_COUNT: usize = 11_000;

/// Closing ends a connection by a reset and leaves nothing behind.
const AT_ONCE: nix::libc::linger = nix::libc::linger { l_onoff: 1, l_linger: 0 };

/// The host's end.
pub(crate) struct Wire {
    ask: mpsc::Sender<Knock>,
    answers: mpsc::Receiver<bool>,
    udp: Vec<UdpSocket>,
    tcp: Vec<TcpListener>,
    knocks: AtomicUsize,
}

struct Knock {
    from: SocketAddr,
    to: SocketAddr,
    protocol: Protocol,
    patience: Duration,
}

/// Runs `work` in the host's namespace.
pub(crate) fn between<T: Send>(work: impl FnOnce(&Wire) -> T + Send) -> T {
    inside(|| {
        std::thread::scope(|scope| {
            let (ask, knocks) = mpsc::channel::<Knock>();
            let (answer, answers) = mpsc::channel();
            let (ready, is_ready) = mpsc::channel();
            let (go, may_go) = mpsc::channel();
            scope.spawn(move || {
                unshare(CloneFlags::CLONE_NEWNET).expect("a second namespace");
                ready.send(nix::unistd::gettid()).unwrap();
                if may_go.recv().is_err() {
                    return;
                }
                set_up_knocker();
                ready.send(nix::unistd::gettid()).unwrap();
                for knock in knocks {
                    answer.send(is_answered(&knock)).unwrap();
                }
            });
            let peer = is_ready.recv().unwrap();
            shell("ip link add d0 type veth peer name d1");
            shell(&format!("ip link set d1 netns {peer}"));
            shell(
                "ip addr add 192.0.2.1/24 dev d0; ip addr add 2001:db8:1::1/64 dev d0 nodad; ip link set d0 up",
            );
            shell(
                "ip route add default via 192.0.2.2 dev d0; ip -6 route add default via 2001:db8:1::2 dev d0",
            );
            go.send(()).unwrap();
            is_ready.recv().unwrap();
            let (mut tcp, mut udp) = (Vec::new(), Vec::new());
            for address in OWN {
                for port in PORTS {
                    let place = SocketAddr::new(address.parse().unwrap(), port);
                    tcp.push(TcpListener::bind(place).unwrap());
                    udp.push(UdpSocket::bind(place).unwrap());
                }
            }
            let wire = Wire { ask, answers, udp, tcp, knocks: AtomicUsize::new(0) };
            work(&wire)
        })
    })
}

fn set_up_knocker() {
    shell("ip link set lo up; ip link set d1 up");
    for source in SOURCES {
        let length = if source.contains("192.0.2") {
            24
        } else if source.contains("db8:1") {
            64
        } else {
            32
        };
        let (length, nodad) = if source.contains(':') { (length.max(64), "nodad") } else { (length, "") };
        shell(&format!("ip addr add {source}/{length} dev d1 {nodad}"));
    }
}

impl Wire {
    /// Whether the first packet of a connection gets through to who listens.
    pub(crate) fn gets_through(
        &self,
        source: IpAddr,
        to: IpAddr,
        protocol: Protocol,
        port: u16,
        patience: Duration,
    ) -> bool {
        let target = SocketAddr::new(to, port);
        let number = self.knocks.fetch_add(1, Ordering::Relaxed) % SOURCE_PORT_COUNT;
        let from = SocketAddr::new(source, SOURCE_PORTS + u16::try_from(number).unwrap());
        for socket in &self.udp {
            socket.set_nonblocking(true).unwrap();
            while socket.recv(&mut [0; 16]).is_ok() {}
        }
        for listener in &self.tcp {
            // Whoever got in before is sent away at once, so that the queue never fills.
            listener.set_nonblocking(true).unwrap();
            while let Ok((stream, _)) = listener.accept() {
                setsockopt(&stream, sockopt::Linger, &AT_ONCE).unwrap();
            }
        }
        self.ask.send(Knock { from, to: target, protocol, patience }).unwrap();
        let answered = self.answers.recv().unwrap();
        match protocol {
            Protocol::Tcp => answered,
            Protocol::Udp => {
                let socket = self.udp.iter().find(|socket| socket.local_addr().unwrap() == target).unwrap();
                socket.set_nonblocking(false).unwrap();
                socket.set_read_timeout(Some(patience)).unwrap();
                socket.recv(&mut [0; 16]).is_ok()
            }
        }
    }
}

/// Whether a connection is made, or, for a datagram, that it was sent.
fn is_answered(knock: &Knock) -> bool {
    let kind = if knock.protocol == Protocol::Tcp { SockType::Stream } else { SockType::Datagram };
    let family = if knock.to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let fd = socket(family, kind, SockFlag::SOCK_CLOEXEC, None).unwrap();
    setsockopt(&fd, sockopt::ReuseAddr, &true).unwrap();
    // Ended by a reset, a connection leaves nothing behind that would stand in the way of the next.
    setsockopt(&fd, sockopt::Linger, &AT_ONCE).unwrap();
    let micros = i64::try_from(knock.patience.as_micros()).unwrap();
    setsockopt(&fd, sockopt::SendTimeout, &TimeVal::new(micros / 1_000_000, micros % 1_000_000)).unwrap();
    bind(fd.as_raw_fd(), &SockaddrStorage::from(knock.from)).unwrap();
    match connect(fd.as_raw_fd(), &SockaddrStorage::from(knock.to)) {
        Ok(()) if knock.protocol == Protocol::Tcp => true,
        Ok(()) => {
            let datagram = std::net::UdpSocket::from(fd);
            datagram.send(b"knock").is_ok()
        }
        Err(
            Errno::EINPROGRESS
            | Errno::ETIMEDOUT
            | Errno::ECONNREFUSED
            | Errno::EHOSTUNREACH
            | Errno::EACCES
            | Errno::ENETUNREACH,
        ) => false,
        Err(errno) => panic!("{} to {}: {errno}", knock.from, knock.to),
    }
}
