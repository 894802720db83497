//! The local file on a real directory: nothing twice, nothing torn, nothing lost.

use std::os::unix::fs::symlink;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::finding::Severity;
use crate::finding::wire::record::{self, Id, Kind, Speaker};
use crate::ship::Bounds;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("log/records.jsonl")
    }

    fn shipper(&self, max_bytes: u64, after: Option<u64>) -> LocalFile {
        let mut shipper = LocalFile::new(Settings { path: self.path(), max_bytes, keep: 3 });
        shipper.resume(after.map(position));
        shipper
    }

    /// The seqs in all files, oldest first.
    fn seqs(&self) -> Vec<u64> {
        let numbered = (1..=9).rev().map(|number| rotate::numbered(&self.path(), number));
        let texts = numbered.chain([self.path()]).filter_map(|path| fs::read_to_string(path).ok());
        texts.flat_map(|text| text.lines().map(seq).collect::<Vec<_>>()).collect()
    }
}

fn seq(line: &str) -> u64 {
    record::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{error}: {line:?}")).seq
}

fn position(seq: u64) -> Position {
    Position { segment: 1, epoch: Id::new([2; 8]), seq }
}

fn entries(seqs: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    let speaker = Speaker {
        agent: Id::new([1; 8]),
        epoch: Id::new([2; 8]),
        boot: "0badcafe".into(),
        instance: None,
        account: None,
        region: None,
    };
    let line = |seq| {
        let (kind, body) = (Kind::Finding, r#"{"check":"ssh-password"}"#);
        record::line(&speaker, seq, &Hash::of(&seq.to_le_bytes()), Timestamp::UNIX_EPOCH, kind, body).unwrap()
    };
    seqs.map(|seq| Entry {
        position: position(seq),
        kind: Kind::Finding,
        severity: Severity::Low,
        line: line(seq),
    })
    .collect()
}

/// Delivers all of it, as the loop does.
fn deliver(shipper: &mut LocalFile, seqs: std::ops::RangeInclusive<u64>) {
    let mut rest = entries(seqs);
    while !rest.is_empty() {
        let delivered = shipper.deliver(&rest).unwrap();
        rest.drain(..delivered.records);
    }
}

fn trouble(shipper: &mut LocalFile) -> String {
    match shipper.deliver(&entries(1..=1)) {
        Err(Trouble::Retry { after: None, text }) => text,
        other => panic!("{other:?}"),
    }
}

const LARGE: u64 = 1 << 20;

#[test]
fn lines_are_the_very_bytes_in_a_file_for_few() {
    let place = Place::new();
    deliver(&mut place.shipper(LARGE, None), 1..=3);
    let wanted: Vec<u8> =
        entries(1..=3).into_iter().flat_map(|entry| [entry.line, b"\n".to_vec()].concat()).collect();
    assert_eq!(fs::read(place.path()).unwrap(), wanted);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place.path()), mode(place.path().parent().unwrap())), (0o640, 0o750));
}

#[test]
fn whatever_a_crash_left_of_a_batch_is_gone_on_behind() {
    let whole: Vec<u8> =
        entries(1..=9).into_iter().flat_map(|entry| [entry.line, b"\n".to_vec()].concat()).collect();
    for cut in (0..=whole.len()).step_by(61).chain([whole.len()]) {
        for after in [None, Some(3)] {
            let place = Place::new();
            let known =
                after.map_or(0, |seq: u64| entries(1..=seq).iter().map(|entry| entry.line.len() + 1).sum());
            fs::create_dir(place.path().parent().unwrap()).unwrap();
            fs::write(place.path(), &whole[..cut.max(known)]).unwrap();
            deliver(&mut place.shipper(LARGE, after), after.map_or(1, |seq| seq + 1)..=12);
            assert_eq!(place.seqs(), (1..=12).collect::<Vec<_>>(), "cut at {cut}, cursor at {after:?}");
        }
    }
}

#[test]
fn a_length_without_its_bytes_is_cut_back_to_what_was_acknowledged() {
    let place = Place::new();
    deliver(&mut place.shipper(LARGE, None), 1..=5);
    let mut bytes = fs::read(place.path()).unwrap();
    let third = bytes.len() / 5 * 3;
    let end = third + 40;
    bytes[third..end].fill(0);
    fs::write(place.path(), bytes).unwrap();
    deliver(&mut place.shipper(LARGE, Some(2)), 3..=8);
    assert_eq!(place.seqs(), (1..=8).collect::<Vec<_>>());
}

#[test]
fn damage_in_what_was_acknowledged_stays_and_costs_nothing_behind_it() {
    let place = Place::new();
    deliver(&mut place.shipper(LARGE, None), 1..=5);
    let mut bytes = fs::read(place.path()).unwrap();
    let first = bytes.len() / 5;
    bytes[first + 40..first + 50].fill(b'x');
    fs::write(place.path(), &bytes).unwrap();
    deliver(&mut place.shipper(LARGE, Some(5)), 6..=6);
    let after = fs::read(place.path()).unwrap();
    assert_eq!(after[..bytes.len()], bytes);
    assert_eq!(seq(std::str::from_utf8(&after[bytes.len()..]).unwrap().trim_end()), 6);
}

