//! The files of a baseline: their names, and which of them are there.

use std::io;
use std::path::{Path, PathBuf};

use crate::journal::storage::{Directory, Storage as _};

pub(super) fn base(version: u64) -> String {
    format!("base.{version}")
}

pub(super) fn delta(version: u64) -> String {
    format!("delta.{version}")
}

pub(super) fn verified(version: u64) -> String {
    format!("verified.{version}")
}

pub(super) fn seal(version: u64) -> String {
    format!("seal.{version}")
}

/// The delta beside a base.
pub(super) fn delta_of(base: &Path) -> PathBuf {
    let name = base.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix("base."));
    base.with_file_name(format!("delta.{}", name.unwrap_or_default()))
}

/// The newest version; a directory that is not there has none.
pub(super) fn newest(directory: &Path) -> io::Result<Option<u64>> {
    let names = match Directory::open(directory).and_then(|directory| directory.names()) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(names.iter().filter_map(|name| version(name, "base.")).max())
}

/// Removes what belongs to other versions, and what nobody finished.
pub(super) fn sweep(directory: &Directory, keep: u64) -> io::Result<()> {
    for name in directory.names()? {
        let of = ["base.", "delta.", "verified.", "seal."].iter().find_map(|kind| version(&name, kind));
        if of.is_some_and(|version| version != keep) || name.ends_with(UNFINISHED) || name == DRAFT {
            remove(directory, &name)?;
        }
    }
    directory.sync_names()
}

pub(super) fn remove(directory: &Directory, name: &str) -> io::Result<()> {
    match directory.remove(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn version(name: &str, kind: &str) -> Option<u64> {
    let digits = name.strip_prefix(kind)?;
    // One version, one name.
    digits.parse().ok().filter(|version: &u64| version.to_string() == digits)
}

pub(super) const DRAFT: &str = "draft";
pub(super) const HEAD: &str = "head";
/// What a name ends with until all of the file is on the disk.
pub(super) const UNFINISHED: &str = ".new";
/// Whoever may read the state's directory may read what is in it.
pub(super) const DIRECTORY_MODE: u32 = 0o750;
