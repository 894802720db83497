//! The operator's policy, as TOML.

#![no_main]

use std::sync::OnceLock;

use guestward::policy::{self, Location};
use libfuzzer_sys::fuzz_target;

static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let file = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder")).path().join("policy.toml");
    std::fs::write(&file, bytes).expect("a file");
    match policy::load(&Location::File(file), &guestward::check::vocabulary()) {
        Ok(policy) => drop(format!("{policy:?}")),
        Err(errors) => assert!(!errors.to_string().is_empty(), "what is refused is said"),
    }
});
