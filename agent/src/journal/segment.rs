//! A segment: a file of frames that begins with who speaks, and says after each batch that it was accepted.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::frame::{self, Content, Frame, Piece};
use crate::finding::wire::record::{Hash, Id};

/// The name of a segment's file: `0000000012-0.seg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    pub number: u64,
    /// How often it was written anew with fewer records.
    pub generation: u32,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:010}-{}.seg", self.number, self.generation))
    }
}

impl FromStr for Name {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (number, generation) =
            text.strip_suffix(".seg").and_then(|stem| stem.split_once('-')).ok_or(())?;
        let number = number.parse().map_err(|_| ())?;
        let name = Self { number, generation: generation.parse().map_err(|_| ())? };
        // Only what we would write ourselves: `+1-0.seg` is somebody else's.
        let is_ours = name.to_string() == text && number <= MAX_NUMBER && name.generation <= MAX_GENERATION;
        if is_ours { Ok(name) } else { Err(()) }
    }
}

/// What stands at the head of a segment: all that must be known if everything before it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) agent: Id,
    pub(super) epoch: Id,
    /// The seq of its first record; all before it have been accepted.
    pub(super) first: u64,
    /// The hash of the record before.
    pub(super) prev: Hash,
    /// When it was begun, in milliseconds since 1970.
    pub(super) time: i64,
    pub(super) dropped: u64,
    pub(super) gaps: u64,
    /// Which machine this was, as far as it was known.
    pub(super) machine: Machine,
}

/// By what a copy of a machine is told from the machine itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Machine {
    /// The EC2 instance id.
    pub instance: Option<String>,
    /// machine-id(5).
    pub id: Option<String>,
}

impl Machine {
    /// Whether what was known then and what is known now cannot be the same machine.
    pub fn differs_from(&self, before: &Self) -> bool {
        match (&self.instance, &before.instance) {
            (Some(now), Some(then)) => now != then,
            // Where the instance is not known, a copy is told by its machine-id, if whoever copied it changed that.
            _ => matches!((&self.id, &before.id), (Some(now), Some(then)) if now != then),
        }
    }

    /// What is known now, and what was known before where that is not.
    pub(super) fn or(self, before: &Self) -> Self {
        Self {
            instance: self.instance.or_else(|| before.instance.clone()),
            id: self.id.or_else(|| before.id.clone()),
        }
    }
}

impl Header {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(self.agent.as_bytes());
        bytes.extend_from_slice(self.epoch.as_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.prev.0);
        bytes.extend_from_slice(&self.time.to_le_bytes());
        bytes.extend_from_slice(&self.dropped.to_le_bytes());
        bytes.extend_from_slice(&self.gaps.to_le_bytes());
        for text in [&self.machine.instance, &self.machine.id] {
            let text = text.as_deref().unwrap_or_default();
            let text = text.get(..MAX_TEXT.min(text.len())).unwrap_or_default();
            bytes.push(u8::try_from(text.len()).unwrap_or(0));
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        if take::<1>(&mut rest)? != [VERSION] {
            return None;
        }
        Some(Self {
            agent: Id::new(take(&mut rest)?),
            epoch: Id::new(take(&mut rest)?),
            first: u64::from_le_bytes(take(&mut rest)?),
            prev: Hash(take(&mut rest)?),
            time: i64::from_le_bytes(take(&mut rest)?),
            dropped: u64::from_le_bytes(take(&mut rest)?),
            gaps: u64::from_le_bytes(take(&mut rest)?),
            machine: Machine { instance: text(&mut rest)?, id: text(&mut rest)? },
        })
        .filter(|header| (1..=MAX_SEQ).contains(&header.first))
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn text(rest: &mut &[u8]) -> Option<Option<String>> {
    let [length] = take::<1>(rest)?;
    let (text, tail) = rest.split_at_checked(usize::from(length))?;
    *rest = tail;
    let text = std::str::from_utf8(text).ok()?;
    Some((!text.is_empty()).then(|| text.to_owned()))
}

/// A segment as it was found.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) header: Option<Header>,
    /// In the order of the file.
    pub(super) records: Vec<Frame>,
    /// The last marker: up to which seq everything was accepted, and the hash of that record.
    pub(super) marker: Option<(u64, Hash)>,
    /// Whether nothing stands behind the last marker (or the header, where there is none yet).
    pub(super) ends_well: bool,
    pub(super) damage: Vec<Range<usize>>,
}

impl Contents {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut contents = Self::default();
        for piece in frame::pieces(bytes) {
            contents.ends_well = false;
            match piece {
                Piece::Damage(span) => contents.damage.push(span),
                Piece::Frame(frame) => contents.add(frame, bytes),
            }
        }
        contents
    }

