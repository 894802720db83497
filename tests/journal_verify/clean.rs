//! Exports that are whole, in every shape that an honest agent and its shippers can give them: none is suspected.

use guestward::finding::wire::gap::Cause;
use guestward::finding::wire::key::FirstKey;
use guestward::finding::wire::record::{self, Id, Kind};
use guestward::journal::verify::{ProblemKind, RemarkKind, Seals, Verdict};

use super::exports::{Dice, Journal, METRICS, cut, note};
use super::verify;

#[test]
fn an_honest_export_is_never_suspected() {
    let mut seen = Seen::default();
    for seed in 1..=400 {
        let (lines, keys) = export(seed);
        let report = verify(&lines, &keys);
        assert!(report.problems.is_empty(), "seed {seed}: {:#?}", report.problems);
        assert_eq!(report.verdict(), Verdict::Clean);
        for part in &report.parts {
            seen.duplicates |= part.duplicates > 0;
            seen.explained |= part.explained > 0;
            seen.untaken |= part.untaken > 0;
            seen.taken_after_all |= part.told.iter().any(|told| told.here > 0);
            seen.cut |= part.cut > 0;
            seen.unvouched |= part.unvouched > 0;
            seen.later_start |= part.first > 1;
            seen.linked |= part.from.is_some_and(|from| from.is_here);
            seen.no_key |= matches!(part.seals, Seals::NoKey { sealed } if sealed > 0);
            seen.never_sealed |= matches!(part.seals, Seals::NoKey { sealed: 0 });
            seen.sealed |= matches!(part.seals, Seals::Through { index, .. } if index > 3);
            seen.tail |= matches!(part.seals, Seals::Through { .. }) && part.unsealed > 0;
        }
        seen.metrics |= report.metrics > 0;
        seen.lost_gaps |= report.remarks.iter().any(|remark| remark.kind == RemarkKind::LostGaps);
        seen.lost_seals |= report.remarks.iter().any(|remark| remark.kind == RemarkKind::LostSeals);
        seen.spacing |= report.remarks.iter().any(|remark| remark.kind == RemarkKind::Spacing);
    }
    assert_eq!(seen, Seen::ALL, "the dice made up every shape");
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    duplicates: bool,
    explained: bool,
    untaken: bool,
    taken_after_all: bool,
    cut: bool,
    unvouched: bool,
    metrics: bool,
    lost_gaps: bool,
    later_start: bool,
    linked: bool,
    no_key: bool,
    never_sealed: bool,
    sealed: bool,
    tail: bool,
    lost_seals: bool,
    spacing: bool,
}

impl Seen {
    const ALL: Self = Self {
        duplicates: true,
        explained: true,
        untaken: true,
        taken_after_all: true,
        cut: true,
        unvouched: true,
        metrics: true,
        lost_gaps: true,
        later_start: true,
        linked: true,
        no_key: true,
        never_sealed: true,
        sealed: true,
        tail: true,
        lost_seals: true,
        spacing: true,
    };
}

fn export(seed: u64) -> (Vec<Vec<u8>>, Vec<FirstKey>) {
    let mut dice = Dice::new(seed);
    let (mut lines, mut keys) = (Vec::new(), Vec::new());
    for agent in 0..=u8::try_from(dice.below(2)).unwrap() {
        let mut before: Option<Journal> = None;
        for epoch in 0..=u8::try_from(dice.below(3)).unwrap() {
            let journal = epoch_of(agent + 1, epoch + 1, before.as_ref(), &mut dice);
            if let Some(key) = journal.first_key.clone().filter(|_| !dice.one_in(4)) {
                keys.push(key);
            }
            let mut own = journal.bytes();
            lines.extend(refuse(&mut own, &mut dice));
            if dice.one_in(4) {
                own.drain(..usize::try_from(dice.below(20)).unwrap().min(own.len()));
            }
            if dice.one_in(4) {
                // Not behind a gap: the loss that it explains would have no reason any more.
                let is_gap = |line: &Vec<u8>| line.windows(12).any(|at| at == b"\"kind\":\"gap\"");
                for _ in 0..dice.below(15) {
                    own.pop_if(|line| !is_gap(line));
                }
            }
            lines.extend(own);
            before = Some(journal);
        }
    }
    for _ in 0..dice.below(3) * 5 {
        let copied = lines[usize::try_from(dice.below(u64::try_from(lines.len()).unwrap())).unwrap()].clone();
        lines.push(copied);
    }
    match dice.below(3) {
        0 => dice.shuffle(&mut lines),
        1 => {
            // Rotated files, the newest first.
            let mut files: Vec<Vec<Vec<u8>>> = lines.chunks(37).map(<[_]>::to_vec).collect();
            files.reverse();
            lines = files.concat();
        }
        _ => {}
    }
    (lines, keys)
}

