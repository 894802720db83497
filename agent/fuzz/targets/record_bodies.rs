//! Bodies of records, as they are read back from a journal.

#![no_main]

use guestward::finding::wire::body::{Detection, DriftBody, FindingBody};
use guestward::finding::wire::gap::Gap;
use guestward::state::State;
use guestward::state::drift::DriftState;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(gap) = Gap::parse(text) {
        assert!(gap.runs.iter().all(|run| 0 < run.from && run.from <= run.to));
        assert_eq!(Gap::parse(&gap.to_json()).as_ref(), Ok(&gap));
    }
    if let Ok(body) = FindingBody::parse(text) {
        let written = body.to_json();
        assert_eq!(FindingBody::parse(&written).as_ref(), Ok(&body));
        let mut state = State::new("e");
        state.replay(1, Timestamp::UNIX_EPOCH, &body);
        assert_eq!(
            State::from_bytes(&state.to_bytes()).expect("what we write can be read").to_bytes(),
            state.to_bytes()
        );
    }
    if let Ok(body) = Detection::parse(text) {
        assert_eq!(Detection::parse(&body.to_json()).as_ref(), Ok(&body));
    }
    if let Ok(body) = DriftBody::parse(text) {
        let written = body.to_json();
        assert_eq!(DriftBody::parse(&written).expect("what we write can be read").to_json(), written);
        let mut state = DriftState::new("e");
        state.replay(1, &body);
        let kept = state.to_bytes();
        assert_eq!(DriftState::from_bytes(&kept).expect("what we write can be read").to_bytes(), kept);
    }
});
