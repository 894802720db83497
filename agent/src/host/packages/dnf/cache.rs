//! Where dnf, yum and zypper keep what a repository gave them.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use ring::digest::{SHA256, digest};

use super::super::database::source::{Source, stamp};
use super::config::Config;
use super::repomd::{Listed, Repomd};
use super::repos::Repo;
use super::zypp::Zypp;
use crate::host::{Cause, Host, Unreadable};

/// A repository's metadata on the disk.
#[derive(Debug)]
pub(super) struct Cached {
    pub(super) repomd: Repomd,
    /// Where its files may be.
    pub(super) directories: Vec<PathBuf>,
    /// When it was last got, or found to be the newest there is.
    pub(super) checked: Option<Timestamp>,
}

impl Cached {
    /// The newest of what is there for the address that is configured; `None` where nothing is.
    pub(super) fn of(
        host: &Host,
        config: &Config,
        repo: &Repo,
        zypp: Option<&Zypp>,
    ) -> Result<Option<Self>, Unreadable> {
        let mut newest: Option<(i64, PathBuf, Vec<PathBuf>)> = None;
        for (file, directories) in places(config, repo, zypp) {
            let meta = match host.stat(&file) {
                Err(cause) if cause.is_absent() => continue,
                meta => meta?,
            };
            if newest.as_ref().is_none_or(|(mtime, ..)| *mtime < meta.mtime) {
                newest = Some((meta.mtime, file, directories));
            }
        }
        let Some((mtime, file, directories)) = newest else { return Ok(None) };
        let bytes = host.read(&file, MAX_REPOMD)?;
        let repomd = Repomd::parse(&bytes).map_err(|what| Unreadable::malformed(&file, 0, what))?;
        // What dnf finds to be unchanged it marks by touching the list of packages (libdnf's `Repo::Impl::load`).
        let primary = match repomd.find(&["primary"]) {
            Some(primary) => primary.place(host, &directories)?,
            None => None,
        };
        // yum dates its files as the server does, and touches this one (yum's yumRepo.py, `setMetadataCookie`).
        let cookie = file.parent().map(|directory| directory.join("cachecookie"));
        let touched = [primary, cookie].into_iter().flatten().filter_map(|path| host.stat(path).ok());
        let checked = Timestamp::from_second(touched.map(|meta| meta.mtime).fold(mtime, i64::max)).ok();
        Ok(Some(Self { repomd, directories, checked }))
    }
}

/// Which of its files the packages are read from.
pub(super) enum List<'a> {
    Xml,
    Database(&'a Listed),
}

