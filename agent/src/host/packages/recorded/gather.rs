//! Reads the records of all packages, one package after the other, and keeps what is wanted of them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::conffiles::{self, Conffiles};
use super::lines::Lines;
use super::{Entry, Kind, Names, Owner, Recorded, alternatives, parse};
use crate::host::files::owners::diverted;
use crate::host::packages::dpkg::{Database, STATUS_PARTS};
use crate::host::{Cause, Host, Text, Unreadable};

/// Sorted hashes say what is wanted; without them, everything is.
pub(super) fn gather(host: &Host, names: Names, wanted: Option<&[u64]>) -> Result<Recorded, Unreadable> {
    let database = Database::of(host)?;
    let diversions = Diversions::of(host, &names)?;
    let conffiles = conffiles::of(host)?;
    let mut gather = Gather {
        host,
        wanted,
        names,
        diversions,
        conffiles,
        lines: Lines::new(),
        lists: lists(host)?,
        entries: Vec::new(),
        own: Vec::new(),
    };
    for (index, package) in database.packages.iter().enumerate() {
        let Ok(index) = u32::try_from(index) else { break };
        gather.package(index, &package.name, &package.architecture, &package.file)?;
    }
    gather.alternatives(&database)?;
    let packages = database
        .packages
        .into_iter()
        .map(|package| Owner { package: Text::new(&package.key()), version: package.version });
    let packages = packages.collect();
    let Gather { mut entries, names, .. } = gather;
    // Of several that list one path, the first that records anything of it.
    entries.sort_unstable_by_key(|entry| (entry.hash, entry.kind, entry.package));
    entries.dedup_by_key(|entry| entry.hash);
    entries.shrink_to_fit();
    Ok(Recorded { entries, packages, names, told: None })
}

struct Gather<'a> {
    host: &'a Host,
    wanted: Option<&'a [u64]>,
    names: Names,
    diversions: Diversions,
    conffiles: Conffiles,
    lines: Lines,
    /// The names in dpkg's directory of lists.
    lists: Vec<OsString>,
    entries: Vec<Entry>,
    /// Those of the package that is being read, sorted by hash.
    own: Vec<Entry>,
}

impl Gather<'_> {
    fn package(
        &mut self,
        index: u32,
        name: &str,
        architecture: &str,
        stanza: &Path,
    ) -> Result<(), Unreadable> {
        self.own.clear();
        if stanza.starts_with(STATUS_PARTS) {
            // A distroless image has digests and no lists.
            let mut sums = stanza.as_os_str().to_owned();
            sums.push(".md5sums");
            let sums = PathBuf::from(sums);
            let absolute = |path: &[u8]| Cow::Owned([b"/", path].concat());
            self.list(&sums, index, name, |line| parse::md5sum(line).map(|(_, path)| absolute(path)))?;
            self.sums(&sums, name)?;
        } else if let Some(list) = self.file(name, architecture, "list") {
            self.list(&list, index, name, |line| (line != b"/.").then_some(Cow::Borrowed(line)))?;
            if !self.own.is_empty()
                && let Some(sums) = self.file(name, architecture, "md5sums")
            {
                self.sums(&sums, name)?;
            }
        }
        self.configuration(index, name, architecture);
        self.entries.append(&mut self.own);
        Ok(())
    }

    /// `name:architecture.list` for what may be there once for each architecture, `name.list` for the rest.
    fn file(&self, name: &str, architecture: &str, kind: &str) -> Option<PathBuf> {
        let candidates = [format!("{name}:{architecture}.{kind}"), format!("{name}.{kind}")];
        let is_there = |file: &&String| {
            self.lists.binary_search_by(|listed| listed.as_bytes().cmp(file.as_bytes())).is_ok()
        };
        candidates.iter().find(is_there).map(|file| Path::new(LISTS).join(file))
    }

    fn list(
        &mut self,
        list: &Path,
        index: u32,
        package: &str,
        path: impl Fn(&[u8]) -> Option<Cow<'_, [u8]>>,
    ) -> Result<(), Unreadable> {
        let Self { host, lines, own, diversions, names, wanted, .. } = self;
        each(host, lines, list, |line| {
            let Some(path) = path(line) else { return };
            let hash = diversions.hash(names, &path, package);
            if is_wanted(*wanted, hash) {
                own.push(Entry { hash, said: [0; 16], package: index, kind: Kind::Listed, bits: 0 });
            }
        })?;
        own.sort_unstable_by_key(|entry| entry.hash);
        own.dedup_by_key(|entry| entry.hash);
        Ok(())
    }

    /// Of a path that a package no longer lists, its digests may still speak: another package took it over.
    fn sums(&mut self, sums: &Path, package: &str) -> Result<(), Unreadable> {
        let Self { host, lines, own, diversions, names, .. } = self;
        let mut path = Vec::new();
        each(host, lines, sums, |line| {
            let Some((md5, below)) = parse::md5sum(line) else { return };
            path.clear();
            path.push(b'/');
            path.extend_from_slice(below);
            let hash = diversions.hash(names, &path, package);
            if let Ok(at) = own.binary_search_by_key(&hash, |entry| entry.hash) {
                (own[at].said, own[at].kind) = (md5, Kind::Recorded);
            }
        })
    }

    fn configuration(&mut self, index: u32, name: &str, architecture: &str) {
        let key = format!("{name}:{architecture}");
        let listed = self.own.len();
        for (md5, path) in self.conffiles.remove(key.as_bytes()).unwrap_or_default() {
            let hash = self.diversions.hash(&self.names, &path, name);
            let entry = Entry { hash, said: md5, package: index, kind: Kind::Configuration, bits: 0 };
            match self.own[..listed].binary_search_by_key(&hash, |entry| entry.hash) {
                Ok(at) => self.own[at] = entry,
                Err(_) if is_wanted(self.wanted, hash) => self.own.push(entry),
                Err(_) => {}
            }
        }
    }

    /// The links of update-alternatives(1), which is dpkg's own: no package lists them.
    fn alternatives(&mut self, database: &Database) -> Result<(), Unreadable> {
        let dpkg =
            database.packages.iter().position(|package| package.name == "dpkg" && package.is_present());
        let Some(index) = dpkg.and_then(|index| u32::try_from(index).ok()) else { return Ok(()) };
        alternatives::each(self.host, ALTERNATIVES, |link| {
            let hash = self.names.hash(link);
            if is_wanted(self.wanted, hash) {
                self.entries.push(Entry { hash, said: [0; 16], package: index, kind: Kind::Listed, bits: 0 });
            }
        })
    }
}

