//! A record that a destination took only the beginning of: its place in the chain, and the hash of the whole.
//!
//! The chain holds over it, for the hash is what the next record names; what the rest of it said is not here.

use serde::Deserialize;

use super::record::{Hash, Id, Kind, MAX_LINE, Malformed};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    pub agent: Id,
    pub epoch: Id,
    pub seq: u64,
    pub prev: Hash,
    /// Milliseconds of Unix time, if it is one.
    pub time: Option<i64>,
    pub kind: Kind,
    /// How many bytes the whole line had.
    pub truncated_from: u64,
    /// The hash of the whole line.
    pub sha256: Hash,
}

impl Cut {
    /// From a line; `Ok(None)` if it is something else.
    pub fn parse(line: &[u8]) -> Result<Option<Self>, Malformed> {
        if line.len() > MAX_LINE || !is_one(line) {
            return Ok(None);
        }
        let read: Written = serde_json::from_slice(line).map_err(|_| MALFORMED)?;
        if read.v != 1
            || read.seq == 0
            || u64::try_from(read.text.len()).is_ok_and(|is| is >= read.truncated_from)
        {
            return Err(MALFORMED);
        }
        let kind = Kind::from_name(&read.kind).ok_or(MALFORMED)?;
        if kind.is_about_the_journal() {
            return Err(NEVER_SO_LONG);
        }
        Ok(Some(Self {
            agent: read.agent,
            epoch: read.epoch,
            seq: read.seq,
            prev: read.prev,
            time: read.time.parse().ok().map(jiff::Timestamp::as_millisecond),
            kind,
            truncated_from: read.truncated_from,
            sha256: read.sha256,
        }))
    }
}

/// Whether somebody meant it to be one: whatever else is wrong with it.
fn is_one(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Said<'a> {
        #[serde(default, borrow)]
        truncated_from: Option<&'a serde_json::value::RawValue>,
    }
    serde_json::from_slice::<Said<'_>>(line).is_ok_and(|said| said.truncated_from.is_some())
}

#[derive(Deserialize)]
struct Written {
    v: u64,
    agent: Id,
    epoch: Id,
    seq: u64,
    prev: Hash,
    time: String,
    kind: String,
    truncated_from: u64,
    sha256: Hash,
    text: String,
}

const MALFORMED: Malformed = Malformed("a cut record that cannot be read");
/// Whoever hides a gap or a seal would say so.
const NEVER_SO_LONG: Malformed = Malformed("a cut record of a kind that is never so long");

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests {
    use super::*;

    fn line(seq: u64, kind: &str, from: u64) -> String {
        let hash = Hash::NONE;
        format!(
            r#"{{"v":1,"agent":"0101010101010101","epoch":"0202020202020202","seq":{seq},"prev":"{hash}","time":"1970-01-01T00:00:01Z","kind":"{kind}","truncated_from":{from},"sha256":"{hash}","text":"abc"}}"#
        )
    }

    #[test]
    fn a_cut_record_is_known_by_the_hash_of_the_whole() {
        let cut = Cut::parse(line(7, "finding", 300_000).as_bytes()).unwrap().unwrap();
        assert_eq!((cut.seq, cut.sha256, cut.truncated_from, cut.time), (7, Hash::NONE, 300_000, Some(1000)));
        assert_eq!(Cut::parse(br#"{"v":1,"seq":1}"#), Ok(None));
        assert_eq!(Cut::parse(b"[1]"), Ok(None));
    }

    #[test]
    fn nobody_cuts_what_is_never_so_long() {
        for (seq, kind, from) in [
            (7, "gap", 300_000),
            (7, "checkpoint", 300_000),
            (7, "x", 9),
            (0, "finding", 9),
            (7, "finding", 3),
        ] {
            assert!(Cut::parse(line(seq, kind, from).as_bytes()).is_err(), "{seq} {kind} {from}");
        }
    }
}
