//! A shipper's note: what a destination did not take, told at that destination in the records' place.
//!
//! It looks like a gap record without a place in the chain: `seq` and `prev` are null, for only the sensor gives those.
//! Whoever verifies finds in it which records are missing, the hash of the last of them, from which the chain goes on,
//! and a digest over the hashes of all of them: whoever keeps one hash a record, as a verifier does, can look after it when
//! the records turn up elsewhere, in any order. The same records make the same bytes.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::gap::{Cause, Lost, Run};
use super::record::{Hash, Id, Malformed, Record};
use crate::finding::Severity;

/// Records of one agent and epoch that follow each other, summed up one by one.
#[derive(Debug, Clone)]
pub struct Summing {
    cause: Cause,
    whose: (Id, Id),
    instance: Option<String>,
    run: Run,
    times: (String, String),
    lost: Vec<Lost>,
    head: Hash,
    digest: Sha256,
}

impl Summing {
    /// With the first record, its severity, and its line.
    pub fn new(cause: Cause, record: &Record<'_>, severity: Severity, line: &[u8]) -> Self {
        let mut note = Self {
            cause,
            whose: (record.agent, record.epoch),
            instance: record.instance.clone(),
            run: Run { from: record.seq, to: record.seq, before: Some(record.prev) },
            times: (record.time.to_owned(), record.time.to_owned()),
            lost: Vec::new(),
            head: Hash::NONE,
            digest: Sha256::new(),
        };
        note.count(record, severity, line);
        note
    }

    /// Takes the next record; the answer is false, and nothing changed, if it does not follow the one before.
    pub fn push(&mut self, record: &Record<'_>, severity: Severity, line: &[u8]) -> bool {
        let follows =
            self.whose == (record.agent, record.epoch) && self.run.to.checked_add(1) == Some(record.seq);
        if follows {
            self.run.to = record.seq;
            self.times.1 = record.time.to_owned();
            self.count(record, severity, line);
        }
        follows
    }

    pub fn run(&self) -> Run {
        self.run
    }

    fn count(&mut self, record: &Record<'_>, severity: Severity, line: &[u8]) {
        let (kind, severity) = (Some(record.kind), Some(severity));
        match self.lost.iter_mut().find(|lost| lost.kind == kind && lost.severity == severity) {
            Some(lost) => lost.count += 1,
            None => self.lost.push(Lost { kind, severity, count: 1 }),
        }
        self.head = Hash::of(line);
        self.digest.update(self.head.0);
    }

    /// The line, without the newline. Its time is that of the last record in it.
    pub fn to_line(&self) -> String {
        let written = Written {
            v: 1,
            agent: self.whose.0.to_string(),
            epoch: self.whose.1.to_string(),
            seq: None,
            prev: None,
            time: self.times.1.clone(),
            instance: self.instance.clone(),
            kind: KIND.to_owned(),
            body: Body {
                cause: self.cause,
                lost: self.lost.clone(),
                runs: vec![self.run],
                first: self.times.0.clone(),
                last: self.times.1.clone(),
                head: self.head,
                sha256: Hash(self.digest.clone().finalize().into()),
            },
        };
        serde_json::to_string(&written).unwrap_or_default()
    }
}

/// A note read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub agent: Id,
    pub epoch: Id,
    pub cause: Cause,
    pub lost: Vec<Lost>,
    pub run: Run,
    /// The hash of the last record in the run.
    pub head: Hash,
    /// SHA-256 over the hashes of the lines, 32 bytes each, one behind the other.
    pub sha256: Hash,
    /// What the first and the last record say of their time, in milliseconds of Unix time.
    pub times: (Option<i64>, Option<i64>),
}

impl Note {
    /// From a line; `Ok(None)` if it is something else than a note.
    pub fn parse(line: &[u8]) -> Result<Option<Self>, Malformed> {
        if line.len() > MAX_LINE || !is_one(line) {
            return Ok(None);
        }
        let read: Written = serde_json::from_slice(line).map_err(|_| MALFORMED)?;
        let [run] = read.body.runs[..] else { return Err(MALFORMED) };
        if read.v != 1 || read.seq.is_some() || read.prev.is_some() {
            return Err(MALFORMED);
        }
        Ok(Some(Self {
            agent: read.agent.parse()?,
            epoch: read.epoch.parse()?,
            cause: read.body.cause,
            lost: read.body.lost,
            run,
            head: read.body.head,
            sha256: read.body.sha256,
            times: (millis(&read.body.first), millis(&read.body.last)),
        }))
    }
}

