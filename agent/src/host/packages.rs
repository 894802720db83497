//! What is installed, what could be newer, and whether the running kernel is the installed one.
//!
//! From the files that dpkg and apt, or rpm and dnf keep; no package manager is run, no lock taken and nothing refreshed.

pub mod advisory;
pub mod appeared;
mod apt;
pub mod at_work;
mod changelog;
pub mod compared;
mod config;
mod database;
mod distribution;
pub mod dnf;
pub mod dpkg;
pub mod exploited;
pub mod kernel;
mod known;
mod lists;
pub mod merged;
mod phasing;
mod policy;
mod preferences;
pub mod recorded;
mod release;
pub mod rpm;
mod settled;
mod sources;
pub mod stanza;
pub mod version;
pub mod vouched;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use advisory::{Advisory, Interval, Urgency};
use appeared::Appeared;
use compared::Compared;
pub use dpkg::{Database, Package};
use exploited::Exploited;
pub use kernel::{Kernel, Reboot};
pub use known::Known;
use release::Release;

use super::processes::Process;
use super::{Host, Text, Unreadable};

/// Everything about packages.
#[derive(Debug, Clone)]
pub struct Packages {
    pub manager: Result<Manager, Unreadable>,
    /// What is installed, whoever keeps it; empty where there is no package manager.
    pub database: Result<Database, Unreadable>,
    /// Whoever changes the database at this moment.
    pub at_work: Option<at_work::AtWork>,
    pub updates: Result<Updates, Unreadable>,
    pub metadata: Metadata,
    pub kernel: Result<Kernel, Unreadable>,
    /// What came of asking the package manager itself, when somebody last did.
    pub compared: Result<Option<Compared>, Unreadable>,
    /// What is to be remembered of when the updates appeared; what was remembered before is in `updates` already.
    pub appeared: Appeared,
    /// Why what was remembered cannot be read.
    pub forgotten: Option<Unreadable>,
    /// Which holes attackers use; `None` where no list is.
    pub exploited: Result<Option<Exploited>, Unreadable>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    Apt,
    /// dnf, or yum before it.
    Dnf,
    Zypper,
    None,
}

impl Manager {
    /// What the machine's owner calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Dnf => "dnf",
            Self::Zypper => "zypper",
            Self::None => "none",
        }
    }

    /// Whether packages are in rpm's database.
    pub fn is_rpm(self) -> bool {
        matches!(self, Self::Dnf | Self::Zypper)
    }
}

/// A process that still runs what an update has replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    pub pid: u32,
    pub unit: Option<String>,
    pub uid: u32,
    /// Whose files they are.
    pub packages: Vec<String>,
}

impl Restart {
    pub(super) fn of(process: &Process) -> Self {
        let packages: BTreeSet<String> =
            process.gone.iter().filter_map(|gone| gone.owner.package()).map(Text::to_string).collect();
        Self {
            pid: process.pid,
            unit: process.unit.as_ref().map(ToString::to_string),
            uid: process.uid,
            packages: packages.into_iter().collect(),
        }
    }
}

/// The updates that are outstanding.
#[derive(Debug, Clone, Default)]
pub struct Updates {
    pub pending: Vec<Pending>,
    /// The release that an Amazon Linux 2023 is locked to: what came later, its metadata does not know.
    pub locked: Option<Locked>,
    /// What could not be looked at; there may be more updates behind it.
    pub unsure: Vec<Unreadable>,
}

/// A release that updates are taken from, whatever came after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// `2023.9.20251105`
    pub release: String,
    /// What locks it: `/etc/dnf/vars/releasever`, or the package that says which release this is.
    pub by: String,
    /// The day that the release itself names.
    pub date: Option<Timestamp>,
    /// The newest release that anything on the disk knows of.
    pub newest: Option<String>,
}

