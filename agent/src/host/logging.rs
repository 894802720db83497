//! What is recorded, where, and at what time: the facts.

use super::{Host, Unreadable};

#[derive(Debug)]
pub struct Logging {}

impl Logging {
    pub fn of(_host: &Host) -> Result<Self, Unreadable> {
        Ok(Self {})
    }
}
