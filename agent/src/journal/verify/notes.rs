//! What the shippers say of records that a destination did not take, held against what is here.
//!
//! A note has no seal and no place in the chain: it explains why records are missing, and everything that it says of those
//! that are here has to be true. It may come twice, and after a crash another may sum up a shorter or a longer run.

use std::collections::HashMap;

use super::chain::Gaps;
use super::gathered::{Fact, Gathered};
use super::report::Told;
use super::{Judged, Loss, ProblemKind, Where};
use crate::finding::wire::gap::Run;
use crate::finding::wire::note::Note;
use crate::finding::wire::record::{Hash, Kind};

/// An epoch's notes, each once, by their runs.
#[derive(Debug)]
pub(super) struct Notes<'g> {
    all: Vec<&'g (Note, Where)>,
    pub(super) copies: u64,
    /// The numbers that they name, joined and in order.
    pub(super) runs: Vec<(u64, u64)>,
    /// Where the last run begins in which a gap is among what was not taken.
    last_with_a_gap: u64,
}

pub(super) fn notes(gathered: &Gathered) -> Notes<'_> {
    let mut all: Vec<&(Note, Where)> = gathered.notes.iter().collect();
    let taken = all.len();
    all.sort_by_key(|(note, _)| (note.run.from, note.run.to, note.sha256.0));
    all.dedup_by(|(next, _), (kept, _)| next == kept);
    let copies = u64::try_from(taken - all.len()).unwrap_or(u64::MAX);
    let runs = joined(all.iter().map(|(note, _)| (note.run.from, note.run.to)).collect());
    let has_a_gap = |note: &Note| note.lost.iter().any(|lost| lost.kind == Some(Kind::Gap));
    let with_a_gap = all.iter().filter(|(note, _)| has_a_gap(note)).map(|(note, _)| note.run.from);
    Notes { last_with_a_gap: with_a_gap.max().unwrap_or(0), all, copies, runs }
}

/// Runs in order, with those that overlap or touch made one.
pub(super) fn joined(mut runs: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    runs.sort_unstable();
    runs.dedup_by(|next, kept| {
        let joins = next.0 <= kept.1.saturating_add(1);
        if joins {
            kept.1 = kept.1.max(next.1);
        }
        joins
    });
    runs
}

impl Notes<'_> {
    /// Whether a gap that tells why a record is missing may itself be among what was not taken: it came later.
    pub(super) fn may_tell_of(&self, seq: u64) -> bool {
        seq < self.last_with_a_gap
    }

    /// The last number that one of them names.
    pub(super) fn last(&self) -> u64 {
        self.runs.last().map_or(0, |(_, to)| *to)
    }

    /// Holds each against the records and against the others; the answer is the last record before the first that
    /// does not fit.
    pub(super) fn check(&self, main: &[Fact], gaps: &Gaps<'_>, judged: &mut Judged<'_>) -> u64 {
        let mut told = Hashes::default();
        // The gaps are the sensor's own and sealed: what they name goes before what notes do.
        for (name, run) in gaps.runs() {
            if let Some(before) = run.before {
                let by = name
                    .map_or_else(|| "the gap of a later epoch".to_owned(), |seq| format!("the gap {seq}"));
                told.0.insert(run.from - 1, (before, by));
            }
        }
        let mut digests = Digests { left: digests_affordable(main), seen: HashMap::new() };
        let mut holds_through = u64::MAX;
        for (note, place) in self.all.iter().copied() {
            let mut wrong = Vec::new();
            told.beginning(note, main, gaps, &mut wrong);
            told.end(note, main, gaps, &mut wrong);
            digests.check(note, main, &mut wrong);
            if !wrong.is_empty() {
                let Run { from, to, .. } = note.run;
                let text =
                    format!("the shipper's note of records {from} to {to} is not true: {}", wrong.join("; "));
                judged.problem(ProblemKind::Note, (from, to), *place, text);
                holds_through = holds_through.min(from - 1);
            }
        }
        holds_through
    }

    /// As they are told, without the numbers that somebody gave up on before.
    pub(super) fn told(&self, main: &[Fact]) -> (Vec<Told>, u64) {
        let told = |(note, _): &&(Note, Where)| Told {
            cause: note.cause.name(),
            from: note.run.from,
            to: note.run.to,
            times: note.times,
            lost: losses(note),
            digest: note.sha256,
            here: u64::try_from(within(main, note.run).len()).unwrap_or(u64::MAX),
        };
        let more = self.all.len().saturating_sub(MOST_TOLD);
        (self.all.iter().take(MOST_TOLD).map(told).collect(), u64::try_from(more).unwrap_or(u64::MAX))
    }
}

