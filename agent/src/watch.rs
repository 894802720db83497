//! Waiting for something to change. What changed is looked at by others: an event is a hint and never a fact.

pub mod files;
pub mod inputs;
mod places;
pub mod settle;

use std::collections::BTreeSet;

pub use inputs::Inputs;
pub use settle::Settle;

/// Names of topics, as the checks have them.
pub type Topics = BTreeSet<&'static str>;
