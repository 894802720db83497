//! Access keys that lie about.

use super::{Check, Topic};
use crate::host::Wanted;

pub(super) const TOPIC: Topic = Topic {
    name: "credentials",
    title: "Long-lived credentials",
    needs: Wanted { credentials: true, ..Wanted::NONE },
    lists: &[CHECKS],
};

const CHECKS: &[Check] = &[];
