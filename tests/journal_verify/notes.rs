//! What shippers say of records that were not taken: believed where it fits, named where it does not, and never in the
//! way of a record that is here.

use guestward::finding::wire::gap::Cause;
use guestward::finding::wire::record::Hash;
use guestward::journal::verify::{ProblemKind, RemarkKind, Report, Seals, Verdict};

use super::exports::{Journal, METRICS, cut, note};
use super::verify;

type Lines = Vec<Vec<u8>>;

/// Forty records, sealed at 13, 24 and 35; those from 15 to 19 were not taken, and are told of.
struct Told {
    journal: Journal,
    all: Lines,
    left: Lines,
    note: Vec<u8>,
}

impl Told {
    fn new() -> Self {
        let mut journal = Journal::new(1, 1, None);
        journal.make_key(9);
        for _ in 0..3 {
            (0..10).for_each(|_| journal.finding());
            journal.checkpoint();
        }
        (0..5).for_each(|_| journal.finding());
        let all = journal.bytes();
        let note = note(Cause::TooOld, &all[14..19]);
        let left = [&all[..14], &all[19..]].concat();
        Self { journal, all, left, note }
    }

    fn verify(&self, notes: &[&[u8]]) -> Report {
        self.with(&self.left, notes)
    }

    fn with(&self, lines: &[Vec<u8>], notes: &[&[u8]]) -> Report {
        let notes = notes.iter().map(|note| note.to_vec());
        let lines: Lines = lines.iter().cloned().chain(notes).collect();
        verify(&lines, self.journal.first_key.as_slice())
    }

    /// The note, with one member changed.
    fn changed(&self, change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
        let mut note = serde_json::from_slice(&self.note).unwrap();
        change(&mut note);
        note.to_string().into_bytes()
    }
}

#[track_caller]
fn told(report: &Report, wanted: &[(ProblemKind, u64, u64)]) {
    let told: Vec<_> =
        report.problems.iter().map(|problem| (problem.kind, problem.from, problem.to)).collect();
    assert_eq!(told, wanted, "{:#?}", report.problems);
}

#[test]
fn a_note_explains_what_is_missing_and_the_chain_goes_on_behind_it() {
    let base = Told::new();
    told(&base.verify(&[]), &[(ProblemKind::Hole, 15, 19)]);
    let report = base.verify(&[&base.note]);
    assert_eq!(report.verdict(), Verdict::Clean, "{:#?}", report.problems);
    let part = &report.parts[0];
    assert_eq!((part.untaken, part.explained, part.told.len(), part.told[0].here), (5, 0, 1, 0));
    assert_eq!(part.told[0].lost.iter().map(|lost| lost.count).sum::<u64>(), 5);
    assert!(matches!(part.seals, Seals::Through { seq: 35, .. }), "{part:?}");
}

#[test]
fn no_seal_vouches_for_what_stands_before_a_loss_that_only_a_note_tells_of() {
    let base = Told::new();
    let report = base.verify(&[&base.note]);
    // The seal at 13 vouches for all before it, the one at 24 for what comes after the loss; nobody for 14.
    assert_eq!(report.parts[0].unvouched, 1);
    let remark = report.remarks.iter().find(|remark| remark.kind == RemarkKind::UnsealedNote).unwrap();
    assert_eq!((remark.from, remark.to), (14, 14));
}

#[test]
fn a_note_that_does_not_fit_is_named() {
    let base = Told::new();
    let wrong = Hash::of(b"x").to_string();
    let head = base.changed(|note| note["body"]["head"] = wrong.clone().into());
    let before = base.changed(|note| note["body"]["runs"][0][2] = wrong.clone().into());
    for changed in [head, before] {
        let report = base.verify(&[&changed]);
        told(&report, &[(ProblemKind::Note, 15, 19)]);
        assert!(matches!(report.parts[0].seals, Seals::Through { seq: 13, .. }), "{:?}", report.parts);
        // Even where the records are here after all.
        told(&base.with(&base.all, &[&changed]), &[(ProblemKind::Note, 15, 19)]);
    }
}

