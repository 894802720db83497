//! The body of a `gap` record: what was lost or cannot be read any more, with its extent.

use serde::ser::{SerializeTuple as _, Serializer};
use serde::{Deserialize, Serialize};

use super::finding::Malformed;
use super::words::Told;
use crate::finding::Severity;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    pub cause: GapCause,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Lost>,
    /// Runs of records that had a place in the chain and will not be found there any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Where bytes were damaged: `0000000003-0.seg:1234+56`.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "some_places")]
    pub places: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapCause {
    JournalFull,
    Damaged,
    Disk,
    Oversize,
    Overload,
}

/// How many of one kind; what cannot be known any more is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    pub kind: Option<&'static str>,
    pub severity: Option<Severity>,
    pub count: u64,
}

/// Records `from` to `to`, both included; `before` is the hash of the one before the first, where it is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "(u64, u64, Option<String>)")]
pub struct Run {
    pub from: u64,
    pub to: u64,
    pub before: Option<String>,
}

impl Gap {
    /// As many gaps as are needed for none to have more runs than a record may carry. What was lost is counted once.
    pub fn split(mut self) -> Vec<Self> {
        let runs = std::mem::take(&mut self.runs);
        let cause = self.cause;
        let mut parts = vec![self];
        for (index, runs) in runs.chunks(MAX_RUNS).enumerate() {
            if index > 0 {
                parts.push(Self {
                    cause,
                    lost: Vec::new(),
                    runs: Vec::new(),
                    bytes: None,
                    places: Vec::new(),
                });
            }
            parts[index].runs = runs.to_vec();
        }
        parts
    }

    /// For a gap that [`Gap::split`] gave.
    pub fn to_json(&self) -> String {
        debug_assert!(self.runs.len() <= MAX_RUNS, "a gap of {} runs was not split", self.runs.len());
        super::json(self)
    }

    /// The runs of a gap's body. One that ends before it begins is none, and so is one from 0.
    pub fn parse_runs(json: &str) -> Result<Vec<Run>, Malformed> {
        #[derive(Deserialize)]
        struct Runs {
            #[serde(default)]
            runs: Vec<Run>,
        }
        let Runs { runs } = serde_json::from_str(json).map_err(|error| Malformed(error.to_string()))?;
        match runs.iter().find(|run| run.from == 0 || run.to < run.from) {
            Some(run) => Err(Malformed(format!("no run of records goes from {} to {}", run.from, run.to))),
            None => Ok(runs),
        }
    }
}

impl Serialize for Run {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(3)?;
        tuple.serialize_element(&self.from)?;
        tuple.serialize_element(&self.to)?;
        tuple.serialize_element(&self.before)?;
        tuple.end()
    }
}

impl From<(u64, u64, Option<String>)> for Run {
    fn from((from, to, before): (u64, u64, Option<String>)) -> Self {
        Self { from, to, before }
    }
}

fn some_places<S: Serializer>(places: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(places.iter().take(MAX_PLACES).map(|place| Told::new(place)))
}

/// With their hashes some 45 KiB.
pub(super) const MAX_RUNS: usize = 500;
/// Enough to find the disk's bad spot; `bytes` has the sum.
const MAX_PLACES: usize = 50;
