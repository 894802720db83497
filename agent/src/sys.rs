//! The kernel, asked directly: what no file below `/proc` or `/sys` tells.

pub mod clock;
pub mod memory;
pub mod netlink;
pub mod notify;
pub mod own;
pub mod packets;
pub mod priority;
pub mod probe;
pub mod process_events;
pub mod sandbox;
pub mod signals;
pub mod socket;
pub mod verity;
pub mod xattr;