#[test]
fn a_digest_is_held_against_records_that_are_all_here() {
    let base = Told::new();
    let wrong = base.changed(|note| note["body"]["sha256"] = Hash::of(b"x").to_string().into());
    assert_eq!(base.with(&base.all, &[&base.note]).verdict(), Verdict::Clean);
    told(&base.with(&base.all, &[&wrong]), &[(ProblemKind::Note, 15, 19)]);
    // Nobody can tell as long as one is missing.
    let without_one = [&base.all[..16], &base.all[17..]].concat();
    assert_eq!(base.with(&without_one, &[&wrong]).verdict(), Verdict::Clean);
    assert_eq!(base.with(&without_one, &[&wrong]).parts[0].told[0].here, 4);
    // Two of the same records, and only one of them can be true.
    told(&base.verify(&[&base.note, &wrong]), &[(ProblemKind::Note, 15, 19)]);
}

#[test]
fn a_note_hides_no_record_that_is_here() {
    let base = Told::new();
    let mut lines = base.all.clone();
    let text = String::from_utf8(lines[16].clone()).unwrap();
    lines[16] = text.replace("\"verdict\":\"fail\"", "\"verdict\":\"pass\"").into_bytes();
    let kinds: Vec<_> =
        base.with(&lines, &[&base.note]).problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::Altered, ProblemKind::Note]);
    // The last of the run: what comes after it names another, and so does the note.
    let mut lines = base.left.clone();
    lines.push(String::from_utf8(base.all[18].clone()).unwrap().replace("\"t\"", "\"u\"").into_bytes());
    let kinds: Vec<_> =
        base.with(&lines, &[&base.note]).problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::Altered, ProblemKind::Note]);
}

#[test]
fn a_note_explains_no_more_than_its_run() {
    let base = Told::new();
    for gone in [13, 19] {
        let lines: Lines = base
            .all
            .iter()
            .enumerate()
            .filter(|(at, _)| !(14..19).contains(at) && *at != gone)
            .map(|(_, line)| line.clone())
            .collect();
        let seq = u64::try_from(gone + 1).unwrap();
        told(&base.with(&lines, &[&base.note]), &[(ProblemKind::Hole, seq, seq)]);
    }
}

#[test]
fn a_note_may_come_twice_and_another_may_sum_up_a_longer_or_a_shorter_run() {
    let base = Told::new();
    let longer = note(Cause::TooOld, &base.all[12..23]);
    let shorter = note(Cause::Refused, &base.all[14..17]);
    let later = note(Cause::TooOld, &base.all[17..21]);
    for notes in [
        &[&base.note[..], &base.note][..],
        &[&base.note, &longer],
        &[&shorter, &base.note],
        &[&shorter, &later],
        &[&longer, &later, &shorter, &base.note, &longer],
    ] {
        let report = base.verify(notes);
        assert_eq!(report.verdict(), Verdict::Clean, "{:#?}", report.problems);
        assert_eq!(report.parts[0].untaken, 5);
    }
    assert_eq!(base.verify(&[&base.note, &base.note]).parts[0].duplicates, 1);
}

#[test]
fn two_notes_that_contradict_each_other_are_named() {
    let base = Told::new();
    let mut other = base.journal.clone();
    other.clock += 1;
    other.lines.truncate(14);
    (other.seq, other.prev) = (14, Hash::of(&base.all[13]));
    (0..9).for_each(|_| other.finding());
    let other = note(Cause::TooOld, &other.bytes()[14..17]);
    let later = note(Cause::TooOld, &base.all[17..19]);
    told(&base.verify(&[&other, &later]), &[(ProblemKind::Note, 18, 19)]);
}

