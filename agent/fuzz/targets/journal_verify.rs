//! An export of the journal, as somebody else may have made it: its seals are opened with a key that we know.

#![no_main]

use std::sync::OnceLock;

use guestward::finding::wire::key::FirstKey;
use guestward::journal::verify::Verifier;
use libfuzzer_sys::fuzz_target;

static KEY: OnceLock<FirstKey> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let mut verifier = Verifier::new(vec![KEY.get_or_init(key).clone()], None);
    for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        verifier.take("export", number, line);
    }
    let report = verifier.finish();
    for problem in &report.problems {
        assert!(problem.from <= problem.to && !problem.text.is_empty(), "{problem:?}");
    }
    for part in &report.parts {
        assert!(part.first <= part.last && part.records > 0 && part.unsealed <= part.records, "{part:?}");
    }
});

fn key() -> FirstKey {
    FirstKey::parse(KEY_FILE).expect("a key")
}

/// The key that sealed the corpus: 32 times 9.
const KEY_FILE: &str = r#"{"schema":"guestward.key/1","agent":"0101010101010101","epoch":"0101010101010101","from_seq":1,"index":0,"key":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk"}"#;
