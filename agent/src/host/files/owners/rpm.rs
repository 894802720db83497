//! Which of some files belong to rpm's packages: one header after the other, and of each only what was asked for.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::{Override, Owners};
use crate::host::packages::merged::Merged;
use crate::host::packages::rpm::each_header;
use crate::host::packages::rpm::files::{self, File};
use crate::host::{Host, Text, Unreadable};

pub(super) fn owners<'a>(
    host: &Host,
    paths: impl Iterator<Item = &'a Path>,
) -> Result<Owners, Unreadable> {
    let merged = Merged::of(host)?;
    let wanted: HashMap<Vec<u8>, &Path> =
        paths.map(|path| (merged.path(path.as_os_str().as_bytes()).into_owned(), path)).collect();
    let (mut packages, mut shipped) = (HashMap::new(), HashMap::new());
    if wanted.is_empty() {
        return Ok(Owners { shipped: Some(shipped), ..Owners::default() });
    }
    let mut buffer = Vec::new();
    each_header(host, |header| {
        if !files::is_package(header) {
            return Ok(());
        }
        let package = header.string(files::NAME).unwrap_or_default();
        files::each(header, |file| {
            if let Some(found) = wanted.get(&*merged.path(file.path(&mut buffer))) {
                found_one(found, file, package, &mut packages, &mut shipped);
            }
        })
    })?;
    Ok(Owners { packages, shipped: Some(shipped), ..Owners::default() })
}

fn found_one(
    path: &Path,
    file: &File<'_>,
    package: &[u8],
    packages: &mut HashMap<PathBuf, Text>,
    shipped: &mut HashMap<PathBuf, Override>,
) {
    packages.entry(path.to_owned()).or_insert_with(|| Text::from_bytes_within(package, MAX_NAME));
    let mode = u32::from(file.mode.unwrap_or(0)) & 0o7777;
    if mode & 0o6000 != 0 {
        let meant = Override { owner: file.user.to_vec(), group: file.group.to_vec(), mode };
        shipped.entry(path.to_owned()).or_insert(meant);
    }
}

const MAX_NAME: usize = 512;
