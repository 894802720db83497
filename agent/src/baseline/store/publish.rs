//! A new version takes the place of the one before: at each moment one of them is there, whole.

use std::path::Path;

use jiff::Timestamp;

use super::damage::{Damage, NotKept};
use super::head::{Head, replace};
use super::writer::Written;
use super::{delta, files, verified};
use crate::journal::storage::{Directory, Storage as _};

/// Beyond all that is there, also what nobody finished or can read.
pub(super) fn next_version(directory: &Path) -> Result<u64, NotKept> {
    let newest = files::newest(directory).map_err(|cause| Damage::disk(directory, cause))?;
    let head = Head::read(directory).ok().flatten().map(|head| head.version);
    Ok(newest.max(head).unwrap_or(0).saturating_add(1))
}

/// The file is on the disk under a name that counts for nothing; it gets its own.
pub(super) fn publish(
    directory: &Directory,
    version: u64,
    written: &Written,
    verified: &[Option<Timestamp>],
) -> Result<(), NotKept> {
    let name = files::base(version);
    let disk = NotKept::disk(&directory.path().join(&name));
    let place = || {
        replace(directory, &files::delta(version), &delta::header(version, &written.digest))?;
        verified::write(directory, version, &written.digest, verified)?;
        directory.rename(&format!("{name}{}", files::UNFINISHED), &name)?;
        directory.sync_names()?;
        // From now on an earlier version is not believed.
        let empty = delta::Delta::empty(version, &written.digest, 0, written.root);
        Head { version, base: written.digest, accepted: 0, chain: empty.chain() }.write(directory)?;
        files::sweep(directory, version)
    };
    place().map_err(disk)
}
