//! systemd's units as they lie on disk: which file a name means, what is laid over it, and whether it starts by itself.
//!
//! As systemd does it without being asked: systemd.unit(5) for the search path, drop-ins and masks, and
//! `systemctl is-enabled` for the rest. What runs is `running`.

mod dropin;
mod enablement;
pub mod ini;
mod name;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Cause, Host, Kind, Unreadable};
pub use dropin::{Stack, stack};
pub use enablement::Enablement;
pub use ini::Setting;

/// Whether a unit can have this name.
pub fn is_name(name: &str) -> bool {
    name::is_valid(name)
}

/// The directories of units, read once.
#[derive(Debug)]
pub struct Units<'a> {
    host: &'a Host,
    /// In systemd's order: the first that has a name wins.
    folders: Vec<Folder>,
}

#[derive(Debug)]
struct Folder {
    path: &'static str,
    entries: BTreeMap<String, Entry>,
    /// What a `.wants`, `.requires` or `.upholds` directory pulls in, by the name of the link.
    pulled: BTreeMap<String, PathBuf>,
    /// The `.d` directories and their files.
    dropins: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    File { is_empty: bool },
    Link(PathBuf),
    Other(Kind),
}

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Located {
    Missing,
    Masked {
        folder: usize,
    },
    Regular {
        /// As it is called once all aliases are followed.
        name: String,
        path: PathBuf,
    },
}

/// A unit with everything that is laid over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub name: String,
    /// Its own file.
    pub path: PathBuf,
    /// Every assignment in the order in which systemd reads them, drop-ins last.
    pub settings: Vec<Setting>,
}

impl Unit {
    /// The values of a setting that may be repeated: an empty one forgets those before it.
    pub fn list<'a>(&'a self, section: &'a str, key: &'a str) -> Vec<&'a Setting> {
        ini::list(&self.settings, section, key)
    }
}

