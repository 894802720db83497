//! An identity document, a NUL, and the bytes of its signature; and all of it as a certificate that a policy names.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use guestward::host::imds::{Document, Unverified};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let (document, signature) = bytes.split_at(end);
    let signature = STANDARD.encode(signature.get(1..).unwrap_or_default());
    let refused = Document::verified(document, signature.as_bytes(), None);
    assert!(refused.is_err(), "nobody here has AWS's key: {refused:?}");
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(bytes));
    for pem in [pem.as_bytes(), bytes] {
        let refused = Document::verified(b"{}", b"", Some(pem));
        assert!(matches!(refused, Err(Unverified::Certificate(_) | Unverified::NoDocument(_))), "{refused:?}");
    }
});
