//! What planted decoys look like: worth opening for whoever looks for secrets, and worth nothing.
//!
//! Each is drawn by lot, so that one that turns up elsewhere tells which machine it was taken from.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use crate::policy::decoys::Plant;

/// The content; `fill` gives random bytes.
pub(super) fn content(plant: Plant, fill: Fill<'_>) -> Vec<u8> {
    let mut dice = Dice(fill);
    let text = match plant {
        Plant::AwsCredentials => aws_credentials(&mut dice),
        Plant::SshKey => ssh_key(&mut dice),
        Plant::Text => passwords(&mut dice),
        Plant::Wallet => wallet(&mut dice),
    };
    text.into_bytes()
}

pub(super) type Fill<'f> = &'f mut dyn FnMut(&mut [u8]);

struct Dice<'f>(Fill<'f>);

impl Dice<'_> {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }

    /// Characters of an alphabet whose length is a power of two, so that none comes more often.
    fn characters(&mut self, alphabet: &[u8], count: usize) -> String {
        let mut bytes = vec![0; count];
        (self.0)(&mut bytes);
        bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
    }
}

/// An access key id has its account in it: forty bits, and an account has twelve digits. From the character 7 on what is in
/// it is beyond 10^12, so that AWS can never have given it to anybody, and nobody is harmed by whoever tries it.
fn aws_credentials(dice: &mut Dice<'_>) -> String {
    let id = dice.characters(BASE32, 15);
    let secret = dice.characters(BASE64_ALPHABET, 40);
    format!("[default]\naws_access_key_id = AKIA7{id}\naws_secret_access_key = {secret}\n")
}

/// PROTOCOL.key of OpenSSH, but its public point and its private part each claim to be longer than they are, and its two
/// check numbers differ: nobody's parser takes it for a key, nor shows a fingerprint of it.
fn ssh_key(dice: &mut Dice<'_>) -> String {
    let public: [u8; 32] = dice.bytes();
    let mut key = b"openssh-key-v1\0".to_vec();
    ["none", "none", ""].iter().for_each(|text| string(&mut key, text.as_bytes()));
    key.extend(1_u32.to_be_bytes());
    let mut blob = Vec::new();
    string(&mut blob, b"ssh-ed25519");
    // One more than there are.
    blob.extend(33_u32.to_be_bytes());
    blob.extend(public);
    string(&mut key, &blob);
    let mut private = Vec::new();
    let check = u32::from_be_bytes(dice.bytes());
    private.extend(check.to_be_bytes());
    private.extend((!check).to_be_bytes());
    private.extend(&blob);
    string(&mut private, &dice.bytes::<64>());
    string(&mut private, b"backup@bastion");
    // Sixteen bytes more than there are.
    key.extend(u32::try_from(private.len() + 16).unwrap_or(u32::MAX).to_be_bytes());
    key.extend(private);
    let mut text = "-----BEGIN OPENSSH PRIVATE KEY-----\n".to_owned();
    let encoded = BASE64.encode(key);
    for line in encoded.as_bytes().chunks(70) {
        text.push_str(std::str::from_utf8(line).unwrap_or_default());
        text.push('\n');
    }
    text.push_str("-----END OPENSSH PRIVATE KEY-----\n");
    text
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(bytes);
}

/// A key store of Ethereum (Web3 Secret Storage, version 3) for an address that was drawn by lot: no password opens it, for
/// its check value was drawn, too.
fn wallet(dice: &mut Dice<'_>) -> String {
    let mut id: [u8; 16] = dice.bytes();
    // RFC 9562: version 4, variant 10.
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    let id = hex(&id);
    let id = format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]);
    let store = json!({
        "address": hex(&dice.bytes::<20>()),
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": hex(&dice.bytes::<16>()) },
            "ciphertext": hex(&dice.bytes::<32>()),
            "kdf": "scrypt",
            "kdfparams": { "dklen": 32, "n": 262_144, "p": 1, "r": 8, "salt": hex(&dice.bytes::<32>()) },
            "mac": hex(&dice.bytes::<32>()),
        },
        "id": id,
        "version": 3,
    });
    format!("{store}\n")
}

fn passwords(dice: &mut Dice<'_>) -> String {
    let mut text = "# old logins, do not use any more (still valid until the migration is done)\n".to_owned();
    for (place, user) in [("vpn", "svc-backup"), ("db-primary:5432", "postgres"), ("console", "breakglass")] {
        let password = dice.characters(BASE64_ALPHABET, 18);
        let _ = writeln!(text, "{place}\t{user}\t{password}");
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::credentials::{KeyId, keys};
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    /// As random as a hash of a seed.
    fn drawn(plant: Plant, seed: u64) -> String {
        let mut count = 0_u64;
        let mut fill = |bytes: &mut [u8]| {
            for byte in bytes {
                count += 1;
                *byte = Sha256::digest([seed.to_le_bytes(), count.to_le_bytes()].concat())[0];
            }
        };
        String::from_utf8(content(plant, &mut fill)).unwrap()
    }

    #[test]
    fn each_is_another_every_time() {
        for plant in Plant::ALL {
            assert_ne!(drawn(plant, 1), drawn(plant, 2), "{plant}");
            assert_eq!(drawn(plant, 1), drawn(plant, 1), "{plant}");
        }
    }

    #[test]
    fn an_access_key_is_found_as_any_that_leaked() {
        let found = (0..8).filter(|seed| keys(drawn(Plant::AwsCredentials, *seed).as_bytes()).len() == 1);
        assert_eq!(found.count(), 8);
    }

    #[test]
    fn an_ssh_key_is_what_ssh_would_begin_with() {
        let text = drawn(Plant::SshKey, 3);
        let lines: Vec<&str> = text.lines().collect();
        let bytes = BASE64.decode(lines[1..lines.len() - 1].concat()).unwrap();
        assert!(
            bytes.starts_with(b"openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none\0\0\0\0\0\0\0\x01\0\0\0\x33")
        );
        assert!(lines.iter().all(|line| line.len() <= 70), "{text}");
    }

    #[test]
    fn a_wallet_has_the_members_of_one() {
        let store: serde_json::Value = serde_json::from_str(&drawn(Plant::Wallet, 3)).unwrap();
        assert_eq!(store["address"].as_str().unwrap().len(), 40);
        assert_eq!(store["crypto"]["mac"].as_str().unwrap().len(), 64);
        assert_eq!(store["id"].as_str().unwrap().as_bytes()[14], b'4');
    }

    proptest! {
        #[test]
        fn an_access_key_looks_like_one_and_is_of_no_account(seed in any::<u64>()) {
            let text = drawn(Plant::AwsCredentials, seed);
            let at = text.find("AKIA").unwrap();
            let id = KeyId::at_start_of(&text.as_bytes()[at..]).unwrap();
            prop_assert!(id.account().is_none() && !matches!(text.as_bytes()[at + 4], b'I' | b'J'), "{}", id);
            // One secret in four thousand looks like words by chance.
            prop_assert!(keys(text.as_bytes()).len() <= 1);
        }
    }
}
