//! A vendor's notices about the packages of a repository, `updateinfo.xml`.

#![no_main]

use guestward_fuzz::installed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = guestward::host::packages::dnf::look_through("updateinfo", bytes, installed());
});
