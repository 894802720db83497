//! What dpkg records of files: whose each one is, and the MD5 that it had in its package.
//!
//! Paths are not kept, only 64 bits of each: some hundred thousand files take thirty-two bytes each. The hash has a key of
//! its own in every process, so that nobody can make up a name that is taken for another's.
//!
//! These records lie on the machine that they speak of, unsigned: whoever is root can change them. They say what a
//! package's update accounts for, and not that a file is good.

mod conffiles;
mod gather;
mod known;
mod lines;
pub mod parse;

use std::hash::{BuildHasher as _, RandomState};

pub(super) use gather::LISTS;
pub use known::Known;

use super::merged::Merged;
use super::settled::unless_taken_away;
use super::{Manager, RPM_DATABASES, manager};
use crate::host::{Cause, Host, Text, Unreadable};

/// What is recorded of some files, or of all.
#[derive(Debug)]
pub struct Recorded {
    /// Sorted by hash, one each.
    entries: Vec<Entry>,
    packages: Vec<Owner>,
    names: Names,
}

/// A package that has files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// `openssl:amd64`.
    pub package: Text,
    pub version: String,
}

/// What is recorded of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    pub owner: &'a Owner,
    /// Its place in [`Recorded::packages`].
    pub index: usize,
    /// Of its content as it was installed; `None` where the package lists the path and says no more of it.
    pub md5: Option<[u8; 16]>,
    /// An administrator may change it, and dpkg leaves it so.
    pub is_configuration: bool,
}

/// What is recorded of these paths. `None` where there is no package manager.
pub fn of<'p>(host: &Host, paths: impl Iterator<Item = &'p [u8]>) -> Result<Option<Recorded>, Unreadable> {
    let Some(names) = names(host)? else { return Ok(None) };
    let mut wanted: Vec<u64> = paths.map(|path| names.hash(path)).collect();
    wanted.sort_unstable();
    unless_taken_away(host, || gather::gather(host, names.clone(), Some(&wanted)).map(Some))
}

/// What is recorded of every path. `None` where there is no package manager.
pub fn all(host: &Host) -> Result<Option<Recorded>, Unreadable> {
    unless_taken_away(host, || {
        let Some(names) = names(host)? else { return Ok(None) };
        gather::gather(host, names, None).map(Some)
    })
}

fn names(host: &Host) -> Result<Option<Names>, Unreadable> {
    match manager(host)? {
        Manager::Apt => Ok(Some(Names { merged: Merged::of(host)?, key: RandomState::new() })),
        Manager::Dnf | Manager::Zypper => {
            let cause = Cause::Unsupported("guestward does not read rpm's database yet".to_owned());
            Err(Unreadable::new(RPM_DATABASES[0], cause))
        }
        Manager::None => Ok(None),
    }
}

impl Recorded {
    /// What is recorded of a path, however the merge of /usr lets it be spelt.
    pub fn get(&self, path: &[u8]) -> Option<Record<'_>> {
        let hash = self.names.hash(path);
        let at = self.entries.binary_search_by_key(&hash, |entry| entry.hash).ok()?;
        let entry = &self.entries[at];
        let index = usize::try_from(entry.package).ok()?;
        Some(Record {
            owner: self.packages.get(index)?,
            index,
            md5: (entry.kind != Kind::Listed).then_some(entry.md5),
            is_configuration: entry.kind == Kind::Configuration,
        })
    }

    /// Every package that dpkg knows, by [`Record::index`].
    pub fn packages(&self) -> &[Owner] {
        &self.packages
    }

    /// How many paths there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// How paths are told apart.
#[derive(Debug, Clone)]
struct Names {
    merged: Merged,
    key: RandomState,
}

impl Names {
    fn hash(&self, path: &[u8]) -> u64 {
        self.key.hash_one(&*self.merged.path(path))
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    md5: [u8; 16],
    package: u32,
    kind: Kind,
}

/// In the order in which one goes before another about the same path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Configuration,
    Recorded,
    Listed,
}

#[cfg(test)]
mod tests;
