//! What the running kernel permits.

use super::{Check, Topic};
use crate::host::Wanted;

pub(super) const TOPIC: Topic = Topic {
    name: "kernel",
    title: "Kernel",
    needs: Wanted { kernel: true, ..Wanted::NONE },
    lists: &[CHECKS],
};

const CHECKS: &[Check] = &[];
