//! Who vouches for what dpkg records of a package's files: the archive that the package came from, as far as it can.
//!
//! dpkg's md5sums lie on the machine that they speak of, unsigned. Where the .deb is still at hand, they can be held
//! against something that somebody else made: the archive's `InRelease` names the SHA-256 of its list of packages, the
//! list the SHA-256 of the .deb, and the .deb has in its control part the very bytes that dpkg keeps as md5sums.
//! [`Vouched::Index`] says that this chain holds without a gap, from `InRelease` to dpkg's record, on this disk, now.
//!
//! What it does not say:
//!
//! - Nobody looks at the signature of `InRelease` here. apt has when it fetched it, unless its source is said to be
//!   trusted without one. Whoever is root can change `InRelease`, list, .deb and record together, and this then says
//!   [`Vouched::Index`] of a forgery: it is proof against an accident and against whoever changes less than all of
//!   it. Who knows the archive's keys can close the chain from outside.
//! - The digests of the record are MD5, and they are of what the package installs: a configuration file is not among
//!   them, nor is an owner, a mode, a link or what a maintainer script made.
//! - It says nothing of the files; who compares them with the record does.
//! - [`Vouched::Absent`] is no reproach: apt(8) removes a .deb as soon as it is installed, and Debian's images empty
//!   apt's cache. [`Vouched::Unlisted`] is none either: an archive leaves out of its list what it has replaced.

mod at_hand;
pub mod deb;
mod listed;
mod tar;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use at_hand::Archives;
use deb::Deb;
use listed::{Listed, Sought};

use super::dpkg::{Database, State};
use crate::host::{Cause, Host, Unreadable};

/// Whether what dpkg records of a package is what its archive published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vouched {
    /// The .deb at hand is the one that a list records, and says the same of every file.
    Index,
    /// A .deb is at hand, and no list has its digest.
    Unlisted,
    /// No .deb is at hand.
    Absent,
    /// The .deb that a list records says something else than dpkg's record: worse than nothing.
    Differs,
    /// It could not be found out; the reason is for people.
    Unknown(String),
}

impl Vouched {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Unlisted => "unlisted",
            Self::Absent => "absent",
            Self::Differs => "differs",
            Self::Unknown(_) => "unknown",
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Unknown(reason) => Some(reason),
            _ => None,
        }
    }
}

/// What is to be said of each of these packages, in their order: `openssl:amd64` as dpkg has it, and its version.
///
/// Where no .deb is at hand it costs a look into apt's cache; else apt's lists are read once, and each .deb that a
/// list has in this size is read once.
pub fn vouched(host: &Host, packages: &[(String, String)]) -> Vec<Vouched> {
    let asked = &packages[..packages.len().min(MAX_PACKAGES)];
    let mut verdicts = match Archives::of(host) {
        Ok(archives) => Round { host, archives, allowance: MAX_HASHED }.of(asked),
        Err(cause) => asked.iter().map(|_| unknown(&cause)).collect(),
    };
    let beyond = || Vouched::Unknown(format!("more than {MAX_PACKAGES} packages were asked for at once"));
    verdicts.resize_with(packages.len(), beyond);
    verdicts
}

/// One call.
struct Round<'a> {
    host: &'a Host,
    archives: Archives,
    /// Bytes that may yet be hashed.
    allowance: u64,
}

/// A package whose .deb is at hand.
struct Candidate {
    /// Its place among the packages.
    index: usize,
    path: PathBuf,
}