/// What the destination does with them: some it does not take, and is told so; some it cuts.
fn refuse(own: &mut Vec<Vec<u8>>, dice: &mut Dice) -> Vec<Vec<u8>> {
    let mut told = Vec::new();
    for line in own.iter_mut().filter(|line| record::parse(line).unwrap().kind == Kind::Finding) {
        if dice.one_in(60) {
            *line = cut(line);
        }
    }
    for _ in 0..dice.below(4) {
        let is_record = |line: &Vec<u8>| record::parse(line).is_ok();
        let mut runs: Vec<&[Vec<u8>]> =
            own.chunk_by(|a, b| is_record(a) && is_record(b) && follows(a, b)).collect();
        runs.retain(|run| is_record(&run[0]));
        let run = runs[usize::try_from(dice.below(u64::try_from(runs.len()).unwrap())).unwrap()];
        let length = u64::try_from(run.len()).unwrap();
        let from = usize::try_from(dice.below(length)).unwrap();
        let to = usize::try_from(dice.below(length)).unwrap().clamp(from, from + 30);
        let cause = if dice.one_in(3) { Cause::Refused } else { Cause::TooOld };
        told.push(note(cause, &run[from..=to]));
        if dice.one_in(3) {
            // A crash before the note was acknowledged: by then a longer or a shorter run is too old.
            let to = usize::try_from(dice.below(length)).unwrap().max(from);
            told.push(note(cause, &run[from..=to]));
        }
        if dice.one_in(3) {
            told.push(told[0].clone());
            told.push(METRICS.to_vec());
        }
        // Some of them had been taken before, and the answer was lost.
        let kept = if dice.one_in(4) { dice.below(40) } else { 0 };
        let gone: Vec<Vec<u8>> =
            run[from..=to].iter().skip(usize::try_from(kept).unwrap()).cloned().collect();
        own.retain(|line| !gone.contains(line));
        if own.is_empty() {
            break;
        }
    }
    told
}

fn follows(a: &[u8], b: &[u8]) -> bool {
    record::parse(a).unwrap().seq + 1 == record::parse(b).unwrap().seq
}

