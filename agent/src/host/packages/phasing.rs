//! Phased updates: an archive offers an update to some machines first, and each draws its own lot.

use super::config::Config;
use super::dpkg::Database;
use super::version;
use crate::host::Host;

/// What decides this machine's lots.
#[derive(Debug, Clone, Default)]
pub(super) struct Draw {
    /// Empty when there is none: then nothing is kept back.
    machine: String,
    always: bool,
    never: bool,
    pub(super) rule: Rule,
}

/// What apt makes of the lot: it has changed its mind, as its changelog tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Rule {
    /// Before 2.1.16 every machine gets every update.
    Everybody,
    /// Before 2.4.6 (Ubuntu; 2.5.1 elsewhere) a version that is not for this machine has the priority 1.
    Priority,
    /// Before 2.7.11 the update is kept back, unless there is a security update on the way to it.
    KeptBack,
    /// It is kept back unless it is a security update itself, or one is on the way.
    #[default]
    KeptBackUnlessSecurity,
}

impl Rule {
    /// That of the apt that is installed; the latest where none is.
    fn of(database: &Database) -> Self {
        let Some(apt) = database.present().find(|package| package.name == "apt") else {
            return Self::default();
        };
        let is_before = |limit: &str| version::compare(&apt.version, limit).is_lt();
        match () {
            () if is_before("2.1.16") => Self::Everybody,
            () if is_before("2.4.6") => Self::Priority,
            () if is_before("2.7.11") => Self::KeptBack,
            () => Self::KeptBackUnlessSecurity,
        }
    }
}

impl Draw {
    pub(super) fn of(host: &Host, config: &Config, database: &Database) -> Self {
        let configured = config.value("apt::machine-id").map(str::to_owned);
        let machine = configured.unwrap_or_else(|| {
            let bytes = host.read("/etc/machine-id", MAX_ID).unwrap_or_default();
            let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
            String::from_utf8_lossy(line.trim_ascii()).into_owned()
        });
        let is_set = |names: [&str; 2]| names.iter().any(|name| config.is_true(name));
        Self {
            rule: Rule::of(database),
            machine,
            always: is_set([
                "update-manager::always-include-phased-updates",
                "apt::get::always-include-phased-updates",
            ]),
            never: is_set([
                "update-manager::never-include-phased-updates",
                "apt::get::never-include-phased-updates",
            ]),
        }
    }

    /// Why this machine does not get the update yet; `None` where it does.
    pub(super) fn kept_back(&self, source: &str, version: &str, percentage: u32) -> Option<String> {
        if percentage >= 100 || self.always || self.machine.is_empty() || self.rule == Rule::Everybody {
            return None;
        }
        if self.never {
            return Some(format!("phased: {percentage} %, and this machine takes no phased updates"));
        }
        let drawn = lot(&format!("{source}-{version}-{}", self.machine));
        (drawn > percentage).then(|| format!("phased: {percentage} %, this machine drew {drawn}"))
    }
}

/// A number from 0 to 100 that follows from the text, as apt draws it: C++'s `seed_seq` over the bytes seeds
/// `minstd_rand`, and `uniform_int_distribution` (as the GNU library has it) takes a number from that.
fn lot(text: &str) -> u32 {
    let mut state = u64::from(seed(text.as_bytes()));
    // minstd_rand gives 1 to 2^31-2; the distribution cuts that into equal pieces and rejects the remainder.
    let piece = (MODULUS - 2) / 101;
    loop {
        state = state * MULTIPLIER % MODULUS;
        let number = (state - 1) / piece;
        if number <= 100 {
            return u32::try_from(number).unwrap_or(100);
        }
    }
}

/// The fourth of the words that the seed sequence generates seeds an engine of 32 bits.
fn seed(bytes: &[u8]) -> u32 {
    let words = generate(bytes);
    let seed = u64::from(words[3]) % MODULUS;
    if seed == 0 { 1 } else { u32::try_from(seed).unwrap_or(1) }
}

