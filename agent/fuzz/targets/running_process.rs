//! What the kernel says of a process, and which systemd is mapped: read by doctor.

#![no_main]

use guestward::host::powers::Powers;
use guestward::host::systemd;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(powers) = Powers::parse(bytes) {
        let has = (0..128).filter(|&capability| powers.may(capability)).count();
        assert_eq!(has, powers.effective.count_ones() as usize);
    }
    let _ = systemd::version_in(bytes);
});
