//! A guest's network: a namespace of the calling thread's own, with one end of the guest's cable in it and no way out.
//!
//! Servers that the thread starts from then on listen there, at the addresses that AWS has; what does not listen there
//! does not exist for the guest. No program in between ends the guest's connections, so time to live and resets are real.

use std::fs::File;
use std::panic::resume_unwind;
use std::thread::Builder;

use nix::sched::{CloneFlags, setns, unshare};

use crate::shell::sh;

/// Runs `work` on a thread of this name in a network namespace as a guest needs it; what it starts is in there, too.
pub fn inside<T: Send>(name: &str, work: impl FnOnce() -> T + Send) -> T {
    on_a_thread(name, || {
        enter();
        work()
    })
}

/// Runs `work` on the network that the process was started on, archives included.
pub fn outside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    on_a_thread("outside", || {
        // Of the process's first thread, which never enters.
        let first = File::open("/proc/self/ns/net").expect("the host's network");
        setns(first, CloneFlags::CLONE_NEWNET).expect("the host's network");
        work()
    })
}

fn on_a_thread<T: Send>(name: &str, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = Builder::new().name(name.to_owned()).spawn_scoped(scope, work).expect("a thread");
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

fn enter() {
    unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace: guests need root");
    sh(&format!(
        "ip link set lo up
         ip tuntap add dev {TAP} mode tap
         ip link set {TAP} addrgenmode none
         ip addr add {HERE}/24 dev {TAP}
         ip addr add {METADATA}/32 dev {TAP}
         ip addr add {TIME}/32 dev {TAP}
         ip link set {TAP} up"
    ));
}

/// The host's end of the cable, as QEMU names it.
pub const TAP: &str = "tap0";
/// Where AWS's services listen.
pub const HERE: &str = "10.0.0.1";
/// The guest's own.
pub const GUEST: &str = "10.0.0.5";
/// As on EC2: metadata, and the time.
pub const METADATA: &str = "169.254.169.254";
pub const TIME: &str = "169.254.169.123";
/// The guest's network card.
pub const MAC: &str = "02:00:00:00:00:05";
