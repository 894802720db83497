//! What the journal says about itself, read back: what a gap gave up, and where an epoch came from.

use serde::Deserialize;

use super::record::{Hash, Id, Kind, Malformed};
use crate::finding::Severity;

/// A gap's body: what is lost, and which numbers will not be found any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// One plain word: `journal-full`, `damaged`, `disk`, `oversize`, `overload`, or what a later version knows.
    pub cause: String,
    pub lost: Vec<Lost>,
    pub runs: Vec<Run>,
}

/// So many records of a kind; none where it cannot be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    pub kind: Option<Kind>,
    pub severity: Option<Severity>,
    pub count: u64,
}

/// Numbers that are gone, both ends included, and the hash of the record before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub from: u64,
    pub to: u64,
    pub before: Option<Hash>,
}

impl Gap {
    /// From a gap's body.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        let read: ReadGap = serde_json::from_str(body).map_err(|_| NOT_A_GAP)?;
        let is_plain = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        if read.cause.is_empty() || read.cause.len() > LONGEST_WORD || !is_plain(&read.cause) {
            return Err(NOT_A_GAP);
        }
        let lost = read.lost.into_iter().map(ReadLost::parse).collect::<Result<_, _>>()?;
        let runs = read.runs.into_iter().map(parse_run).collect::<Result<_, _>>()?;
        Ok(Self { cause: read.cause, lost, runs })
    }

    /// How many records it says are lost, of every kind.
    pub fn total(&self) -> u64 {
        self.lost.iter().fold(0, |sum, lost| sum.saturating_add(lost.count))
    }
}

#[derive(Deserialize)]
struct ReadGap {
    cause: String,
    #[serde(default)]
    lost: Vec<ReadLost>,
    #[serde(default)]
    runs: Vec<(u64, u64, Option<String>)>,
}

#[derive(Deserialize)]
struct ReadLost {
    kind: Option<String>,
    severity: Option<String>,
    count: u64,
}

impl ReadLost {
    fn parse(self) -> Result<Lost, Malformed> {
        let kind = self.kind.map(|name| Kind::from_name(&name).ok_or(NOT_A_GAP)).transpose()?;
        let severity = self.severity.map(|name| Severity::from_name(&name).ok_or(NOT_A_GAP)).transpose()?;
        Ok(Lost { kind, severity, count: self.count })
    }
}

fn parse_run((from, to, before): (u64, u64, Option<String>)) -> Result<Run, Malformed> {
    if from == 0 || to < from {
        return Err(NOT_A_GAP);
    }
    let before = before.map(|text| text.parse()).transpose()?;
    Ok(Run { from, to, before })
}

/// What a lifecycle record says that the proof needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// The first record of an epoch, and the epoch before it.
    Epoch {
        from: Option<(Id, Id)>,
    },
    /// The sensor started or stopped: a silence here has its reason.
    StartOrStop,
    KeyLost,
    Other,
}

impl Lifecycle {
    /// From a lifecycle's body.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        let read: ReadLifecycle<'_> = serde_json::from_str(body).map_err(|_| NOT_A_LIFECYCLE)?;
        Ok(match read.event {
            "epoch" => {
                let from =
                    read.from.map(|from| Ok((from.agent.parse()?, from.epoch.parse()?))).transpose()?;
                Self::Epoch { from }
            }
            "start" | "stop" => Self::StartOrStop,
            "key-lost" => Self::KeyLost,
            _ => Self::Other,
        })
    }
}

#[derive(Deserialize)]
struct ReadLifecycle<'a> {
    event: &'a str,
    #[serde(borrow, default, deserialize_with = "origin")]
    from: Option<ReadOrigin<'a>>,
}

#[derive(Deserialize)]
struct ReadOrigin<'a> {
    agent: &'a str,
    epoch: &'a str,
}

/// Another event's `from` may be anything.
fn origin<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<ReadOrigin<'de>>, D::Error> {
    let raw = <&serde_json::value::RawValue>::deserialize(from)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

const NOT_A_GAP: Malformed = Malformed("a gap that cannot be read");
const NOT_A_LIFECYCLE: Malformed = Malformed("a lifecycle record that cannot be read");
/// A word, not a text: it is shown, and kept for each gap.
const LONGEST_WORD: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_read_back() {
        let hash = Hash::of(b"before");
        let body = format!(
            r#"{{"cause":"journal-full","lost":[{{"kind":"finding","severity":"low","count":3}},{{"kind":null,"severity":null,"count":2}}],"runs":[[4,6,"{hash}"],[9,9,null]],"bytes":12,"places":["a"]}}"#
        );
        let gap = Gap::parse(&body).unwrap();
        assert_eq!((gap.cause.as_str(), gap.total()), ("journal-full", 5));
        assert_eq!(gap.lost[0], Lost { kind: Some(Kind::Finding), severity: Some(Severity::Low), count: 3 });
        assert_eq!(gap.runs[0], Run { from: 4, to: 6, before: Some(hash) });
        assert_eq!(gap.runs[1], Run { from: 9, to: 9, before: None });
        assert!(Gap::parse(r#"{"cause":"overload","lost":[]}"#).unwrap().runs.is_empty());
    }

    #[test]
    fn a_gap_that_makes_no_sense_is_refused() {
        for body in [
            r"{}",
            r#"{"cause":""}"#,
            r#"{"cause":"a b"}"#,
            r#"{"cause":"disk","runs":[[0,4,null]]}"#,
            r#"{"cause":"disk","runs":[[5,4,null]]}"#,
            r#"{"cause":"disk","runs":[[5,6,"x"]]}"#,
            r#"{"cause":"disk","lost":[{"kind":"what","severity":null,"count":1}]}"#,
            r#"{"cause":"disk","lost":[{"kind":null,"severity":null,"count":-1}]}"#,
        ] {
            assert!(Gap::parse(body).is_err(), "{body}");
        }
    }

    #[test]
    fn an_epoch_says_where_it_came_from() {
        let ids = (Id::new([1; 8]), Id::new([2; 8]));
        let body = format!(
            r#"{{"event":"epoch","from":{{"agent":"{}","epoch":"{}","instance":null}},"cause":"other-instance"}}"#,
            ids.0, ids.1
        );
        assert_eq!(Lifecycle::parse(&body), Ok(Lifecycle::Epoch { from: Some(ids) }));
        for body in [r#"{"event":"epoch","from":null,"cause":"first-start"}"#, r#"{"event":"epoch"}"#] {
            assert_eq!(Lifecycle::parse(body), Ok(Lifecycle::Epoch { from: None }));
        }
        assert_eq!(Lifecycle::parse(r#"{"event":"stop","from":3}"#), Ok(Lifecycle::StartOrStop));
        assert!(Lifecycle::parse(r#"{"even":"stop"}"#).is_err());
    }
}
