//! What the running kernel permits: the facts.

use super::{Host, Unreadable};

#[derive(Debug)]
pub struct KernelState {}

impl KernelState {
    pub fn of(_host: &Host) -> Result<Self, Unreadable> {
        Ok(Self {})
    }
}
