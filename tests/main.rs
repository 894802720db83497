//! End-to-end and house tests: the built binary and the public rooms, on fixtures and on this very machine.
//!
//! Run by `tests/all`. They need root (fixtures have owners) and what `tests/all` installs.

mod fixtures;
mod support;
