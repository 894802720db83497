//! Which updates are outstanding, as apt would answer from the lists on the disk.
//!
//! Candidates are chosen by apt's rules: each list has a priority, a pin may change that of a list or of single
//! versions, and the newest version of the highest priority wins, but none older than the installed one unless
//! its priority is at least 1000. Whether an update can be installed (its dependencies) is not asked.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::config::Config;
use super::dpkg::{Database, Package, source};
use super::lists::List;
use super::preferences::{FORBIDDEN, Pins, Place};
use super::release::Release;
use super::sources::{self, Source};
use super::{LISTS, Metadata, Pending, PendingState, Updates, phasing, version};
use crate::host::packages::stanza::Stanza;
use crate::host::{Cause, Host, Unreadable};

/// The updates, and how old the lists are that they come from.
pub(super) fn updates(host: &Host, database: &Database) -> (Result<Updates, Unreadable>, Metadata) {
    match Archive::of(host, database) {
        Ok(archive) => (archive.updates(host, database), archive.metadata),
        Err(cause) => (Err(cause.clone()), Metadata { unsure: vec![cause], ..Metadata::default() }),
    }
}

/// Everything that is configured, before any list is opened.
struct Archive {
    config: Config,
    pins: Pins,
    lists: Vec<(List, File)>,
    metadata: Metadata,
}

/// A list as apt's policy sees it. The first one is dpkg's status.
struct File {
    place: Place,
    is_security: bool,
    name: String,
    date: Option<Timestamp>,
    /// Without and with the pins.
    default_priority: i32,
    priority: i32,
}

/// A version of an installed package.
struct Offer {
    version: String,
    source: String,
    source_version: String,
    /// Indexes of the lists that have it.
    files: Vec<usize>,
    phased: Option<u32>,
}

impl Archive {
    fn of(host: &Host, database: &Database) -> Result<Self, Unreadable> {
        let config = Config::of(host)?;
        let native = config.value("apt::architecture").unwrap_or(&database.native).to_owned();
        let mut architectures = vec![native.clone()];
        architectures.extend(config.values("apt::architectures").map(str::to_owned));
        architectures.extend(database.architectures.iter().cloned());
        let mut seen = BTreeSet::new();
        architectures.retain(|name| seen.insert(name.clone()));

        let sources = sources::all(host, &native)?;
        let pins = Pins::of(host, &config)?;
        let mut archive = Self {
            config,
            pins,
            lists: Vec::new(),
            metadata: Metadata { checked: checked(host)?, ..Metadata::default() },
        };
        if sources.is_empty() {
            archive.metadata.missing.push("no source of packages is configured in /etc/apt".to_owned());
        }
        let mut known = BTreeSet::new();
        for source in &sources {
            archive.add(host, source, &architectures, &mut known)?;
        }
        Ok(archive)
    }

    /// Finds the lists of one source.
    fn add(
        &mut self,
        host: &Host,
        source: &Source,
        architectures: &[String],
        known: &mut BTreeSet<String>,
    ) -> Result<(), Unreadable> {
        let release = match Release::of(host, source) {
            Ok(release) => release,
            Err(cause) => {
                self.metadata.unsure.push(cause);
                return Ok(());
            }
        };
        let prefix = source.prefix();
        let mut has_list = false;
        for (component, architecture) in wanted(source, architectures) {
            let is_served = release.as_ref().is_none_or(|release| release.serves(&architecture));
            if !is_served && !source.is_flat() {
                continue;
            }
            let within = match component {
                "" => "Packages".to_owned(),
                _ => format!("{component}/binary-{architecture}/Packages"),
            };
            let name = format!("{prefix}{}", sources::file_name(&format!("x:{within}")));
            let list = List::find(host, &name)?;
            has_list |= list.is_some();
            match (list, &release) {
                // Configured twice, or flat: the same list for every architecture.
                _ if !known.insert(name.clone()) => {}
                (Some(list), release) => {
                    self.lists.push((list, File::of(source, release.as_ref(), component, &architecture)));
                }
                (None, Some(release)) if release.lists(&within) => {
                    self.metadata.missing.push(format!("{} does not exist in {LISTS}", name));
                }
                // The archive has no such list, so apt does without it as well.
                (None, _) => {}
            }
        }
        match release {
            Some(release) => self.metadata.add(&release),
            None if !has_list => {
                let place = format!("{}:{}", source.file.display(), source.line);
                self.metadata.missing.push(format!("no list of {} {} ({place})", source.uri, source.suite));
            }
            None => {}
        }
        Ok(())
    }