#[test]
fn a_note_of_another_epoch_explains_nothing_here() {
    let base = Told::new();
    let second = Journal::new(1, 2, Some(&base.journal));
    let epoch = second.speaker.epoch.to_string();
    let moved = base.changed(|note| note["epoch"] = epoch.into());
    let lines = [base.left.clone(), second.bytes()].concat();
    told(&base.with(&lines, &[&moved]), &[(ProblemKind::Hole, 15, 19)]);
}

#[test]
fn a_note_in_front_of_the_first_record_is_held_against_it() {
    let base = Told::new();
    let first = note(Cause::TooOld, &base.all[..14]);
    let rest = &base.all[14..];
    let report = base.with(rest, &[&first]);
    assert_eq!((report.verdict(), report.parts[0].untaken, report.parts[0].first), (Verdict::Clean, 14, 15));
    let short = note(Cause::TooOld, &base.all[..13]);
    told(&base.with(rest, &[&short]), &[]);
    let text = String::from_utf8(first).unwrap();
    let forged = text.replace(&Hash::of(&base.all[13]).to_string(), &Hash::of(b"x").to_string());
    told(&base.with(rest, &[forged.as_bytes()]), &[(ProblemKind::Note, 1, 14)]);
    let report = verify(&[text.into_bytes()], &[]);
    assert_eq!((report.verdict(), report.parts[0].untaken), (Verdict::Nothing, 14));
}

#[test]
fn a_note_that_miscounts_is_no_note() {
    let base = Told::new();
    for to in [20u64, u64::MAX] {
        let wide = base.changed(|note| note["body"]["runs"][0][1] = to.into());
        told(&base.verify(&[&wide]), &[(ProblemKind::Hole, 15, 19), (ProblemKind::Malformed, 0, 0)]);
    }
}

#[test]
fn a_loss_whose_gap_was_not_taken_is_told_and_not_suspected() {
    let mut journal = Told::new().journal;
    journal.lose("damaged", &[(26, 28)], &[]);
    let gap = journal.lines.len() - 1;
    (0..3).for_each(|_| journal.finding());
    let all = journal.bytes();
    let lines = [&all[..gap], &all[gap + 1..]].concat();
    let told = note(Cause::Refused, &all[gap..=gap]);
    let report = verify(&[lines.clone(), vec![told]].concat(), &[]);
    assert_eq!(report.verdict(), Verdict::Clean, "{:#?}", report.problems);
    let remark = report.remarks.iter().find(|remark| remark.kind == RemarkKind::LostGaps).unwrap();
    assert_eq!((remark.from, remark.to), (26, 28));
    assert_eq!(verify(&lines, &[]).problems.len(), 2, "the loss, and the gap that told of it");
}

#[test]
fn a_record_that_was_cut_is_chained_by_the_hash_of_the_whole() {
    let base = Told::new();
    let mut lines = base.all.clone();
    lines[16] = cut(&lines[16]);
    let report = base.with(&lines, &[&base.note]);
    assert_eq!((report.verdict(), report.parts[0].cut), (Verdict::Clean, 1), "{:#?}", report.problems);
    // The whole one from elsewhere is the same record.
    lines.push(base.all[16].clone());
    let report = base.with(&lines, &[]);
    assert_eq!((report.verdict(), report.parts[0].cut, report.parts[0].duplicates), (Verdict::Clean, 0, 1));
    let mut lines = base.all.clone();
    let text = String::from_utf8(cut(&lines[16])).unwrap();
    lines[16] = text.replace(&Hash::of(&base.all[16]).to_string(), &Hash::of(b"x").to_string()).into_bytes();
    told(&base.with(&lines, &[]), &[(ProblemKind::Altered, 17, 18)]);
}

#[test]
fn metrics_are_counted_and_not_taken_for_records() {
    let base = Told::new();
    let report = base.with(&base.all, &[METRICS, METRICS]);
    assert_eq!((report.verdict(), report.metrics, report.malformed), (Verdict::Clean, 2, 0));
    let with_v = br#"{"v":1,"_aws":{}}"#;
    told(&base.with(&base.all, &[with_v]), &[(ProblemKind::Malformed, 0, 0)]);
}
