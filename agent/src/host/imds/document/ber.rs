//! ASN.1 as a signature has it: a tag, a length, a content. BER and not only DER, for AWS's signatures are streamed,
//! and what is streamed has an end instead of a length.

use std::borrow::Cow;
use std::fmt;

/// What is not as it should be, and where it was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub(super) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
    /// With its tag and length, and its end where it has one.
    pub(super) whole: &'a [u8],
    /// Whether it has a length, as everything in DER.
    pub(super) is_definite: bool,
}

impl<'a> Element<'a> {
    pub(super) fn inside(&self) -> Elements<'a> {
        Elements(self.body)
    }

    /// The bytes of an OCTET STRING, which may come in pieces.
    pub(super) fn octets(&self) -> Result<Cow<'a, [u8]>, Malformed> {
        match self.tag {
            OCTETS => Ok(Cow::Borrowed(self.body)),
            OCTETS_IN_PIECES => {
                let mut all = Vec::with_capacity(self.body.len());
                let mut pieces = self.inside();
                while !pieces.is_empty() {
                    all.extend_from_slice(pieces.take(OCTETS, "a piece of the content")?.body);
                }
                Ok(Cow::Owned(all))
            }
            _ => Err(Malformed("the content is no OCTET STRING")),
        }
    }
}

/// One element after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elements<'a>(pub(super) &'a [u8]);

impl<'a> Elements<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn next(&mut self) -> Result<Element<'a>, Malformed> {
        let (element, rest) = split(self.0, DEPTH)?;
        self.0 = rest;
        Ok(element)
    }

    /// The next one, which has this tag; `what` says what it would have been.
    pub(super) fn take(&mut self, tag: u8, what: &'static str) -> Result<Element<'a>, Malformed> {
        match self.next() {
            Ok(element) if element.tag == tag => Ok(element),
            Ok(_) => Err(Malformed(what)),
            Err(cause) => Err(cause),
        }
    }

    /// The next one, if it has this tag.
    pub(super) fn take_if(&mut self, tag: u8) -> Result<Option<Element<'a>>, Malformed> {
        if self.0.first() == Some(&tag) { self.next().map(Some) } else { Ok(None) }
    }

    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed("something follows the end")) }
    }
}

/// The first element and what follows it. `depth` is how many elements without a length may lie in each other.
fn split(bytes: &[u8], depth: u8) -> Result<(Element<'_>, &[u8]), Malformed> {
    let (&tag, after_tag) = bytes.split_first().ok_or(CUT_SHORT)?;
    if tag & LONG_TAG == LONG_TAG {
        return Err(Malformed("a tag of more than one byte"));
    }
    let (&first, after) = after_tag.split_first().ok_or(CUT_SHORT)?;
    let (header, length) = match first {
        0..=0x7f => (2, usize::from(first)),
        0x80 if tag & CONSTRUCTED != 0 => return streamed(bytes, tag, depth),
        0x81..=0x84 => {
            let digits = after.get(..usize::from(first & 0x7f)).ok_or(CUT_SHORT)?;
            let length = digits.iter().fold(0, |length: usize, &digit| (length << 8) | usize::from(digit));
            (2 + digits.len(), length)
        }
        _ => return Err(Malformed("a length that is none")),
    };
    let end = header.checked_add(length).filter(|&end| end <= bytes.len()).ok_or(CUT_SHORT)?;
    let (whole, rest) = bytes.split_at(end);
    Ok((Element { tag, body: &whole[header..], whole, is_definite: true }, rest))
}

/// An element that goes on until two zeros stand where another would begin.
fn streamed(bytes: &[u8], tag: u8, depth: u8) -> Result<(Element<'_>, &[u8]), Malformed> {
    let depth = depth.checked_sub(1).ok_or(Malformed("too deep"))?;
    let inside = bytes.get(2..).ok_or(CUT_SHORT)?;
    let mut rest = inside;
    while !rest.starts_with(&END) {
        rest = split(rest, depth)?.1;
    }
    let body = &inside[..inside.len() - rest.len()];
    let (whole, rest) = bytes.split_at(2 + body.len() + END.len());
    Ok((Element { tag, body, whole, is_definite: false }, rest))
}

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BITS: u8 = 0x03;
pub(super) const OCTETS: u8 = 0x04;
const OCTETS_IN_PIECES: u8 = 0x24;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]` and `[1]`, with elements in them.
pub(super) const CONTEXT_0: u8 = 0xa0;
pub(super) const CONTEXT_1: u8 = 0xa1;
const CONSTRUCTED: u8 = 0x20;
const LONG_TAG: u8 = 0x1f;
const END: [u8; 2] = [0, 0];
const CUT_SHORT: Malformed = Malformed("it is cut short");
/// A signature has five such elements in each other.
const DEPTH: u8 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_short_long_or_streamed() {
        for (bytes, body, rest) in [
            (&[0x04, 2, 7, 8, 9][..], &[7, 8][..], 1),
            (&[0x04, 0x81, 1, 7], &[7], 0),
            (&[0x04, 0x83, 0, 0, 1, 7, 7], &[7], 1),
            (&[0x30, 0x80, 0x04, 1, 7, 0, 0, 9], &[0x04, 1, 7], 1),
            (&[0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0], &[0x30, 0x80, 0, 0], 0),
        ] {
            let (element, left) = split(bytes, DEPTH).unwrap();
            assert_eq!((element.body, left.len()), (body, rest), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_cut_short_is_an_error_and_no_panic() {
        let whole = [0x30, 0x80, 0x30, 0x81, 4, 0x04, 2, 7, 8, 0, 0];
        assert!(split(&whole, DEPTH).is_ok());
        for end in 0..whole.len() {
            assert!(split(&whole[..end], DEPTH).is_err(), "{end}");
        }
        for bytes in [&[0x04, 0x80, 0, 0][..], &[0x1f, 1, 0], &[0x04, 0x85, 0, 0, 0, 0, 0], &[0x04, 0xff]] {
            assert!(split(bytes, DEPTH).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn nothing_nests_without_a_bound() {
        let nested = |depth: usize| [[0x30, 0x80].repeat(depth), [0, 0].repeat(depth)].concat();
        assert!(split(&nested(usize::from(DEPTH)), DEPTH).is_ok());
        assert_eq!(split(&nested(50_000), DEPTH), Err(Malformed("too deep")));
    }

    proptest! {
        #[test]
        fn an_element_lies_within_its_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok((element, rest)) = split(&bytes, DEPTH) {
                prop_assert_eq!(element.whole.len() + rest.len(), bytes.len());
                prop_assert!(element.body.len() + 2 <= element.whole.len());
                let _ = element.octets();
            }
        }
    }
}
