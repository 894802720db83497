//! Damage at rest, on a real file system: flipped, cut, zeroed, swapped, replaced and removed files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use guestward::finding::Severity;
use guestward::finding::wire::gap::Gap;
use guestward::finding::wire::record::{self, Kind};
use guestward::journal::verify::Verifier;
use guestward::journal::{Claim, Cursor, Directory, Draft, Journal, Limits, Position, cursor};
use jiff::Timestamp;
use nix::sys::stat::Mode;

use super::disk::Random;
use super::export_lines;

const LIMITS: Limits = Limits { max_bytes: 1 << 20, max_age: 60, segment_bytes: 1500 };
/// The cursor's file stands for certain at this seq.
const DELIVERED: u64 = 8;

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn open(state: &Path) -> Journal<Directory> {
    let storage = Directory::create(&state.join("journal"), 0o750, None).unwrap();
    let cursors = Directory::create(&state.join("cursors"), 0o750, None).unwrap();
    let delivered = cursor::durable(&cursors, "local").unwrap_or(None);
    let mut random = || [7; 8];
    Journal::open(storage, LIMITS, Claim::default(), delivered, &mut random, Timestamp::UNIX_EPOCH).unwrap()
}

/// A state directory with six segments or so, of which the shipper has delivered the beginning.
fn state(state: &Path) -> Files {
    let mut journal = open(state);
    for n in 0..36 {
        journal.append(&[draft(n)], Timestamp::UNIX_EPOCH).unwrap();
    }
    let epoch = journal.speaker().epoch;
    let cursors = Directory::open(&state.join("cursors")).unwrap();
    let mut cursor = Cursor::open(cursors, "local").unwrap();
    cursor.advance(Position { segment: 2, epoch, seq: DELIVERED }).unwrap();
    cursor.advance(Position { segment: 2, epoch, seq: DELIVERED + 2 }).unwrap();
    ["journal", "cursors"].iter().flat_map(|folder| files(&state.join(folder))).collect()
}

fn draft(n: u64) -> Draft {
    let body = format!("{{\"n\":{n}}}");
    Draft { time: Timestamp::UNIX_EPOCH, kind: Kind::Finding, severity: Severity::Low, body }
}