/// One package that has a newer version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    pub name: String,
    /// The installed version's, as apt lists it.
    pub architecture: String,
    pub installed: String,
    pub candidate: String,
    /// Whether a version on the way from the installed one to the candidate is a security update.
    pub is_security: bool,
    pub state: PendingState,
    /// Where the candidate comes from: `Debian:oldstable-security`.
    pub origin: String,
    /// Why it is in that state, or what else is to know of it: `/etc/apt/preferences.d/x:3`.
    pub reason: Option<String>,
    /// The distribution's fix that a foreign candidate hides: `1.1 from Debian:stable-security`.
    pub hidden_fix: Option<String>,
    /// What the vendor says of the versions on the way.
    pub advisories: Vec<Advisory>,
    /// When the archive got the first of those versions that matter: the security updates, or else all.
    pub available: Interval,
}

impl Pending {
    /// As people write it: `openssl:amd64`.
    pub fn key(&self) -> String {
        format!("{}:{}", self.name, self.architecture)
    }

    /// The worst that the vendor says of it.
    pub fn urgency(&self) -> Option<Urgency> {
        self.advisories.iter().filter_map(|advisory| advisory.urgency).max()
    }

    /// Sorted, one each.
    pub fn cves(&self) -> BTreeSet<&str> {
        self.advisories.iter().flat_map(|advisory| &advisory.cves).map(String::as_str).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingState {
    Pending,
    /// Somebody put the package on hold.
    Held,
    /// The archive offers it to some machines first, and this is not one of them yet.
    Phased,
    /// A preference keeps apt from choosing it, or an exclusion dnf; they do not list it.
    Pinned,
    /// The package manager would not install it as things are.
    KeptBack,
}

impl PendingState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Phased => "phased",
            Self::Pinned => "pinned",
            Self::KeptBack => "kept-back",
        }
    }
}

/// How old the lists are.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    /// What brings it up to date; empty is apt-get update.
    pub refresh: &'static str,
    /// The latest `Date` of the configured archives: how recent a change the lists can know of.
    pub newest: Option<Timestamp>,
    /// The first `Valid-Until` to run out, and whose it is.
    pub valid_until: Option<(Timestamp, String)>,
    /// When somebody last asked the archives.
    pub checked: Option<Timestamp>,
    /// The date of each list, under a name that stays the same from one look to the next.
    pub lists: BTreeMap<String, Timestamp>,
    /// Lists of configured archives that are not there.
    pub missing: Vec<String>,
    /// What else stood in the way.
    pub unsure: Vec<Unreadable>,
}

/// Whether the lists may be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    Stale { reason: String },
    Missing { reason: String },
    Unknown { reason: String },
}

impl Freshness {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale { .. } => "stale",
            Self::Missing { .. } => "missing",
            Self::Unknown { .. } => "unknown",
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Fresh => None,
            Self::Stale { reason } | Self::Missing { reason } | Self::Unknown { reason } => Some(reason),
        }
    }
}

impl Metadata {
    fn add(&mut self, release: &Release) {
        self.newest = self.newest.max(release.date);
        self.lists.extend(release.date.map(|date| (release.path.display().to_string(), date)));
        let ends = release.valid_until.map(|until| (until, release.name()));
        self.valid_until = match (self.valid_until.take(), ends) {
            (Some(a), Some(b)) => Some(if a.0 <= b.0 { a } else { b }),
            (a, b) => a.or(b),
        };
    }

    /// Measured by the last `apt-get update`: an archive that does not change has an old date and is fresh.
    pub fn freshness(&self, now: Timestamp, max_age: u64) -> Freshness {
        if let Some(what) = self.missing.first() {
            let more = self.missing.len() - 1;
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            return Freshness::Missing { reason: format!("{what}{more}") };
        }
        if let Some((until, name)) = self.valid_until.as_ref().filter(|(until, _)| *until < now) {
            return Freshness::Stale { reason: format!("the list of {name} was valid until {until}") };
        }
        if let Some(cause) = self.unsure.first() {
            return Freshness::Unknown { reason: cause.to_string() };
        }
        let Some(checked) = self.checked.or(self.newest) else {
            let reason = format!("nothing tells when {} last ran", self.refresh());
            return Freshness::Unknown { reason };
        };
        let limit = SignedDuration::from_secs(i64::try_from(max_age).unwrap_or(i64::MAX));
        if now.duration_since(checked) > limit {
            return Freshness::Stale { reason: format!("{} last ran at {checked:.0}", self.refresh()) };
        }
        Freshness::Fresh
    }

