//! Access keys in bytes: an id with a secret beside it. An id alone opens nothing and is not told.
//!
//! Every rule that looks for one half alone drowns in hashes and identifiers; the pair is what makes a find certain.

use std::ops::Range;

use memchr::memmem::Finder;

use super::key::{Fingerprint, ID_LENGTH, Key, KeyId, Kind, LONG_LIVED, TEMPORARY};
use super::token::{Candidate, begins_word, candidates};

/// The keys in plain bytes, in the order of their ids; the same one is told once.
pub(super) fn plain(bytes: &[u8]) -> Vec<Key> {
    let ids = ids(bytes);
    let secrets = secrets(bytes, &ids);
    let mut keys: Vec<Key> = Vec::new();
    for (index, &(at, id)) in ids.iter().enumerate() {
        if keys.len() == MAX_KEYS {
            break;
        }
        let Some(secret) = partner(&ids, index, &secrets).and_then(|candidate| candidate.secret(bytes))
        else {
            continue;
        };
        let fingerprint = Fingerprint::of(&id, &secret);
        let kind = match id.is_temporary() {
            true => Kind::Temporary { has_token: has_token(bytes, at) },
            false => Kind::LongLived,
        };
        if !keys.iter().any(|key| key.fingerprint == fingerprint) {
            keys.push(Key { id, kind, fingerprint, at });
        }
    }
    keys
}

/// Where something stands that could be the secret of an access key, in order. What it is, is not told.
pub fn secrets_at(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    candidates(bytes, 0, bytes.len(), &mut found);
    found.iter().map(|candidate| candidate.start..candidate.end).collect()
}

fn ids(bytes: &[u8]) -> Vec<(usize, KeyId)> {
    let mut ids = Vec::new();
    for prefix in [LONG_LIVED, TEMPORARY] {
        for at in Finder::new(prefix).find_iter(bytes).take(MAX_HITS) {
            let ends =
                bytes.get(at + ID_LENGTH).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'+');
            if ends
                && begins_word(bytes, at)
                && let Some(id) = KeyId::at_start_of(&bytes[at..])
            {
                ids.push((at, id));
            }
        }
    }
    ids.sort_unstable();
    ids
}

/// What could be a secret, within reach of any id. Each stretch is read once, however many ids it has.
fn secrets(bytes: &[u8], ids: &[(usize, KeyId)]) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut stretch: Option<(usize, usize)> = None;
    for &(at, _) in ids {
        let (from, to) = (at.saturating_sub(REACH), at + ID_LENGTH + REACH);
        stretch = match stretch {
            Some((start, end)) if from <= end => Some((start, to)),
            Some((start, end)) => {
                candidates(bytes, start, end, &mut found);
                Some((from.max(end), to))
            }
            None => Some((from, to)),
        };
    }
    if let Some((start, end)) = stretch {
        candidates(bytes, start, end, &mut found);
    }
    found
}

/// The secret that belongs to an id: the next one, or the one before where a file tells secrets first.
fn partner<'a>(ids: &[(usize, KeyId)], index: usize, secrets: &'a [Candidate]) -> Option<&'a Candidate> {
    let (at, _) = ids[index];
    let fits = |secret: &&Candidate| {
        let distance = at.saturating_sub(secret.end).max(secret.start.saturating_sub(at + ID_LENGTH));
        let is_apart = secret.end <= at || secret.start >= at + ID_LENGTH;
        is_apart && (distance <= NEAR || (secret.is_named && distance <= REACH))
    };
    let split = secrets.partition_point(|secret| secret.start < at);
    let next = secrets[split..].iter().take(MAX_STEPS).find(fits);
    let before = secrets[..split].iter().rev().take(MAX_STEPS).find(fits);
    match (before, next) {
        (Some(_), Some(_)) if tells_secrets_first(ids, index, secrets, split) => before,
        (before, next) => next.or(before),
    }
}

/// Whether the stretch around an id, in which ids and secrets follow each other closely, begins with a secret and
/// ends with an id.
fn tells_secrets_first(ids: &[(usize, KeyId)], index: usize, secrets: &[Candidate], split: usize) -> bool {
    let (mut id, mut secret, mut here, mut begins) = (index, split, ids[index].0, false);
    for _ in 0..MAX_STEPS {
        let last_id = id.checked_sub(1).map(|id| ids[id].0);
        let last_secret = secret.checked_sub(1).map(|secret| secrets[secret].end);
        let Some(last) = last_id.max(last_secret).filter(|&last| last + NEAR + ID_LENGTH >= here) else {
            break;
        };
        begins = last_secret == Some(last);
        if begins {
            secret -= 1
        } else {
            id -= 1
        }
        here = last;
    }
    let (mut id, mut secret, mut here, mut ends) = (index + 1, split, ids[index].0, true);
    for _ in 0..MAX_STEPS {
        let next = [ids.get(id).map(|(at, _)| *at), secrets.get(secret).map(|secret| secret.start)];
        let Some(first) = next.into_iter().flatten().min().filter(|&first| first <= here + NEAR + ID_LENGTH)
        else {
            break;
        };
        ends = next[0] == Some(first);
        if ends {
            id += 1
        } else {
            secret += 1
        }
        here = first;
    }
    begins && ends
}

/// A session token is the only long run of base64 that stands beside such a key.
fn has_token(bytes: &[u8], at: usize) -> bool {
    let near = &bytes[at.saturating_sub(TOKEN_DISTANCE)..(at + TOKEN_DISTANCE).min(bytes.len())];
    let mut run = 0;
    near.iter().any(|byte| {
        run = if byte.is_ascii_alphanumeric() || b"/+=%\\".contains(byte) { run + 1 } else { 0 };
        run >= MIN_TOKEN
    })
}

/// From an id to its secret when nothing says that it is one: a line or two of any format, a description in JSON.
const NEAR: usize = 300;
/// The same when its name says so: environments sort their variables as they like.
const REACH: usize = 4096;
/// As many secrets of forty bytes as fit in [`REACH`], with their separators.
const MAX_STEPS: usize = 128;
/// Nobody reads more of one file.
const MAX_KEYS: usize = 100;
/// A file of nothing but prefixes is nobody's configuration.
const MAX_HITS: usize = 100_000;
const TOKEN_DISTANCE: usize = 2048;
/// Session tokens have several hundred characters, ids and secrets forty at most.
const MIN_TOKEN: usize = 100;
