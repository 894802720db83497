//! Whether each record follows from the one before it, and whether what is missing is accounted for.

use std::collections::{BTreeMap, HashMap};

use super::gathered::{Fact, Gathered, Mark, position};
use super::notes::{self, Notes};
use super::{Judged, Loss, ProblemKind, RemarkKind};
use crate::finding::wire::gap::{Cause, Gap, Run};
use crate::finding::wire::proof::Lifecycle;
use crate::finding::wire::record::{Hash, Kind};

/// The gaps of the main line, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Gaps<'g> {
    pub(super) all: Vec<(Mark, &'g Gap)>,
    /// What the gaps of a later epoch say of this one.
    foreign: &'g [Run],
    /// The numbers that they explain, joined and in order.
    explained: Vec<(u64, u64)>,
    notes: &'g Notes<'g>,
    /// Where a loss ends, and what went on from before it.
    bridges: HashMap<u64, Hash>,
}

pub(super) fn gaps<'g>(gathered: &'g Gathered, main: &[Fact], notes: &'g Notes<'g>) -> Gaps<'g> {
    let mut all: Vec<(Mark, &Gap)> = gathered
        .gaps
        .iter()
        .filter(|(mark, _)| position(main, *mark).is_some())
        .map(|(mark, gap)| (*mark, gap))
        .collect();
    all.sort_by_key(|(mark, _)| mark.seq);
    all.dedup_by_key(|(mark, _)| mark.seq);
    let foreign = &gathered.foreign[..];
    let explained = joined(&all, foreign);
    let mut gaps = Gaps { all, foreign, explained, notes, bridges: HashMap::new() };
    gaps.bridges = gaps.runs().filter_map(|(_, run)| Some((run.to, run.before?))).collect();
    gaps
}

/// The numbers that gaps explain, joined and in order.
fn joined(gaps: &[(Mark, &Gap)], foreign: &[Run]) -> Vec<(u64, u64)> {
    let explained = gaps
        .iter()
        .filter(|(_, gap)| gap.epoch.is_none())
        // A gap cannot know what comes after it.
        .flat_map(|(mark, gap)| gap.runs.iter().map(|run| (run.from, run.to.min(mark.seq - 1))))
        .chain(foreign.iter().map(|run| (run.from, run.to)))
        .filter(|(from, to)| from <= to);
    notes::joined(explained.collect())
}

