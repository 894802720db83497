//! What the process connector tells.

#![no_main]

use guestward::sys::process_events::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Each message has a header of 16 bytes.
    assert!(parse(bytes).count() <= bytes.len() / 16);
});
