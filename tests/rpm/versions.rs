//! Versions as real indexes have them, and versions like them, ordered by rpm itself.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::process::Command;

use guestward::host::packages::rpm::version::compare_evr;

/// Parts of which real versions are made.
const PARTS: [&str; 31] = [
    "0",
    "1",
    "2",
    "9",
    "10",
    "007",
    "20230719",
    "6.1.141",
    "2023",
    "el9",
    "amzn2023",
    "fc40",
    "rc1",
    "beta2",
    "git",
    "a",
    "p1",
    "~",
    "~rc1",
    "^",
    "^20240101git1a2b3c",
    "+",
    "_",
    ".",
    "..",
    "module_el8.8.0+557+48ba4b2f",
    "dfsg",
    "b",
    "Z",
    "1a",
    "é",
];

#[test]
fn twenty_thousand_pairs_are_ordered_as_rpm_orders_them() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % limit as u64).unwrap()
    };
    let mut known: Vec<String> = real();
    let mut pairs: Vec<(String, String)> = Vec::new();
    while pairs.len() < 20_000 {
        let one = if known.is_empty() || below(3) == 0 {
            (0..=below(5)).map(|_| PARTS[below(PARTS.len())].to_owned() + ["", ".", "."][below(3)]).collect()
        } else {
            known[below(known.len())].clone()
        };
        // What it is compared with is alike: what differs first decides.
        let mut other: Vec<char> = one.chars().collect();
        for _ in 0..=below(2) {
            let at = below(other.len() + 1);
            match below(3) {
                0 if at < other.len() => drop(other.remove(at)),
                1 => other.truncate(at),
                _ => PARTS[below(PARTS.len())].chars().rev().for_each(|letter| other.insert(at, letter)),
            }
        }
        let other: String = other.into_iter().collect();
        if pairs.len().is_multiple_of(4) && !known.is_empty() {
            pairs.push((one.clone(), known[below(known.len())].clone()));
        }
        // rpm takes an empty string for none at all.
        if !one.is_empty() && !other.is_empty() {
            known.push(one.clone());
            pairs.push((one, other));
        }
    }
    let judged = judged(&pairs);
    assert_eq!(judged.len(), pairs.len());
    for ((one, other), judged) in pairs.iter().zip(judged) {
        for (a, b) in [((0, one.as_str(), "1"), (0, other.as_str(), "1")), ((0, "1", one), (0, "1", other))] {
            assert_eq!(compare_evr(a, b), judged, "{one} {other}");
            assert_eq!(compare_evr(b, a), judged.reverse(), "{other} {one}");
        }
    }
}

/// Of what this machine's archives offer, versions and releases apart: with rpm, neither has a hyphen or a colon.
fn real() -> Vec<String> {
    let output = Command::new("apt-cache").arg("dumpavail").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let versions = text.lines().filter_map(|line| line.strip_prefix("Version: "));
    let parts = versions.flat_map(|version| version.split([':', '-'])).filter(|part| !part.is_empty());
    parts.take(30_000).map(str::to_owned).collect()
}

fn judged(pairs: &[(String, String)]) -> Vec<Ordering> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pairs");
    let mut text = String::new();
    pairs.iter().for_each(|(one, other)| writeln!(text, "{one}\t{other}").unwrap());
    std::fs::write(&file, text).unwrap();
    let script = format!(
        "%{{lua: for line in io.lines('{}') do local a, b = string.match(line, '([^\\t]*)\\t(.*)') \
         print(rpm.vercmp(a, b) .. '\\n') end}}",
        file.display()
    );
    let output = Command::new("rpm").args(["--eval", &script]).output().unwrap();
    let order = |line: &str| match line.trim() {
        "-1" => Some(Ordering::Less),
        "0" => Some(Ordering::Equal),
        "1" => Some(Ordering::Greater),
        _ => None,
    };
    String::from_utf8_lossy(&output.stdout).lines().filter_map(order).collect()
}
