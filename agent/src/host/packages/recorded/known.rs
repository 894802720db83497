//! What dpkg records of every path, held for whoever asks often, and read again when dpkg wrote something.

use std::path::Path;

use nix::sys::stat::fstat;

use super::{Recorded, all};
use crate::host::packages::dpkg::{JOURNAL, STATUS, STATUS_PARTS};
use crate::host::{Host, Unreadable};

/// Thirty-two bytes a path.
#[derive(Debug, Default)]
pub struct Known {
    read: Option<(Stamps, Result<Option<Recorded>, Unreadable>)>,
}

/// Which file or directory a path was, and when it was changed last.
type Stamp = Option<(u64, u64, i64, i64)>;
type Stamps = [Stamp; PLACES.len()];

impl Known {
    /// As it is recorded now. `None` where there is no package manager.
    pub fn now(&mut self, host: &Host) -> Result<Option<&Recorded>, &Unreadable> {
        let stamps = PLACES.map(|place| stamp(host, place));
        let kept = self.read.take().filter(|(then, recorded)| *then == stamps && recorded.is_ok());
        let (_, recorded) = self.read.insert(kept.unwrap_or_else(|| (stamps, all(host))));
        recorded.as_ref().map(Option::as_ref)
    }
}

fn stamp(host: &Host, path: &str) -> Stamp {
    let handle = host.resolver.resolve(&host.root, Path::new(path), true).ok()?;
    let found = fstat(&handle).ok()?;
    Some((found.st_dev, found.st_ino, found.st_ctime, found.st_ctime_nsec))
}

/// dpkg writes beside what is there and renames: what it changes, its directory tells.
const PLACES: [&str; 6] = [
    STATUS,
    JOURNAL,
    STATUS_PARTS,
    super::gather::LISTS,
    super::gather::DIVERSIONS,
    super::gather::ALTERNATIVES,
];