fn epoch_of(agent: u8, epoch: u8, before: Option<&Journal>, dice: &mut Dice) -> Journal {
    let mut journal = Journal::new(agent, epoch, before);
    let key_at = [0, dice.below(60), u64::MAX][usize::try_from(dice.below(3)).unwrap()];
    let every = 4 + dice.below(20);
    let mut told = Vec::new();
    for step in 0..40 + dice.below(80) {
        if step == key_at {
            journal.make_key(agent * 16 + epoch);
        }
        if dice.one_in(12) {
            lose(&mut journal, &mut told, dice);
        }
        match dice.below(40) {
            0 => journal.add(Kind::Lifecycle, r#"{"event":"stop"}"#),
            1 => journal.add(Kind::Lifecycle, r#"{"event":"start","from":7}"#),
            2 => journal.clock -= 5_000_000,
            3 => journal.clock += 50_000_000,
            4 => journal.add(Kind::Heartbeat, r#"{"counts":{}}"#),
            5 => {
                journal.gap(r#"{"cause":"overload","lost":[{"kind":"drift","severity":null,"count":9}]}"#, 0)
            }
            6 => journal
                .gap(r#"{"cause":"oversize","lost":[{"kind":"finding","severity":"high","count":1}]}"#, 1),
            _ => journal.finding(),
        }
        if step % every == every - 1 {
            journal.checkpoint();
        }
    }
    journal
}

/// Up to three runs, neither the beginning nor a gap among them, and none that was told before.
fn lose(journal: &mut Journal, told: &mut Vec<u64>, dice: &mut Dice) {
    let cause = ["journal-full", "damaged", "disk"][usize::try_from(dice.below(3)).unwrap()];
    let is_gap = |seq: u64, journal: &Journal| {
        let line = journal.lines.iter().find(|(at, _)| *at == seq).map(|(_, line)| line.clone());
        line.is_none_or(|line| line.windows(12).any(|at| at == b"\"kind\":\"gap\""))
    };
    let (mut runs, mut keep) = (Vec::new(), Vec::new());
    let mut next = 2;
    for _ in 0..1 + dice.below(3) {
        let from = next + dice.below(25);
        let to = from + dice.below(9);
        if to > journal.seq || (from..=to).any(|seq| told.contains(&seq) || is_gap(seq, journal)) {
            continue;
        }
        if dice.one_in(5) {
            keep.push(from);
        }
        told.extend(from..=to);
        runs.push((from, to));
        next = to + 2;
    }
    if !runs.is_empty() {
        journal.lose(cause, &runs, &keep);
    }
}

#[test]
fn another_agents_records_are_counted_and_not_looked_at() {
    let (mut ours, theirs) = (Journal::new(1, 1, None), Journal::new(2, 2, None));
    ours.finding();
    let mut verifier = guestward::journal::verify::Verifier::new(Vec::new(), Some(Id::new([1; 8])));
    for (number, line) in (1..).zip(ours.bytes().iter().chain(&theirs.bytes())) {
        verifier.take("export", number, line);
    }
    let report = verifier.finish();
    assert_eq!((report.records(), report.others, report.verdict()), (2, 1, Verdict::Clean));
}

#[test]
fn an_export_without_a_record_is_no_clean_one() {
    assert_eq!(verify(&[], &[]).verdict(), Verdict::Nothing);
    assert_eq!(verify(&[b"x".to_vec()], &[]).verdict(), Verdict::Nothing);
}

#[test]
fn a_loss_that_only_an_unsealed_gap_explains_moves_the_proof_back() {
    let mut journal = Journal::new(1, 1, None);
    journal.make_key(9);
    for _ in 0..4 {
        (0..10).for_each(|_| journal.finding());
        journal.checkpoint();
    }
    let keys = [journal.first_key.clone().unwrap()];
    let last = journal.seq;
    assert!(
        matches!(verify(&journal.bytes(), &keys).parts[0].seals, Seals::Through { seq, .. } if seq == last)
    );
    journal.lose("damaged", &[(20, 22)], &[]);
    let report = verify(&journal.bytes(), &keys);
    assert_eq!(report.verdict(), Verdict::Clean);
    assert!(matches!(report.parts[0].seals, Seals::Through { seq: 13, index: 0 }), "{:?}", report.parts);
    assert!(report.remarks.iter().any(|remark| remark.kind == RemarkKind::UnsealedGap));
    journal.checkpoint();
    let report = verify(&journal.bytes(), &keys);
    assert!(matches!(report.parts[0].seals, Seals::Through { index: 4, .. }), "{:?}", report.parts);
}

#[test]
fn what_an_epoch_lost_may_be_told_by_the_epoch_after_it() {
    let mut first = Journal::new(1, 1, None);
    (0..9).for_each(|_| first.finding());
    let before = record::Hash::of(&first.lines[3].1);
    first.lines.retain(|(seq, _)| !(5..=7).contains(seq));
    let mut second = Journal::new(1, 2, Some(&first));
    let missing = [first.bytes(), second.bytes()].concat();
    assert_eq!(verify(&missing, &[]).problems[0].kind, ProblemKind::Hole);
    let epoch = first.speaker.epoch;
    let body =
        |before| format!(r#"{{"cause":"damaged","epoch":"{epoch}","lost":[],"runs":[[5,7,"{before}"]]}}"#);
    let mut liar = second.clone();
    second.gap(&body(before), 0);
    let told = [first.bytes(), second.bytes()].concat();
    assert_eq!(verify(&told, &[]).verdict(), Verdict::Clean, "{:?}", verify(&told, &[]).problems);
    liar.gap(&body(record::Hash::NONE), 0);
    let told = verify(&[first.bytes(), liar.bytes()].concat(), &[]);
    assert_eq!((told.problems[0].kind, told.problems[0].from), (ProblemKind::Altered, 4));
}

#[test]
fn a_journal_that_lost_what_it_had_delivered_goes_on_from_what_was_left() {
    let mut journal = Journal::new(1, 1, None);
    (0..5).for_each(|_| journal.finding());
    let (left, delivered) = (record::Hash::of(&journal.lines[3].1), journal.lines[4..].to_vec());
    // The disk loses records 5 and 6; the cursor says that they went out, so their numbers are not used again.
    journal.prev = left;
    journal.gap(&format!(r#"{{"cause":"damaged","lost":[],"runs":[[5,6,"{left}"]]}}"#), 0);
    journal.finding();
    assert_eq!(delivered.len(), 2);
    assert_eq!(verify(&journal.bytes(), &[]).verdict(), Verdict::Clean);
}

/// Nobody can tell it from a key that was taken away, so it is told, and both keys open what is theirs.
#[test]
fn a_key_that_was_lost_and_made_anew_leaves_a_hole_in_the_proof() {
    let mut journal = Journal::new(1, 1, None);
    let mut keys = Vec::new();
    for key in [3, 4] {
        journal.make_key(key);
        keys.push(journal.first_key.clone().unwrap());
        for _ in 0..3 {
            (0..5).for_each(|_| journal.finding());
            journal.checkpoint();
        }
        if key == 3 {
            journal.ratchet = None;
            journal.add(Kind::Lifecycle, r#"{"event":"key-lost"}"#);
            journal.checkpoint();
        }
    }
    for keys in [&keys[..], &keys[..1], &keys[1..], &[]] {
        let report = verify(&journal.bytes(), keys);
        let told: Vec<_> =
            report.problems.iter().map(|problem| (problem.kind, problem.from, problem.to)).collect();
        let first_key_only = keys.len() == 1 && keys[0].from_seq == 3;
        if first_key_only {
            // Without the second key file, its seals are those of a stranger.
            assert_eq!(told[0].0, ProblemKind::Seal, "{told:?}");
        } else {
            assert_eq!(told, [(ProblemKind::Unsealed, 21, 22)], "{:#?}", report.problems);
        }
        let told = report.problems.iter().find(|problem| problem.kind == ProblemKind::Unsealed).unwrap();
        assert!(told.text.contains("a record says that the key was lost"), "{}", told.text);
    }
}
