//! What no random walk comes across: hostile contents, numbers at their ends, clocks that jump.

use guestward::finding::Severity;
use guestward::finding::wire::gap::Gap;
use guestward::finding::wire::record::{self, Id, Kind};
use guestward::journal::{Claim, Draft, Entry, Journal, Limits, Position, Reader, Storage as _};
use jiff::Timestamp;

use super::disk::Disk;

const LIMITS: Limits = Limits { max_bytes: 1 << 20, max_age: u64::MAX, segment_bytes: 2048 };

fn open(disk: &Disk, delivered: Option<Position>) -> Journal<Disk> {
    let mut random = || [7; 8];
    Journal::open(disk.clone(), LIMITS, Claim::default(), delivered, &mut random, Timestamp::UNIX_EPOCH)
        .unwrap()
}

fn append(journal: &mut Journal<Disk>, count: u64) {
    for n in 0..count {
        let body = format!("{{\"n\":{n}}}");
        let draft = Draft { time: Timestamp::UNIX_EPOCH, kind: Kind::Finding, severity: Severity::Low, body };
        journal.append(&[draft], Timestamp::UNIX_EPOCH).unwrap();
    }
}

fn entries(disk: &Disk, after: Option<Position>) -> Vec<Entry> {
    let mut reader = Reader::new(disk.clone(), after);
    let mut all = Vec::new();
    loop {
        let batch = reader.next_batch(10_000, 1 << 30).unwrap();
        if batch.entries.is_empty() {
            return all;
        }
        all.extend(batch.entries);
    }
}

/// A whole frame with whatever in it.
fn frame(kind: u8, seq: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff, b'G', b'W', 1];
    bytes.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
    bytes.extend(seq.to_le_bytes());
    bytes.extend([kind, 0, 0, 0]);
    bytes.extend(crc32c::crc32c(payload).to_le_bytes());
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    bytes.extend(payload);
    bytes
}

fn put(disk: &Disk, name: &str, bytes: &[u8]) {
    let mut file = disk.create(name).unwrap();
    disk.append(&mut file, bytes).unwrap();
}

fn at(seq: u64, segment: u64) -> Position {
    Position { segment, epoch: Id::new([7; 8]), seq }
}

#[test]
fn a_cursor_cannot_lead_the_journal_to_the_end_of_all_numbers() {
    for seq in [u64::MAX, u64::MAX - 1, 1 << 53, 5_000_000] {
        let disk = Disk::new(1);
        append(&mut open(&disk, None), 5);
        let mut journal = open(&disk, Some(at(seq, 1)));
        journal.set_delivered(Some(at(seq, u64::MAX)));
        append(&mut journal, 3);
        assert!(journal.head().seq < 20);
        let _ = journal.backlog(Some(at(seq, 1)));
        assert!(entries(&disk, Some(at(seq, 1))).is_empty());
        journal.free_old(Timestamp::MAX);
        assert!(entries(&disk, None).len() >= 9, "nothing was freed by it");
    }
}

#[test]
fn clocks_may_jump_anywhere() {
    let disk = Disk::new(1);
    let mut journal = open(&disk, None);
    for now in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
        append(&mut journal, 20);
        let body = "{}".to_owned();
        let draft = Draft { time: now, kind: Kind::Drift, severity: Severity::High, body };
        journal.append(&[draft], now).unwrap();
        journal.free_old(now);
        let _ = journal.backlog(None);
    }
    assert_eq!(entries(&disk, None).len(), 64);
    drop(journal);
    append(&mut open(&disk, None), 1);
}

#[test]
fn forged_numbers_neither_panic_nor_lead_anywhere() {
    for seq in [0, u64::MAX, u64::MAX - 1, (1 << 53) + 1] {
        for kind in [0, 3, 7, 254, 255, 9] {
            let disk = Disk::new(1);
            append(&mut open(&disk, None), 3);
            put(&disk, "0000000002-0.seg", &frame(kind, seq, &[9; 32]));
            put(&disk, "18446744073709551615-0.seg", b"x");
            put(&disk, "18446744073709551614-0.seg", b"x");
            put(&disk, "0000000001-4294967295.seg", b"x");
            let mut journal = open(&disk, None);
            append(&mut journal, 30);
            assert!(journal.head().seq < 50, "{kind} {seq}");
            let _ = (journal.backlog(None), journal.bytes());
            drop(journal);
            assert!(entries(&disk, None).len() >= 33);
            append(&mut open(&disk, None), 1);
        }
    }
}

#[test]
fn a_gap_that_names_everything_is_no_trap() {
    let disk = Disk::new(1);
    let mut journal = open(&disk, None);
    for runs in ["[[1,18446744073709551615,null]]", "[[9,2,null],[18446744073709551615,0,null]]"] {
        let body = format!(
            "{{\"cause\":\"disk\",\"lost\":[{{\"kind\":null,\"severity\":null,\"count\":18446744073709551615}}],\"runs\":{runs}}}"
        );
        let draft = Draft { time: Timestamp::UNIX_EPOCH, kind: Kind::Gap, severity: Severity::Low, body };
        journal.append(&[draft.clone(), draft], Timestamp::UNIX_EPOCH).unwrap();
    }
    append(&mut journal, 30);
    drop(journal);
    let mut journal = open(&disk, None);
    append(&mut journal, 1);
    assert_eq!(journal.totals().dropped, u64::MAX);
}

#[test]
fn a_segment_of_forged_headers_is_read_in_bounded_time() {
    let disk = Disk::new(1);
    append(&mut open(&disk, None), 3);
    // Each says that a quarter of a mebibyte follows, and none of it fits.
    let mut header = frame(0, 4, &vec![0; 256 * 1024])[..28].to_vec();
    header[20] ^= 1;
    let check = crc32c::crc32c(&header[..24]).to_le_bytes();
    header[24..28].copy_from_slice(&check);
    let operations = disk.seen().operations;
    put(&disk, "0000000002-0.seg", &header.repeat(20_000));
    put(&disk, "0000000003-0.seg", &b"\xffGW\x01".repeat(200_000));
    append(&mut open(&disk, None), 3);
    assert!(disk.seen().operations - operations < 500);
    assert_eq!(entries(&disk, None).len(), 7);
}

#[test]
fn many_files_cost_no_more_than_each_its_own() {
    let disk = Disk::new(1);
    append(&mut open(&disk, None), 3);
    for number in 10..5010 {
        put(&disk, &format!("{number:010}-0.seg"), &[b'x'; 600]);
    }
    let operations = disk.seen().operations;
    append(&mut open(&disk, None), 3);
    assert!(disk.seen().operations - operations < 8 * 5000);
    assert_eq!(entries(&disk, None).len(), 7);
}

#[test]
fn what_was_there_before_the_first_segment_that_is_left_is_missed() {
    let disk = Disk::new(1);
    append(&mut open(&disk, None), 30);
    let first = entries(&disk, None).iter().filter(|entry| entry.position.segment == 1).count();
    disk.remove("0000000001-0.seg").unwrap();
    append(&mut open(&disk, Some(at(2, 1))), 1);
    let gaps: Vec<Gap> = entries(&disk, None)
        .iter()
        .filter(|entry| entry.kind == Kind::Gap)
        .map(|entry| Gap::parse(record::parse(&entry.line).unwrap().body).unwrap())
        .collect();
    let runs: Vec<_> = gaps.iter().flat_map(|gap| &gap.runs).map(|run| (run.from, run.to)).collect();
    assert_eq!(runs, [(3, u64::try_from(first).unwrap())]);
}
