//! What the last comparison with the baseline left.

#![no_main]

use std::path::Path;

use guestward::host::integrity::Last;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Last::parse(Path::new("/x"), bytes);
});