fn losses(note: &Note) -> Vec<Loss> {
    let cause = note.cause.name();
    let loss = |lost: &crate::finding::wire::gap::Lost| Loss {
        cause,
        kind: lost.kind,
        severity: lost.severity,
        count: lost.count,
    };
    note.lost.iter().map(loss).collect()
}

/// What gaps and notes say of the hash of a record that may be missing, and who says it.
#[derive(Debug, Default)]
struct Hashes(HashMap<u64, (Hash, String)>);

impl Hashes {
    fn beginning(&mut self, note: &Note, main: &[Fact], gaps: &Gaps<'_>, wrong: &mut Vec<String>) {
        let Run { from, before: Some(before), .. } = note.run else { return };
        let edge = from - 1;
        if fact(main, from).is_some_and(|first| first.prev != before) {
            wrong.push(format!(
                "record {from} is here, and not chained to what the note names before its run"
            ));
        }
        if edge == 0 {
            if before != Hash::NONE {
                wrong.push("it names a record before record 1".to_owned());
            }
        } else if fact(main, edge).is_some_and(|fact| fact.hash != before && !gaps.bridge(edge, &before)) {
            wrong.push(format!("record {edge} is not the one that it names before its run"));
        } else if !gaps.bridge(edge, &before) {
            self.compare(edge, before, note, wrong);
        }
    }

    fn end(&mut self, note: &Note, main: &[Fact], gaps: &Gaps<'_>, wrong: &mut Vec<String>) {
        let (to, head) = (note.run.to, note.head);
        let next = to.checked_add(1).and_then(|next| fact(main, next));
        if fact(main, to).is_some_and(|last| last.hash != head) {
            wrong.push(format!("record {to} is here, and not the one that it ends with"));
        } else if next.is_some_and(|next| next.prev != head && !gaps.bridge(to, &next.prev)) {
            wrong.push(format!("the chain does not go on from it with record {}", to + 1));
        }
        self.compare(to, head, note, wrong);
    }

    /// The first to name a hash is believed; notes come in the order of their runs.
    fn compare(&mut self, seq: u64, hash: Hash, note: &Note, wrong: &mut Vec<String>) {
        let by = || format!("the note of records {} to {}", note.run.from, note.run.to);
        let (known, who) = self.0.entry(seq).or_insert_with(|| (hash, by()));
        if *known != hash {
            wrong.push(format!("{who} names another record {seq}"));
        }
    }
}

/// The digests of notes whose records are all here, or were summed up before.
#[derive(Debug)]
struct Digests {
    left: usize,
    seen: HashMap<(u64, u64), Hash>,
}

impl Digests {
    fn check(&mut self, note: &Note, main: &[Fact], wrong: &mut Vec<String>) {
        let run = note.run;
        if *self.seen.entry((run.from, run.to)).or_insert(note.sha256) != note.sha256 {
            wrong.push("another note has another digest of the same records".to_owned());
        }
        let here = within(main, run);
        if u64::try_from(here.len()).is_ok_and(|count| count == run.to - run.from + 1) {
            match self.left.checked_sub(here.len()) {
                None => {
                    wrong.push("more notes name records that are here than any shipper writes".to_owned())
                }
                Some(left) => {
                    self.left = left;
                    if digest(here) != note.sha256 {
                        wrong.push("all of its records are here, and its digest is not theirs".to_owned());
                    }
                }
            }
        }
    }
}

fn digest(facts: &[Fact]) -> Hash {
    use sha2::Digest as _;
    let mut digest = sha2::Sha256::new();
    facts.iter().for_each(|fact| digest.update(fact.hash.0));
    Hash(digest.finalize().into())
}

/// Each record some times over: whoever sends notes by the thousand must not make the work grow with their product.
fn digests_affordable(main: &[Fact]) -> usize {
    main.len().saturating_mul(16)
}

fn fact(main: &[Fact], seq: u64) -> Option<&Fact> {
    main.binary_search_by_key(&seq, |fact| fact.seq).ok().map(|at| &main[at])
}

fn within(main: &[Fact], run: Run) -> &[Fact] {
    let start = main.partition_point(|fact| fact.seq < run.from);
    let end = main.partition_point(|fact| fact.seq <= run.to);
    &main[start..end]
}

/// Whoever needs more of them has the lines themselves.
const MOST_TOLD: usize = 1000;