/// What the gaps say is lost, by cause and kind.
pub(super) fn losses(gaps: &Gaps<'_>) -> Vec<Loss> {
    let mut sums = BTreeMap::new();
    for (_, gap) in &gaps.all {
        for lost in &gap.lost {
            let sum = sums.entry((gap.cause.name(), lost.kind, lost.severity)).or_insert(0u64);
            *sum = sum.saturating_add(lost.count);
        }
    }
    let loss =
        |((cause, kind, severity), count): ((&'static str, _, _), u64)| Loss { cause, kind, severity, count };
    sums.into_iter().map(loss).collect()
}

/// What a walk along the chain leaves to be known; what is wrong goes to `judged`.
#[derive(Debug)]
pub(super) struct Walked {
    /// Missing numbers that a gap explains.
    pub(super) explained: u64,
    /// Missing numbers that only a shipper's note explains.
    pub(super) untaken: u64,
    /// The last record before the first place where the chain does not hold: no later seal reaches back over it.
    pub(super) holds_through: u64,
}

pub(super) fn walk(gathered: &Gathered, main: &[Fact], gaps: &Gaps<'_>, judged: &mut Judged<'_>) -> Walked {
    begin(gathered, main, judged);
    let mut explained = 0u64;
    let mut untaken = gaps.untaken_outside(main);
    let mut holds_through = u64::MAX;
    let mut breaks = Breaks { open: None, first: u64::MAX };
    for pair in main.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        if after.seq == before.seq + 1 {
            breaks.see(before, after, gaps, judged);
            continue;
        }
        breaks.tell(judged);
        let hole = (before.seq + 1, after.seq - 1);
        let without_a_gap = gaps.unexplained(hole);
        let holes = gaps.untold(&without_a_gap);
        explained = explained.saturating_add(hole.1 - hole.0 + 1 - length(&without_a_gap));
        untaken = untaken.saturating_add(length(&without_a_gap) - length(&holes));
        for (from, to) in holes {
            if gaps.notes.may_tell_of(to) {
                let text = format!(
                    "{} missing, and the gap that may say why is among what a destination did not take",
                    these(from, to)
                );
                judged.remark(RemarkKind::LostGaps, (from, to), text);
                continue;
            }
            let text = format!("{} missing, and no gap that is here says why", these(from, to));
            judged.problem(ProblemKind::Hole, (from, to), after.place, text);
            holds_through = holds_through.min(before.seq);
        }
    }
    breaks.tell(judged);
    let edges = check_edges(main, gaps, judged);
    Walked { explained, untaken, holds_through: holds_through.min(breaks.first).min(edges) }
}

/// An epoch begins with a record that says so, with nothing before it.
fn begin(gathered: &Gathered, main: &[Fact], judged: &mut Judged<'_>) {
    let Some(first) = main.first().filter(|first| first.seq == 1) else { return };
    let mark = Mark { seq: 1, hash: first.hash };
    let says_so = gathered
        .lifecycles
        .iter()
        .any(|(other, said)| *other == mark && matches!(said, Lifecycle::Epoch { .. }));
    let why = if first.kind != Kind::Lifecycle || !says_so {
        "record 1 does not begin an epoch"
    } else if first.prev != Hash::NONE {
        "record 1 names a record before it"
    } else {
        return;
    };
    judged.problem(ProblemKind::FalseStart, (1, 1), first.place, why.to_owned());
}

/// Neighbours that do not fit, told as one as long as they follow each other.
#[derive(Debug)]
struct Breaks {
    open: Option<(Fact, u64)>,
    first: u64,
}

impl Breaks {
    fn see(&mut self, before: &Fact, after: &Fact, gaps: &Gaps<'_>, judged: &mut Judged<'_>) {
        if after.prev == before.hash || gaps.bridge(before.seq, &after.prev) {
            return self.tell(judged);
        }
        self.open = match self.open {
            Some((first, _)) => Some((first, after.seq)),
            None => Some((*before, after.seq)),
        };
    }

    fn tell(&mut self, judged: &mut Judged<'_>) {
        let Some((first, to)) = self.open.take() else { return };
        let from = first.seq;
        self.first = self.first.min(from);
        let text = match to - from {
            1 => format!(
                "record {from} is not the one that record {to} was chained to: one of the two was changed"
            ),
            2 => format!("record {} was changed, or those on both sides of it", from + 1),
            _ => format!("records {from} to {to} are not chained to each other: they were changed"),
        };
        judged.problem(ProblemKind::Altered, (from, to), first.place, text);
    }
}

/// The record before a lost run is known by its hash, which the gap kept.
fn check_edges(main: &[Fact], gaps: &Gaps<'_>, judged: &mut Judged<'_>) -> u64 {
    let mut first = u64::MAX;
    for (gap, Run { from, before, .. }) in gaps.runs() {
        let Some(before) = before else { continue };
        let edge = from - 1;
        let Ok(at) = main.binary_search_by_key(&edge, |fact| fact.seq) else { continue };
        if main[at].hash != *before {
            let name = gap.map_or_else(|| "of a later epoch".to_owned(), |seq| seq.to_string());
            let text = format!(
                "record {edge} is not the one that the gap {name} names before its loss: one of the two was changed"
            );
            judged.problem(ProblemKind::Altered, (edge, edge), main[at].place, text);
            first = first.min(edge);
        }
    }
    first
}

/// What the gaps between two checkpoints tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct LostBetween {
    pub(super) for_want_of_room: u64,
    pub(super) in_all: u64,
}

