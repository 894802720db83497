//! What was accepted into a baseline, with whatever checksums its bytes need to be believed.

#![no_main]

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use guestward::baseline::store::{Draft, Header, Store};
use guestward::host::object::Algorithm;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest as _, Sha256};

static FOLDER: OnceLock<(tempfile::TempDir, Vec<u8>)> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let (folder, header) = FOLDER.get_or_init(make);
    fs::write(folder.path().join("delta.1"), believable(header, bytes)).expect("a file");
    let Ok(Some(store)) = Store::open(folder.path()) else { return };
    let _ = store.recompute();
    let _ = store.all().map(|all| all.count());
    assert!(store.acceptances().all(|accepted| accepted.why.len() < bytes.len()));
});

/// A baseline without entries, and the beginning of its delta.
fn make() -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a folder");
    let header = Header {
        created: jiff::Timestamp::UNIX_EPOCH,
        algorithm: Algorithm::Sha256,
        rules: [0; 32],
        root: b"/".to_vec(),
        agent: String::new(),
        machine: [0; 32],
        boot: String::new(),
        clock: 0,
        who: String::new(),
        why: String::new(),
    };
    let draft = Draft::begin(folder.path(), header).expect("a draft");
    draft.finish().expect("a baseline");
    let delta = fs::read(Path::new(folder.path()).join("delta.1")).expect("a delta");
    // It may hold more than the head knows, and must not hold less.
    fs::remove_file(folder.path().join("head")).expect("a head");
    fs::write(folder.path().join("head"), head(&delta)).expect("a head");
    (folder, delta)
}

fn head(delta: &[u8]) -> Vec<u8> {
    let chain: [u8; 32] = Sha256::digest(delta).into();
    let mut head = [b"GWHEAD\x00\x01", &1_u64.to_le_bytes()[..], &delta[16..48], &[0; 8], &chain].concat();
    head.extend_from_slice(&crc32c::crc32c(&head).to_le_bytes());
    head
}

/// The frames of a delta whose beginning is another one's.
fn believable(header: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut out = header.to_vec();
    let mut chain: [u8; 32] = Sha256::digest(header).into();
    let mut rest = bytes.get(header.len()..).unwrap_or_default();
    while let Some(length) = rest.get(..4).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes) {
        let end = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(40);
        let Some(payload) = rest.get(40..end) else { break };
        chain = Sha256::new().chain_update(chain).chain_update(payload).finalize().into();
        let checked = [&chain[..], payload].concat();
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&crc32c::crc32c(&checked).to_le_bytes());
        out.extend_from_slice(&checked);
        rest = &rest[end..];
    }
    out.extend_from_slice(rest);
    out
}