impl Cached {
    /// yum asks for the database alone, where a repository has one; everybody else for `primary.xml`.
    pub(super) fn list(&self, host: &Host) -> Result<List<'_>, Unreadable> {
        let (xml, database) = (self.repomd.find(&["primary"]), self.repomd.find(&["primary_db"]));
        let is_there = match xml {
            Some(xml) => xml.is_understood() && xml.place(host, &self.directories)?.is_some(),
            None => false,
        };
        match database {
            Some(database) if !is_there => Ok(List::Database(database)),
            None if xml.is_none() => Err(self.without("it lists no packages")),
            _ => Ok(List::Xml),
        }
    }

    /// Reads the file of that kind, or what yum unpacked of it; a repository that has none has nothing to say.
    pub(super) fn read(
        &self,
        host: &Host,
        kind: &str,
        read: impl FnOnce(&mut dyn io::Read) -> io::Result<()>,
    ) -> Result<(), Unreadable> {
        let Some(listed) = self.repomd.find(&[kind]) else { return Ok(()) };
        let place = listed.place(host, &self.directories)?;
        if place.is_none() || !listed.is_understood() {
            let unpacked = listed.unpacked("xml");
            if let Some(path) = unpacked.place(host, &self.directories)? {
                return unpacked.read(host, &path, read);
            }
        }
        let missing =
            || self.without(&format!("the file of the kind {kind} that repomd.xml lists is not there"));
        listed.read(host, &place.ok_or_else(missing)?, read)
    }

    /// Reads the first of the database's forms that is there and is the listed one.
    pub(super) fn read_database(
        &self,
        host: &Host,
        listed: &Listed,
        read: impl FnOnce(Source) -> Result<(), Cause>,
    ) -> Result<(), Unreadable> {
        let mut first = None;
        for form in [Some(listed.unpacked("sqlite")), listed.unpacked_beside(), Some(listed.clone())] {
            let Some(form) = form else { continue };
            let Some(path) = form.place(host, &self.directories)? else { continue };
            // yum unpacks it into the same file again.
            let before = stamp(host, &path);
            match form.database(host, &path) {
                Ok(source) => {
                    let result = read(source);
                    if stamp(host, &path) != before {
                        return Err(Unreadable::malformed(path, 0, "it changes while it is read"));
                    }
                    return result.map_err(|cause| Unreadable::new(path, cause));
                }
                Err(cause) => first = first.or(Some(cause)),
            }
        }
        let missing = || self.without("the file of the kind primary_db that repomd.xml lists is not there");
        Err(first.unwrap_or_else(missing))
    }

    fn without(&self, what: &str) -> Unreadable {
        let directory = self.directories.first().map_or(Path::new(""), |path| path);
        Unreadable::new(directory, Cause::Unsupported(what.to_owned()))
    }
}

/// Every place where the table of contents may be, with those of the files.
fn places(config: &Config, repo: &Repo, zypp: Option<&Zypp>) -> Vec<(PathBuf, Vec<PathBuf>)> {
    let in_repodata = |directory: PathBuf| {
        let repodata = directory.join("repodata");
        (repodata.join("repomd.xml"), vec![repodata])
    };
    if let Some(zypp) = zypp {
        return vec![in_repodata(zypp.raw.join(escaped(&repo.id)).join(repo.path.trim_start_matches('/')))];
    }
    let mut places = Vec::new();
    for cache in config.caches() {
        for address in &repo.addresses {
            places.push(in_repodata(cache.join(name(&repo.id, address))));
        }
        let mut yums = vec![cache.join(&repo.id)];
        for release in config.meanings("$releasever") {
            yums.push(cache.join(config.base()).join(release).join(&repo.id));
        }
        for directory in yums {
            let files = vec![directory.clone(), directory.join("gen"), directory.join("repodata")];
            places.push((directory.join("repomd.xml"), files));
        }
    }
    places
}

/// The directory of a repository: its id, and the beginning of a sum of its address (libdnf's `Repo::Impl::getHash`).
fn name(id: &str, address: &str) -> String {
    let sum = digest(&SHA256, address.as_bytes());
    let begin: String = sum.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{id}-{begin}")
}

/// A repository's alias as the name of a file (libzypp's `RepoInfoBase::escaped_alias`).
fn escaped(alias: &str) -> String {
    alias.replace('/', "_")
}

/// Directories that a repository of that id left there under other addresses.
pub(super) fn left_over(host: &Host, config: &Config, id: &str) -> Vec<String> {
    let is_one = |name: &str| {
        let sum = name.strip_prefix(id).and_then(|rest| rest.strip_prefix('-'));
        sum.is_some_and(|sum| sum.len() == 16 && sum.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let names = config.caches().into_iter().filter_map(|cache| host.list(cache, MAX_NAMES).ok()).flatten();
    names.filter_map(|name| name.to_str().filter(|name| is_one(name)).map(str::to_owned)).collect()
}

/// A few KiB.
const MAX_REPOMD: u64 = 1024 * 1024;
const MAX_NAMES: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_named_by_its_address() {
        // The first half of the SHA-256 of the address, in hexadecimal digits.
        assert_eq!(name("r1", "file:///srv/repository/"), "r1-8a55770ff699e2d0");
    }
}