fn files(folder: &Path) -> Files {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn restore(state: &Path, files: &Files) {
    for folder in ["journal", "cursors"] {
        let _ = fs::remove_dir_all(state.join(folder));
        fs::create_dir(state.join(folder)).unwrap();
    }
    files.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
}

/// One way in which a disk, or somebody with a shell, spoils a file.
fn damage(files: &Files, random: &mut Random) -> String {
    let paths: Vec<&PathBuf> = files.keys().collect();
    let path = paths[random.below(paths.len())];
    let mut bytes = files[path].clone();
    let name = path.file_name().unwrap().to_str().unwrap();
    let at = random.below(bytes.len());
    let way = match random.below(100) {
        0..60 => {
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            "flipped"
        }
        60..75 => {
            bytes.truncate(at);
            "cut"
        }
        75..84 => {
            let end = bytes.len().min(at + 512);
            bytes[at..end].fill(0);
            "zeroed"
        }
        84..88 => {
            let other = paths[random.below(paths.len())];
            fs::write(other, &bytes).unwrap();
            bytes = files[other].clone();
            "swapped"
        }
        88..92 => return replaced(path, "FIFO", |path| nix::unistd::mkfifo(path, Mode::S_IRWXU).unwrap()),
        92..95 => return replaced(path, "directory", |path| fs::create_dir(path).unwrap()),
        95..97 => {
            return replaced(path, "link", |path| std::os::unix::fs::symlink("/etc/passwd", path).unwrap());
        }
        97 => return replaced(path, "gone", |_| ()),
        _ => {
            bytes.extend((0..random.below(3000)).map(|_| random.next().to_le_bytes()[0]));
            "longer"
        }
    };
    fs::write(path, bytes).unwrap();
    format!("{name} {way} at {at}")
}

fn replaced(path: &Path, way: &str, by: impl Fn(&Path)) -> String {
    fs::remove_file(path).unwrap();
    by(path);
    format!("{} {way}", path.display())
}

/// Frames that are as they were, where they were.
fn intact(before: &Files, lines: &BTreeMap<u64, Vec<u8>>) -> Vec<u64> {
    const FRAME: usize = 28;
    let is_file = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
    let now = |path: &Path| if is_file(path) { fs::read(path).unwrap() } else { Vec::new() };
    let both: Vec<(&Vec<u8>, Vec<u8>)> = before.iter().map(|(path, bytes)| (bytes, now(path))).collect();
    let is_intact = |line: &Vec<u8>| {
        both.iter().any(|(bytes, now)| {
            memchr::memmem::find(bytes, line)
                .map(|at| at - FRAME..at + line.len())
                .is_some_and(|span| now.get(span.clone()) == Some(&bytes[span]))
        })
    };
    lines.iter().filter(|(_, line)| is_intact(line)).map(|(seq, _)| *seq).collect()
}

fn by_seq(lines: Vec<Vec<u8>>) -> BTreeMap<u64, Vec<u8>> {
    lines.into_iter().map(|line| (record::parse(&line).unwrap().seq, line)).collect()
}

fn judge(state: &Path, before: &Files, lines: &BTreeMap<u64, Vec<u8>>, way: &str) {
    // A reader that does not wait for the sensor neither panics nor hangs.
    let _ = export_lines(&state.join("journal"));
    let intact = if way.contains("swapped") { Vec::new() } else { intact(before, lines) };
    // With the first record that follows, what opening found is told, and everything before is vouched for.
    open(state).append(&[draft(99)], Timestamp::UNIX_EPOCH).unwrap();
    let export = export_lines(&state.join("journal"));
    assert_verifies(&export, lines, way);
    let now = by_seq(export);
    for seq in &intact {
        assert_eq!(now.get(seq), lines.get(seq), "{way}: seq {seq} is intact");
    }
    let gaps = now.values().filter_map(|line| {
        let record = record::parse(line).unwrap();
        (record.kind == Kind::Gap).then(|| Gap::parse(record.body).unwrap())
    });
    let runs: Vec<_> = gaps.flat_map(|gap| gap.runs).collect();
    let is_told = |seq: &u64| now.get(seq) == lines.get(seq) || runs.iter().any(|run| run.covers(*seq));
    let silent: Vec<u64> = lines.keys().filter(|seq| **seq > DELIVERED && !is_told(seq)).copied().collect();
    // What was cut off at the very end looks as if it had never been there. Nothing behind it may be.
    let last = lines.keys().filter(|seq| is_told(seq)).max().copied().unwrap_or(0);
    assert!(
        silent.iter().all(|seq| *seq > last),
        "{way}: {silent:?} of {} are gone without a word",
        lines.len()
    );
}

/// With what had been delivered before, the export has every record, or a gap says which are missing: the proof agrees.
fn assert_verifies(export: &[Vec<u8>], lines: &BTreeMap<u64, Vec<u8>>, way: &str) {
    let mut verifier = Verifier::new(Vec::new(), None);
    let delivered = lines.range(..=DELIVERED).map(|(_, line)| line);
    for (number, line) in (1..).zip(delivered.chain(export)) {
        verifier.take("export", number, line);
    }
    let report = verifier.finish();
    assert!(report.problems.is_empty(), "{way}: {:?}", report.problems);
}

#[test]
fn no_damage_at_rest_hangs_the_journal_or_goes_without_a_word() {
    let folder = if Path::new("/dev/shm").is_dir() {
        tempfile::tempdir_in("/dev/shm").unwrap()
    } else {
        tempfile::tempdir().unwrap()
    };
    let before = state(folder.path());
    let lines = by_seq(export_lines(&folder.path().join("journal")));
    assert_eq!(lines.len(), 37);
    assert!(before.len() > 6);
    let count = if std::env::var_os("GUESTWARD_LONG").is_some() { 50_000 } else { 5000 };
    let mut ways: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..count {
        restore(folder.path(), &before);
        let way = damage(&before, &mut Random::new(seed));
        let begun = Instant::now();
        judge(folder.path(), &before, &lines, &format!("seed {seed}: {way}"));
        assert!(begun.elapsed() < Duration::from_secs(60), "{way}");
        *ways.entry(way.split(' ').nth(1).unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(ways.len(), 9, "{ways:?}");
}
