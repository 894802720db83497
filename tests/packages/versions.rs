//! The order of versions, judged by dpkg and by its Perl library.

use std::cmp::Ordering;
use std::io::Write as _;
use std::process::Stdio;

use guestward::host::packages::version;

use super::*;

#[test]
fn forty_thousand_pairs_are_in_the_order_of_dpkgs_library() {
    let mut pairs = wild(20_000);
    pairs.extend(made(20_000));
    let script = "use Dpkg::Version; while (<STDIN>) { my ($a, $b) = split; \
                  print version_compare(Dpkg::Version->new($a), Dpkg::Version->new($b)), qq(\\n); }";
    compare(&pairs, Command::new("perl").args(["-e", script]));
}

#[test]
fn a_thousand_pairs_are_in_the_order_of_dpkg_itself() {
    let mut pairs = wild(500);
    pairs.extend(made(500));
    let script = "while read a b; do if dpkg --compare-versions \"$a\" lt \"$b\"; then echo -1; \
                  elif dpkg --compare-versions \"$a\" gt \"$b\"; then echo 1; else echo 0; fi; done";
    compare(&pairs, Command::new("sh").args(["-c", script]));
}

fn compare(pairs: &[(String, String)], judge: &mut Command) {
    let mut child = judge.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: String = pairs.iter().map(|(a, b)| format!("{a} {b}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let verdicts: Vec<Ordering> =
        text(&output.stdout).lines().map(|line| line.parse::<i32>().unwrap().cmp(&0)).collect();
    assert_eq!(verdicts.len(), pairs.len());
    let wrong: Vec<_> = pairs
        .iter()
        .zip(&verdicts)
        .filter(|((a, b), expected)| version::compare(a, b) != **expected)
        .take(10)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for order in [Ordering::Less, Ordering::Equal, Ordering::Greater] {
        assert!(verdicts.contains(&order), "no pair is {order:?}, so they show too little");
    }
}

/// Versions out of this machine's lists, each against one that was near it and one that was made from it.
fn wild(count: usize) -> Vec<(String, String)> {
    let lists = fs::read_dir("/var/lib/apt/lists").unwrap().map(|entry| entry.unwrap().path());
    let lists = lists.filter(|path| path.to_str().is_some_and(|path| path.contains("_Packages")));
    let output = Command::new("/usr/lib/apt/apt-helper").arg("cat-file").args(lists).output().unwrap();
    let mut versions: Vec<String> = text(&output.stdout)
        .lines()
        .filter_map(|line| Some(line.strip_prefix("Version: ")?.to_owned()))
        .collect();
    versions.dedup();
    assert!(versions.len() > 1000, "this machine has no lists to take versions from");
    let mut random = Random(1);
    let mut pairs = Vec::new();
    while pairs.len() < count {
        let a = &versions[random.below(versions.len())];
        let b = match random.below(3) {
            0 => versions[random.below(versions.len())].clone(),
            1 => random.twist(a),
            _ => {
                let twisted = random.twist(a);
                if twisted.is_empty() { twisted } else { random.twist(&twisted) }
            }
        };
        if is_version(&b) {
            pairs.push((a.clone(), b));
        }
    }
    pairs
}

/// Versions of few characters, so that near misses are frequent.
fn made(count: usize) -> Vec<(String, String)> {
    let mut random = Random(2);
    let mut pairs = Vec::new();
    while pairs.len() < count {
        let a = random.version();
        let b = if random.below(2) == 0 { random.version() } else { random.twist(&a) };
        if is_version(&a) && is_version(&b) {
            pairs.push((a, b));
        }
    }
    pairs
}

/// What both judges accept.
fn is_version(text: &str) -> bool {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+.~".contains(c);
    // dpkg keeps the epoch in an int.
    epoch.chars().all(|c| c.is_ascii_digit())
        && epoch.parse::<i32>().is_ok()
        && upstream.starts_with(|c: char| c.is_ascii_digit())
        && upstream.chars().all(|c| is_plain(c) || c == '-')
        && !revision.is_empty()
        && revision.chars().all(is_plain)
}

/// A small generator of numbers: every run has the same pairs.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).unwrap()
    }

    fn pick(&mut self, text: &str) -> char {
        text.chars().nth(self.below(text.len())).unwrap()
    }

    fn version(&mut self) -> String {
        let mut version = String::new();
        if self.below(5) == 0 {
            let _ = write!(version, "{}:", self.below(3));
        }
        version.push(self.pick("019"));
        for _ in 0..self.below(7) {
            version.push(self.pick("0019aZ.+~-"));
        }
        version
    }

    /// One character more, less or other.
    fn twist(&mut self, version: &str) -> String {
        let mut characters: Vec<char> = version.chars().collect();
        let place = self.below(characters.len());
        match self.below(3) {
            0 => characters.insert(place, self.pick("019aZ.+~-")),
            1 => {
                characters.remove(place);
            }
            _ => characters[place] = self.pick("019aZ.+~-"),
        }
        characters.into_iter().collect()
    }
}
