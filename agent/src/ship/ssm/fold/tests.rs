//! The fold against a machine that is made up: what it says is what is true there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::finding::wire::record::{Hash, Id, Speaker};
use crate::journal::Position;

pub(in crate::ship::ssm) fn entry(epoch: u8, seq: u64, kind: Kind, body: &str) -> Entry {
    let speaker = Speaker {
        agent: Id::new([1; 8]),
        epoch: Id::new([epoch; 8]),
        boot: "0badcafe".to_owned(),
        instance: None,
        account: None,
        region: None,
    };
    let time = Timestamp::from_second(1_700_000_000 + i64::try_from(seq).unwrap()).unwrap();
    let line = record::line(&speaker, seq, &Hash::NONE, time, kind, body).unwrap();
    let position = Position { segment: 1, epoch: speaker.epoch, seq };
    Entry { position, kind, severity: Severity::Low, line }
}

pub(in crate::ship::ssm) fn body(
    change: &str,
    check: &str,
    subject: &str,
    verdict: Option<Verdict>,
) -> String {
    serde_json::json!({
        "change": change, "check": check, "subject": subject, "verdict": verdict, "severity": "high",
        "title": format!("{check} of {subject}"), "since": "2026-01-01T00:00:00.000Z", "digest": "x",
    })
    .to_string()
}

fn inventory_body(verdicts: &BTreeMap<String, Verdict>) -> String {
    let of = |wanted: Verdict| -> Vec<&String> {
        let all = verdicts.iter();
        all.filter(|(_, verdict)| **verdict == wanted).map(|(check, _)| check).collect()
    };
    serde_json::json!({"digest": "x", "verdicts": {
        "fail": of(Verdict::Fail), "unknown": of(Verdict::Unknown),
        "pass": of(Verdict::Pass), "not_applicable": of(Verdict::NotApplicable),
    }})
    .to_string()
}

/// Records one after another.
#[derive(Default)]
struct Reader {
    folded: Folded,
    seq: u64,
}

impl Reader {
    fn read(&mut self, kind: Kind, body: &str) -> Touched {
        self.seq += 1;
        take(&mut self.folded, &entry(1, self.seq, kind, body))
    }

    fn finding(&mut self, change: &str, subject: &str, verdict: Option<Verdict>) -> Touched {
        self.read(Kind::Finding, &body(change, "ssh-root", subject, verdict))
    }

    fn verdicts(&self) -> BTreeMap<String, Verdict> {
        let all = self.folded.checks.iter();
        all.map(|(check, standing)| (check.as_str().to_owned(), standing.verdict().unwrap())).collect()
    }

    fn standing(&self) -> Option<&Standing> {
        self.folded.checks.get(&Told::new("ssh-root"))
    }
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop::sample::select(vec![Verdict::Fail, Verdict::Unknown, Verdict::Pass, Verdict::NotApplicable])
}

/// Anything that a sensor can have said, in any order.
fn history() -> impl Strategy<Value = Vec<(u8, u8, u8, Option<Verdict>)>> {
    prop::collection::vec((0u8..4, 0u8..5, 0u8..4, prop::option::of(verdict())), 0..60)
}

proptest! {
    #[test]
    fn after_an_inventory_every_verdict_is_that_of_the_inventory(
        history in history(),
        truth in prop::collection::btree_map("[a-h]", verdict(), 0..8),
        later in history(),
    ) {
        let mut reader = Reader::default();
        let changes = ["new", "changed", "resolved", "reopened"];
        let tell = |reader: &mut Reader, history: &[(u8, u8, u8, Option<Verdict>)]| {
            for (change, check, subject, verdict) in history {
                let check = char::from(b'a' + check).to_string();
                let body = body(changes[usize::from(*change)], &check, &subject.to_string(), *verdict);
                reader.read(Kind::Finding, &body);
            }
        };
        tell(&mut reader, &history);
        reader.read(Kind::Inventory, &inventory_body(&truth));
        prop_assert_eq!(&reader.verdicts(), &truth);
        tell(&mut reader, &later);
        reader.read(Kind::Inventory, &inventory_body(&truth));
        prop_assert_eq!(&reader.verdicts(), &truth);
    }

    /// A sensor that tells every change: the fold knows each subject, without an inventory in between.
    #[test]
    fn what_is_open_is_known_change_by_change(looks in prop::collection::vec((0u8..3, 0u8..4, verdict()), 0..80)) {
        let mut reader = Reader::default();
        let mut open: BTreeMap<(u8, u8), Verdict> = BTreeMap::new();
        reader.read(Kind::Inventory, &inventory_body(&BTreeMap::new()));
        for (check, subject, verdict) in looks {
            let is_open = matches!(verdict, Verdict::Fail | Verdict::Unknown);
            let change = match (open.contains_key(&(check, subject)), is_open) {
                (false, true) => "new",
                (true, true) => "changed",
                (true, false) => "resolved",
                (false, false) => continue,
            };
            if is_open { open.insert((check, subject), verdict) } else { open.remove(&(check, subject)) };
            reader.read(Kind::Finding, &body(change, &check.to_string(), &subject.to_string(), Some(verdict)));
            for check in 0u8..3 {
                let truth: Vec<Verdict> = open.iter().filter(|((of, _), _)| *of == check).map(|(_, verdict)| *verdict).collect();
                let standing = reader.folded.checks.get(&Told::new(&check.to_string())).cloned().unwrap_or_default();
                prop_assert_eq!(standing.open.len(), truth.len());
                let worst = truth.into_iter().max_by_key(|verdict| badness(*verdict));
                let known = standing.verdict().filter(|verdict| badness(*verdict) >= 2);
                prop_assert_eq!(known, worst);
            }
        }
    }
}

