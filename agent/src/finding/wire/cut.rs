//! A record that a destination took only the beginning of: its place in the chain, and the hash of the whole.
//!
//! The chain holds over it, for the hash is what the next record names; what the rest of it said is not here. The
//! journal's own bound is a quarter of what CloudWatch Logs takes, so that no record of this version is ever cut; the
//! rule is here for the day when one of the two numbers changes.

use serde::{Deserialize, Serialize};

use super::record::{Hash, Id, Kind, MAX_LINE, Malformed, Record};

/// A line of at most `limit` bytes in place of a longer one. The text ends at a character boundary.
pub fn cut(record: &Record<'_>, line: &[u8], limit: usize) -> String {
    let whole = String::from_utf8_lossy(line);
    let mut written = Written {
        v: 1,
        agent: record.agent,
        epoch: record.epoch,
        seq: record.seq,
        prev: record.prev,
        time: record.time.to_owned(),
        kind: record.kind.name().to_owned(),
        truncated_from: line.len() as u64,
        sha256: Hash::of(line),
        text: String::new(),
    };
    let empty = to_json(&written).len();
    let mut room = limit.saturating_sub(empty);
    for c in whole.chars() {
        // As JSON writes it: what is escaped takes more.
        let size = serde_json::to_string(&c).map_or(8, |text| text.len() - 2);
        if size > room {
            break;
        }
        room -= size;
        written.text.push(c);
    }
    to_json(&written)
}

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
    // An array has no names, and serde would take it for one by its order.
    line.starts_with(b"{")
        && serde_json::from_slice::<Said<'_>>(line).is_ok_and(|said| said.truncated_from.is_some())
}

fn to_json(written: &Written) -> String {
    serde_json::to_string(written).unwrap_or_default()
}

#[derive(Serialize, Deserialize)]
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
    use super::super::record::{self, Speaker};
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn what_is_cut_fits_and_says_from_what(text in "[a\"\\\\é漢🦀\u{1}]{0,300}", limit in 400usize..700) {
            let speaker = Speaker {
                agent: Id::new([1; 8]), epoch: Id::new([2; 8]), boot: "0badcafe".into(),
                instance: None, account: None, region: None,
            };
            let body = serde_json::json!({"text": text}).to_string();
            let line = record::line(&speaker, 3, &Hash::NONE, jiff::Timestamp::UNIX_EPOCH, Kind::Drift, &body).unwrap();
            let short = cut(&record::parse(&line).unwrap(), &line, limit);
            prop_assert!(short.len() <= limit, "{} of {limit}", short.len());
            let read: Written = serde_json::from_str(&short).unwrap();
            prop_assert!(std::str::from_utf8(&line).unwrap().starts_with(&read.text));
            prop_assert_eq!((read.truncated_from, read.sha256), (line.len() as u64, Hash::of(&line)));
        }
    }
}
