//! What is recorded, where, and at what time.

use super::{Check, Topic};
use crate::host::Wanted;

pub(super) const TOPIC: Topic = Topic {
    name: "logging",
    title: "Logging and time",
    needs: Wanted { logging: true, ..Wanted::NONE },
    lists: &[CHECKS],
};

const CHECKS: &[Check] = &[];
