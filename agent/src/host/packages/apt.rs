//! Which updates are outstanding, as apt would answer from the lists on the disk.
//!
//! This finds the lists of the configured archives and takes the versions of installed packages out of them;
//! which of the versions apt would choose is `policy.rs`.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::config::Config;
use super::distribution::Distribution;
use super::dpkg::{Database, Package};
use super::lists::List;
use super::policy::{File, Offer, Policy};
use super::preferences::{FORBIDDEN, Pins};
use super::release::Release;
use super::sources::{self, Source};
use super::stanza::{Stanza, source, word};
use super::{LISTS, Metadata, Pending, Updates, changelog, phasing};
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
        let pins = Pins::of(host, &config, database)?;
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
            files.push(file.clone());
            let read = list.read(host, |stanza| table.take(stanza, index));
            unsure.extend(read.err());
        }
        self.pins.suit(files.iter().map(|file| &file.place))?;
        self.prioritise(&mut files);
        let draw = phasing::Draw::of(host, &self.config, database);
        let distribution = Distribution::of(host);
        let policy =
            Policy { distribution: &distribution, files: &files, pins: &self.pins, database, draw: &draw };
        let mut pending: Vec<Pending> = Vec::new();
        for (package, offers) in table.packages() {
            unsure.extend(policy.unsure(package, offers));
            let rows = policy.decide(package, offers);
            if !rows.is_empty() {
                let since = changelog::date(host, package);
                pending.extend(rows.into_iter().map(|row| not_before(row, since)));
            }
        }
        pending.sort_by(|a, b| (&a.name, &a.architecture).cmp(&(&b.name, &b.architecture)));
        unsure.extend(self.metadata.missing.iter().map(|what| {
            Unreadable::new(LISTS, Cause::Unsupported(format!("{what}: apt-get update has not brought it")))
        }));
        Ok(Updates { pending, locked: None, unsure })
    }

    /// One `never` decides a list, else the first pin that is about it.
    fn prioritise(&self, files: &mut [File]) {
        for file in files {
            let mut about = self.pins.general.iter().filter(|pin| pin.is_about(&file.place));
            let never = about.clone().find(|pin| pin.priority == FORBIDDEN);
            let pin = never.or_else(|| about.next());
            file.priority = pin.map_or(file.default_priority, |pin| pin.priority);
            file.pinned_by = pin.map(|pin| pin.written.clone());
        }
    }
}

/// What is newer than the installed version came out after it, unless the dates say otherwise.
fn not_before(mut row: Pending, since: Option<Timestamp>) -> Pending {
    let not_after = row.available.not_after;
    row.available.not_before = since.filter(|since| not_after.is_none_or(|until| *since <= until));
    row
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
        let text = |field: &str| stanza.field(field).and_then(word).ok_or_else(|| missing(field));
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

/// The lists themselves keep the time at which the archive made them, so they do not tell.
const UPDATE_TRACES: [&str; 3] = [
    "/var/lib/apt/lists/partial",
    "/var/lib/apt/periodic/update-success-stamp",
    "/var/lib/apt/periodic/update-stamp",
];
