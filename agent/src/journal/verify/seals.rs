//! What the checkpoints say, and whether each is sealed with the key of its own turn.
//!
//! A verifier that asks only whether a seal is good, and not whether it was that seal's turn, lets whoever holds the
//! present key seal the past anew (CVE-2023-31437 to 31439). So the turn of each checkpoint is counted here from the
//! records, and the index that it names must be that one.

mod numbers;
mod spacing;

use super::chain::Gaps;
use super::gathered::{Fact, Gathered, Sealed, position};
use super::{Judged, ProblemKind, RemarkKind, Seals, Where};
use crate::finding::wire::key::FirstKey;
use crate::finding::wire::proof::Lifecycle;
use crate::journal::seal::Ratchet;

#[derive(Debug)]
pub(super) struct Sealing {
    pub(super) seals: Seals,
    pub(super) unsealed: u64,
    pub(super) unvouched: u64,
    pub(super) checkpoints: u64,
}

pub(super) fn judge(
    gathered: &Gathered,
    main: &[Fact],
    gaps: &Gaps<'_>,
    holds_through: u64,
    judged: &mut Judged<'_>,
) -> Sealing {
    let points = points(gathered, main);
    numbers::check(&points, main, gaps, judged);
    spacing::look(gathered, &points, main, judged);
    let mut good = Vec::new();
    let mut is_whole = true;
    let mut rest = &points[..];
    for (at, key) in gathered.keys.iter().enumerate() {
        let end = gathered.keys.get(at + 1).map_or(u64::MAX, |next| next.from_seq);
        let (before, from_here) = rest.split_at(rest.partition_point(|point| point.seq() < key.from_seq));
        if at == 0 {
            unopened(before, gathered, judged);
        }
        let (own, after) = from_here.split_at(from_here.partition_point(|point| point.seq() < end));
        let opened = opened(own, key, gathered, main, judged);
        if is_whole {
            good.extend(opened.good);
        }
        is_whole &= opened.is_whole;
        rest = after;
    }
    if gathered.keys.is_empty() {
        unopened(&points, gathered, judged);
    }
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let sealed = count(points.iter().filter(|point| point.sealed.has_mac).count());
    let through = reach(&good, main, gaps, holds_through, judged);
    let last = through.map_or(0, |(seq, _)| seq);
    let unvouched = unvouched(&good, last, main, gaps, judged);
    Sealing {
        seals: match through {
            Some((seq, index)) => Seals::Through { seq, index },
            None if gathered.keys.is_empty() => Seals::NoKey { sealed },
            None => Seals::None,
        },
        unsealed: count(main.len() - main.partition_point(|fact| fact.seq <= last)),
        unvouched,
        checkpoints: count(points.len()),
    }
}

/// The last good checkpoint through which one seal vouches for the next: a seal reaches back only as far as the chain
/// does, and over a loss only if the gap that explains it is sealed itself.
fn reach(
    good: &[(u64, u64)],
    main: &[Fact],
    gaps: &Gaps<'_>,
    holds_through: u64,
    judged: &mut Judged<'_>,
) -> Option<(u64, u64)> {
    let &(last, _) = good.last()?;
    let mut limit = holds_through;
    let holes = gaps.unexplained_through(last, main);
    if let Some(lost) = gaps.first_untold(&holes) {
        if lost <= holds_through {
            let text = format!(
                "the loss from record {lost} on is explained by a gap that no seal covers yet: until one does, nothing \
                 proves what stands between it and the checkpoint before it"
            );
            judged.remark(RemarkKind::UnsealedGap, (lost, lost), text);
        }
        limit = limit.min(lost - 1);
    }
    good[..good.partition_point(|(seq, _)| *seq <= limit)].last().copied()
}

/// How many records stand between a seal and a loss of which only a shipper tells: no note is sealed, so the seal after the
/// loss does not reach them.
fn unvouched(
    good: &[(u64, u64)],
    through: u64,
    main: &[Fact],
    gaps: &Gaps<'_>,
    judged: &mut Judged<'_>,
) -> u64 {
    let mut count = 0u64;
    let mut counted = 0;
    for (lost, _) in gaps.unexplained_through(through, main) {
        let sealed = good[..good.partition_point(|(seq, _)| *seq < lost)].last().map_or(0, |(seq, _)| *seq);
        let from = main.partition_point(|fact| fact.seq <= sealed.max(counted));
        let to = main.partition_point(|fact| fact.seq < lost);
        counted = lost;
        let Some((first, last)) = main[from..to].first().zip(main[from..to].last()) else { continue };
        count = count.saturating_add(u64::try_from(to - from).unwrap_or(u64::MAX));
        let text = format!(
            "records {} to {} stand before a loss of which only a shipper's note tells: no seal vouches for them",
            first.seq, last.seq
        );
        judged.remark(RemarkKind::UnsealedNote, (first.seq, last.seq), text);
    }
    count
}

