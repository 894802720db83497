//! `guestward journal verify`: what was changed is found and named, and what is whole is not suspected.

mod clean;
mod command;
pub(crate) mod exports;
mod notes;
mod tampering;

use guestward::finding::wire::key::FirstKey;
use guestward::journal::verify::{Report, Verifier};

/// The verdict over lines of one file.
fn verify(lines: &[Vec<u8>], keys: &[FirstKey]) -> Report {
    let mut verifier = Verifier::new(keys.to_vec(), None);
    for (number, line) in (1..).zip(lines) {
        verifier.take("export", number, line);
    }
    verifier.finish()
}
