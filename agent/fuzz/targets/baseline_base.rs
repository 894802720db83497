//! The file of a baseline's version, with whatever checksums its bytes need to be believed.

#![no_main]

use std::fs;
use std::sync::OnceLock;

use guestward::baseline::store::Store;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest as _, Sha256};

static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder")).path();
    let (base, digest) = believable(bytes);
    let mut delta = [b"GWDELTA\x01", &1_u64.to_le_bytes()[..], &digest].concat();
    delta.extend_from_slice(&crc32c::crc32c(&delta).to_le_bytes());
    fs::write(folder.join("base.1"), base).expect("a file");
    fs::write(folder.join("delta.1"), delta).expect("a file");
    let Ok(Some(store)) = Store::open(folder) else { return };
    let _ = store.recompute();
    let _ = store.digests(b"/usr", 3).map(|told| told.len());
    let entries = store.all().map(|all| all.map_while(Result::ok).map(|(path, ..)| path).collect::<Vec<_>>());
    for path in entries.unwrap_or_default().iter().take(20) {
        let _ = store.below(path).map(|below| below.take(100).count());
    }
});

/// Lengths are as they are; what is checked against them is as it must be.
fn believable(bytes: &[u8]) -> (Vec<u8>, [u8; 32]) {
    let mut bytes = bytes.to_vec();
    if bytes.len() < TRAILER + 8 {
        return (bytes, [0; 32]);
    }
    let trailer = bytes.len() - TRAILER;
    let number = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight"));
    // The header and the blocks lie one after another.
    let mut at = 8;
    while let Some(next) = section(&mut bytes[..trailer], at) {
        at = next;
    }
    for part in 0..3 {
        let at = usize::try_from(number(&bytes, trailer + 8 * part)).unwrap_or(usize::MAX);
        section(&mut bytes[..trailer], at);
    }
    let digest: [u8; 32] = Sha256::digest(&bytes[..trailer + 64]).into();
    bytes[trailer + 64..trailer + 96].copy_from_slice(&digest);
    let crc = crc32c::crc32c(&bytes[trailer..trailer + 96]).to_le_bytes();
    bytes[trailer + 96..trailer + 100].copy_from_slice(&crc);
    (bytes, digest)
}

fn section(bytes: &mut [u8], at: usize) -> Option<usize> {
    let length = u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?);
    let end = (at + 8).checked_add(usize::try_from(length).ok()?)?;
    let crc = crc32c::crc32c(bytes.get(at + 8..end)?);
    bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
    Some(end)
}

const TRAILER: usize = 4 * 8 + 32 + 32 + 4 + 8;