impl Gaps<'_> {
    /// Every run of this epoch, and who tells of it.
    pub(super) fn runs(&self) -> impl Iterator<Item = (Option<u64>, &Run)> {
        let own = self.all.iter().filter(|(_, gap)| gap.epoch.is_none());
        let own = own.flat_map(|(mark, gap)| gap.runs.iter().map(|run| (Some(mark.seq), run)));
        own.chain(self.foreign.iter().map(|run| (None, run)))
    }

    /// Whether a journal that had lost what ends here went on from what was before its loss: what it had delivered
    /// before it lost it is here all the same.
    pub(super) fn bridge(&self, end: u64, prev: &Hash) -> bool {
        self.bridges.get(&end) == Some(prev)
    }

    /// How many stand after `from` and through `to`.
    pub(super) fn count_between(&self, from: u64, to: u64) -> u64 {
        u64::try_from(self.between(from, to).len()).unwrap_or(u64::MAX)
    }

    pub(super) fn lost_between(&self, from: u64, to: u64) -> LostBetween {
        let mut lost = LostBetween { for_want_of_room: 0, in_all: 0 };
        for (_, gap) in self.between(from, to) {
            lost.in_all = lost.in_all.saturating_add(gap.total());
            if gap.cause == Cause::JournalFull {
                lost.for_want_of_room = lost.for_want_of_room.saturating_add(gap.total());
            }
        }
        lost
    }

    fn between(&self, from: u64, to: u64) -> &[(Mark, &Gap)] {
        let place = |seq: u64| self.all.partition_point(|(mark, _)| mark.seq <= seq);
        &self.all[place(from)..place(to)]
    }

    /// What is missing before `seq`, and no gap through it explains.
    pub(super) fn unexplained_through(&self, seq: u64, main: &[Fact]) -> Vec<(u64, u64)> {
        let early = self.all.partition_point(|(mark, _)| mark.seq <= seq);
        let explained = joined(&self.all[..early], self.foreign);
        let main = &main[..main.partition_point(|fact| fact.seq <= seq)];
        let holes = main.windows(2).filter(|pair| pair[1].seq != pair[0].seq + 1);
        holes.flat_map(|pair| unexplained(&explained, (pair[0].seq + 1, pair[1].seq - 1))).collect()
    }

    /// Of these, what no note explains either, nor a gap that may be among what notes give up.
    pub(super) fn first_untold(&self, holes: &[(u64, u64)]) -> Option<u64> {
        self.untold(holes).into_iter().find(|(_, to)| !self.notes.may_tell_of(*to)).map(|(from, _)| from)
    }

    /// What of these holes no note explains.
    fn untold(&self, holes: &[(u64, u64)]) -> Vec<(u64, u64)> {
        holes.iter().flat_map(|hole| unexplained(&self.notes.runs, *hole)).collect()
    }

    /// How many numbers notes explain before the first record that is here, and after the last.
    fn untaken_outside(&self, main: &[Fact]) -> u64 {
        let (first, last) =
            (main.first().map_or(u64::MAX, |fact| fact.seq), main.last().map_or(u64::MAX, |fact| fact.seq));
        let outside = [(1, first - 1), (last.saturating_add(1), self.notes.last())];
        let outside = outside.iter().filter(|(from, to)| from <= to).flat_map(|hole| self.unexplained(*hole));
        let outside: Vec<_> = outside.collect();
        length(&outside) - length(&self.untold(&outside))
    }

    /// What of a hole no gap explains.
    fn unexplained(&self, hole: (u64, u64)) -> Vec<(u64, u64)> {
        unexplained(&self.explained, hole)
    }
}

fn unexplained(explained: &[(u64, u64)], (mut from, to): (u64, u64)) -> Vec<(u64, u64)> {
    let mut left = Vec::new();
    let start = explained.partition_point(|run| run.1 < from);
    for &(run_from, run_to) in &explained[start..] {
        if run_from > to || from > to {
            break;
        }
        if run_from > from {
            left.push((from, run_from - 1));
        }
        from = run_to.saturating_add(1);
    }
    if from <= to {
        left.push((from, to));
    }
    left
}

/// How many numbers there are in runs that do not overlap.
fn length(runs: &[(u64, u64)]) -> u64 {
    runs.iter().fold(0, |sum, (from, to)| sum.saturating_add(to - from + 1))
}

fn these(from: u64, to: u64) -> String {
    if from == to { format!("record {from} is") } else { format!("records {from} to {to} are") }
}
