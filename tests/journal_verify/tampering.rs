//! A long sealed export, changed in every way that its owner's enemies can think of: each change is found and named.

mod edits;
mod kinds;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use guestward::finding::wire::key::FirstKey;
use guestward::finding::wire::record::{Hash, Kind};
use guestward::journal::seal::Ratchet;
use guestward::journal::verify::{ProblemKind, RemarkKind, Seals, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::exports::{Dice, Journal};
use super::verify;
use edits::*;
use kinds::{DOUBLED, ROLLBACK, TAMPERINGS};

type Lines = Vec<Vec<u8>>;

#[test]
fn every_change_is_found_and_named() {
    let base = Base::new();
    let whole = verify(&base.whole(&base.lines), &base.keys);
    assert!(whole.problems.is_empty(), "{:#?}", whole.problems);
    assert!(whole.records() >= 3000, "{}", whole.records());

    let mut without_key: BTreeMap<&str, BTreeSet<bool>> = BTreeMap::new();
    let (mut cases, mut failed) = (0, Vec::new());
    for (name, tamper) in TAMPERINGS {
        for place in 0..PLACES {
            let mut dice = Dice::new(place * 1000 + cases + 1);
            let case = tamper(&base, &mut dice);
            let lines = base.whole(&case.lines);
            assert!(lines != base.whole(&base.lines), "{name} changes something");
            if let Err(wrong) = case.judge(&lines, &base) {
                failed.push(format!("{name}, place {place}: {wrong}"));
            }
            if place < PLACES_WITHOUT_A_KEY {
                let found = verify(&lines, &[]).verdict() == Verdict::Broken;
                without_key.entry(name).or_default().insert(found);
            }
            cases += 1;
        }
    }
    assert!(failed.is_empty(), "{} of {cases}:\n{}", failed.len(), failed.join("\n"));
    assert!(cases >= 500, "{cases} cases");
    let missed = without_key.iter().filter(|(_, found)| found.contains(&false)).map(|(name, _)| *name);
    assert_eq!(missed.collect::<Vec<_>>(), MISSED_WITHOUT_A_KEY, "what the chain alone does not show");
}

/// One change, and what must be said of it.
struct Case {
    lines: Lines,
    kinds: &'static [ProblemKind],
    /// The record that was changed first.
    at: u64,
    /// Where the problem that names it may begin.
    from: RangeInclusive<u64>,
}

impl Case {
    fn judge(&self, lines: &Lines, base: &Base) -> Result<(), String> {
        let report = verify(lines, &base.keys);
        let ours = Some((base.epoch.speaker.agent, base.epoch.speaker.epoch));
        let own: Vec<_> = report.problems.iter().filter(|problem| problem.whose == ours).collect();
        let told = || {
            let told = own.iter().map(|p| format!("  {} {} to {}: {}", p.kind.name(), p.from, p.to, p.text));
            format!("record {} in\n{}", self.at, told.collect::<Vec<_>>().join("\n"))
        };
        let names = own.iter().any(|problem| {
            self.kinds.contains(&problem.kind)
                && self.from.contains(&problem.from)
                && (problem.from..=problem.to).contains(&self.at)
        });
        let part = report.parts.iter().find(|part| Some((part.agent, part.epoch)) == ours).unwrap();
        let sealed_before = match part.seals {
            Seals::Through { seq, .. } => seq < self.at || self.kinds == DOUBLED || self.kinds == ROLLBACK,
            _ => true,
        };
        if !names {
            return Err(format!("not named: {}", told()));
        }
        // What is whole is not accused: the record before may be, where either of two was changed.
        if !own.iter().all(|problem| problem.to + 1 >= self.at) {
            return Err(format!("what is whole is accused: {}", told()));
        }
        if !own.iter().all(|problem| !problem.text.is_empty() && problem.place.line > 0) {
            return Err(format!("not told: {}", told()));
        }
        if sealed_before { Ok(()) } else { Err(format!("sealed {:?}: {}", part.seals, told())) }
    }
}

/// Two epochs of one agent; the first one is tampered with.
struct Base {
    epoch: Journal,
    lines: Lines,
    rest: Lines,
    keys: Vec<FirstKey>,
    /// What whoever takes the machine finds.
    current: Ratchet,
    /// The journal at some moments, as a snapshot has it.
    snapshots: Vec<Journal>,
}

impl Base {
    fn new() -> Self {
        let mut snapshots = Vec::new();
        let epoch = long(1, None, 2400, &mut snapshots);
        let second = long(2, Some(&epoch), 800, &mut Vec::new());
        let keys = [&epoch, &second].map(|journal| journal.first_key.clone().unwrap()).to_vec();
        let current = epoch.ratchet.clone().unwrap();
        Self { lines: epoch.bytes(), rest: second.bytes(), epoch, keys, current, snapshots }
    }

    fn whole(&self, lines: &Lines) -> Lines {
        [lines.clone(), self.rest.clone()].concat()
    }

    /// A place in the sealed part, no gap and no checkpoint, with all records up to the next seal: what stands before
    /// a loss is vouched for by the gap and by the seal after that (`what_stands_before_a_loss…`).
    fn place(&self, dice: &mut Dice) -> usize {
        loop {
            let at = usize::try_from(10 + dice.below(2100)).unwrap();
            let is_plain = |at: usize| matches!(kind(&self.lines[at]).as_str(), "finding" | "heartbeat");
            let is_joined = (at - 2..at + 98).all(|at| seq(&self.lines[at]) + 1 == seq(&self.lines[at + 1]));
            if is_plain(at) && is_plain(at + 1) && is_joined && seq(&self.lines[at + 2]) < self.last_seal() {
                return at;
            }
        }
    }

    /// A checkpoint that has others before and after it.
    fn seal(&self, dice: &mut Dice) -> usize {
        let seals: Vec<usize> =
            (0..self.lines.len()).filter(|&at| kind(&self.lines[at]) == "checkpoint").collect();
        loop {
            let nth = usize::try_from(2 + dice.below(u64::try_from(seals.len()).unwrap() - 4)).unwrap();
            let at = seals[nth];
            if seq(&self.lines[at]) + 1 == seq(&self.lines[at + 1])
                && seq(&self.lines[at]) - 1 == seq(&self.lines[at - 1])
            {
                return at;
            }
        }
    }

    fn last_seal(&self) -> u64 {
        self.lines.iter().rfind(|line| kind(line) == "checkpoint").map_or(0, |line| seq(line))
    }

    /// The first record that the seal over `seq` is needed for.
    fn sealed_from(&self, number: u64) -> u64 {
        let before = self.lines.iter().rfind(|line| kind(line) == "checkpoint" && seq(line) < number);
        before.map_or(self.keys[0].from_seq, |line| seq(line) + 1)
    }

    fn case(&self, lines: Lines, kinds: &'static [ProblemKind], at: u64) -> Case {
        Case { lines, kinds, at, from: at..=at }
    }

    /// Something that only the seals show.
    fn seal_case(&self, lines: Lines, kinds: &'static [ProblemKind], at: u64) -> Case {
        let from = self.sealed_from(at);
        Case { lines, kinds, at, from: from..=from }
    }
}

fn long(epoch: u8, before: Option<&Journal>, records: u64, snapshots: &mut Vec<Journal>) -> Journal {
    let mut journal = Journal::new(7, epoch, before);
    journal.make_key(epoch);
    for step in 1..=records {
        match step {
            _ if step % 97 == 0 => journal.checkpoint(),
            _ if step % 50 == 0 => journal.add(Kind::Heartbeat, r#"{"counts":{"pass":61},"worst":null}"#),
            _ if step % 501 == 0 => {
                journal.add(Kind::Lifecycle, r#"{"event":"stop"}"#);
                journal.add(Kind::Lifecycle, r#"{"event":"start"}"#);
            }
            601 => journal.lose("journal-full", &[(150, 152), (170, 170)], &[]),
            1301 => journal.lose("damaged", &[(1210, 1219)], &[1213]),
            _ => journal.finding(),
        }
        if step % 480 == 0 {
            snapshots.push(journal.clone());
        }
    }
    (0..5).for_each(|_| journal.finding());
    journal
}

// How a line is read and written by somebody who has no key.

const PLACES: u64 = 10;
const PLACES_WITHOUT_A_KEY: u64 = 2;

/// Whoever writes all the rest anew has a chain as good as any: this is what the seals are for.
const MISSED_WITHOUT_A_KEY: &[&str] = &[
    "a byte of a seal, chained anew",
    "a deletion that a forged gap explains",
    "a deletion that a forged gap explains, sealed under old names",
    "a forged record put in, the rest renumbered and chained",
    "all written anew, all seals taken off",
    "edited, chained and sealed with a key of one's own",
    "edited, chained anew",
    "edited, sealed with the present key under old names",
    "neighbours' bodies swapped and chained anew",
    "neighbours' bodies swapped and sealed with the present key",
    "one deleted, the rest renumbered and chained",
    "the policy of a checkpoint, chained anew",
    "the tail cut off, another put there with a key of one's own",
    "the tail cut off, another put there with the present key under old names",
];

#[test]
fn what_stands_before_a_loss_is_vouched_for_by_the_gap_that_tells_of_it() {
    let base = Base::new();
    let at = base.lines.iter().position(|line| seq(line) == 168).unwrap();
    let mut lines = base.lines.clone();
    edit(&mut lines[at]);
    // Chained anew up to the loss; but the gap names record 169 as it was.
    let prev = format!("\"{}\"", Hash::of(&lines[at]));
    set(&mut lines[at + 1], "prev", &prev);
    let report = verify(&base.whole(&lines), &base.keys);
    let told: Vec<_> = report.problems.iter().map(|problem| (problem.kind, problem.from)).collect();
    assert_eq!(told, [(ProblemKind::Altered, 169)]);
    // The gap is forged as well: its seal breaks, and the proof ends before the loss.
    rechain(&mut lines, at + 1, &mut Seal::Stale);
    let report = verify(&base.whole(&lines), &base.keys);
    assert!(report.problems.iter().any(|problem| problem.kind == ProblemKind::Seal), "{:?}", report.problems);
    assert!(matches!(report.parts[0].seals, Seals::Through { seq, .. } if seq < 150));
}

/// What no proof can show, said in the manual: kept here so that nobody believes otherwise.
#[test]
fn what_cannot_be_proved_is_not_claimed() {
    let base = Base::new();
    let verdict = |lines: &Lines| verify(&base.whole(lines), &base.keys);

    // The end: what followed may be gone, and what no seal covers yet may be another.
    let mut lines = base.lines.clone();
    lines.truncate(1500);
    assert_eq!(verdict(&lines).verdict(), Verdict::Clean);
    let mut lines = base.lines.clone();
    let last = lines.len() - 3;
    edit(&mut lines[last]);
    rechain(&mut lines, last + 1, &mut Seal::Stale);
    let report = verdict(&lines);
    assert_eq!(report.verdict(), Verdict::Clean);
    assert!(report.parts[0].unsealed >= 3, "but it is not called sealed");

    // The beginning: an export may begin anywhere, and says where.
    let report = verdict(&base.lines[1..].to_vec());
    assert_eq!((report.verdict(), report.parts[0].first), (Verdict::Clean, 2));

    // A gap is the agent's word: the loss is told, and the proof ends before it until the gap is sealed.
    let mut journal = base.epoch.clone();
    journal.lose("damaged", &[(500, 520)], &[]);
    let report = verdict(&journal.bytes());
    assert_eq!(report.verdict(), Verdict::Clean);
    assert!(matches!(report.parts[0].seals, Seals::Through { seq, .. } if seq < 500));
    assert!(report.remarks.iter().any(|remark| remark.kind == RemarkKind::UnsealedGap));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_bytes_break_the_verifier(
        lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..20),
        edits in proptest::collection::vec((any::<u16>(), any::<u16>(), any::<u8>()), 0..40),
        seqs in proptest::collection::vec((any::<u16>(), prop_oneof![Just(1u64), Just(u64::MAX), Just(u64::MAX - 1), 1u64..50, any::<u64>()]), 0..20),
    ) {
        let mut journal = Journal::new(1, 1, None);
        journal.make_key(3);
        for _ in 0..4 {
            (0..6).for_each(|_| journal.finding());
            journal.checkpoint();
        }
        journal.lose("disk", &[(4, 6)], &[]);
        journal.checkpoint();
        let mut all = journal.bytes();
        for (line, seq) in seqs {
            let at = usize::from(line) % all.len();
            set(&mut all[at], "seq", &seq.to_string());
        }
        for (line, at, byte) in edits {
            let at_line = usize::from(line) % all.len();
            let at = usize::from(at) % all[at_line].len();
            all[at_line][at] = byte;
        }
        all.extend(lines);
        let report = verify(&all, &[journal.first_key.unwrap()]);
        prop_assert!(report.problems.iter().all(|problem| problem.from <= problem.to));
    }
}
