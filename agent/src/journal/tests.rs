//! The journal on a real directory: what is accepted is read back, and what is lost is named.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::finding::wire::gap::{Cause, Gap, Run};
use crate::finding::wire::record::Id;
use crate::finding::wire::record::MAX_LINE;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open_with(&self, limits: Limits, claim: Claim, delivered: Option<Position>) -> Journal<Directory> {
        let storage = Directory::create(&self.path(), 0o750, None).unwrap();
        let mut count = 0;
        let mut random = || {
            count += 1;
            [count; 8]
        };
        Journal::open(storage, limits, claim, delivered, &mut random, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn open(&self) -> Journal<Directory> {
        self.open_with(Limits::default(), Claim::default(), None)
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("journal")
    }

    fn entries(&self) -> Vec<Entry> {
        let mut reader = Reader::new(Directory::open(&self.path()).unwrap(), None);
        let mut all = Vec::new();
        loop {
            let batch = reader.next_batch(7, 10_000).unwrap();
            if batch.entries.is_empty() {
                return all;
            }
            all.extend(batch.entries);
        }
    }

    fn seqs(&self) -> Vec<u64> {
        self.entries().iter().map(|entry| entry.position.seq).collect()
    }

    fn segments(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn drafts(range: std::ops::RangeInclusive<u64>, severity: Severity) -> Vec<Draft> {
    range
        .map(|n| Draft {
            time: Timestamp::UNIX_EPOCH,
            kind: Kind::Finding,
            severity,
            body: format!("{{\"n\":{n},\"pad\":\"{}\"}}", "x".repeat(200)),
        })
        .collect()
}

fn append(journal: &mut Journal<Directory>, range: std::ops::RangeInclusive<u64>, severity: Severity) {
    journal.append(&drafts(range, severity), Timestamp::UNIX_EPOCH).unwrap();
}

fn small(max_bytes: u64) -> Limits {
    Limits { max_bytes, max_age: 60, segment_bytes: 4096 }
}

/// Every record follows the one before it, by seq and by hash.
fn assert_chained(entries: &[Entry]) {
    for pair in entries.windows(2) {
        let next = record::parse(&pair[1].line).unwrap();
        assert_eq!(next.prev, Hash::of(&pair[0].line), "seq {}", next.seq);
        assert_eq!(next.seq, pair[0].position.seq + 1);
    }
}

#[test]
fn what_is_accepted_is_read_back_after_a_restart() {
    let place = Place::new();
    append(&mut place.open(), 1..=3, Severity::Low);
    append(&mut place.open(), 4..=5, Severity::Low);
    let entries = place.entries();
    assert_eq!(entries.len(), 6, "the epoch's first record, and ours");
    assert_chained(&entries);
    assert_eq!(place.segments().len(), 1, "a clean end is gone on from");
}

#[test]
fn the_first_record_begins_the_epoch() {
    let place = Place::new();
    append(&mut place.open(), 1..=1, Severity::Low);
    let first = &place.entries()[0];
    let record = record::parse(&first.line).unwrap();
    assert_eq!((record.seq, record.prev, record.kind), (1, Hash::NONE, Kind::Lifecycle));
    assert_eq!(record.body, r#"{"event":"epoch","from":null,"cause":"first-start"}"#);
}

#[test]
fn segments_are_begun_when_one_is_full() {
    let place = Place::new();
    let mut journal = place.open_with(small(1 << 20), Claim::default(), None);
    for n in 1..=50 {
        append(&mut journal, n..=n, Severity::Low);
    }
    assert!(place.segments().len() > 4);
    assert_chained(&place.entries());
}

#[test]
fn records_without_a_marker_are_accepted_by_whoever_opens_the_journal() {
    let place = Place::new();
    append(&mut place.open(), 1..=3, Severity::Low);
    let path = place.path().join("0000000001-0.seg");
    let bytes = fs::read(&path).unwrap();
    let marker = frame::HEADER + 32;
    fs::write(&path, &bytes[..bytes.len() - marker]).unwrap();
    assert_eq!(place.seqs(), [1], "the marker of the first batch is all that vouches");
    append(&mut place.open(), 4..=4, Severity::Low);
    assert_eq!(place.seqs(), [1, 2, 3, 4, 5]);
    assert_chained(&place.entries());
    assert_eq!(place.segments().len(), 2);
}

#[test]
fn a_long_end_that_was_written_anew_is_read_at_once() {
    let place = Place::new();
    let mut journal = place.open();
    for n in 0..8 {
        append(&mut journal, n * 1000 + 1..=(n + 1) * 1000, Severity::Low);
    }
    drop(journal);
    // Without its markers all of it is the end, more than is read at once, and has one marker behind it afterwards.
    let path = place.path().join("0000000001-0.seg");
    let mut bytes = fs::read(&path).unwrap();
    let markers: Vec<usize> = frame::pieces(&bytes)
        .into_iter()
        .filter_map(|piece| match piece {
            frame::Piece::Frame(frame) if frame.content == Content::Marker => Some(frame.span.start),
            _ => None,
        })
        .collect();
    assert!(markers.len() > 4 && bytes.len() > 3 * 1024 * 1024);
    markers.into_iter().for_each(|at| bytes[at] = 0);
    fs::write(&path, bytes).unwrap();
    drop(place.open());
    assert_eq!(place.seqs(), (1..=8001).collect::<Vec<u64>>());
}

#[test]
fn a_torn_tail_is_cut() {
    let place = Place::new();
    append(&mut place.open(), 1..=3, Severity::Low);
    let path = place.path().join("0000000001-0.seg");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - frame::HEADER - 32 - 10]).unwrap();
    append(&mut place.open(), 7..=7, Severity::Low);
    assert_eq!(place.seqs(), [1, 2, 3, 4], "the last of three was torn, and its seq is given to the next");
    assert_chained(&place.entries());
}

#[test]
fn damage_in_the_middle_becomes_a_gap_once() {
    let place = Place::new();
    append(&mut place.open(), 1..=5, Severity::Low);
    let path = place.path().join("0000000001-0.seg");
    let mut bytes = fs::read(&path).unwrap();
    let at = memchr::memmem::find(&bytes, b"\"n\":3").unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    place.open().append(&[], Timestamp::UNIX_EPOCH).unwrap();
    place.open().append(&[], Timestamp::UNIX_EPOCH).unwrap();
    let entries = place.entries();
    let seqs: Vec<u64> = entries.iter().map(|entry| entry.position.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 5, 6, 7]);
    let gap = Gap::parse(record::parse(&entries[5].line).unwrap().body).unwrap();
    assert_eq!(gap.cause, Cause::Damaged);
    assert_eq!(gap.runs[0], Run { from: 4, to: 4, before: Some(Hash::of(&entries[2].line)) });
}

#[test]
fn a_copy_of_the_machine_begins_its_own_epoch_and_leaves_its_parents_spool_alone() {
    let place = Place::new();
    let claim = |instance: &str| Claim {
        machine: Machine { instance: Some(instance.into()), id: Some("m".into()) },
        ..Claim::default()
    };
    append(&mut place.open_with(Limits::default(), claim("i-1"), None), 1..=3, Severity::Low);
    let mut random = || [9; 8];
    let storage = Directory::create(&place.path(), 0o750, None).unwrap();
    let mut copy =
        Journal::open(storage, Limits::default(), claim("i-2"), None, &mut random, Timestamp::UNIX_EPOCH)
            .unwrap();
    append(&mut copy, 4..=4, Severity::Low);
    let entries = place.entries();
    assert_eq!(entries.len(), 2);
    let record = record::parse(&entries[0].line).unwrap();
    assert_eq!((record.epoch, record.seq, record.agent), (Id::new([9; 8]), 1, Id::new([9; 8])));
    assert!(record.body.contains(r#""agent":"0101010101010101""#), "{}", record.body);
    assert!(
        record.body.contains(r#""cause":"other-instance""#) && record.body.contains(r#""instance":"i-1""#)
    );
    assert!(place.segments().contains(&"quarantine-0000000001-0.seg".to_owned()));
}

#[test]
fn who_is_identified_speaks_from_then_on_and_is_known_after_a_restart() {
    let place = Place::new();
    let mut journal = place.open();
    append(&mut journal, 2..=3, Severity::Low);
    assert_eq!(journal.identify("i-one", "111122223333", "eu-central-1"), Ok(()));
    append(&mut journal, 4..=5, Severity::Low);
    assert_eq!(journal.identify("i-one", "111122223333", "eu-central-1"), Ok(()), "twice is no other");
    append(&mut journal, 6..=6, Severity::Low);
    drop(journal);
    let entries = place.entries();
    assert_chained(&entries);
    assert_eq!(place.seqs(), [1, 2, 3, 4, 5, 6]);
    for entry in &entries {
        let record = record::parse(&entry.line).unwrap();
        let expected = (entry.position.seq > 3).then_some("i-one");
        assert_eq!(record.instance.as_deref(), expected, "{}", entry.position.seq);
        let line = String::from_utf8_lossy(&entry.line);
        assert_eq!(line.contains(r#""account":"111122223333","region":"eu-central-1""#), expected.is_some());
    }
    let mut again = place.open();
    assert_eq!(again.speaker().instance.as_deref(), Some("i-one"));
    assert_eq!(again.speaker().account, None, "it is asked for anew");
    assert_eq!(again.identify("i-two", "111122223333", "eu-central-1"), Err("i-one".into()));
    assert_eq!(again.speaker().account, None);
}

#[test]
fn a_power_cut_right_after_the_quarantine_still_leaves_a_copy() {
    let place = Place::new();
    let claim = |instance: &str| Claim {
        machine: Machine { instance: Some(instance.into()), id: None },
        ..Claim::default()
    };
    append(&mut place.open_with(Limits::default(), claim("i-1"), None), 1..=3, Severity::Low);
    // Opened, and gone before anything was written.
    drop(place.open_with(Limits::default(), claim("i-2"), None));
    append(&mut place.open_with(Limits::default(), claim("i-2"), None), 4..=4, Severity::Low);
    let entries = place.entries();
    let record = record::parse(&entries[0].line).unwrap();
    assert_eq!((record.seq, record.agent), (1, Id::new([1; 8])));
    assert!(
        record.body.contains(r#""cause":"other-instance""#) && record.body.contains(r#""instance":"i-1""#)
    );
}

#[test]
fn without_room_delivered_segments_go_first_and_leave_no_gap() {
    let place = Place::new();
    let mut journal = place.open_with(small(32 * 1024), Claim::default(), None);
    for n in 1..=1000 {
        append(&mut journal, n..=n, Severity::Informational);
        let (seq, epoch) = (journal.head().seq, journal.speaker().epoch);
        journal.set_delivered(Some(Position { segment: 0, epoch, seq }));
    }
    assert!(journal.bytes() <= 32 * 1024);
    assert_eq!(journal.totals(), Totals::default());
    assert_chained(&place.entries());
}

#[test]
fn without_room_the_least_urgent_go_first_and_the_gaps_say_which() {
    let place = Place::new();
    let mut journal = place.open_with(small(64 * 1024), Claim::default(), None);
    for n in 1..=300 {
        let severity = if n % 10 == 0 { Severity::Critical } else { Severity::Low };
        append(&mut journal, n..=n, severity);
    }
    assert!(journal.bytes() <= 70 * 1024, "{}", journal.bytes());
    let entries = place.entries();
    let present: Vec<u64> = entries.iter().map(|entry| entry.position.seq).collect();
    let gaps: Vec<Gap> = entries
        .iter()
        .filter(|entry| entry.kind == Kind::Gap)
        .map(|entry| Gap::parse(record::parse(&entry.line).unwrap().body).unwrap())
        .collect();
    let missing: Vec<u64> = (1..=journal.head().seq).filter(|seq| !present.contains(seq)).collect();
    let named: Vec<u64> = gaps.iter().flat_map(|gap| &gap.runs).flat_map(|run| run.from..=run.to).collect();
    assert!(!missing.is_empty());
    assert_eq!(missing, named);
    let lost: u64 = gaps.iter().map(Gap::total).sum();
    assert_eq!(lost, missing.len() as u64);
    assert_eq!(journal.totals(), Totals { dropped: lost, gaps: gaps.len() as u64 });
    let critical =
        entries.iter().filter(|e| e.kind == Kind::Finding && e.severity == Severity::Critical).count();
    assert_eq!(critical, 30, "none of the critical ones went");
    assert_eq!(place.open().totals(), journal.totals(), "and it is the same after a restart");
}

#[test]
fn a_record_that_is_too_long_is_a_loss_and_no_error() {
    let place = Place::new();
    let mut journal = place.open();
    let long = Draft {
        body: format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_LINE)),
        ..drafts(1..=1, Severity::High)[0].clone()
    };
    journal.append(&[long], Timestamp::UNIX_EPOCH).unwrap();
    let entries = place.entries();
    assert_eq!(
        record::parse(&entries[1].line).unwrap().body,
        r#"{"cause":"oversize","lost":[{"kind":"finding","severity":"high","count":1}]}"#
    );
}

#[test]
fn a_seq_that_was_delivered_is_never_given_away_again() {
    let place = Place::new();
    let epoch = {
        let mut journal = place.open();
        append(&mut journal, 1..=5, Severity::Low);
        journal.speaker().epoch
    };
    // All but the header is lost.
    let path = place.path().join("0000000001-0.seg");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..200]).unwrap();
    let at = Position { segment: 1, epoch, seq: 6 };
    let mut journal = place.open_with(Limits::default(), Claim::default(), Some(at));
    append(&mut journal, 6..=6, Severity::Low);
    assert_eq!(place.seqs(), [7], "and what was delivered is no loss");
}

#[test]
fn cursors_are_kept_and_the_durable_one_is_a_step_behind() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Directory::create(&folder.path().join("cursors"), 0o750, None).unwrap();
    let position = |seq| Position { segment: 1, epoch: Id::new([1; 8]), seq };
    for seq in 1..=3 {
        let mut cursor = Cursor::open(&storage, "local").unwrap();
        assert_eq!(cursor.at(), (seq > 1).then(|| position(seq - 1)));
        cursor.advance(position(seq)).unwrap();
    }
    assert_eq!(cursor::newest(&storage, "local").unwrap(), Some(position(3)));
    assert_eq!(cursor::durable(&storage, "local").unwrap(), Some(position(2)));
    // A torn write of the next state leaves the last.
    let path = folder.path().join("cursors/local.cursor");
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(Cursor::open(&storage, "local").unwrap().at(), Some(position(3)));
}

#[test]
fn a_fifo_in_place_of_a_segment_is_no_trap() {
    let place = Place::new();
    append(&mut place.open(), 1..=1, Severity::Low);
    nix::unistd::mkfifo(&place.path().join("0000000002-0.seg"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    append(&mut place.open(), 2..=2, Severity::Low);
    assert_eq!(place.seqs(), [1, 2, 3]);
}