    fn updates(&self, host: &Host, database: &Database) -> Result<Updates, Unreadable> {
        let mut files = vec![File::status()];
        let mut table = Table::of(database);
        let mut unsure = self.metadata.unsure.clone();
        for (list, file) in &self.lists {
            let index = files.len();
            files.push(file.copy());
            let read = list.read(host, |stanza| table.take(stanza, index));
            unsure.extend(read.err());
        }
        self.prioritise(&mut files);
        let draw = phasing::Draw::of(host, &self.config);
        let policy = Policy { files: &files, pins: &self.pins, database };
        let mut pending: Vec<Pending> = Vec::new();
        for (package, offers) in table.packages() {
            pending.extend(policy.decide(package, offers, &draw));
        }
        pending.sort_by(|a, b| (&a.name, &a.architecture).cmp(&(&b.name, &b.architecture)));
        unsure.extend(self.metadata.missing.iter().map(|what| {
            Unreadable::new(LISTS, Cause::Unsupported(format!("{what}: apt-get update has not brought it")))
        }));
        Ok(Updates { pending, unsure })
    }

    /// The first pin that is about a list decides it.
    fn prioritise(&self, files: &mut [File]) {
        for file in files {
            let pin = self.pins.general.iter().find(|pin| pin.is_about(&file.place));
            file.priority = pin.map_or(file.default_priority, |pin| pin.priority);
        }
    }
}

/// Pairs of component and architecture; a flat archive has one list.
fn wanted<'a>(source: &'a Source, architectures: &[String]) -> Vec<(&'a str, String)> {
    if source.is_flat() {
        return vec![("", String::new())];
    }
    let mut architectures = source.architectures(architectures);
    architectures.push("all".to_owned());
    let pairs = |component: &'a String| {
        architectures.iter().map(move |architecture| (component.as_str(), architecture.clone()))
    };
    source.components.iter().flat_map(pairs).collect()
}

