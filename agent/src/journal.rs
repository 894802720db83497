//! The journal: what was found, kept so that a crash does not lose it and nobody can quietly change it.

pub mod seal;
pub mod verify;
