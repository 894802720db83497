//! What a repository says of its modules, `modules.yaml`.

#![no_main]

use guestward_fuzz::installed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = guestward::host::packages::dnf::look_through("modules", bytes, installed());
});