pub(super) fn is_wanted(wanted: Option<&[u64]>, hash: u64) -> bool {
    wanted.is_none_or(|wanted| wanted.binary_search(&hash).is_ok())
}

fn each(host: &Host, lines: &mut Lines, path: &Path, line: impl FnMut(&[u8])) -> Result<(), Unreadable> {
    let (file, meta) = match host.open(path) {
        // The package is being removed.
        Err(cause) if cause.is_absent() => return Ok(()),
        opened => opened?,
    };
    if meta.size > MAX_LIST {
        return Err(Unreadable::new(path, Cause::TooLarge { limit: MAX_LIST }));
    }
    lines.each(file.take(MAX_LIST), line).map_err(|error| Unreadable::from_io(path, &error))
}

/// Where dpkg-divert(1) put files: from which path, to which, and whose stays.
struct Diversions {
    by_path: HashMap<Vec<u8>, (Vec<u8>, Vec<u8>)>,
}

impl Diversions {
    fn of(host: &Host, names: &Names) -> Result<Self, Unreadable> {
        let bytes = match host.read(DIVERSIONS, MAX_SMALL) {
            Err(cause) if cause.is_absent() => Vec::new(),
            bytes => bytes?,
        };
        let one = |path: &[u8]| names.merged.path(path).into_owned();
        let all = diverted(&bytes)?;
        let by_path = all.iter().map(|(from, (to, by))| (one(from), (one(to), by.to_vec()))).collect();
        Ok(Self { by_path })
    }

    /// The hash of where a path of a package is.
    fn hash(&self, names: &Names, path: &[u8], package: &str) -> u64 {
        if !self.by_path.is_empty()
            && let Some((to, by)) = self.by_path.get(&*names.merged.path(path))
            && by != package.as_bytes()
        {
            return names.hash(to);
        }
        names.hash(path)
    }
}

fn lists(host: &Host) -> Result<Vec<OsString>, Unreadable> {
    match host.list(LISTS, MAX_LISTS) {
        Err(cause) if cause.is_absent() => Ok(Vec::new()),
        names => {
            let mut names = names?;
            names.sort_unstable();
            Ok(names)
        }
    }
}

pub(in crate::host::packages) const LISTS: &str = "/var/lib/dpkg/info";
pub(super) const DIVERSIONS: &str = "/var/lib/dpkg/diversions";
pub(super) const ALTERNATIVES: &str = "/var/lib/dpkg/alternatives";
/// Every package has some five files there; all of Debian would fit.
const MAX_LISTS: usize = 1_000_000;
/// The largest of Debian's has some ten megabytes.
const MAX_LIST: u64 = 64 * 1024 * 1024;
/// A Debian has a few dozen diversions.
const MAX_SMALL: u64 = 4 * 1024 * 1024;
