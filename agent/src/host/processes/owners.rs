//! Which package owns a file: dpkg's lists or rpm's headers, searched for a handful of paths.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::host::packages::rpm::{files, gather};
use crate::host::{Cause, Host, Text, Unreadable};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// The package's name, with its architecture where dpkg writes it: `libssl3:amd64`.
    Package(Text),
    /// The file lies where only the distribution's packages put files, and their database cannot be read.
    Distribution,
}

impl Owner {
    pub fn package(&self) -> Option<&Text> {
        match self {
            Self::Package(name) => Some(name),
            Self::Distribution => None,
        }
    }
}

/// The owners of those paths that have one.
pub(super) fn of(host: &Host, wanted: &BTreeSet<&PathBuf>) -> Result<BTreeMap<PathBuf, Owner>, Unreadable> {
    match host.list(LISTS, MAX_LISTS) {
        Ok(names) => {
            let spellings = spellings(wanted);
            let mut owners = BTreeMap::new();
            for name in names {
                let package = name.as_bytes().strip_suffix(b".list");
                if let Some(package) = package {
                    search(host, &Path::new(LISTS).join(&name), package, &spellings, &mut owners)?;
                }
            }
            Ok(owners)
        }
        Err(cause) if cause.is_absent() => Ok(of_rpm(host, wanted).unwrap_or_else(|_| by_place(wanted))),
        Err(cause) => Err(cause),
    }
}

/// Nothing is kept of the headers but whose the wanted paths are.
fn of_rpm(host: &Host, wanted: &BTreeSet<&PathBuf>) -> Result<BTreeMap<PathBuf, Owner>, Unreadable> {
    let spellings = spellings(wanted);
    let mut buffer = Vec::new();
    let (owners, _) = gather(host, |owners: &mut BTreeMap<PathBuf, Owner>, header| {
        let package = header.string(files::NAME).unwrap_or_default();
        files::each(header, |file| {
            if let Some(wanted) = spellings.get(file.path(&mut buffer)) {
                let package = Text::from_bytes_within(package, MAX_NAME);
                owners.entry((*wanted).clone()).or_insert(Owner::Package(package));
            }
        })
    })?;
    Ok(owners)
}

/// Nothing else than packages writes there (FHS 3.0, chapter 4).
fn by_place(wanted: &BTreeSet<&PathBuf>) -> BTreeMap<PathBuf, Owner> {
    let is_distributions = |path: &Path| {
        let within = |places: &[&str]| places.iter().any(|place| path.starts_with(place));
        within(&["/usr", "/bin", "/sbin", "/lib", "/lib64"]) && !within(&["/usr/local"])
    };
    let theirs = wanted.iter().filter(|path| is_distributions(path));
    theirs.map(|path| ((*path).clone(), Owner::Distribution)).collect()
}

/// Every way in which a list may spell a path, and the path. Since the merge of /usr, `/lib/x` and `/usr/lib/x`
/// are one file; the kernel names it by the one, older packages list it under the other.
fn spellings<'a>(wanted: &BTreeSet<&'a PathBuf>) -> BTreeMap<Vec<u8>, &'a PathBuf> {
    let mut spellings = BTreeMap::new();
    for path in wanted {
        let bytes = path.as_os_str().as_bytes();
        spellings.insert(bytes.to_vec(), *path);
        let unmerged = bytes.strip_prefix(b"/usr").filter(|rest| is_merged(rest));
        let other = match unmerged {
            Some(unmerged) => unmerged.to_vec(),
            None if is_merged(bytes) => [b"/usr", bytes].concat(),
            None => continue,
        };
        spellings.insert(other, *path);
    }
    spellings
}

fn is_merged(path: &[u8]) -> bool {
    let first = path.strip_prefix(b"/").and_then(|rest| rest.split(|&byte| byte == b'/').next());
    matches!(first, Some(b"bin" | b"sbin" | b"lib" | b"lib32" | b"lib64" | b"libo32" | b"libx32"))
}

fn search(
    host: &Host,
    list: &Path,
    package: &[u8],
    spellings: &BTreeMap<Vec<u8>, &PathBuf>,
    owners: &mut BTreeMap<PathBuf, Owner>,
) -> Result<(), Unreadable> {
    let (file, meta) = match host.open(list) {
        // A package is being removed.
        Err(cause) if cause.is_absent() => return Ok(()),
        opened => opened?,
    };
    if meta.size > MAX_LIST {
        return Err(Unreadable::new(list, Cause::TooLarge { limit: MAX_LIST }));
    }
    let mut lines = BufReader::new(file.take(MAX_LIST));
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = lines.read_until(b'\n', &mut line).map_err(|error| Unreadable::from_io(list, &error))?;
        if count == 0 {
            return Ok(());
        }
        let path = line.strip_suffix(b"\n").unwrap_or(&line);
        if let Some(wanted) = spellings.get(path) {
            owners.insert((*wanted).clone(), Owner::Package(Text::from_bytes(package)));
        }
    }
}

const MAX_NAME: usize = 512;
const LISTS: &str = "/var/lib/dpkg/info";
/// Every package has some five files there; all of Debian would fit.
const MAX_LISTS: usize = 1_000_000;
/// The largest of Debian's has some ten megabytes.
const MAX_LIST: u64 = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_on_both_sides_of_the_merge() {
        let (merged, unmerged, other) =
            (PathBuf::from("/usr/lib/a.so"), PathBuf::from("/sbin/b"), PathBuf::from("/usr/share/c"));
        let spellings = spellings(&[&merged, &unmerged, &other].into());
        let found = |path: &str| spellings.get(path.as_bytes()).copied();
        assert_eq!(found("/lib/a.so"), Some(&merged));
        assert_eq!(found("/usr/sbin/b"), Some(&unmerged));
        assert_eq!(found("/share/c"), None);
        assert_eq!(spellings.len(), 5);
    }
}
