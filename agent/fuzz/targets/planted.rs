//! What is remembered of planted decoys: root removes what it names.

#![no_main]

use guestward::host::planted::Planted;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(planted) = Planted::parse(bytes) else { return };
    assert!(planted.0.iter().all(|decoy| decoy.path.is_absolute()));
    let again = Planted::parse(planted.to_text().as_bytes()).expect("what we write can be read");
    assert_eq!(again, planted);
});