impl Round<'_> {
    fn of(&mut self, packages: &[(String, String)]) -> Vec<Vouched> {
        let mut verdicts = vec![Vouched::Absent; packages.len()];
        let mut candidates = Vec::new();
        let mut sought = Vec::new();
        for (index, (key, version)) in packages.iter().enumerate() {
            match self.find(key, version) {
                Ok(Some((path, found))) => {
                    candidates.push(Candidate { index, path });
                    sought.push(found);
                }
                Ok(None) => {}
                Err(verdict) => verdicts[index] = verdict,
            }
        }
        // Nothing at hand is the usual case, and apt's lists are long.
        if candidates.is_empty() {
            return verdicts;
        }
        let lists = match listed::read(self.host, &sought) {
            Ok(lists) => lists,
            Err(cause) => {
                candidates.iter().for_each(|candidate| verdicts[candidate.index] = unknown(&cause));
                return verdicts;
            }
        };
        for ((candidate, sought), listed) in candidates.iter().zip(&sought).zip(&lists.found) {
            verdicts[candidate.index] = self
                .judge(candidate, sought, listed, lists.unread.as_ref())
                .unwrap_or_else(|verdict| verdict);
        }
        verdicts
    }

    /// The .deb of a package, and what a list has to say of it.
    fn find(&self, key: &str, version: &str) -> Result<Option<(PathBuf, Sought)>, Vouched> {
        let parts = key.rsplit_once(':').filter(|(name, architecture)| {
            at_hand::is_word(name) && at_hand::is_word(architecture) && at_hand::is_word(version)
        });
        let Some((name, architecture)) = parts else {
            return Err(Vouched::Unknown("this is no name and version of a package".to_owned()));
        };
        let found = self.archives.find(self.host, name, version, architecture);
        let Some((path, size)) = found.map_err(|cause| unknown(&cause))? else { return Ok(None) };
        let sought = Sought {
            name: name.to_owned(),
            architecture: architecture.to_owned(),
            version: version.to_owned(),
            size,
        };
        Ok(Some((path, sought)))
    }

    /// An error is a verdict, too: one that says what kept us from another.
    fn judge(
        &mut self,
        candidate: &Candidate,
        sought: &Sought,
        listed: &[Listed],
        unread: Option<&Unreadable>,
    ) -> Result<Vouched, Vouched> {
        // A list that could not be read may have had it.
        let unlisted = || unread.map_or(Vouched::Unlisted, unknown);
        if listed.is_empty() {
            return Ok(unlisted());
        }
        let deb = self.deb(&candidate.path, sought.size)?;
        let same = || listed.iter().filter(|listed| listed.sha256 == deb.sha256);
        if same().next().is_none() {
            return Ok(unlisted());
        }
        if same().all(|listed| listed.doubt.is_some()) {
            let doubt = same().find_map(|listed| listed.doubt.clone());
            return Err(Vouched::Unknown(doubt.unwrap_or_default()));
        }
        let published = deb
            .md5sums
            .map_err(|error| unknown(&Unreadable::malformed(&candidate.path, 0, error.to_string())))?;
        self.compare(sought, published.as_deref())
    }

    fn deb(&mut self, path: &Path, size: u64) -> Result<Deb, Vouched> {
        if size > MAX_DEB {
            return Err(unknown(&Unreadable::new(path, Cause::TooLarge { limit: MAX_DEB })));
        }
        self.allowance = self.allowance.checked_sub(size).ok_or_else(|| {
            Vouched::Unknown(format!("the packages at hand have more than {MAX_HASHED} bytes together"))
        })?;
        let (file, _): (File, _) = self.host.open(path).map_err(|cause| unknown(&cause))?;
        let source = BufReader::with_capacity(CHUNK, file);
        // Not a byte more than what was looked at, should somebody write to it meanwhile: its digest is another then.
        deb::read(source, size).map_err(|error| unknown(&Unreadable::from_io(path, &error)))
    }

    /// dpkg's record against what was published.
    fn compare(&self, sought: &Sought, published: Option<&[u8]>) -> Result<Vouched, Vouched> {
        let recorded = match self.recorded(sought) {
            Ok(recorded) => recorded,
            // No control part that is read here has room for it.
            Err(cause) if matches!(cause.cause, Cause::TooLarge { .. }) => None,
            Err(cause) => return Err(unknown(&cause)),
        };
        match (published, recorded) {
            (Some(published), Some(recorded)) if published == recorded => Ok(Vouched::Index),
            // dpkg makes a record itself where a package has none, out of what it unpacks.
            (None, _) => Err(Vouched::Unknown("the package was published without md5sums".to_owned())),
            (Some(_), _) if !self.is_still_there(sought)? => {
                Err(Vouched::Unknown("dpkg is at work on the package".to_owned()))
            }
            (Some(_), _) => Ok(Vouched::Differs),
        }
    }

    /// The same file that `recorded.rs` reads. `None` where there is none.
    fn recorded(&self, sought: &Sought) -> Result<Option<Vec<u8>>, Unreadable> {
        let Sought { name, architecture, .. } = sought;
        for file in [format!("{name}:{architecture}.md5sums"), format!("{name}.md5sums")] {
            match self.host.read(Path::new(RECORDS).join(file), deb::MAX_CONTROL) {
                Err(cause) if cause.is_absent() => {}
                read => return read.map(Some),
            }
        }
        Ok(None)
    }

    /// Asked after the record was read: an update replaces it before dpkg's status has the new version, and marks the
    /// package as half installed before either.
    fn is_still_there(&self, sought: &Sought) -> Result<bool, Vouched> {
        let database = Database::of(self.host).map_err(|cause| unknown(&cause))?;
        use State::{ConfigFiles, HalfInstalled, NotInstalled};
        let is_meant = database.packages.iter().any(|package| {
            package.name == sought.name
                && package.architecture == sought.architecture
                && package.version == sought.version
                && !matches!(package.state, NotInstalled | ConfigFiles | HalfInstalled)
        });
        Ok(is_meant)
    }
}

fn unknown(cause: &Unreadable) -> Vouched {
    Vouched::Unknown(cause.to_string())
}

const RECORDS: &str = "/var/lib/dpkg/info";
/// Of a whole distribution's upgrade some thousand are new.
const MAX_PACKAGES: usize = 10_000;
/// The largest of Debian's has some 700 MB.
const MAX_DEB: u64 = 1024 * 1024 * 1024;
/// All of one call; the upgrade of a whole desktop has some 3 GB.
const MAX_HASHED: u64 = 8 * 1024 * 1024 * 1024;
const CHUNK: usize = 128 * 1024;

#[cfg(test)]
mod tests;
