//! Which of some files belong to packages: dpkg's lists or rpm's headers, read once and kept nowhere.
//!
//! Only the paths that are asked for are in memory, as deb-list(5) may have millions of lines. What dpkg-divert(1) has
//! put elsewhere is found there, and both sides of the merge of /usr are one file.

mod rpm;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::host::packages::dpkg;
use crate::host::packages::merged::Merged;
use crate::host::packages::rpm::is_used;
use crate::host::{Cause, Host, Text, Unreadable};

/// Who owns what, as far as it was asked.
#[derive(Debug, Clone, Default)]
pub struct Owners {
    packages: HashMap<PathBuf, Text>,
    /// dpkg-statoverride(1): what somebody meant to be as it is.
    pub overrides: HashMap<PathBuf, Override>,
    /// What rpm records of those that it ships set-uid or set-gid; dpkg records no modes.
    pub shipped: Option<HashMap<PathBuf, Override>>,
}

/// Owner, group and mode, as a line of statoverride or a header has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    pub owner: Vec<u8>,
    pub group: Vec<u8>,
    pub mode: u32,
}

impl Owners {
    /// `None` where no package manager is; an error where one is that we cannot read.
    pub fn of<'a>(host: &Host, paths: impl Iterator<Item = &'a Path>) -> Result<Option<Self>, Unreadable> {
        if !dpkg::is_used(host)? {
            return if is_used(host)? { rpm::owners(host, paths).map(Some) } else { Ok(None) };
        }
        let merged = Merged::of(host)?;
        let wanted: HashMap<Vec<u8>, &Path> =
            paths.map(|path| (merged.path(path.as_os_str().as_bytes()).into_owned(), path)).collect();
        let names = host.list(LISTS, MAX_LISTS)?;
        let diversions = optional(host, DIVERSIONS)?;
        let mut search =
            Search { wanted, merged, diversions: diverted(&diversions)?, packages: HashMap::new() };
        for name in &names {
            if let Some(package) = name.as_bytes().strip_suffix(b".list") {
                search.list(host, &Path::new(LISTS).join(name), package)?;
            }
        }
        let overrides = overrides(&optional(host, OVERRIDES)?)?;
        Ok(Some(Self { packages: search.packages, overrides, shipped: None }))
    }

    /// The package's name, without the architecture.
    pub fn package(&self, path: &Path) -> Option<&Text> {
        self.packages.get(path)
    }
}

struct Search<'a> {
    wanted: HashMap<Vec<u8>, &'a Path>,
    merged: Merged,
    /// From where to where, and by which package; none is the administrator.
    diversions: HashMap<&'a [u8], (&'a [u8], &'a [u8])>,
    packages: HashMap<PathBuf, Text>,
}

impl Search<'_> {
    fn list(&mut self, host: &Host, list: &Path, package: &[u8]) -> Result<(), Unreadable> {
        let package = package.split(|&byte| byte == b':').next().unwrap_or(package);
        let (file, meta) = match host.open(list) {
            // A package is being removed.
            Err(cause) if cause.is_absent() => return Ok(()),
            opened => opened?,
        };
        if meta.size > MAX_LIST {
            return Err(Unreadable::new(list, Cause::TooLarge { limit: MAX_LIST }));
        }
        let mut lines = BufReader::with_capacity(BUFFER, file.take(MAX_LIST));
        let mut line = Vec::new();
        loop {
            line.clear();
            let count =
                lines.read_until(b'\n', &mut line).map_err(|error| Unreadable::from_io(list, &error))?;
            if count == 0 {
                return Ok(());
            }
            self.line(line.strip_suffix(b"\n").unwrap_or(&line), package);
        }
    }

    fn line(&mut self, path: &[u8], package: &[u8]) {
        let path = match self.diversions.get(path) {
            Some((to, by)) if *by != package => to,
            _ => path,
        };
        let found = self.wanted.get(&*self.merged.path(path));
        if let Some(found) = found {
            self.packages.entry((*found).to_owned()).or_insert_with(|| Text::from_bytes(package));
        }
    }
}

