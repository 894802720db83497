//! What was agreed of the files, on the disk.
//!
//! - A version is one file that never changes (`store/base.rs`): entries in the order of the tree, in blocks, with an
//!   index, and a digest over all of it that is checked when it is opened.
//! - What is accepted afterwards is appended to a file beside it (`store/delta.rs`), on the disk before anybody is told
//!   that it was accepted, and merged into a next version when there is much of it (`store/merge.rs`).
//! - A version is made from slices that come in any order (`store/draft.rs`), and counts when its file has its name.
//! - The head (`store/head.rs`) says what was agreed last: files that are older than it are not believed.
//! - When each content was hashed last is kept aside (`store/verified.rs`): it changes often, and is no agreement.
//!
//! Nothing that is damaged is ever left out in silence or learned anew: it is [`Damage`], and the operator's to judge.

mod accept;
mod base;
mod block;
mod bytes;
mod check;
mod cursor;
pub mod damage;
mod delta;
mod digest;
mod draft;
mod entry;
mod files;
mod head;
mod header;
mod index;
mod lock;
mod look;
mod merge;
mod overlay;
mod packages;
mod publish;
mod recall;
mod seal;
pub(super) mod section;
#[cfg(test)]
mod tests;
mod verified;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::diff::Identity;
use super::standing::{self, Standing};
use crate::host::object::Object;
use crate::host::packages::recorded::Digest;
pub use accept::{Acceptance, Change};
use base::Base;
pub use cursor::Cache;
pub use damage::{Damage, Fault, NotKept};
use delta::Delta;
pub use digest::Told;
pub use draft::Draft;
use head::Head;
pub use header::{Accepted, Header};
pub use look::{Below, InHand, Slice};
pub use overlay::{Agreed, Seen};
pub use recall::Recall;
pub use seal::{NoKey, PublicKey, Sealed, SealingKey};
pub use verified::Reread;

/// What was agreed of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its `text` is not kept.
    pub object: Object,
    pub owner: Option<Owner>,
    /// It is each machine's own: no part of the root digest.
    pub per_host: bool,
    /// What is kept of its text, to tell later what changed in it.
    pub text: Option<Box<[u8]>>,
}

/// The package that the object is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// `openssl:amd64`.
    pub package: Arc<str>,
    /// What the package recorded of its content.
    pub digest: Option<Digest>,
    pub is_configuration: bool,
}

/// Which entry of a version and of what was accepted since, for as long as no other version takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ordinal(pub(in crate::baseline) u32);

/// A baseline, to look in from several threads, and to accept changes into.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    base: Base,
    delta: Delta,
    head: Option<Head>,
    verified: OnceLock<Vec<u32>>,
}

/// Bytes at the end of a file that a power cut left, and that count for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    pub file: PathBuf,
    pub offset: u64,
    pub bytes: u64,
}

impl Store {
    /// `None` where there was never one. What is there is whole, or it is damage.
    pub fn open(directory: &Path) -> Result<Option<Self>, Damage> {
        let mut tries = 0;
        loop {
            let opened = Self::open_once(directory);
            let is_moving = match &opened {
                // Somebody may have made another version while we looked.
                Err(damage) => damage.is_missing() && (tries < TRIES || lock::is_held(directory)),
                // Somebody may be writing just now.
                Ok(Some(store)) => store.delta.torn > 0 && lock::is_held(directory),
                Ok(None) => false,
            };
            if !is_moving || tries == PATIENCE {
                return opened;
            }
            tries += 1;
            thread::sleep(PAUSE);
        }
    }

    fn open_once(directory: &Path) -> Result<Option<Self>, Damage> {
        // First: what it names is on the disk by then.
        let head = Head::read(directory)?;
        let newest = files::newest(directory).map_err(|cause| Damage::disk(directory, cause))?;
        let path = |version| directory.join(files::base(version));
        let version = match (newest, head) {
            (None, None) => return Ok(None),
            (None, Some(head)) => return Err(Damage::new(&path(head.version), None, Fault::Missing)),
            (Some(version), Some(head)) if version < head.version => {
                return Err(Damage::new(&path(version), None, Fault::RolledBack));
            }
            (Some(version), _) => version,
        };
        let base = Base::open(&path(version), version)?;
        let delta_path = directory.join(files::delta(version));
        let head_of_it = head.filter(|head| head.version == version);
        if head_of_it.is_some_and(|head| head.base != base.digest) {
            return Err(Damage::new(&base.path, None, Fault::Foreign));
        }
        let delta = Delta::read(&delta_path, &base)?;
        match head_of_it {
            Some(head) => check_head(&delta_path, &delta, &head)?,
            None if head.is_none() && !delta.accepted.is_empty() => {
                return Err(Damage::new(&directory.join(files::HEAD), None, Fault::Missing));
            }
            None => {}
        }
        let directory = directory.to_owned();
        Ok(Some(Self { directory, base, delta, head, verified: OnceLock::new() }))
    }

