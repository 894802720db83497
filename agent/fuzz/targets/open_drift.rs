//! What is kept of what differs: whole, so that the reader sees more than a hash that is not its own.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guestward::state::drift::DriftState;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest as _, Sha256};

fuzz_target!(|bytes: &[u8]| {
    let _ = DriftState::from_bytes(bytes);
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
    let whole = [bytes, b"\n", hash.as_bytes(), b"\n"].concat();
    if let Ok(state) = DriftState::from_bytes(&whole) {
        let again = DriftState::from_bytes(&state.to_bytes()).expect("what we write can be read");
        assert_eq!(again.to_bytes(), state.to_bytes());
    }
});