/// [rand.util.seedseq] of the C++ standard, for four words.
fn generate(bytes: &[u8]) -> [u32; 4] {
    const N: usize = 4;
    let mut words = [0x8b8b_8b8b_u32; N];
    let (t, p) = (1, 1);
    let q = p + t;
    let rounds = (bytes.len() + 1).max(N);
    let mix = |value: u32| value ^ (value >> 27);
    for k in 0..rounds {
        let (here, first, second) = (k % N, (k + p) % N, (k + q) % N);
        let mixed = mix(words[here] ^ words[first] ^ words[(k + N - 1) % N]).wrapping_mul(1_664_525);
        let place = u32::try_from(here).unwrap_or(0);
        let added = match k {
            0 => u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            // A char is signed where apt was compiled for x86, which matters for no name or version.
            k if k <= bytes.len() => place.wrapping_add(u32::from(bytes[k - 1])),
            _ => place,
        };
        words[first] = words[first].wrapping_add(mixed);
        words[second] = words[second].wrapping_add(mixed.wrapping_add(added));
        words[here] = mixed.wrapping_add(added);
    }
    for k in rounds..rounds + N {
        let (here, first, second) = (k % N, (k + p) % N, (k + q) % N);
        let sum = words[here].wrapping_add(words[first]).wrapping_add(words[(k + N - 1) % N]);
        let mixed = mix(sum).wrapping_mul(1_566_083_941);
        let taken = mixed.wrapping_sub(u32::try_from(here).unwrap_or(0));
        words[first] ^= mixed;
        words[second] ^= taken;
        words[here] = taken;
    }
    words
}

const MULTIPLIER: u64 = 48_271;
const MODULUS: u64 = 2_147_483_647;
const MAX_ID: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    #[test]
    fn a_lot_is_the_one_that_the_standard_library_draws() {
        for (text, expected) in [
            ("openssl-3.0.2-0ubuntu1.10-0123456789abcdef0123456789abcdef", 79),
            ("x-1-y", 94),
            ("glibc-2.35-0ubuntu3.4-ffffffffffffffffffffffffffffffff", 66),
            ("a", 94),
        ] {
            assert_eq!(lot(text), expected, "{text}");
        }
    }

    /// The same draw in C++, which is what apt runs.
    #[test]
    fn a_thousand_lots_are_those_that_cpp_draws() {
        let folder = tempfile::tempdir().unwrap();
        let (source, program) = (folder.path().join("draw.cc"), folder.path().join("draw"));
        std::fs::write(&source, CPP).unwrap();
        let built = Command::new("g++").arg(&source).arg("-o").arg(&program).status();
        assert!(built.expect("g++, which tests/all installs").success());
        let texts: Vec<String> =
            (0..1000).map(|n| format!("source{}-1:{n}.2-0ubuntu{}-{:032x}", n % 7, n % 11, n * n)).collect();
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all((texts.join("\n") + "\n").as_bytes()).unwrap();
        let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let theirs: Vec<u32> = output.lines().map(|line| line.parse().unwrap()).collect();
        let ours: Vec<u32> = texts.iter().map(|text| lot(text)).collect();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn a_machine_without_an_id_and_a_full_percentage_keep_nothing_back() {
        let machine = "0123456789abcdef0123456789abcdef".to_owned();
        let draw = Draw { machine, ..Draw::default() };
        let kept_back = |draw: &Draw, percentage| draw.kept_back("openssl", "3.0.2-0ubuntu1.10", percentage);
        assert_eq!(kept_back(&draw, 78).as_deref(), Some("phased: 78 %, this machine drew 79"));
        assert_eq!(kept_back(&draw, 79), None);
        assert_eq!(kept_back(&draw, 100), None);
        assert_eq!(kept_back(&Draw::default(), 0), None);
    }

    const CPP: &str = r#"
        #include <iostream>
        #include <random>
        #include <string>
        int main() {
            for (std::string line; std::getline(std::cin, line);) {
                std::seed_seq seed(line.begin(), line.end());
                std::minstd_rand engine(seed);
                std::cout << std::uniform_int_distribution<unsigned>(0, 100)(engine) << "\n";
            }
        }"#;
}
