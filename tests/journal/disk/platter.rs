//! What a crash leaves of files and names.

use std::collections::BTreeMap;

use super::Random;

#[derive(Debug, Default)]
pub(super) struct Inode {
    /// What reads show.
    pub(super) cached: Vec<u8>,
    /// What a crash leaves for certain.
    pub(super) durable: Vec<u8>,
    /// What may or may not reach the disk.
    pub(super) unsynced: Vec<(usize, Vec<u8>)>,
    /// How long the file could be after a crash.
    pub(super) longest: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Change {
    Bind(String, usize),
    Unbind(String, usize),
    Rename(String, String, usize),
}

#[derive(Debug, Default)]
pub(super) struct Folder {
    pub(super) names: BTreeMap<String, usize>,
    pub(super) durable: BTreeMap<String, usize>,
    pub(super) unsynced: Vec<Change>,
}

impl Change {
    pub(super) fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Bind(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            Self::Unbind(name, inode) => {
                if names.get(name) == Some(inode) {
                    names.remove(name);
                }
            }
            Self::Rename(from, to, inode) => {
                if names.get(from) == Some(inode) {
                    names.remove(from);
                }
                names.insert(to.clone(), *inode);
            }
        }
    }
}

impl Folder {
    pub(super) fn crash(&mut self, random: &mut Random) -> u64 {
        let mut lost = 0;
        for change in std::mem::take(&mut self.unsynced) {
            if random.chance(500) {
                change.apply(&mut self.durable);
            } else {
                lost += 1;
            }
        }
        self.names = self.durable.clone();
        lost
    }
}

impl Inode {
    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        put(&mut self.cached, offset, bytes);
        self.longest = self.longest.max(self.cached.len());
        self.unsynced.push((offset, bytes.to_vec()));
    }

    pub(super) fn sync(&mut self) {
        for (offset, bytes) in std::mem::take(&mut self.unsynced) {
            put(&mut self.durable, offset, &bytes);
        }
        // What an earlier sync lost stays lost: there the disk has zeros, and the cache goes on to show it.
        self.durable.resize(self.longest.max(self.durable.len()), 0);
    }

    /// The kernel marks pages clean that never reached the disk.
    pub(super) fn lose(&mut self, random: &mut Random) {
        let unsynced = std::mem::take(&mut self.unsynced);
        self.unsynced = unsynced.iter().flat_map(|write| survivors(write, random)).collect();
    }

    /// Whether part of something survived, and part of it not.
    pub(super) fn crash(&mut self, random: &mut Random) -> bool {
        let unsynced = std::mem::take(&mut self.unsynced);
        let pieces: Vec<_> = unsynced.iter().flat_map(|write| survivors(write, random)).collect();
        let total = |writes: &[(usize, Vec<u8>)]| writes.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        let is_torn = !pieces.is_empty() && total(&pieces) < total(&unsynced);
        let (short, long) = (self.durable.len(), self.longest.max(self.durable.len()));
        let size = match random.below(4) {
            0 => short,
            1 => short + random.below(long - short + 1),
            _ => long,
        };
        let is_garbage = random.chance(300);
        while self.durable.len() < size {
            self.durable.push(if is_garbage { random.next().to_le_bytes()[0] } else { 0 });
        }
        for (offset, bytes) in &pieces {
            let fits = size.saturating_sub(*offset).min(bytes.len());
            put(&mut self.durable, *offset, &bytes[..fits]);
        }
        self.durable.truncate(size);
        self.cached = self.durable.clone();
        self.longest = size;
        is_torn
    }
}

/// Any part of a write: all, none, its beginning, or pieces.
fn survivors((offset, bytes): &(usize, Vec<u8>), random: &mut Random) -> Vec<(usize, Vec<u8>)> {
    match random.below(4) {
        0 => Vec::new(),
        1 => vec![(*offset, bytes.clone())],
        2 => vec![(*offset, bytes[..random.below(bytes.len() + 1)].to_vec())],
        _ => {
            let (mut at, mut pieces) = (0, Vec::new());
            while at < bytes.len() {
                let end = (at + 1 + random.below(300)).min(bytes.len());
                if random.chance(600) {
                    pieces.push((offset + at, bytes[at..end].to_vec()));
                }
                at = end;
            }
            pieces
        }
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    // A write of nothing makes no file longer.
    if !bytes.is_empty() {
        file.resize(file.len().max(offset + bytes.len()), 0);
        file[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
}