/// A checkpoint of the main line, and where it stands in it.
#[derive(Debug, Clone, Copy)]
struct Point<'g> {
    sealed: &'g Sealed,
    at: usize,
    place: Where,
}

impl Point<'_> {
    fn seq(&self) -> u64 {
        self.sealed.mark.seq
    }
}

fn points<'g>(gathered: &'g Gathered, main: &[Fact]) -> Vec<Point<'g>> {
    let point = |sealed: &'g Sealed| {
        let at = position(main, sealed.mark)?;
        Some(Point { sealed, at, place: main[at].place })
    };
    let mut points: Vec<_> = gathered.checkpoints.iter().filter_map(point).collect();
    points.sort_by_key(Point::seq);
    points.dedup_by_key(|point| point.seq());
    points
}

/// Checkpoints that no key was given for: no seal can be opened, but the order that they claim can be looked at.
fn unopened(points: &[Point<'_>], gathered: &Gathered, judged: &mut Judged<'_>) {
    let mut last: Option<(Point<'_>, u64)> = None;
    let mut stripped = Stripped::default();
    for &point in points {
        let claimed = point.sealed.said.key.filter(|_| point.sealed.has_mac);
        match (claimed, last) {
            (None, Some((before, _))) => stripped.see(before.seq() + 1, point, gathered),
            (None, None) => {}
            (Some(index), before) => {
                stripped.tell(judged);
                if let Some((before, lowest)) =
                    before.map(|(before, index)| (before, index.saturating_add(1)))
                {
                    // A new key begins at nought.
                    let highest = lowest.saturating_add(missing(before.seq(), Some(before.at), &point));
                    if index != 0 && !(lowest..=highest).contains(&index) {
                        out_of_turn((before.seq() + 1, point.seq()), point, index, (lowest, highest), judged);
                    }
                }
                last = Some((point, index));
            }
        }
    }
    stripped.tell(judged);
}

/// How far a key opens the seals that are its own.
#[derive(Debug)]
struct Opened {
    /// The checkpoints and their keys, as long as all was good.
    good: Vec<(u64, u64)>,
    is_whole: bool,
}

/// The last seal that was good and in its turn.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    seq: u64,
    at: Option<usize>,
    next: u64,
}

fn opened(
    points: &[Point<'_>],
    key: &FirstKey,
    gathered: &Gathered,
    main: &[Fact],
    judged: &mut Judged<'_>,
) -> Opened {
    let proofs = proofs(points, key);
    let start = main.partition_point(|fact| fact.seq < key.from_seq);
    let mut anchor = Anchor { seq: key.from_seq - 1, at: start.checked_sub(1), next: key.index };
    let mut opened = Opened { good: Vec::new(), is_whole: true };
    let mut stripped = Stripped::default();
    let mut wrong = Wrong::default();
    for (&point, proof) in points.iter().zip(proofs) {
        if proof != Proof::None {
            stripped.tell(judged);
        }
        match proof {
            Proof::None => {
                wrong.tell(judged);
                stripped.see(anchor.seq + 1, point, gathered);
                opened.is_whole = false;
            }
            Proof::Bad => {
                wrong.see(anchor.seq + 1, point);
                opened.is_whole = false;
            }
            Proof::Good(index) => {
                let skipped = std::mem::take(&mut wrong).finish(judged);
                let lowest = anchor.next.saturating_add(skipped);
                let highest = lowest.saturating_add(missing(anchor.seq, anchor.at, &point));
                let range = (anchor.seq + 1, point.seq());
                if !(lowest..=highest).contains(&index) {
                    // Whoever sealed it had a key of a later turn; all that comes after is in the same hand.
                    let last = main.last().map_or(point.seq(), |fact| fact.seq);
                    out_of_turn((range.0, last), point, index, (lowest, highest), judged);
                    opened.is_whole = false;
                } else if index > lowest {
                    lost_seals(range, (lowest, index), judged);
                }
                if opened.is_whole {
                    opened.good.push((point.seq(), index));
                }
                anchor = Anchor { seq: point.seq(), at: Some(point.at), next: index.saturating_add(1) };
            }
        }
    }
    stripped.tell(judged);
    wrong.tell(judged);
    opened
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// It is not sealed.
    None,
    Good(u64),
    Bad,
}

/// Each seal tried with the key that it names. The ratchet goes one way, so they are tried in the order of their names.
fn proofs(points: &[Point<'_>], key: &FirstKey) -> Vec<Proof> {
    let mut proofs = vec![Proof::None; points.len()];
    let mut claims = Vec::new();
    for (at, point) in points.iter().enumerate() {
        match (&point.sealed.seal, point.sealed.said.key) {
            (Some(seal), Some(index)) => {
                proofs[at] = Proof::Bad;
                // Each turn of the ratchet took at least one record.
                let turns = index.checked_sub(key.index);
                if turns.is_some_and(|turns| turns <= point.seq() - key.from_seq) {
                    claims.push((index, at, seal));
                }
            }
            (Some(_), None) => proofs[at] = Proof::Bad,
            (None, _) => {}
        }
    }
    claims.sort_by_key(|(index, at, _)| (*index, *at));
    let mut ratchet = Ratchet::from(key);
    for (index, at, (covered, mac)) in claims {
        if ratchet.advance_to(index).is_ok() && ratchet.proves(covered, mac) {
            proofs[at] = Proof::Good(index);
        }
    }
    proofs
}

/// How many records are not here between one that is (or the start, at `None`) and a checkpoint.
fn missing(seq: u64, at: Option<usize>, point: &Point<'_>) -> u64 {
    let here = point.at + 1 - at.map_or(0, |at| at + 1);
    (point.seq() - seq).saturating_sub(u64::try_from(here).unwrap_or(u64::MAX))
}

fn out_of_turn(
    (from, to): (u64, u64),
    point: Point<'_>,
    index: u64,
    turn: (u64, u64),
    judged: &mut Judged<'_>,
) {
    let seq = point.seq();
    let turn = if turn.0 == turn.1 { turn.0.to_string() } else { format!("{} to {}", turn.0, turn.1) };
    let text = format!(
        "checkpoint {seq} names key {index} where it was the turn of {turn}: records from {from} on may have been \
         written and sealed anew by whoever held that key"
    );
    judged.problem(ProblemKind::SealOrder, (from, to), point.place, text);
}

fn lost_seals((from, to): (u64, u64), (lowest, index): (u64, u64), judged: &mut Judged<'_>) {
    let text = format!(
        "{} of seals ({lowest} to {}) are among the records that are not here: what is here of records {from} to {to} \
         rests on the seal of {to} alone",
        index - lowest,
        index - 1
    );
    judged.remark(RemarkKind::LostSeals, (from, to), text);
}

/// Checkpoints with a seal that its key did not make, told as one as long as they follow each other.
#[derive(Debug, Default)]
struct Wrong {
    open: Option<(u64, u64, u64, Where)>,
    count: u64,
}

impl Wrong {
    fn see(&mut self, from: u64, point: Point<'_>) {
        self.count += 1;
        match &mut self.open {
            Some((_, _, to, _)) => *to = point.seq(),
            None => self.open = Some((from, point.seq(), point.seq(), point.place)),
        }
    }

    fn tell(&mut self, judged: &mut Judged<'_>) {
        let Some((from, first, to, place)) = self.open.take() else { return };
        let others =
            if first == to { String::new() } else { format!(", nor are those after it through {to}") };
        let text = format!(
            "checkpoint {first} is not sealed with the key of its turn{others}: nothing proves records {from} to {to}"
        );
        judged.problem(ProblemKind::Seal, (from, to), place, text);
    }

    /// Tells, and says how many turns they took.
    fn finish(mut self, judged: &mut Judged<'_>) -> u64 {
        self.tell(judged);
        self.count
    }
}

/// Checkpoints without a seal although there was a key, told as one as long as they follow each other.
#[derive(Debug, Default)]
struct Stripped {
    open: Option<(u64, u64, u64, Where)>,
    says_why: bool,
}

impl Stripped {
    fn see(&mut self, from: u64, point: Point<'_>, gathered: &Gathered) {
        match &mut self.open {
            Some((_, _, to, _)) => *to = point.seq(),
            None => self.open = Some((from, point.seq(), point.seq(), point.place)),
        }
        let is_between = |seq: u64| (from..=point.seq()).contains(&seq);
        self.says_why |= gathered
            .lifecycles
            .iter()
            .any(|(mark, said)| *said == Lifecycle::KeyLost && is_between(mark.seq));
    }

    fn tell(&mut self, judged: &mut Judged<'_>) {
        let Some((from, first, to, place)) = self.open.take() else { return };
        let why = if std::mem::take(&mut self.says_why) {
            "; a record says that the key was lost, which whoever took it away would say, too"
        } else {
            ""
        };
        let text = format!(
            "checkpoint {first} has no seal although there was a key: nothing proves records {from} to {to}{why}"
        );
        judged.problem(ProblemKind::Unsealed, (from, to), place, text);
    }
}
