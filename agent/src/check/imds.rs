//! What the instance metadata service answers here, and whether it is the real one.

use super::{Check, Topic};
use crate::host::Wanted;

pub(super) const TOPIC: Topic = Topic {
    name: "imds",
    title: "Instance metadata",
    needs: Wanted { imds: true, ..Wanted::NONE },
    lists: &[CHECKS],
};

const CHECKS: &[Check] = &[];
