//! What dpkg and rpm record of files: whose each one is, the digest that it had in its package, and, by rpm, what else it
//! is to be.
//!
//! Paths are not kept, only 64 bits of each: some hundred thousand files take thirty-two bytes each, and with rpm as many
//! for each SHA-256. The hash has a key of its own in every process, so that nobody can make up a name that is taken for
//! another's.
//!
//! These records lie on the machine that they speak of, unsigned: whoever is root can change them. They say what a
//! package's update accounts for, and not that a file is good.

mod alternatives;
mod conffiles;
mod digest;
mod gather;
mod known;
mod lines;
pub mod parse;
pub mod rpm;

use std::hash::{BuildHasher as _, RandomState};

pub use digest::Digest;
pub(super) use gather::LISTS;
pub use known::Known;
pub use rpm::Made;

use super::merged::Merged;
use super::settled::unless_taken_away;
use super::{Manager, manager};
use crate::host::{Host, Text, Unreadable};

/// What is recorded of some files, or of all.
#[derive(Debug)]
pub struct Recorded {
    /// Sorted by hash, one each.
    entries: Vec<Entry>,
    packages: Vec<Owner>,
    names: Names,
    /// What entries of rpm's point to; none of dpkg's.
    told: Option<rpm::Told>,
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
    pub digest: Option<Digest>,
    /// An administrator may change it, and the package manager leaves it so.
    pub is_configuration: bool,
    /// What rpm records beside it; dpkg records no more.
    pub made: Option<Made>,
}

/// What is recorded of these paths. `None` where there is no package manager.
pub fn of<'p>(host: &Host, paths: impl Iterator<Item = &'p [u8]>) -> Result<Option<Recorded>, Unreadable> {
    let Some((by, names)) = names(host)? else { return Ok(None) };
    let mut wanted: Vec<u64> = paths.map(|path| names.hash(path)).collect();
    wanted.sort_unstable();
    by.gather(host, &names, Some(&wanted)).map(Some)
}

/// What is recorded of every path. `None` where there is no package manager.
pub fn all(host: &Host) -> Result<Option<Recorded>, Unreadable> {
    let Some((by, names)) = names(host)? else { return Ok(None) };
    by.gather(host, &names, None).map(Some)
}

/// Whether a SHA-256 may be recorded, which a file's own is to be compared with.
pub fn has_sha256(host: &Host) -> bool {
    manager(host).is_ok_and(Manager::is_rpm)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Dpkg,
    Rpm,
}

impl By {
    fn gather(self, host: &Host, names: &Names, wanted: Option<&[u64]>) -> Result<Recorded, Unreadable> {
        match self {
            Self::Dpkg => unless_taken_away(host, || gather::gather(host, names.clone(), wanted)),
            Self::Rpm => rpm::gather(host, names.clone(), wanted),
        }
    }
}

fn names(host: &Host) -> Result<Option<(By, Names)>, Unreadable> {
    let by = match manager(host)? {
        Manager::Apt => By::Dpkg,
        Manager::Dnf | Manager::Zypper => By::Rpm,
        Manager::None => return Ok(None),
    };
    Ok(Some((by, Names { merged: Merged::of(host)?, key: RandomState::new() })))
}

impl Recorded {
    /// What is recorded of a path, however the merge of /usr lets it be spelt.
    pub fn get(&self, path: &[u8]) -> Option<Record<'_>> {
        self.each(path).next()
    }

    /// What every package that has the path records of it, where that is not the same; dpkg lets only one record anything.
    pub fn each(&self, path: &[u8]) -> impl Iterator<Item = Record<'_>> {
        let hash = self.names.hash(path);
        let first = self.entries.partition_point(|entry| entry.hash < hash);
        let same = self.entries.get(first..).unwrap_or_default();
        same.iter().take_while(move |entry| entry.hash == hash).filter_map(|entry| self.record(entry))
    }

    fn record(&self, entry: &Entry) -> Option<Record<'_>> {
        let index = usize::try_from(entry.package).ok()?;
        let (digest, made) = match &self.told {
            None => ((entry.kind != Kind::Listed).then_some(Digest::Md5(entry.said)), None),
            Some(told) => told.of(entry),
        };
        let is_configuration = entry.kind == Kind::Configuration;
        Some(Record { owner: self.packages.get(index)?, index, digest, is_configuration, made })
    }

    /// Whether a link leads where it is recorded to lead.
    pub fn leads(&self, made: &Made, target: &[u8]) -> bool {
        made.target == Some(self.names.key.hash_one(target))
    }

    /// Every package that is known, by [`Record::index`].
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
    /// dpkg's MD5, or what [`rpm::Told`] makes of it.
    said: [u8; 16],
    package: u32,
    kind: Kind,
    /// Of rpm's.
    bits: u8,
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
