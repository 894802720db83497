//! The digest of all that is agreed and portable: the same on machines that agree in it, whatever their inodes and
//! times are, and however their baselines are cut into blocks, versions and acceptances.
//!
//! ```text
//! D(directory) = SHA-256( SHA-256(its entries in order) | SHA-256(for each directory below, in order: name, D) )
//! ```
//!
//! A directory counts where there is an entry in it or below it, whether it is an entry itself or not. As entries come
//! depth first, nothing has to be kept but the directories that lead to the present one.

use sha2::{Digest as _, Sha256};

use super::Entry;
use super::entry;
use crate::host::Kind;
use crate::host::object::{Content, Flags, Object};

/// Is told all entries in their order.
#[derive(Debug)]
pub(super) struct Tree {
    /// From the root on.
    open: Vec<Open>,
    /// The directory of the last one of them.
    directory: Vec<u8>,
    bytes: Vec<u8>,
    /// Directories down to this depth are told; the root is at none.
    depth: Option<usize>,
    told: Vec<Told>,
}

/// A directory and its digest.
pub type Told = (Vec<u8>, [u8; 32]);

#[derive(Debug, Default)]
struct Open {
    /// How much of the directory's path is its parent's.
    parent: usize,
    entries: Sha256,
    below: Sha256,
    /// Something of it counts.
    has_any: bool,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self::telling(None)
    }

    /// Tells the digests of directories down to a depth.
    pub(super) fn telling(depth: Option<usize>) -> Self {
        Self {
            open: vec![Open::default()],
            directory: Vec::new(),
            bytes: Vec::new(),
            depth,
            told: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, directory: &[u8], name: &[u8], entry: &Entry) {
        if entry.per_host {
            return;
        }
        if directory != self.directory {
            self.enter(directory);
        }
        self.bytes.clear();
        portable(&mut self.bytes, name, &entry.object);
        if let Some(open) = self.open.last_mut() {
            open.entries.update(&self.bytes);
            open.has_any = true;
        }
    }

    /// The digest of the root, and what was to be told.
    pub(super) fn finish(mut self) -> ([u8; 32], Vec<Told>) {
        while self.open.len() > 1 {
            self.leave();
        }
        let root = self.open.pop().map_or([0; 32], |open| digest(open).unwrap_or(NOTHING));
        if self.depth.is_some() {
            self.told.push((Vec::new(), root));
        }
        self.told.sort_by(|a, b| crate::host::object::directories(&a.0, &b.0));
        (root, self.told)
    }

    fn enter(&mut self, directory: &[u8]) {
        while self.open.len() > 1 && !is_within(directory, &self.directory) {
            self.leave();
        }
        while self.directory.len() < directory.len() {
            let parent = self.directory.len();
            let rest = &directory[parent + 1..];
            let end = memchr::memchr(b'/', rest).map_or(directory.len(), |at| parent + 1 + at);
            self.directory.extend_from_slice(&directory[parent..end]);
            self.open.push(Open { parent, ..Open::default() });
        }
    }

    fn leave(&mut self) {
        let depth = self.open.len() - 1;
        let Some(left) = self.open.pop() else { return };
        let parent = left.parent;
        if let Some(digest) = digest(left) {
            if self.depth.is_some_and(|most| depth <= most) {
                self.told.push((self.directory.clone(), digest));
            }
            if let Some(open) = self.open.last_mut() {
                let name = self.directory.get(parent + 1..).unwrap_or_default();
                open.below.update((name.len() as u64).to_le_bytes());
                open.below.update(name);
                open.below.update(digest);
                open.has_any = true;
            }
        }
        self.directory.truncate(parent);
    }
}

fn digest(open: Open) -> Option<[u8; 32]> {
    let both = Sha256::new().chain_update(open.entries.finalize()).chain_update(open.below.finalize());
    open.has_any.then(|| both.finalize().into())
}

/// Whether a directory is another one, or below it.
pub(super) fn is_within(directory: &[u8], other: &[u8]) -> bool {
    directory.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// What of an entry is the same on another machine. No string follows another without its length.
fn portable(out: &mut Vec<u8>, name: &[u8], object: &Object) {
    let string = |out: &mut Vec<u8>, bytes: &[u8]| {
        out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        out.extend_from_slice(bytes);
    };
    string(out, name);
    out.push(entry::code(object.kind));
    for number in [object.mode, object.uid, object.gid] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    // How large a directory is, is its file system's business; and how large a log is, its machine's.
    let is_sized = object.kind == Kind::File && object.content != Content::Unasked;
    out.extend_from_slice(&if is_sized { object.size } else { 0 }.to_le_bytes());
    out.extend_from_slice(&object.rdev.to_le_bytes());
    out.push(object.flags.0);
    if object.flags.contains(Flags::VERITY) {
        out.push(u8::from(object.verity.is_some()));
        if let Some(verity) = &object.verity {
            entry::push_verity(out, verity);
        }
    }
    match object.content {
        Content::Unasked => out.push(0),
        Content::Hashed { algorithm, digest, length } => {
            out.push(1);
            string(out, algorithm.name().as_bytes());
            out.extend_from_slice(&digest);
            out.extend_from_slice(&length.to_le_bytes());
        }
        Content::Unread(trouble) => {
            out.push(2);
            entry::push_trouble(out, trouble);
        }
    }
    out.push(u8::from(object.target.is_some()));
    string(out, object.target.as_deref().unwrap_or_default());
    entry::push_xattrs(out, &object.xattrs);
    out.push(u8::from(object.xattr_trouble.is_some()));
    if let Some(trouble) = object.xattr_trouble {
        entry::push_trouble(out, trouble);
    }
}

/// Of a baseline in which nothing counts.
const NOTHING: [u8; 32] = [0; 32];
