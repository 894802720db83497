//! What packages record of every path, held for whoever asks often, and read again when dpkg or rpm wrote something.

use super::{Recorded, all};
use crate::host::packages::dpkg::{JOURNAL, STATUS, STATUS_PARTS};
use crate::host::packages::settled::{Stamp, stamp};
use crate::host::{Host, Unreadable};

/// Thirty-two bytes a path, and with rpm as many for each digest.
#[derive(Debug, Default)]
pub struct Known {
    read: Option<(Stamps, Result<Option<Recorded>, Unreadable>)>,
}

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

/// dpkg writes beside what is there and renames: what it changes, its directory tells. rpm writes into its files: SQLite
/// into the log of what is not yet in the database, and into the database when it empties that. Who has which numbers is
/// asked of passwd and group.
const PLACES: [&str; 19] = [
    STATUS,
    JOURNAL,
    STATUS_PARTS,
    super::gather::LISTS,
    super::gather::DIVERSIONS,
    super::gather::ALTERNATIVES,
    "/usr/lib/sysimage/rpm",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite-wal",
    "/usr/lib/sysimage/rpm/Packages.db",
    "/var/lib/rpm",
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/rpmdb.sqlite-wal",
    "/var/lib/rpm/Packages",
    "/var/lib/rpm/Packages.db",
    super::rpm::ALTERNATIVES[0],
    super::rpm::ALTERNATIVES[1],
    "/etc/passwd",
    "/etc/group",
];
