//! Where images are kept: `~/.cache/guestward-vm/`, or what `GUESTWARD_VM_CACHE` names. A fresh clone has no `target/`,
//! and an image takes a minute.
//!
//! An entry is a directory whose name has the digest of everything that went into it. Whoever makes one holds its lock,
//! makes it beside its place, and renames it: nobody ever sees half of one.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest as _, Sha256};

/// The entry `kind` for these ingredients; `make` fills an empty directory where there is none yet.
pub fn entry(kind: &str, ingredients: &[&[u8]], make: impl FnOnce(&Path)) -> PathBuf {
    let root = root();
    fs::create_dir_all(&root).unwrap_or_else(|error| panic!("cannot make {}: {error}", root.display()));
    let place = root.join(format!("{kind}-{}", digest(ingredients)));
    let lock = File::create(root.join(format!("{kind}.lock"))).expect("a lock in the cache");
    let _lock =
        Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, errno)| errno).expect("the cache's lock");
    if !place.exists() {
        sweep(&root, kind);
        let half = root.join(format!("{kind}.half"));
        // Of somebody who was interrupted: we hold the lock.
        let _ = fs::remove_dir_all(&half);
        fs::create_dir(&half).expect("a directory in the cache");
        make(&half);
        fs::rename(&half, &place).expect("a name in the cache");
    }
    // For the sweep.
    let _ = File::open(&place).and_then(|place| place.set_modified(SystemTime::now()));
    place
}

/// Entries of this kind that nobody has used for long go: each is half a gigabyte.
fn sweep(root: &Path, kind: &str) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let is_kind = entry.file_name().to_string_lossy().starts_with(&format!("{kind}-"));
        let age = entry.metadata().and_then(|meta| meta.modified()).ok().and_then(|time| time.elapsed().ok());
        if is_kind && age.is_some_and(|age| age > UNUSED) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn root() -> PathBuf {
    if let Some(place) = env::var_os("GUESTWARD_VM_CACHE") {
        return PathBuf::from(place);
    }
    let home = env::var_os("HOME").unwrap_or_else(|| "/root".into());
    PathBuf::from(home).join(".cache/guestward-vm")
}

fn digest(ingredients: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for ingredient in ingredients {
        hash.update(ingredient.len().to_le_bytes());
        hash.update(ingredient);
    }
    let mut text = String::new();
    for byte in &hash.finalize()[..8] {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

const UNUSED: Duration = Duration::from_secs(14 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_one_ingredient_ends_matters() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(digest(&[b"ab", b"c"]), digest(&[b"ab", b"c"]));
    }
}