/// When somebody last ran `apt-get update`: it moves these, even when nothing was new.
fn checked(host: &Host) -> Result<Option<Timestamp>, Unreadable> {
    let mut latest = None;
    for path in UPDATE_TRACES {
        match host.stat(path) {
            Ok(meta) => latest = latest.max(Timestamp::from_second(meta.mtime).ok()),
            Err(cause) if cause.is_absent() => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(latest)
}

impl File {
    fn status() -> Self {
        let place = Place { archive: "now".to_owned(), has_no_release: true, ..Place::default() };
        let name = "dpkg".to_owned();
        Self { place, is_security: false, name, date: None, default_priority: INSTALLED, priority: INSTALLED }
    }

    fn of(source: &Source, release: Option<&Release>, component: &str, architecture: &str) -> Self {
        let none = Release::default();
        let has_no_release = release.is_none();
        let release = release.unwrap_or(&none);
        let default_priority = match (release.is_not_automatic, release.is_but_automatic_upgrades) {
            (_, true) => BUT_AUTOMATIC_UPGRADES,
            (true, _) => NOT_AUTOMATIC,
            _ => USUAL,
        };
        Self {
            place: Place {
                archive: release.suite.clone(),
                codename: release.codename.clone(),
                version: release.version.clone(),
                origin: release.origin.clone(),
                label: release.label.clone(),
                component: component.to_owned(),
                architecture: architecture.to_owned(),
                site: source.site().to_owned(),
                has_no_release,
            },
            is_security: release.is_security(),
            name: release.name(),
            date: release.date,
            default_priority,
            priority: default_priority,
        }
    }

    fn copy(&self) -> Self {
        Self { place: self.place.clone(), name: self.name.clone(), ..*self }
    }
}

/// The versions of installed packages, and of no others.
struct Table<'a> {
    database: &'a Database,
    /// Places in `rows`; a name may be installed for several architectures.
    by_name: HashMap<&'a [u8], Vec<usize>>,
    rows: Vec<(&'a Package, Vec<Offer>)>,
}

impl<'a> Table<'a> {
    fn of(database: &'a Database) -> Self {
        let mut table = Self { database, by_name: HashMap::new(), rows: Vec::new() };
        for package in database.present() {
            table.by_name.entry(package.name.as_bytes()).or_default().push(table.rows.len());
            let installed = Offer {
                version: package.version.clone(),
                source: package.source.clone(),
                source_version: package.source_version.clone(),
                files: vec![0],
                phased: None,
            };
            table.rows.push((package, vec![installed]));
        }
        table
    }

    /// Keeps a stanza of list `file` if it is about an installed package.
    fn take(&mut self, stanza: &Stanza<'_>, file: usize) -> Result<(), String> {
        let name = stanza.package().ok_or("a stanza without a package")?;
        let Some(places) = self.by_name.get(name) else { return Ok(()) };
        let missing = |what: &str| format!("{} has no {what}", String::from_utf8_lossy(name));
        let text =
            |field: &str| stanza.field(field).and_then(super::dpkg::word).ok_or_else(|| missing(field));
        let (version, architecture) = (text("Version")?, text("Architecture")?);
        let home = self.database.home(&architecture);
        for &place in places {
            let (package, offers) = &mut self.rows[place];
            if self.database.home(&package.architecture) != home {
                continue;
            }
            if let Some(known) = offers.iter_mut().find(|offer| offer.version == version) {
                if !known.files.contains(&file) {
                    known.files.push(file);
                }
                continue;
            }
            let (source, source_version) = match stanza.field("Source") {
                Some(value) => source(value).ok_or_else(|| missing("readable source"))?,
                None => (package.name.clone(), String::new()),
            };
            let source_version = if source_version.is_empty() { version.clone() } else { source_version };
            let phased =
                stanza.text("Phased-Update-Percentage").and_then(|percentage| percentage.parse().ok());
            offers.push(Offer {
                version: version.clone(),
                source,
                source_version,
                files: vec![file],
                phased,
            });
        }
        Ok(())
    }

    fn packages(&mut self) -> impl Iterator<Item = (&'a Package, &mut Vec<Offer>)> {
        self.rows.iter_mut().map(|(package, offers)| (*package, offers))
    }
}

struct Policy<'a> {
    files: &'a [File],
    pins: &'a Pins,
    database: &'a Database,
}

impl Policy<'_> {
    /// What is outstanding for one package: nothing, an update, and what a pin keeps from it.
    fn decide(&self, package: &Package, offers: &mut [Offer], draw: &phasing::Draw) -> Vec<Pending> {
        let newer = |version: &str, than: &str| version::compare(version, than) == Ordering::Greater;
        if !offers.iter().any(|offer| newer(&offer.version, &package.version)) {
            return Vec::new();
        }
        offers.sort_by(|a, b| version::compare(&a.version, &b.version).reverse());
        let chosen = self.candidate(package, offers, |offer| self.priority(package, offer));
        let update = chosen.filter(|offer| newer(&offer.version, &package.version));
        let mut found = Vec::new();
        if let Some(candidate) = update {
            let state = match () {
                () if package.is_held() => PendingState::Held,
                () if self.is_phased(candidate, draw) => PendingState::Phased,
                () => PendingState::Pending,
            };
            found.push(self.pending(package, &package.version, candidate, offers, state));
        }
        let reached = update.map_or(package.version.as_str(), |offer| offer.version.as_str());
        let unpinned = self.candidate(package, offers, |offer| self.default_priority(offer));
        if let Some(withheld) = unpinned.filter(|offer| newer(&offer.version, reached)) {
            let row = self.pending(package, reached, withheld, offers, PendingState::Pinned);
            // A general preference for another suite withholds thousands of versions, and that is no news.
            if row.is_security || (update.is_none() && self.is_pinned(package, offers)) {
                found.push(Pending { installed: package.version.clone(), ..row });
            }
        }
        found
    }

    /// The first of the highest priority; `offers` are sorted, newest first.
    fn candidate<'o>(
        &self,
        package: &Package,
        offers: &'o [Offer],
        priority: impl Fn(&Offer) -> i32,
    ) -> Option<&'o Offer> {
        let mut best: Option<(&Offer, i32)> = None;
        for offer in offers {
            let priority = priority(offer);
            if priority == 0 || priority <= best.map_or(NEVER, |(_, best)| best) {
                continue;
            }
            let is_downgrade = version::compare(&offer.version, &package.version) == Ordering::Less;
            if priority < MAY_DOWNGRADE && is_downgrade {
                continue;
            }
            best = Some((offer, priority));
        }
        best.map(|(offer, _)| offer)
    }

    fn priority(&self, package: &Package, offer: &Offer) -> i32 {
        let of_lists = offer.files.iter().map(|&file| self.files[file].priority);
        let pin = self.pins.specific.iter().find(|(name, pin)| {
            let home = self.database.home(&package.architecture);
            name.matches(&package.name, &offer.source, home, &self.database.native)
                && pin.matches(&offer.version, offer.files.iter().map(|&file| &self.files[file].place))
        });
        match pin {
            // A version that only forbidden lists have stays forbidden, unless its pin forbids it more.
            Some((_, pin)) if pin.priority == FORBIDDEN => pin.priority,
            Some((_, pin)) if of_lists.clone().any(|priority| priority != i32::from(i16::MIN)) => {
                pin.priority
            }
            _ => of_lists.max().unwrap_or(0),
        }
    }

    fn default_priority(&self, offer: &Offer) -> i32 {
        offer.files.iter().map(|&file| self.files[file].default_priority).max().unwrap_or(0)
    }

    /// Whether somebody pinned this very package.
    fn is_pinned(&self, package: &Package, offers: &[Offer]) -> bool {
        let home = self.database.home(&package.architecture);
        offers.iter().any(|offer| {
            self.pins
                .specific
                .iter()
                .any(|(name, _)| name.matches(&package.name, &offer.source, home, &self.database.native))
        })
    }

    fn is_phased(&self, candidate: &Offer, draw: &phasing::Draw) -> bool {
        let is_security = candidate.files.iter().any(|&file| self.files[file].is_security);
        match candidate.phased {
            Some(percentage) if !is_security => {
                draw.is_kept_back(&candidate.source, &candidate.source_version, percentage)
            }
            _ => false,
        }
    }

    /// Security is a matter of every version on the way: a later ordinary update includes an earlier fix.
    fn pending(
        &self,
        package: &Package,
        reached: &str,
        candidate: &Offer,
        offers: &[Offer],
        state: PendingState,
    ) -> Pending {
        let is_on_the_way = |offer: &&Offer| {
            version::compare(&offer.version, reached) == Ordering::Greater
                && version::compare(&offer.version, &candidate.version) != Ordering::Greater
        };
        let is_security = offers
            .iter()
            .filter(is_on_the_way)
            .any(|offer| offer.files.iter().any(|&file| self.files[file].is_security));
        let mut files: Vec<&File> = candidate.files.iter().map(|&file| &self.files[file]).collect();
        files.sort_by_key(|file| (Reverse(file.is_security), Reverse(file.priority)));
        Pending {
            name: package.name.clone(),
            architecture: package.architecture.clone(),
            installed: package.version.clone(),
            candidate: candidate.version.clone(),
            is_security,
            state,
            origin: files.first().map(|file| file.name.clone()).unwrap_or_default(),
            available_by: files.iter().filter_map(|file| file.date).min(),
        }
    }
}

/// apt's priorities, apt_preferences(5).
const INSTALLED: i32 = 100;
const USUAL: i32 = 500;
const NOT_AUTOMATIC: i32 = 1;
const BUT_AUTOMATIC_UPGRADES: i32 = 100;
const MAY_DOWNGRADE: i32 = 1000;
const NEVER: i32 = -1;

/// The lists themselves keep the time at which the archive made them, so they do not tell.
const UPDATE_TRACES: [&str; 3] = [
    "/var/lib/apt/lists/partial",
    "/var/lib/apt/periodic/update-success-stamp",
    "/var/lib/apt/periodic/update-stamp",
];
