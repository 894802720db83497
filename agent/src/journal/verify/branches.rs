//! Which records there are: copies put away, and of two histories the one that the rest is judged by.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::gathered::Fact;
use super::{Judged, ProblemKind};
use crate::finding::wire::record::Hash;

/// One record for each number.
#[derive(Debug)]
pub(super) struct Sorted {
    pub(super) main: Vec<Fact>,
    /// All different records, those of other branches too.
    pub(super) distinct: u64,
    pub(super) duplicates: u64,
    /// Of the one line, those of which only the beginning is here.
    pub(super) cut: u64,
}

pub(super) fn sort(mut facts: Vec<Fact>, judged: &mut Judged<'_>) -> Sorted {
    let taken = facts.len();
    if !facts.is_sorted_by_key(|fact| (fact.seq, fact.is_cut)) {
        // A stable sort: among records of one number, the first to arrive stays the first, and the whole one is kept.
        facts.sort_by_key(|fact| (fact.seq, fact.is_cut));
    }
    put_copies_away(&mut facts);
    let (distinct, duplicates) = (count(facts.len()), count(taken - facts.len()));
    let main = if has_twins(&facts) { choose(&facts, judged) } else { facts };
    let cut = count(main.iter().filter(|fact| fact.is_cut).count());
    Sorted { main, distinct, duplicates, cut }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn has_twins(facts: &[Fact]) -> bool {
    facts.windows(2).any(|pair| pair[0].seq == pair[1].seq)
}

fn put_copies_away(facts: &mut Vec<Fact>) {
    if !has_twins(facts) {
        return;
    }
    let mut keep = Vec::with_capacity(facts.len());
    for group in facts.chunk_by(|a, b| a.seq == b.seq) {
        if group.len() == 1 {
            keep.push(true);
        } else {
            let mut seen = HashSet::new();
            keep.extend(group.iter().map(|fact| seen.insert(fact.hash)));
        }
    }
    let mut keep = keep.into_iter();
    facts.retain(|_| keep.next().unwrap_or(true));
}

/// The line that holds together the longest, and a word on each other one.
fn choose(facts: &[Fact], judged: &mut Judged<'_>) -> Vec<Fact> {
    let lengths = lengths(facts);
    let mut main: Vec<Fact> = Vec::with_capacity(facts.len());
    // The records of the number before that were not chosen: what hangs on them is no new branch.
    let mut others = HashSet::new();
    let mut start = 0;
    for group in facts.chunk_by(|a, b| a.seq == b.seq) {
        let range = start..start + group.len();
        start = range.end;
        let head = main.last().filter(|head| head.seq + 1 == group[0].seq).map(|head| head.hash);
        let is_linked = |at: usize| head.is_some_and(|head| facts[at].prev == head);
        let earliest_last = range.clone().rev();
        let Some(best) = earliest_last.max_by_key(|&at| (is_linked(at), lengths[at])) else { continue };
        let before = std::mem::take(&mut others);
        for at in range.filter(|&at| at != best) {
            others.insert(facts[at].hash);
            if !before.contains(&facts[at].prev) {
                tell_branch(facts, &lengths, best, at, judged);
            }
        }
        main.push(facts[best]);
    }
    main
}

fn tell_branch(facts: &[Fact], lengths: &[u64], best: usize, at: usize, judged: &mut Judged<'_>) {
    let seq = facts[at].seq;
    // Within a number, records stand in the order of their arrival.
    let (first, later) = if at < best { (at, best) } else { (best, at) };
    let (first_length, later_length) = (lengths[first], lengths[later]);
    let goes_on_to = |length: u64| seq.saturating_add(length - 1);
    let to = goes_on_to(lengths[at]);
    let places = (facts[at].place, Some(facts[best].place));
    if first_length > 1 && later_length > 1 {
        let text = format!(
            "two histories go on from record {}: one for {first_length} records or more, the other for \
             {later_length}; the journal was put back (a restored snapshot), or somebody wrote it anew",
            seq - 1,
        );
        return judged.contradiction(ProblemKind::Rollback, (seq, to), places.0, places.1, text);
    }
    let text = if lengths[best] > 1 {
        format!(
            "two different records have the number {seq}; the chain goes on from the other one, so this one is a changed copy or a branch of one record"
        )
    } else {
        format!("two different records have the number {seq}, and nothing tells which one is true")
    };
    judged.contradiction(ProblemKind::Fork, (seq, to), places.0, places.1, text);
}

/// For each record, how many hang together from it on. Behind a hole anything may follow.
fn lengths(facts: &[Fact]) -> Vec<u64> {
    let mut lengths = vec![1; facts.len()];
    let mut next: Range<usize> = facts.len()..facts.len();
    while next.start > 0 {
        let end = next.start;
        let seq = facts[end - 1].seq;
        let start = facts[..end].iter().rposition(|fact| fact.seq != seq).map_or(0, |at| at + 1);
        let after = longest(facts, &lengths, next.clone(), seq);
        for at in start..end {
            lengths[at] += match &after {
                After::Nothing => 0,
                After::Anything(length) => *length,
                After::One(prev, length) => {
                    if facts[at].hash == *prev {
                        *length
                    } else {
                        0
                    }
                }
                After::Linked(by_prev) => by_prev.get(&facts[at].hash).copied().unwrap_or(0),
            };
        }
        next = start..end;
    }
    lengths
}

/// What may come after a record.
enum After {
    Nothing,
    Anything(u64),
    One(Hash, u64),
    Linked(HashMap<Hash, u64>),
}

fn longest(facts: &[Fact], lengths: &[u64], next: Range<usize>, seq: u64) -> After {
    let Some(first) = facts.get(next.start) else { return After::Nothing };
    if first.seq != seq + 1 {
        return After::Anything(next.map(|at| lengths[at]).max().unwrap_or(0));
    }
    if next.len() == 1 {
        return After::One(first.prev, lengths[next.start]);
    }
    let mut by_prev = HashMap::new();
    for at in next {
        let longest = by_prev.entry(facts[at].prev).or_insert(0);
        *longest = lengths[at].max(*longest);
    }
    After::Linked(by_prev)
}