    pub fn header(&self) -> &Header {
        &self.base.about.header
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether nothing was agreed since it was opened.
    pub fn is_current(&self) -> bool {
        Head::read(&self.directory).is_ok_and(|head| head == self.head)
    }

    /// What a checkpoint pins.
    pub fn identity(&self) -> Identity {
        self.identity_after(self.delta.accepted.len())
    }

    /// As it was when so many acceptances were in the delta.
    fn identity_after(&self, accepted: usize) -> Identity {
        let version = self.base.about.version;
        let root = match accepted.checked_sub(1) {
            Some(last) => self.delta.accepted.get(last).map_or(self.delta.root, |accepted| accepted.after),
            None => self.base.root,
        };
        let chain = self.delta.chains.get(accepted).copied().unwrap_or_default();
        let state = Sha256::new().chain_update(self.base.digest).chain_update(version.to_le_bytes());
        Identity { version, root, state: state.chain_update(chain).finalize().into() }
    }

    /// What identified the version before, when this one was made; zeros where there was none.
    pub fn previous(&self) -> [u8; 32] {
        self.base.about.previous
    }

    /// Whether this is, or was before something was accepted or merged, the state of this baseline. What it was before a
    /// merge is known for the last one only.
    pub fn was(&self, state: &[u8; 32]) -> bool {
        let states = (0..=self.delta.accepted.len()).map(|accepted| self.identity_after(accepted).state);
        self.previous() == *state || states.into_iter().any(|of| of == *state)
    }

    /// What is to be told of it when it is another than it was.
    pub(in crate::baseline) fn standing(&self) -> Standing {
        let first = self.identity_after(0);
        let accepted = self.delta.accepted.iter().enumerate().map(|(before, accepted)| {
            let Accepted { when, who, why, count, paths, after, .. } = accepted.clone();
            let state = self.identity_after(before + 1).state;
            standing::Accepted { when, who, why, count, paths, root: after, state }
        });
        Standing {
            identity: self.identity(),
            entries: self.len(),
            previous: Some(self.previous()).filter(|previous| *previous != [0; 32]),
            first_root: first.root,
            first_state: first.state,
            acceptances: accepted.collect(),
            sealed: self
                .sealed()
                .ok()
                .flatten()
                .map(|sealed| standing::Sealed { by: sealed.who, at: sealed.at }),
        }
    }

    /// How many entries there are, with all that was accepted.
    pub fn len(&self) -> u64 {
        self.delta.entries
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was accepted, oldest first: all since the last merge, and the last few hundred before.
    pub fn acceptances(&self) -> impl DoubleEndedIterator<Item = &Accepted> {
        self.base.history.iter().chain(&self.delta.accepted)
    }

    /// What the next acceptance leaves out.
    pub fn torn(&self) -> Option<Torn> {
        let file = self.directory.join(files::delta(self.base.about.version));
        (self.delta.torn > 0).then_some(Torn { file, offset: self.delta.end, bytes: self.delta.torn })
    }
}

/// All that the head knows is there, and is the same.
fn check_head(path: &Path, delta: &Delta, head: &Head) -> Result<(), Damage> {
    let known = usize::try_from(head.accepted).ok().and_then(|accepted| delta.chains.get(accepted));
    match known {
        Some(chain) if *chain == head.chain => Ok(()),
        Some(_) => Err(Damage::new(path, None, Fault::Foreign)),
        // A frame that is whole but for its bytes, or none at all.
        None if delta.torn > 0 => Err(Damage::new(path, delta.end, Fault::Checksum)),
        None => Err(Damage::new(path, delta.end, Fault::RolledBack)),
    }
}

/// A second in all: nobody takes longer from one name to the next.
const PATIENCE: u32 = 50;
/// When nobody is at it any more, what is missing now is missing.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(20);
