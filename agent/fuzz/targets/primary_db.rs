//! A repository's list of packages as yum has it, in SQLite.

#![no_main]

use guestward_fuzz::installed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = guestward::host::packages::dnf::look_through("primary_db", bytes, installed());
});
