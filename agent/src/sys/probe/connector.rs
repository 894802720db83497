//! The process connector: whether the kernel would tell us which processes begin, and what they execute.

use nix::errno::Errno;

use super::Has;
use crate::sys::process_events::ProcessEvents;

/// Listens, and ends it at once. Without CONFIG_PROC_EVENTS, and in a user or process namespace that is not the first,
/// nobody answers.
pub fn process_events() -> Has {
    let absent = [Errno::EOPNOTSUPP, Errno::EPROTONOSUPPORT, Errno::ENOENT];
    Has::of(ProcessEvents::listen(), &absent)
}
