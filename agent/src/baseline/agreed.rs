//! What the watch asks of what was agreed: which paths matter, and by which names a file was agreed on that is met under
//! another one. Asked from another thread than that which looks, and exchanged whole.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::diff::CannotCompare;
use super::live::Live;
use super::store::{Ordinal, Store};
use crate::host::{Host, Kind, object};
use crate::policy::rules::{Rules, Scope};
use crate::watch::files::Interest;

/// Without a baseline, nothing is of interest.
#[derive(Debug, Default)]
pub struct Agreed {
    now: RwLock<Option<Arc<Now>>>,
    generation: AtomicU64,
}

#[derive(Debug)]
struct Now {
    rules: Arc<Rules>,
    /// What holds in the directories that were asked for: to go there from the root takes a hundred times as long.
    scopes: Mutex<HashMap<Vec<u8>, Option<Scope>>>,
    host: Host,
    store: Store,
    /// Of every regular file that was agreed on.
    files: Files,
}

/// Eight bytes a file: what a device and an inode are hashed to, and which entry that is. Sorted.
#[derive(Debug, Default)]
struct Files {
    entries: Vec<(u32, u32)>,
    /// As they were agreed on, for each that there is now: another boot may number them in another way.
    devices: HashMap<u64, u64>,
}

impl Agreed {
    /// Answers from what is open there from now on.
    pub fn replace(&self, live: Option<&Live>) -> Result<(), CannotCompare> {
        let now = live.map(Now::of).transpose()?.flatten().map(Arc::new);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = now;
        self.generation.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn now(&self) -> Option<Arc<Now>> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Interest for Agreed {
    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn wants(&self, path: &[u8]) -> bool {
        let (directory, name) = object::split(path);
        self.now().is_some_and(|now| {
            let scope = now.scope(directory);
            scope.is_some_and(|scope| now.rules.of(&scope, name).is_some())
        })
    }

    fn leads_on(&self, directory: &[u8]) -> bool {
        self.now().is_some_and(|now| now.scope(directory).is_some())
    }

    fn names_of(&self, device: u64, inode: u64) -> Vec<Vec<u8>> {
        self.now().map_or_else(Vec::new, |now| now.names_of(device, inode))
    }
}

impl Now {
    /// Its own of everything: whoever looks changes what he has in hand.
    fn of(live: &Live) -> Result<Option<Self>, CannotCompare> {
        let host = Host::at(live.root())?;
        let Some(store) = Store::open(live.directory())? else { return Ok(None) };
        let files = Files::of(&store, &host)?;
        let (rules, scopes) = (Arc::clone(live.rules()), Mutex::default());
        Ok(Some(Self { rules, scopes, host, store, files }))
    }

    fn scope(&self, directory: &[u8]) -> Option<Scope> {
        let directory = directory.strip_suffix(b"/").unwrap_or(directory);
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scope) = scopes.get(directory) {
            return scope.clone();
        }
        let scope = self.rules.within(directory);
        if scopes.len() >= MOST_SCOPES {
            scopes.clear();
        }
        scopes.insert(directory.to_vec(), scope.clone());
        scope
    }

    fn names_of(&self, device: u64, inode: u64) -> Vec<Vec<u8>> {
        let agreed = *self.files.devices.get(&device).unwrap_or(&device);
        let mut names = Vec::new();
        for ordinal in self.files.find(agreed, inode) {
            let Ok(Some((path, entry))) = self.store.at(ordinal) else { continue };
            let is_it = (entry.object.device, entry.object.inode) == (agreed, inode);
            if is_it && names.len() < MOST_NAMES && self.is_still(&path, device, inode) {
                names.push(path);
            }
        }
        names
    }

    /// A name that is another file's by now is touched with that.
    fn is_still(&self, path: &[u8], device: u64, inode: u64) -> bool {
        let found = self.host.lstat(Path::new(std::ffi::OsStr::from_bytes(path)));
        found.is_ok_and(|found| (found.dev, found.ino) == (device, inode))
    }
}

impl Files {
    fn of(store: &Store, host: &Host) -> Result<Self, CannotCompare> {
        let mut entries = Vec::with_capacity(usize::try_from(store.len()).unwrap_or(0));
        let mut samples: HashMap<u64, Vec<(Vec<u8>, u64)>> = HashMap::new();
        store.each(|seen| {
            let found = &seen.entry.object;
            if found.kind == Kind::File {
                entries.push((hash(found.device, found.inode), seen.ordinal.0));
            }
            let of_device = samples.entry(found.device).or_default();
            if of_device.len() < SAMPLES {
                of_device.push((object::path(seen.directory, seen.name), found.inode));
            }
        })?;
        entries.sort_unstable();
        entries.shrink_to_fit();
        let now = |(path, inode): &(Vec<u8>, u64)| {
            let found = host.lstat(Path::new(std::ffi::OsStr::from_bytes(path))).ok()?;
            (found.ino == *inode).then_some(found.dev)
        };
        let devices =
            samples.iter().filter_map(|(agreed, of_it)| Some((of_it.iter().find_map(now)?, *agreed)));
        Ok(Self { devices: devices.collect(), entries })
    }

    fn find(&self, device: u64, inode: u64) -> impl Iterator<Item = Ordinal> {
        let wanted = hash(device, inode);
        let from = self.entries.partition_point(|(hash, _)| *hash < wanted);
        self.entries[from..]
            .iter()
            .take_while(move |(hash, _)| *hash == wanted)
            .map(|(_, entry)| Ordinal(*entry))
    }
}

/// Fibonacci hashing: inodes come in rows.
fn hash(device: u64, inode: u64) -> u32 {
    let mixed = (inode ^ device.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u32::try_from(mixed >> 32).unwrap_or(0)
}

/// Most machines have fewer directories in which anything happens.
const MOST_SCOPES: usize = 4_096;
/// Of one file nobody agrees on more names.
const MOST_NAMES: usize = 64;
/// One of them is still there as it was.
const SAMPLES: usize = 64;