fn millis(time: &str) -> Option<i64> {
    time.parse().ok().map(jiff::Timestamp::as_millisecond)
}

/// Whether somebody meant it to be a note: whatever else is wrong with it.
fn is_one(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow)]
        kind: Option<&'a str>,
        #[serde(default, borrow)]
        seq: Option<&'a serde_json::value::RawValue>,
    }
    // An array has no names, and serde would take it for one by its order.
    line.starts_with(b"{")
        && serde_json::from_slice::<Kind<'_>>(line)
            .is_ok_and(|read| read.kind == Some(KIND) && read.seq.is_none())
}

#[derive(Serialize, Deserialize)]
struct Written {
    v: u8,
    agent: String,
    epoch: String,
    seq: Option<u64>,
    prev: Option<Hash>,
    time: String,
    instance: Option<String>,
    kind: String,
    body: Body,
}

#[derive(Serialize, Deserialize)]
struct Body {
    cause: Cause,
    lost: Vec<Lost>,
    runs: Vec<Run>,
    first: String,
    last: String,
    head: Hash,
    sha256: Hash,
}

const KIND: &str = "gap";
const MALFORMED: Malformed = Malformed("a shipper's note that cannot be read");
/// A kind and a severity have few combinations, and everything else one line.
const MAX_LINE: usize = 16 * 1024;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests {
    use super::super::record::{self, Kind, Speaker};
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn lines(count: u64) -> Vec<Vec<u8>> {
        let speaker = Speaker {
            agent: Id::new([1; 8]),
            epoch: Id::new([2; 8]),
            boot: "0badcafe".into(),
            instance: None,
            account: None,
            region: None,
        };
        let mut prev = Hash::NONE;
        (1..=count)
            .map(|seq| {
                let line =
                    record::line(&speaker, seq, &prev, Timestamp::UNIX_EPOCH, Kind::Finding, "{}").unwrap();
                prev = Hash::of(&line);
                line
            })
            .collect()
    }

    #[test]
    fn a_note_says_which_records_and_from_what_the_chain_goes_on() {
        let lines = lines(5);
        let parsed = |at: usize| record::parse(&lines[at]).unwrap();
        let mut note = Summing::new(Cause::TooOld, &parsed(1), Severity::Low, &lines[1]);
        assert!(note.push(&parsed(2), Severity::Low, &lines[2]));
        assert!(!note.push(&parsed(4), Severity::Low, &lines[4]), "seq 4 is not in it");
        let line = note.to_line();
        assert_eq!(line, note.to_line());
        let read = Note::parse(line.as_bytes()).unwrap().unwrap();
        assert_eq!(read.run, Run { from: 2, to: 3, before: Some(Hash::of(&lines[0])) });
        assert_eq!(read.head, parsed(3).prev);
        assert_eq!(read.lost, [Lost { kind: Some(Kind::Finding), severity: Some(Severity::Low), count: 2 }]);
        let hashes = [Hash::of(&lines[1]).0, Hash::of(&lines[2]).0].concat();
        assert_eq!(read.sha256, Hash::of(&hashes));
        assert_eq!(read.times, (Some(0), Some(0)));
        assert!(record::parse(line.as_bytes()).is_err(), "it is no record");
    }

    #[test]
    fn a_record_is_no_note() {
        assert_eq!(Note::parse(&lines(1)[0]), Ok(None));
        assert_eq!(Note::parse(b"{}"), Ok(None));
        assert!(Note::parse(br#"{"kind":"gap","seq":null,"body":3}"#).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..400, with in any::<u8>()) {
            let _ = Note::parse(&bytes);
            let line = lines(1).remove(0);
            let mut note = Summing::new(Cause::Refused, &record::parse(&line).unwrap(), Severity::High, &line).to_line().into_bytes();
            let at = at % note.len();
            note[at] = with;
            let _ = Note::parse(&note);
        }
    }
}
