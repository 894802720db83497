//! Phased updates: an archive offers an update to some machines first, and each draws its own lot.

use super::config::Config;
use crate::host::Host;

/// What decides this machine's lots.
#[derive(Debug, Clone, Default)]
pub(super) struct Draw {
    /// Empty when there is none: then nothing is kept back.
    machine: String,
    always: bool,
    never: bool,
}

impl Draw {
    pub(super) fn of(host: &Host, config: &Config) -> Self {
        let configured = config.value("apt::machine-id").map(str::to_owned);
        let machine = configured.unwrap_or_else(|| {
            let bytes = host.read("/etc/machine-id", MAX_ID).unwrap_or_default();
            let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
            String::from_utf8_lossy(line.trim_ascii()).into_owned()
        });
        let is_set = |names: [&str; 2]| names.iter().any(|name| config.is_true(name));
        Self {
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

    /// Whether this machine does not get the update yet.
    pub(super) fn is_kept_back(&self, source: &str, version: &str, percentage: u32) -> bool {
        if percentage >= 100 || self.always || self.machine.is_empty() {
            return false;
        }
        self.never || lot(&format!("{source}-{version}-{}", self.machine)) > percentage
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