#[test]
fn another_record_of_the_same_seq_is_no_duplicate() {
    let place = Place::new();
    deliver(&mut place.shipper(LARGE, None), 1..=2);
    let mut other = entries(2..=2);
    other[0].line =
        String::from_utf8(other[0].line.clone()).unwrap().replace("ssh-password", "ssh-x11").into_bytes();
    place.shipper(LARGE, Some(1)).deliver(&other).unwrap();
    assert_eq!(place.seqs(), [1, 2, 2], "a restored disk must not silence what came after");
}

#[test]
fn full_files_move_aside_and_the_oldest_goes() {
    let place = Place::new();
    let line = entries(11..=11)[0].line.len() as u64 + 1;
    let mut shipper = place.shipper(line * 4 + 1, None);
    deliver(&mut shipper, 11..=40);
    assert_eq!(place.seqs(), (27..=40).collect::<Vec<_>>(), "two in the file, and three full ones");
    assert_eq!(fs::read_dir(place.path().parent().unwrap()).unwrap().count(), 4);
}

#[test]
fn a_record_larger_than_a_file_has_one_of_its_own() {
    let place = Place::new();
    deliver(&mut place.shipper(10, None), 1..=3);
    assert_eq!(place.seqs(), [1, 2, 3]);
}

#[test]
fn a_rotation_that_was_interrupted_anywhere_removes_nothing_more() {
    let line = entries(1..=1)[0].line.len() as u64 + 1;
    // What is on the disk after each step of moving four files up a place.
    for hole in 1..=4 {
        let place = Place::new();
        let mut shipper = place.shipper(line, None);
        deliver(&mut shipper, 1..=4);
        drop(shipper);
        let name = |number| match number {
            0 => place.path(),
            number => rotate::numbered(&place.path(), number),
        };
        fs::remove_file(name(3)).unwrap();
        for number in (hole..=3).rev() {
            fs::rename(name(number - 1), name(number)).unwrap();
        }
        deliver(&mut place.shipper(line, Some(4)), 5..=5);
        assert_eq!(place.seqs(), [2, 3, 4, 5], "interrupted with {hole} to go");
    }
}

#[test]
fn a_batch_on_both_sides_of_a_rotation_is_not_written_twice() {
    let place = Place::new();
    let line = entries(1..=1)[0].line.len() as u64 + 1;
    deliver(&mut place.shipper(line * 3, None), 1..=7);
    for after in 3..=6 {
        deliver(&mut place.shipper(line * 3, Some(after)), after + 1..=7);
        assert_eq!(place.seqs(), [1, 2, 3, 4, 5, 6, 7], "cursor at {after}");
    }
}

#[test]
fn what_is_no_file_is_refused_until_it_is_gone() {
    type Make = (&'static str, fn(&Path));
    let make: [Make; 3] = [
        ("a symbolic link", |path| symlink("/etc/passwd", path).unwrap()),
        ("a FIFO", |path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap()),
        ("a directory", |path| fs::create_dir(path).unwrap()),
    ];
    for (what, make) in make {
        let place = Place::new();
        fs::create_dir(place.path().parent().unwrap()).unwrap();
        make(&place.path());
        let mut shipper = place.shipper(LARGE, None);
        let text = trouble(&mut shipper);
        assert!(text.contains(what) && text.contains("records.jsonl"), "{text}");
        fs::rename(place.path(), place.0.path().join("aside")).unwrap();
        deliver(&mut shipper, 1..=1);
        assert_eq!(place.seqs(), [1]);
    }
    let mut shipper = LocalFile::new(Settings { path: "/dev/null".into(), max_bytes: LARGE, keep: 1 });
    assert!(trouble(&mut shipper).contains("a device"));
}

#[test]
fn a_file_of_somebody_else_is_neither_cut_nor_written() {
    let place = Place::new();
    fs::create_dir(place.path().parent().unwrap()).unwrap();
    for foreign in ["root:x:0:0\nno newline at its end".to_owned(), "x".repeat(3 << 20)] {
        fs::write(place.path(), &foreign).unwrap();
        assert!(trouble(&mut place.shipper(LARGE, None)).contains("something else"));
        assert_eq!(fs::read_to_string(place.path()).unwrap(), foreign);
    }
}

#[test]
fn a_file_that_somebody_moved_or_emptied_is_gone_on_with() {
    let place = Place::new();
    let mut shipper = place.shipper(LARGE, None);
    deliver(&mut shipper, 1..=2);
    fs::rename(place.path(), place.0.path().join("moved")).unwrap();
    deliver(&mut shipper, 3..=4);
    assert_eq!(place.seqs(), [3, 4]);
    fs::write(place.path(), "").unwrap();
    deliver(&mut shipper, 5..=5);
    assert_eq!(place.seqs(), [5]);
}

#[test]
fn the_look_back_covers_more_than_a_batch() {
    // Else a crash could leave more behind the cursor than is looked at.
    let Bounds { records, bytes } =
        LocalFile::new(Settings { path: "x".into(), max_bytes: 1, keep: 1 }).bounds();
    assert!(usize::try_from(tail::WINDOW).unwrap() > records + bytes + 2 * record::MAX_LINE);
}
