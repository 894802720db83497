//! Attributes of netlink(7), as they nest in the kernel's answers.

#![no_main]

use guestward::sys::netlink::Attributes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let outer: usize = Attributes::of(bytes).map(|(_, value)| value.len()).sum();
    assert!(outer <= bytes.len(), "no attribute is larger than what holds it");
    for (_, value) in Attributes::of(bytes) {
        let _ = Attributes::of(value).count();
    }
});
