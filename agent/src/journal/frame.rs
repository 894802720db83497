//! Frames: how records stand in a segment, so that a torn or damaged one is known from a whole one.
//!
//! ```text
//! FF 'G' 'W' 01 | length u32 | seq u64 | kind u8 | severity u8 | 0 u16 | crc32c(payload) u32 | crc32c(the 24 before) u32 | payload
//! ```
//!
//! Little endian. The header has a checksum of its own, so that a length is believed before its payload is read;
//! the magic has a byte that no JSON has, so that after damage the next frame is found.

use std::ops::Range;

use crate::finding::Severity;
use crate::finding::wire::record::{Hash, Kind, MAX_LINE};

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Record(Kind, Severity),
    /// The first frame of a segment.
    Header,
    /// Everything up to its seq was accepted; the payload is the hash of the last of it.
    Marker,
}

/// A stretch of a segment: a whole frame, or bytes that are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Frame(Frame),
    Damage(Range<usize>),
}

/// Where a whole frame is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) content: Content,
    pub(super) seq: u64,
    /// The frame with its header.
    pub(super) span: Range<usize>,
}

impl Frame {
    pub(super) fn payload(&self) -> Range<usize> {
        self.span.start + HEADER..self.span.end
    }
}

pub(super) fn push(out: &mut Vec<u8>, content: Content, seq: u64, payload: &[u8]) {
    let (kind, severity) = code(content);
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    // A payload is at most MAX_LINE; a longer one would be refused when it is read, and is never made.
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&[kind, severity, 0, 0]);
    out.extend_from_slice(&crc32c::crc32c(payload).to_le_bytes());
    let check = crc32c::crc32c(&out[start..]);
    out.extend_from_slice(&check.to_le_bytes());
    out.extend_from_slice(payload);
}

pub(super) fn push_marker(out: &mut Vec<u8>, seq: u64, head: &Hash) {
    push(out, Content::Marker, seq, &head.0);
}

/// All of a segment, piece by piece.
pub(super) fn pieces(bytes: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    // A payload that does not fit its header costs its length, and headers can be forged by the million.
    let mut patience = bytes.len().saturating_mul(PATIENCE);
    let mut whole = |bytes: &[u8], at| {
        let claimed = claimed(bytes, at)?;
        patience = patience.checked_sub(claimed.len())?;
        let frame = whole(bytes, at);
        if frame.is_some() {
            patience += claimed.len();
        }
        frame
    };
    while at < bytes.len() {
        if let Some(frame) = whole(bytes, at) {
            at = frame.span.end;
            pieces.push(Piece::Frame(frame));
            continue;
        }
        let next = memchr::memmem::find_iter(&bytes[at + 1..], &MAGIC)
            .map(|found| at + 1 + found)
            .find(|&start| whole(bytes, start).is_some())
            .unwrap_or(bytes.len());
        pieces.push(Piece::Damage(at..next));
        at = next;
    }
    pieces
}

/// Where a frame lies, if its header is whole.
fn claimed(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let header = bytes.get(at..at + HEADER)?;
    if header[..4] != MAGIC || crc32c::crc32c(&header[..24]) != number(header, 24)? {
        return None;
    }
    let length = usize::try_from(number(header, 4)?).ok().filter(|&length| length <= MAX_LINE)?;
    let end = at + HEADER + length;
    (end <= bytes.len()).then_some(at..end)
}

fn number(header: &[u8], at: usize) -> Option<u32> {
    header.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn whole(bytes: &[u8], at: usize) -> Option<Frame> {
    let span = claimed(bytes, at)?;
    let header = &bytes[at..at + HEADER];
    if crc32c::crc32c(&bytes[at + HEADER..span.end]) != number(header, 20)? {
        return None;
    }
    let seq = u64::from_le_bytes(header[8..16].try_into().ok()?);
    let content = content(header[16], header[17])?;
    Some(Frame { content, seq, span })
}

fn code(content: Content) -> (u8, u8) {
    match content {
        Content::Record(kind, severity) => (position(&Kind::ALL, &kind), position(&Severity::ALL, &severity)),
        Content::Marker => (MARKER, 0),
        Content::Header => (SEGMENT_HEADER, 0),
    }
}

fn content(kind: u8, severity: u8) -> Option<Content> {
    match kind {
        MARKER => Some(Content::Marker),
        SEGMENT_HEADER => Some(Content::Header),
        kind => Some(Content::Record(
            *Kind::ALL.get(usize::from(kind))?,
            *Severity::ALL.get(usize::from(severity))?,
        )),
    }
}

fn position<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|other| other == one).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

const MAGIC: [u8; 4] = [0xff, b'G', b'W', 1];
pub(super) const HEADER: usize = 28;
/// How often over, at most, the bytes of a segment are read in search of whole frames.
const PATIENCE: usize = 8;
const MARKER: u8 = 254;
const SEGMENT_HEADER: u8 = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn three() -> Vec<u8> {
        let mut bytes = Vec::new();
        push(&mut bytes, Content::Record(Kind::Finding, Severity::High), 1, b"{}");
        push(&mut bytes, Content::Record(Kind::Gap, Severity::Low), 2, b"{\"a\":1}");
        push_marker(&mut bytes, 2, &Hash::of(b"x"));
        bytes
    }

    #[test]
    fn frames_are_found_again() {
        let bytes = three();
        let [Piece::Frame(one), Piece::Frame(two), Piece::Frame(marker)] = &pieces(&bytes)[..] else {
            panic!()
        };
        assert_eq!((one.seq, one.content), (1, Content::Record(Kind::Finding, Severity::High)));
        assert_eq!(&bytes[two.payload()], b"{\"a\":1}");
        assert_eq!(marker.content, Content::Marker);
    }

    proptest! {
        #[test]
        fn after_damage_every_whole_frame_is_found(at in 0usize..200, with in 1u8..=255) {
            let mut bytes = three();
            let at = at % bytes.len();
            bytes[at] ^= with;
            let found = pieces(&bytes);
            let frames: Vec<_> = found.iter().filter_map(|piece| match piece { Piece::Frame(frame) => Some(frame), Piece::Damage(_) => None }).collect();
            prop_assert_eq!(frames.len(), 2);
            prop_assert!(frames.iter().all(|frame| !frame.span.contains(&at)));
        }

        #[test]
        fn no_bytes_panic_or_get_lost(bytes in proptest::collection::vec(prop_oneof![Just(0xffu8), Just(b'G'), Just(b'W'), Just(1u8), any::<u8>()], 0..300)) {
            let mut end = 0;
            for piece in pieces(&bytes) {
                let span = match piece { Piece::Frame(frame) => frame.span, Piece::Damage(span) => span };
                prop_assert_eq!(span.start, end);
                end = span.end;
            }
            prop_assert_eq!(end, bytes.len());
        }
    }
}
