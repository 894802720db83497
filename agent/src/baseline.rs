//! File integrity: what was agreed, and its difference from now.
//!
//! The machine as it was agreed is a [`store`]; a walk below the root is compared with it, and what differs is
//! [`drift`]. Nothing here decides when, and nothing here is learned without being asked for.

pub mod diff;
pub mod drift;
pub mod text;
