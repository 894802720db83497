//! An update that is outstanding, with what makes it urgent. Who judges that is `check/packages/first.rs`.

use crate::host::packages::Pending;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch<'a> {
    pub pending: &'a Pending,
    /// The holes it closes of which it is known that attackers use them.
    pub exploited: Vec<&'a str>,
    pub standing: Standing,
}

/// How long a security update has waited, held against what the policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Or no security update, for which there is no limit.
    InTime,
    /// It depends on when, between two days, it appeared.
    Perhaps,
    Overdue,
}
