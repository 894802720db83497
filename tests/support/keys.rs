//! Access keys for tests, made up while they run: hunters of secrets find none in the repository.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// What AWS would hand out: an id with an account in it, a secret, a session token.
pub(crate) struct Pair {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
}

/// The account that every id here belongs to.
pub(crate) const ACCOUNT: &str = "111122223333";

impl Pair {
    /// The same for the same seed.
    pub(crate) fn of(prefix: &str, seed: &str) -> Self {
        let lot = |salt: &str| Sha256::digest(format!("{salt} of {seed}"));
        let account: u64 = ACCOUNT.parse().expect("a number");
        let tail = lot("id");
        // 48 bits with the account in the middle, then 32 by lot, five bits a character.
        let head = (1 << 47) | (account << 7) | u64::from(tail[0] & 0x7f);
        let low = u32::from_be_bytes([tail[1], tail[2], tail[3], tail[4]]);
        let bits = (u128::from(head) << 32) | u128::from(low);
        let id = (0..16)
            .rev()
            .map(|place| ALPHABET[usize::try_from((bits >> (place * 5)) & 31).expect("five bits")]);
        let token = ["a", "b", "c", "d", "e", "f"].map(|part| STANDARD.encode(&lot(part)[..30])).concat();
        Self {
            id: format!("{prefix}{}", id.map(char::from).collect::<String>()),
            secret: STANDARD.encode(&lot("secret")[..30]),
            token,
        }
    }
}

/// `{KEY_ID}`, `{TEMPORARY_ID}`, `{SECRET}`, `{TOKEN}`, and others with a number: `{SECRET:2}`; `{NUL}` is a byte.
pub(crate) fn expand(text: &str) -> String {
    let mut text = text.replace("{NUL}", "\0");
    if !text.contains('{') {
        return text;
    }
    for (seed, end) in [("1", "}"), ("2", ":2}"), ("3", ":3}")] {
        let pair = Pair::of("AKIA", seed);
        let parts = [("{KEY_ID", &pair.id), ("{SECRET", &pair.secret), ("{TOKEN", &pair.token)];
        for (name, value) in parts {
            text = text.replace(&format!("{name}{end}"), value);
        }
        text = text.replace(&format!("{{TEMPORARY_ID{end}"), &Pair::of("ASIA", seed).id);
    }
    text
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
