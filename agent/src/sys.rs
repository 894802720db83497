//! The kernel, asked directly: what no file below `/proc` or `/sys` tells.

pub mod netlink;
pub mod packets;
pub mod xattr;
