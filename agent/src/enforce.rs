//! What the agent changes on the machine, and nothing else of it does: exactly what the policy asks for, shown before
//! (`plan`), done when somebody says so (`apply`), remembered, and taken back (`undo`).
//!
//! It runs when a person starts it and never on its own. So far there is one thing to do: planting decoys.

mod bait;
pub mod decoys;
mod memory;
mod place;