impl<'a> Units<'a> {
    pub fn of(host: &'a Host) -> Result<Self, Unreadable> {
        let mut folders: Vec<Folder> = Vec::new();
        let mut seen = BTreeSet::new();
        for path in SEARCH_PATH {
            match host.stat(path) {
                // On most systems /lib is a link to /usr/lib.
                Ok(meta) if !seen.insert((meta.dev, meta.ino)) => {}
                Ok(_) => folders.push(Folder::of(host, path)?),
                Err(cause) if cause.is_absent() => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(Self { host, folders })
    }

    /// Whether any directory of units exists at all.
    pub fn is_empty(&self) -> bool {
        self.folders.iter().all(|folder| folder.entries.is_empty())
    }

    /// The names of all unit files and aliases.
    pub fn names(&self) -> BTreeSet<&str> {
        self.folders.iter().flat_map(|folder| folder.entries.keys()).map(String::as_str).collect()
    }

    /// The names that something pulls in when the system starts, as links from any directory.
    pub fn pulled_in(&self) -> BTreeMap<&str, &Path> {
        let mut pulled = BTreeMap::new();
        for (name, path) in self.folders.iter().flat_map(|folder| &folder.pulled) {
            pulled.entry(name.as_str()).or_insert(path.as_path());
        }
        pulled
    }

    /// The units that start by themselves, by their own names, with the link that makes them.
    pub fn started(&self) -> Result<BTreeMap<String, PathBuf>, Unreadable> {
        let mut started = BTreeMap::new();
        for (name, link) in self.pulled_in() {
            if let Located::Regular { name, .. } = self.locate(name)? {
                started.entry(name).or_insert_with(|| link.to_owned());
            }
        }
        Ok(started)
    }

    /// Whether a unit is there and will be started: by what `systemctl enable` made, by a link that its package
    /// brought along, or by a generator. The answer is the link.
    pub fn starts(&self, name: &str) -> Result<Option<PathBuf>, Unreadable> {
        let Located::Regular { name: real, path } = self.locate(name)? else {
            return Ok(None);
        };
        let names = self.aliases(&real);
        let link = self
            .folders
            .iter()
            .flat_map(|folder| &folder.pulled)
            .find(|(pulled, _)| names.contains(pulled.as_str()));
        Ok(match link {
            Some((_, link)) => Some(link.clone()),
            None => self.enablement(name)?.is_enabled().then_some(path),
        })
    }

    /// A unit by any of its names; `None` if it is missing or masked.
    pub fn read(&self, name: &str) -> Result<Option<Unit>, Unreadable> {
        match self.locate(name)? {
            Located::Regular { name, path, .. } => self.load(name, path).map(Some),
            Located::Missing | Located::Masked { .. } => Ok(None),
        }
    }

    fn load(&self, name: String, path: PathBuf) -> Result<Unit, Unreadable> {
        let dropins = self.dropins(&name);
        self.assemble(name, path, dropins)
    }

    fn assemble(&self, name: String, path: PathBuf, dropins: Vec<PathBuf>) -> Result<Unit, Unreadable> {
        let mut settings = self.parse(&path)?;
        for dropin in dropins {
            settings.extend(self.parse(&dropin)?);
        }
        Ok(Unit { name, path, settings })
    }

    fn parse(&self, path: &Path) -> Result<Vec<Setting>, Unreadable> {
        ini::parse(path, &self.host.read(path, MAX_UNIT)?)
    }

    /// The files that are laid over a unit, in the order in which they are read.
    pub fn dropins(&self, name: &str) -> Vec<PathBuf> {
        let aliases = self.aliases(name).into_iter().filter(|alias| alias != name);
        let names = std::iter::once(name.to_owned()).chain(aliases);
        // What is laid over all units of a type yields to everything more particular.
        let kind = name.rsplit_once('.').map(|(_, kind)| vec![kind.to_owned()]);
        self.overlay(names.map(|name| name::dropin_stems(&name)).chain(kind))
    }

    /// The drop-ins in the directories of these stems: the first of each name counts, and its name is its place.
    fn overlay(&self, names: impl Iterator<Item = Vec<String>>) -> Vec<PathBuf> {
        let mut found: BTreeMap<&str, PathBuf> = BTreeMap::new();
        for stems in names {
            for folder in &self.folders {
                for stem in &stems {
                    let directory = format!("{stem}.d");
                    for file in folder.dropins.get(&directory).into_iter().flatten() {
                        let path = Path::new(folder.path).join(&directory).join(file);
                        found.entry(file).or_insert(path);
                    }
                }
            }
        }
        found.into_values().filter(|path| !self.is_masked_dropin(path)).collect()
    }

    fn is_masked_dropin(&self, path: &Path) -> bool {
        // One that cannot be looked at stays in, so that reading it tells.
        self.host.read_link(path).is_ok_and(|target| target == Path::new(NULL))
    }

    /// Every name that leads to this unit, its own among them.
    fn aliases(&self, name: &str) -> BTreeSet<String> {
        let mut names = BTreeSet::from([name.to_owned()]);
        for folder in &self.folders {
            for (alias, entry) in &folder.entries {
                let Entry::Link(target) = entry else { continue };
                if name::file_name(target) == Some(name) && name::can_stand_for(alias, name) {
                    names.insert(alias.clone());
                }
            }
        }
        names
    }

    fn locate(&self, name: &str) -> Result<Located, Unreadable> {
        let mut name = name.to_owned();
        for _ in 0..MAX_ALIASES {
            let Some((index, file, entry)) = self.search(&name) else { return Ok(Located::Missing) };
            let path = Path::new(self.folders[index].path).join(&file);
            let target = match entry {
                Entry::File { is_empty: true } => return Ok(Located::Masked { folder: index }),
                Entry::File { is_empty: false } => {
                    return Ok(Located::Regular { name, path });
                }
                Entry::Other(kind) => return Err(Unreadable::new(path, Cause::NotRegular(*kind))),
                Entry::Link(target) if target == Path::new(NULL) => {
                    return Ok(Located::Masked { folder: index });
                }
                Entry::Link(target) => target,
            };
            match name::file_name(target) {
                Some(other) if other != file => {
                    if !name::can_stand_for(&file, other) {
                        let what = "a link to a unit of another kind, which is no alias";
                        return Err(Unreadable::malformed(path, 0, what));
                    }
                    let next = name::with_instance_of(other, &name);
                    if next == name {
                        // An instance that leads to its own template.
                        return self.linked(name, &path, target, index);
                    }
                    name = next;
                }
                _ => return self.linked(name, &path, target, index),
            }
        }
        Err(Unreadable::new(name, Cause::Loop))
    }

    /// A link to a file of the same name somewhere else.
    fn linked(&self, name: String, path: &Path, target: &Path, folder: usize) -> Result<Located, Unreadable> {
        let parent = path.parent().unwrap_or(Path::new("/"));
        let target = parent.join(target);
        match self.host.stat(&target) {
            Ok(meta) if meta.kind == Kind::File && meta.size > 0 => {
                Ok(Located::Regular { name, path: target })
            }
            Ok(meta) if meta.kind == Kind::File || meta.kind == Kind::CharacterDevice => {
                Ok(Located::Masked { folder })
            }
            Ok(meta) => Err(Unreadable::new(path, Cause::NotRegular(meta.kind))),
            Err(cause) if cause.is_absent() => Ok(Located::Missing),
            // The link is told, not what it leads to: that may be anybody's words.
            Err(cause) => Err(Unreadable::new(path, cause.cause)),
        }
    }

    /// The first directory that has a name; an instance may come from its template.
    fn search(&self, name: &str) -> Option<(usize, String, &Entry)> {
        let candidates = std::iter::once(name.to_owned()).chain(name::template_of(name));
        for candidate in candidates {
            for (index, folder) in self.folders.iter().enumerate() {
                if let Some(entry) = folder.entries.get(&candidate) {
                    return Some((index, candidate, entry));
                }
            }
        }
        None
    }
}

impl Folder {
    fn of(host: &Host, path: &'static str) -> Result<Self, Unreadable> {
        let mut folder =
            Self { path, entries: BTreeMap::new(), pulled: BTreeMap::new(), dropins: BTreeMap::new() };
        for file in host.list(path, MAX_ENTRIES)? {
            let place = Path::new(path).join(&file);
            // systemd knows no such names either.
            let Some(name) = file.to_str() else { continue };
            if PULLS.iter().any(|ending| name.ends_with(ending)) {
                folder.pulled.extend(links(host, &place)?);
            } else if name.ends_with(".d") {
                folder.dropins.insert(name.to_owned(), confs(host, &place)?);
            } else if name::is_valid(name) {
                folder.entries.insert(name.to_owned(), Entry::of(host, &place)?);
            }
        }
        Ok(folder)
    }

    /// What does not outlive the next start.
    fn is_runtime(&self) -> bool {
        self.path.starts_with("/run/")
    }
}

impl Entry {
    fn of(host: &Host, path: &Path) -> Result<Self, Unreadable> {
        let meta = host.lstat(path)?;
        Ok(match meta.kind {
            Kind::File => Self::File { is_empty: meta.size == 0 },
            Kind::SymbolicLink => Self::Link(host.read_link(path)?),
            kind => Self::Other(kind),
        })
    }
}

/// The links in a directory of dependencies.
fn links(host: &Host, folder: &Path) -> Result<Vec<(String, PathBuf)>, Unreadable> {
    let mut links = Vec::new();
    for file in listed(host, folder)? {
        let path = folder.join(&file);
        if host.lstat(&path)?.kind == Kind::SymbolicLink {
            links.push((file, path));
        }
    }
    Ok(links)
}

fn confs(host: &Host, folder: &Path) -> Result<BTreeSet<String>, Unreadable> {
    let files = listed(host, folder)?;
    Ok(files.into_iter().filter(|file| file.ends_with(".conf") && !file.starts_with('.')).collect())
}

fn listed(host: &Host, folder: &Path) -> Result<Vec<String>, Unreadable> {
    match host.list(folder, MAX_ENTRIES) {
        Ok(names) => Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect()),
        // A file of that name, or a link that leads nowhere.
        Err(cause) if cause.is_absent() => Ok(Vec::new()),
        Err(cause) => Err(cause),
    }
}

/// systemd's search path for system units, as `systemd-analyze unit-paths` prints it; /lib where it is no link.
const SEARCH_PATH: [&str; 13] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
];
const PULLS: [&str; 3] = [".wants", ".requires", ".upholds"];
/// Where generators write, three directories that begin alike.
const GENERATED: &str = "/run/systemd/generator";
const NULL: &str = "/dev/null";
/// As systemd follows them.
const MAX_ALIASES: usize = 64;
/// A host has some hundred units in a directory.
const MAX_ENTRIES: usize = 20_000;
/// The longest line that systemd takes; the largest unit of a distribution has some kilobytes.
const MAX_UNIT: u64 = 1024 * 1024;
#[cfg(test)]
mod tests;
