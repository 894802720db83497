//! Which services run that should, and which exist that should not: the facts.

use super::{Host, Unreadable};

#[derive(Debug)]
pub struct Services {}

impl Services {
    pub fn of(_host: &Host) -> Result<Self, Unreadable> {
        Ok(Self {})
    }
}