fn optional(host: &Host, path: &str) -> Result<Vec<u8>, Unreadable> {
    match host.read(path, MAX_SMALL) {
        Err(cause) if cause.is_absent() => Ok(Vec::new()),
        bytes => bytes,
    }
}

type Diversions<'a> = HashMap<&'a [u8], (&'a [u8], &'a [u8])>;

/// Three lines each: from, to, and the package, or `:` for the administrator.
pub fn diverted(bytes: &[u8]) -> Result<Diversions<'_>, Unreadable> {
    let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    let lines = lines.strip_suffix(&[b"".as_slice()]).unwrap_or(&lines);
    let mut diversions = HashMap::new();
    for (index, three) in lines.chunks(3).enumerate() {
        let &[from, to, by] = three else {
            return Err(Unreadable::malformed(DIVERSIONS, index * 3 + 1, "a diversion has three lines"));
        };
        diversions.insert(from, (to, by));
    }
    Ok(diversions)
}

/// `owner group mode path`, a line each; an id instead of a name has a # before it.
pub fn overrides(bytes: &[u8]) -> Result<HashMap<PathBuf, Override>, Unreadable> {
    let mut overrides = HashMap::new();
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let bad = || Unreadable::malformed(OVERRIDES, index + 1, "not an owner, a group, a mode and a path");
        let mut fields = line.splitn(4, |&byte| byte == b' ');
        let mut field = || fields.next().filter(|field| !field.is_empty()).ok_or_else(bad);
        let (owner, group, mode, path) = (field()?, field()?, field()?, field()?);
        let mode = std::str::from_utf8(mode).ok().and_then(|mode| u32::from_str_radix(mode, 8).ok());
        let mode = mode.ok_or_else(bad)?;
        let entry = Override { owner: owner.to_vec(), group: group.to_vec(), mode };
        overrides.insert(PathBuf::from(OsStr::from_bytes(path)), entry);
    }
    Ok(overrides)
}

const LISTS: &str = "/var/lib/dpkg/info";
const DIVERSIONS: &str = "/var/lib/dpkg/diversions";
const OVERRIDES: &str = "/var/lib/dpkg/statoverride";
/// Every package has some five files there; all of Debian would fit.
const MAX_LISTS: usize = 1_000_000;
/// The largest of Debian's has some ten megabytes.
const MAX_LIST: u64 = 64 * 1024 * 1024;
/// A Debian has a few dozen diversions and overrides.
const MAX_SMALL: u64 = 4 * 1024 * 1024;
/// Most lists are smaller than this.
const BUFFER: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_diverted_file_belongs_to_the_package_that_was_diverted() {
        let text = b"/usr/bin/sh\n/usr/bin/sh.distrib\ndash\n/usr/bin/x\n/usr/bin/x.real\n:\n";
        let paths = ["/usr/bin/sh", "/usr/bin/sh.distrib", "/usr/bin/x", "/usr/bin/x.real", "/usr/bin/ls"];
        let mut search = Search {
            wanted: paths.iter().map(|path| (path.as_bytes().to_vec(), Path::new(*path))).collect(),
            merged: Merged::with(&["bin"]),
            diversions: diverted(text).unwrap(),
            packages: HashMap::new(),
        };
        for (path, package) in
            [("/usr/bin/sh", "bash"), ("/usr/bin/sh", "dash"), ("/usr/bin/x", "x"), ("/bin/ls", "coreutils")]
        {
            search.line(path.as_bytes(), package.as_bytes());
        }
        let owner = |path: &str| search.packages.get(Path::new(path)).map(Text::as_str);
        assert_eq!(paths.map(owner), [Some("dash"), Some("bash"), None, Some("x"), Some("coreutils")]);
    }

    #[test]
    fn an_override_is_four_words_of_which_the_last_may_have_blanks() {
        let found = overrides(b"root mail 2755 /usr/bin/a b\n").unwrap();
        let expected = Override { owner: b"root".to_vec(), group: b"mail".to_vec(), mode: 0o2755 };
        assert_eq!(found[Path::new("/usr/bin/a b")], expected);
        assert!(overrides(b"root mail rwx /x\n").is_err() && overrides(b"root mail 755\n").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_them_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = diverted(&bytes);
            let _ = overrides(&bytes);
        }
    }
}