#[test]
fn a_record_that_comes_again_changes_nothing() {
    let mut reader = Reader::default();
    assert_eq!(reader.finding("new", "a", Some(Verdict::Fail)), Touched::Something);
    assert_eq!(reader.finding("resolved", "a", Some(Verdict::Pass)), Touched::Something);
    reader.seq = 0;
    assert_eq!(reader.finding("new", "a", Some(Verdict::Fail)), Touched::Nothing);
    assert_eq!(reader.standing().unwrap().verdict(), Some(Verdict::Pass));
}

#[test]
fn another_epoch_begins_with_nothing() {
    let mut reader = Reader::default();
    reader.finding("new", "a", Some(Verdict::Fail));
    reader.read(Kind::Inventory, &inventory_body(&[("ssh-root".to_owned(), Verdict::Fail)].into()));
    reader.folded.accepted.insert("Custom:guestward".to_owned(), "hash".to_owned());
    assert!(reader.folded.is_whole);
    take(&mut reader.folded, &entry(2, 1, Kind::Lifecycle, "{}"));
    assert_eq!(reader.folded.epoch, Some(Id::new([2; 8])));
    assert!(!reader.folded.is_whole && reader.folded.checks.is_empty() && reader.folded.accepted.is_empty());
}

#[test]
fn a_subject_that_is_gone_is_no_proof_that_anything_is_well() {
    let mut reader = Reader::default();
    reader.finding("new", "a", Some(Verdict::Fail));
    reader.finding("resolved", "a", None);
    assert_eq!(reader.standing(), None);
}

#[test]
fn a_critical_finding_is_urgent_and_a_passing_record_is_nothing() {
    let mut reader = Reader::default();
    let critical = body("new", "ssh-root", "a", Some(Verdict::Fail)).replace("high", "critical");
    assert_eq!(reader.read(Kind::Finding, &critical), Touched::Critical);
    for kind in [Kind::Heartbeat, Kind::Checkpoint, Kind::Lifecycle, Kind::Gap, Kind::Drift] {
        assert_eq!(reader.read(kind, "{}"), Touched::Nothing);
    }
    assert_eq!(reader.read(Kind::Finding, "{}"), Touched::Nothing, "not of this version");
}

/// What an inventory tells of a check of which no finding is known: one thing is open there at least.
#[test]
fn what_was_missed_is_told_by_the_inventory_and_goes_when_it_is_resolved() {
    let mut reader = Reader::default();
    reader.read(Kind::Inventory, &inventory_body(&[("ssh-root".to_owned(), Verdict::Fail)].into()));
    assert_eq!(reader.standing().unwrap().rest, Some(Rest { count: 1, verdict: Verdict::Fail }));
    reader.finding("resolved", "a", Some(Verdict::Pass));
    assert_eq!(reader.standing().unwrap().verdict(), Some(Verdict::Pass));
}

#[test]
fn more_subjects_than_there_is_room_for_are_counted_and_the_worst_are_kept() {
    let mut reader = Reader::default();
    for number in 0..=MAX_OPEN {
        reader.finding("new", &format!("s{number}"), Some(Verdict::Unknown));
    }
    reader.finding("new", "worst", Some(Verdict::Fail));
    let standing = reader.standing().unwrap();
    assert_eq!((standing.open.len(), standing.rest.unwrap().count), (MAX_OPEN, 2));
    assert!(standing.open.contains_key(&key(&Told::new("worst"))));
    assert!(reader.folded.to_bytes().len() < 8 * 1024 * 1024);
    for number in 0..=MAX_OPEN {
        reader.finding("resolved", &format!("s{number}"), Some(Verdict::Pass));
    }
    reader.finding("resolved", "worst", Some(Verdict::Pass));
    assert_eq!(reader.standing().unwrap().verdict(), Some(Verdict::Pass));
}
