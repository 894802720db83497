//! What listens, and what the packet filter and the stack let through: the facts.
//!
//! All of it is about one network namespace: the one that asks. Netlink and `/proc/net` answer for no other.

pub mod bits;
pub mod boot;
pub mod fate;
pub mod links;
pub mod modules;
pub mod nftables;
pub mod outside;
pub mod packet;
pub mod sockets;
pub mod stack;
mod walk;
pub mod xtables;

use std::fmt;
use std::net::IpAddr;

use super::{Cause, Host, Unreadable};
use boot::Loader;
use links::Interface;
use nftables::Ruleset;
use sockets::Listeners;
use stack::Stack;

#[derive(Debug)]
pub struct Network {
    pub listeners: Result<Listeners, Unreadable>,
    pub stack: Stack,
    /// `None`: the running kernel is not this machine's, and there is no other to ask.
    pub filter: Option<Filter>,
    pub loaders: Result<Vec<Loader>, Unreadable>,
    pub protocols: Result<Vec<modules::Protocol>, Unreadable>,
}

/// The packet filter, and the interfaces that it stands before.
#[derive(Debug)]
pub struct Filter {
    pub ruleset: Result<Ruleset, Unreadable>,
    pub interfaces: Result<Vec<Interface>, Unreadable>,
    /// Whether the old iptables has a filter table loaded, for IPv4 and for IPv6. What is in it, it tells only by
    /// getsockopt(2) on a raw socket.
    pub legacy: [Result<bool, Unreadable>; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    Tcp,
    Udp,
}

/// A version of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ip {
    V4,
    V6,
}

impl Network {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        is_own_namespace(host)?;
        Ok(Self {
            listeners: Listeners::of(host),
            stack: Stack::of(host),
            filter: host.has_kernel().then(|| Filter::of(host)),
            loaders: boot::read(host),
            protocols: modules::read(host),
        })
    }
}

/// Refuses to tell of a namespace that is not the machine's, such as that of `ip netns exec`. Only root may compare.
fn is_own_namespace(host: &Host) -> Result<(), Unreadable> {
    if !host.is_live() {
        return Ok(());
    }
    match (host.read_link("/proc/1/ns/net"), host.read_link("/proc/self/ns/net")) {
        (Ok(machines), Ok(own)) if machines != own => {
            let what = "is another network namespace than that of PID 1; ask in the machine's own";
            Err(Unreadable::new("/proc/self/ns/net", Cause::Unsupported(what.into())))
        }
        _ => Ok(()),
    }
}

impl Filter {
    fn of(host: &Host) -> Self {
        Self {
            ruleset: Ruleset::read(),
            interfaces: links::read(),
            legacy: ["/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"]
                .map(|path| has_filter(host, path)),
        }
    }

    pub fn has_legacy(&self, ip: Ip) -> &Result<bool, Unreadable> {
        &self.legacy[usize::from(ip == Ip::V6)]
    }
}

fn has_filter(host: &Host, path: &str) -> Result<bool, Unreadable> {
    match host.read(path, MAX_NAMES) {
        Ok(names) => Ok(names.split(|&byte| byte == b'\n').any(|name| name == b"filter")),
        Err(cause) if cause.is_absent() => Ok(false),
        Err(cause) => Err(cause),
    }
}

impl Protocol {
    /// As IP numbers it.
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

impl Ip {
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// There are five tables at most.
const MAX_NAMES: u64 = 4096;
