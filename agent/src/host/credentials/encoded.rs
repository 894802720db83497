//! One layer of packing taken off: base64 as in user data and Kubernetes secrets, gzip as in user data, and base64
//! of gzip. What is packed twice is not looked at.

use std::io::Read as _;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::MultiGzDecoder;
use memchr::memchr_iter;
use memchr::memmem::Finder;

use super::key::Key;
use super::recognise::plain;

/// The keys in a file, plain or packed once, with the offset at which each, or what packs it, begins.
pub fn keys(bytes: &[u8]) -> Vec<Key> {
    if let Some(unpacked) = inflate(bytes) {
        let keys = in_text(&unpacked);
        return keys.into_iter().map(|key| Key { at: 0, ..key }).collect();
    }
    in_text(bytes)
}

fn in_text(bytes: &[u8]) -> Vec<Key> {
    let mut keys = plain(bytes);
    let mut budget = MAX_DECODED;
    let packed = wrapped(bytes, &mut budget).into_iter().chain(in_line(bytes, &mut budget));
    for key in packed.collect::<Vec<_>>() {
        if !keys.iter().any(|known| known.fingerprint == key.fingerprint) {
            keys.push(key);
        }
    }
    keys
}

/// Base64 broken into lines, as base64(1), MIME and cloud-init write it, indented or not.
fn wrapped(bytes: &[u8], budget: &mut usize) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut block: Vec<u8> = Vec::new();
    let (mut begin, mut at) = (0, 0);
    for end in memchr_iter(b'\n', bytes).chain([bytes.len()]) {
        let (line, start) = (&bytes[at..end], at);
        at = end + 1;
        // Most lines are too short to begin a block.
        if block.is_empty() && line.len() < MIN_LINE {
            continue;
        }
        let body = line.trim_ascii();
        let goes_on = if block.is_empty() { body.len() >= MIN_LINE } else { !body.is_empty() };
        if goes_on && body.len() <= MAX_LINE && body.iter().all(|&byte| is_base64(byte)) {
            if block.is_empty() {
                begin = start;
            }
            if block.len() + body.len() <= *budget {
                block.extend_from_slice(body);
            }
        } else {
            keys.extend(of_block(&block, begin, budget));
            block.clear();
        }
    }
    keys.extend(of_block(&block, begin, budget));
    keys
}

/// Base64 in one piece. Around what `AKIA` and `ASIA` look like in base64 every run is unpacked, because a
/// Kubernetes secret packs each value by itself.
fn in_line(bytes: &[u8], budget: &mut usize) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut done = 0;
    for at in hits(bytes) {
        if at < done {
            continue;
        }
        let run = run_around(bytes, at);
        let from = run.start.saturating_sub(NEIGHBOURHOOD).max(done);
        let to = (run.end + NEIGHBOURHOOD).min(bytes.len());
        let mut unpacked = Vec::new();
        for piece in bytes[from..to].split(|&byte| !is_base64(byte)).filter(|piece| piece.len() >= MIN_RUN) {
            unpacked.extend(decode(piece, budget).unwrap_or_default());
            unpacked.push(b'\n');
        }
        keys.extend(plain(&unpacked).into_iter().map(|key| Key { at: run.start, ..key }));
        done = run.end;
    }
    for at in Finder::new(GZIP_IN_BASE64).find_iter(bytes).take(MAX_HITS) {
        let run = run_around(bytes, at);
        if run.start == at {
            keys.extend(of_block(&bytes[run], at, budget));
        }
    }
    keys
}

fn hits(bytes: &[u8]) -> Vec<usize> {
    let of = |needle: &&[u8]| Finder::new(needle).find_iter(bytes).take(MAX_HITS).collect::<Vec<_>>();
    let mut hits: Vec<usize> = IN_BASE64.iter().flat_map(of).collect();
    hits.sort_unstable();
    hits
}

fn of_block(block: &[u8], begin: usize, budget: &mut usize) -> Vec<Key> {
    if block.len() < MIN_LINE {
        return Vec::new();
    }
    let Some(decoded) = decode(block, budget) else { return Vec::new() };
    let unpacked = inflate(&decoded).unwrap_or(decoded);
    plain(&unpacked).into_iter().map(|key| Key { at: begin, ..key }).collect()
}

fn decode(run: &[u8], budget: &mut usize) -> Option<Vec<u8>> {
    let length = run.iter().position(|&byte| byte == b'=').unwrap_or(run.len());
    // A single last character holds no byte.
    let run = &run[..length - usize::from(length % 4 == 1)];
    *budget = budget.checked_sub(run.len())?;
    LENIENT.decode(run).ok()
}

fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return None;
    }
    let mut unpacked = Vec::new();
    // What comes before a damaged end counts; so does the beginning of what has no end.
    let _ = MultiGzDecoder::new(bytes).take(MAX_INFLATED).read_to_end(&mut unpacked);
    Some(unpacked)
}

fn run_around(bytes: &[u8], at: usize) -> std::ops::Range<usize> {
    let back = bytes[..at].iter().rev().take(MAX_RUN).take_while(|&&byte| is_base64(byte)).count();
    let on = bytes[at..].iter().take(MAX_RUN).take_while(|&&byte| is_base64(byte)).count();
    at - back..at + on
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'=')
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
/// `AKIA` and `ASIA` at each of the three places that a byte can have in base64.
const IN_BASE64: [&[u8]; 6] = [b"QUtJQ", b"FLSU", b"BS0lB", b"QVNJQ", b"FTSU", b"BU0lB"];
const GZIP_IN_BASE64: &[u8] = b"H4sI";
/// RFC 2045 breaks after 76 characters, PEM after 64, uuencoded files of old after 60.
const MIN_LINE: usize = 60;
/// Longer is not broken into lines: it is found by what it holds.
const MAX_LINE: usize = 256;
/// `AKIA` and sixteen more in base64, without its padding.
const MIN_RUN: usize = 27;
/// Between the two values of one Kubernetes secret.
const NEIGHBOURHOOD: usize = 600;
/// User data has 16 KiB, a Kubernetes secret 1 MiB.
const MAX_RUN: usize = 2 * 1024 * 1024;
const MAX_DECODED: usize = 8 * 1024 * 1024;
const MAX_INFLATED: u64 = 8 * 1024 * 1024;
/// Images and certificates have a few by chance.
const MAX_HITS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_prefixes_are_what_base64_makes_of_them() {
        for (prefix, forms) in [("AKIA", &IN_BASE64[..3]), ("ASIA", &IN_BASE64[3..])] {
            for (shift, form) in forms.iter().enumerate() {
                for around in ["\0\0", "zz", "\x7f~"] {
                    let text = format!("{}{prefix}{around}", &around[..shift.min(2)]);
                    let packed = LENIENT.encode(text);
                    let form = std::str::from_utf8(form).expect("text");
                    assert!(packed.contains(form), "{prefix} after {shift} bytes is {packed}, not {form}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            keys(&bytes);
        }

        #[test]
        fn nor_does_anything_that_looks_like_keys(
            parts in proptest::collection::vec("AKIA|ASIA|[A-Z2-7]{16}|[A-Za-z0-9/+]{40}|%2F|%|\\\\+|\\\\u002|&#47;|&#|=|\n|\"|QUtJQ|FLSU|H4sI|secret|[A-Za-z0-9+/]{80}\n", 0..60)
        ) {
            keys(parts.concat().as_bytes());
        }
    }
}