    /// The command that brings it up to date.
    pub fn refresh(&self) -> &'static str {
        if self.refresh.is_empty() { "apt-get update" } else { self.refresh }
    }
}

impl Packages {
    pub fn of(host: &Host) -> Self {
        let manager = manager(host);
        // Before the database is read, and after it: whoever begins or ends in between was at work.
        let at_work = at_work::at_work(host);
        let (database, (updates, metadata), kernel) = match &manager {
            Ok(Manager::Apt) => of_dpkg(host),
            Ok(Manager::Dnf | Manager::Zypper) => of_rpm(host),
            Ok(Manager::None) => {
                let database = Database::default();
                let kernel = Kernel::of(host, &database);
                (Ok(database), (Ok(Updates::default()), Metadata::default()), kernel)
            }
            Err(cause) => (Err(cause.clone()), without(cause), Err(cause.clone())),
        };
        let at_work = at_work.or_else(|| at_work::at_work(host));
        let (before, forgotten) = match Appeared::of(host) {
            Ok(before) => (before.unwrap_or_default(), None),
            Err(cause) => (Appeared::default(), Some(cause)),
        };
        let compared = Compared::of(host);
        let mut updates = updates;
        if let (Ok(updates), Ok(Some(compared))) = (&mut updates, &compared) {
            compared.mark(&mut updates.pending);
        }
        let mut packages = Self {
            manager,
            database,
            at_work,
            updates,
            metadata,
            kernel,
            compared,
            appeared: before,
            forgotten,
            exploited: Exploited::of(host),
        };
        packages.remember();
        packages
    }

    /// Lays what was remembered over what the lists say.
    fn remember(&mut self) {
        if let (Ok(updates), Ok(database)) = (&mut self.updates, &self.database) {
            self.appeared = self.appeared.after(updates, &self.metadata, database);
            self.appeared.narrow(updates);
        }
    }

    pub fn not_asked() -> Self {
        let cause = Unreadable::not_asked("packages");
        let (updates, metadata) = without(&cause);
        Self {
            manager: Err(cause.clone()),
            database: Err(cause.clone()),
            at_work: None,
            updates,
            metadata,
            kernel: Err(cause.clone()),
            compared: Err(cause.clone()),
            appeared: Appeared::default(),
            forgotten: None,
            exploited: Err(cause),
        }
    }
}

type Found =
    (Result<Database, Unreadable>, (Result<Updates, Unreadable>, Metadata), Result<Kernel, Unreadable>);

fn of_dpkg(host: &Host) -> Found {
    match Database::of(host) {
        Ok(database) => {
            let (updates, kernel) = (apt::updates(host, &database), Kernel::of(host, &database));
            (Ok(database), updates, kernel)
        }
        Err(cause) => (Err(cause.clone()), without(&cause), Err(cause)),
    }
}

fn of_rpm(host: &Host) -> Found {
    match rpm::Installed::of(host) {
        Ok(installed) => {
            let kernel = Kernel::of_rpm(host, &installed);
            (Ok(installed.to_database()), dnf::updates(host, &installed), kernel)
        }
        Err(cause) => (Err(cause.clone()), without(&cause), Err(cause)),
    }
}

fn without(cause: &Unreadable) -> (Result<Updates, Unreadable>, Metadata) {
    (Err(cause.clone()), Metadata { unsure: vec![cause.clone()], ..Metadata::default() })
}

fn manager(host: &Host) -> Result<Manager, Unreadable> {
    if dpkg::is_used(host)? {
        return Ok(Manager::Apt);
    }
    if !rpm::is_used(host)? {
        return Ok(Manager::None);
    }
    let is_zypper = host.exists("/etc/zypp")? && !host.exists("/etc/dnf")?;
    Ok(if is_zypper { Manager::Zypper } else { Manager::Dnf })
}

/// Where apt keeps what the archives gave it.
const LISTS: &str = "/var/lib/apt/lists";
