//! Which of some files belong to rpm's packages: one header after the other, and of each only what was asked for.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::{Override, Owners};
use crate::host::packages::merged::Merged;
use crate::host::packages::rpm::files::{self, File};
use crate::host::packages::rpm::gather;
use crate::host::{Host, Text, Unreadable};

pub(super) fn owners<'a>(host: &Host, paths: impl Iterator<Item = &'a Path>) -> Result<Owners, Unreadable> {
    let merged = Merged::of(host)?;
    let wanted: HashMap<Vec<u8>, &Path> =
        paths.map(|path| (merged.path(path.as_os_str().as_bytes()).into_owned(), path)).collect();
    let mut buffer = Vec::new();
    let (found, _) = gather(host, |found: &mut Found, header| {
        let package = header.string(files::NAME).unwrap_or_default();
        files::each(header, |file| {
            if let Some(path) = wanted.get(&*merged.path(file.path(&mut buffer))) {
                found.add(path, file, package);
            }
        })
    })?;
    Ok(Owners { packages: found.packages, shipped: Some(found.shipped), ..Owners::default() })
}

#[derive(Default)]
struct Found {
    packages: HashMap<PathBuf, Text>,
    shipped: HashMap<PathBuf, Override>,
}

impl Found {
    fn add(&mut self, path: &Path, file: &File<'_>, package: &[u8]) {
        let name = || Text::from_bytes_within(package, MAX_NAME);
        self.packages.entry(path.to_owned()).or_insert_with(name);
        let mode = u32::from(file.mode.unwrap_or(0)) & 0o7777;
        if mode & 0o6000 != 0 {
            let meant = Override { owner: file.user.to_vec(), group: file.group.to_vec(), mode };
            self.shipped.entry(path.to_owned()).or_insert(meant);
        }
    }
}

const MAX_NAME: usize = 512;
