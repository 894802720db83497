//! What listens, and what the packet filter and the stack let through.

use super::{Check, Topic};
use crate::host::Wanted;

pub(super) const TOPIC: Topic = Topic {
    name: "network",
    title: "Network",
    needs: Wanted { network: true, ..Wanted::NONE },
    lists: &[CHECKS],
};

const CHECKS: &[Check] = &[];
