//! Guests saved with their memory: a test has one that is up, or even has the package, within two seconds.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::guest::Guest;
use crate::image::{Image, say};
use crate::shell::run;
use crate::suite::Suite;
use crate::{cache, network};

/// A saved guest in the cache.
#[derive(Debug, Clone)]
pub struct Snapshot {
    place: PathBuf,
}

impl Snapshot {
    /// One that has booted, and has nothing left to do.
    pub fn booted(image: &Image) -> Self {
        Self::made(&format!("booted-{}", image.suite), &[image.place.as_os_str().as_encoded_bytes()], || {
            let guest = Guest::launched(image.suite);
            let state = guest.try_sh("systemctl is-system-running --wait").stdout;
            assert!(state.starts_with("running"), "{state}{}", guest.try_sh("systemctl --failed").stdout);
            guest
        })
    }

    /// That one after what `prepare` did; `ingredients` are all that this depends on.
    pub fn prepared(
        suite: Suite,
        name: &str,
        ingredients: &[&[u8]],
        prepare: impl FnOnce(&Guest) + Send,
    ) -> Self {
        let booted = Self::booted(&Image::of(suite));
        let all = [&[booted.place.as_os_str().as_encoded_bytes()], ingredients].concat();
        Self::made(&format!("{name}-{suite}"), &all, || {
            let guest = Guest::running(suite);
            prepare(&guest);
            guest
        })
    }

    fn made(kind: &str, ingredients: &[&[u8]], make: impl FnOnce() -> Guest + Send) -> Self {
        let all = [ingredients, &[RECIPE.as_bytes()]].concat();
        let place = cache::entry(kind, &all, |place| {
            let began = Instant::now();
            // The network that it needs is not the caller's.
            network::inside(kind, || make().save(place));
            say(&format!("{kind} is saved, after {} s", began.elapsed().as_secs()));
        });
        Self { place }
    }

    pub fn memory(&self) -> PathBuf {
        self.place.join(MEMORY)
    }

    pub fn root(&self) -> PathBuf {
        self.place.join(ROOT)
    }
}

/// A disk that holds what is written over another.
pub(crate) fn overlay(path: &Path, base: &Path, format: &str) {
    run(Command::new("/usr/bin/qemu-img")
        .args(["create", "-q", "-f", "qcow2", "-F", format, "-b"])
        .args([base, path]));
}

/// A disk without anything on it.
pub(crate) fn blank(path: &Path, size: u64) {
    File::create(path).and_then(|file| file.set_len(size)).expect("a disk");
}

/// A guest's disk into the cache, without what was never written of it.
pub(crate) fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").arg("--sparse=always").args([from, to]));
    fs::metadata(to).expect("a copy");
}

pub(crate) const MEMORY: &str = "memory";
pub(crate) const ROOT: &str = "root.qcow2";
/// Who the guests of all tests are, unless one says otherwise.
pub const INSTANCE: &str = "i-0123456789abcdef0";
/// Nine seconds on a quiet machine.
pub(crate) const BOOT: Duration = Duration::from_secs(240);

const RECIPE: &str =
    concat!(include_str!("snapshot.rs"), include_str!("qemu.rs"), include_str!("network.rs"));
