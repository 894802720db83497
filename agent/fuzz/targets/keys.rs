//! Access keys in any bytes, plain, escaped, in base64 and compressed.

#![no_main]

use guestward::host::credentials::keys;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for key in keys(bytes) {
        // What is told of a key is its id and a fingerprint, never the bytes beside it.
        let told = format!("{key:?}");
        assert!(!bytes.windows(40).any(|window| {
            std::str::from_utf8(window).is_ok_and(|text| text.bytes().all(|b| b.is_ascii_alphanumeric()) && told.contains(text))
        }));
    }
});