    fn add(&mut self, frame: Frame, bytes: &[u8]) {
        let payload = &bytes[frame.payload()];
        match frame.content {
            Content::Record(..) | Content::Marker if frame.seq > MAX_SEQ => self.damage.push(frame.span),
            Content::Record(..) => self.records.push(frame),
            Content::Header => {
                self.header = self.header.take().or_else(|| Header::parse(payload));
                self.ends_well = self.header.is_some();
            }
            Content::Marker => {
                let hash = payload.try_into().map(Hash);
                if let (Ok(hash), true) = (hash, self.marker.is_none_or(|(seq, _)| seq <= frame.seq)) {
                    self.marker = Some((frame.seq, hash));
                    self.ends_well = true;
                }
            }
        }
    }
}

const VERSION: u8 = 1;
/// A larger number is a forgery, and the next one after it must still have a name.
pub(super) const MAX_NUMBER: u64 = u64::MAX / 2;
/// Each rewrite takes a whole severity out, and what is left once more at most.
const MAX_GENERATION: u32 = 1000;
/// JSON's readers lose digits beyond this, and a thousand records a second do not come to it in 280,000 years.
pub(super) const MAX_SEQ: u64 = 1 << 53;
/// An instance id has 19 characters and a machine-id 32.
const MAX_TEXT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header() -> Header {
        Header {
            agent: Id::new([1; 8]),
            epoch: Id::new([2; 8]),
            first: 3,
            prev: Hash::of(b"x"),
            time: -4,
            dropped: 5,
            gaps: 6,
            machine: Machine { instance: Some("i-0123456789abcdef0".into()), id: None },
        }
    }

    #[test]
    fn a_header_is_read_back() {
        assert_eq!(Header::parse(&header().to_bytes()), Some(header()));
    }

    #[test]
    fn only_our_own_names_are_names() {
        assert_eq!("0000000012-3.seg".parse(), Ok(Name { number: 12, generation: 3 }));
        for name in ["12-3.seg", "0000000012-03.seg", "+000000012-3.seg", "0000000012.seg", "a-b.seg", "lock"]
        {
            assert_eq!(name.parse::<Name>(), Err(()), "{name}");
        }
    }

    #[test]
    fn a_machine_is_another_when_what_is_known_of_both_differs() {
        let machine = |instance: &str, id: &str| Machine {
            instance: (!instance.is_empty()).then(|| instance.to_owned()),
            id: (!id.is_empty()).then(|| id.to_owned()),
        };
        let was = machine("i-1", "m-1");
        assert!(machine("i-2", "m-1").differs_from(&was));
        assert!(!machine("i-1", "m-2").differs_from(&was), "the instance goes before the machine-id");
        assert!(!machine("", "m-1").differs_from(&was), "the metadata may be out of reach today");
        assert!(machine("", "m-2").differs_from(&was));
        assert!(
            !machine("i-2", "m-1").differs_from(&machine("", "m-1")),
            "the instance was not known before"
        );
        assert!(!machine("", "").differs_from(&was));
    }

    proptest! {
        #[test]
        fn no_header_panics(bytes in proptest::collection::vec(any::<u8>(), 0..150), cut in 0usize..150) {
            let _ = Header::parse(&bytes);
            let whole = header().to_bytes();
            let _ = Header::parse(&whole[..cut.min(whole.len())]);
        }
    }
}
