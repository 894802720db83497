//! What a line is: a record, the beginning of one, a shipper's note, metrics, or nothing of ours.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::finding::wire::cut::Cut;
use crate::finding::wire::note::Note;
use crate::finding::wire::record::{self, Id, MAX_LINE, Record};

#[derive(Debug)]
pub(super) enum Line<'l> {
    Record(Record<'l>),
    Cut(Cut),
    Note(Note),
    /// An event for CloudWatch's metrics, which stands beside the heartbeats.
    Metrics,
}

impl Line<'_> {
    /// The agent and the epoch that it is of.
    pub(super) fn whose(&self) -> Option<(Id, Id)> {
        match self {
            Self::Record(record) => Some((record.agent, record.epoch)),
            Self::Cut(cut) => Some((cut.agent, cut.epoch)),
            Self::Note(note) => Some((note.agent, note.epoch)),
            Self::Metrics => None,
        }
    }

    /// The records that it is about.
    pub(super) fn seqs(&self) -> (u64, u64) {
        match self {
            Self::Record(record) => (record.seq, record.seq),
            Self::Cut(cut) => (cut.seq, cut.seq),
            Self::Note(note) => (note.run.from, note.run.to),
            Self::Metrics => (0, 0),
        }
    }
}

pub(super) fn read(line: &[u8]) -> Result<Line<'_>, &'static str> {
    if line.len() > MAX_LINE {
        return Err(TOO_LONG);
    }
    if std::str::from_utf8(line).is_err() {
        return Err("not a record: not UTF-8");
    }
    if line.iter().any(u8::is_ascii_control) {
        return Err("not a record: a control byte stands in it");
    }
    match record::parse(line) {
        Ok(record) => Ok(Line::Record(record)),
        Err(why) => something_else(line).unwrap_or(Err(why.0)),
    }
}

/// What stands among records and is none; `None` if it is nothing of that kind.
fn something_else(line: &[u8]) -> Option<Result<Line<'_>, &'static str>> {
    if let Some(note) = Note::parse(line).map_err(|why| why.0).transpose() {
        return Some(note.and_then(counted).map(Line::Note));
    }
    if let Some(cut) = Cut::parse(line).map_err(|why| why.0).transpose() {
        return Some(cut.map(Line::Cut));
    }
    is_metrics(line).then_some(Ok(Line::Metrics))
}

/// A note counts what it gives up, one by one.
fn counted(note: Note) -> Result<Note, &'static str> {
    let counted = note.lost.iter().try_fold(0u64, |sum, lost| sum.checked_add(lost.count));
    match counted == Some(note.run.to - note.run.from + 1) {
        true => Ok(note),
        false => Err("a shipper's note that counts otherwise than its run is long"),
    }
}

fn is_metrics(line: &[u8]) -> bool {
    let said: Result<HashMap<String, &RawValue>, _> = serde_json::from_slice(line);
    said.is_ok_and(|said| said.contains_key("_aws") && !said.contains_key("v"))
}

pub(super) const TOO_LONG: &str = "not a record: longer than any";
