//! What dpkg believes to be installed: `/var/lib/dpkg/status`, with the journal in `updates/` laid over it.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::settled::settled;
use super::stanza::{Stanza, Stanzas, source, word};
use crate::host::{Host, Unreadable};

/// dpkg's database.
#[derive(Debug, Clone, Default)]
pub struct Database {
    /// Every package that it knows, also those of which only configuration is left.
    pub packages: Vec<Package>,
    /// The machine's own architecture.
    pub native: String,
    /// Every architecture whose packages may be installed, the native one first.
    pub architectures: Vec<String>,
}

/// One package, as installed or half installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    pub architecture: String,
    /// Empty when nothing of it was ever unpacked.
    pub version: String,
    pub source: String,
    pub source_version: String,
    pub want: Want,
    pub state: State,
    /// dpkg says that it is broken and must be installed anew.
    pub needs_reinstall: bool,
    is_multi_arch_same: bool,
    /// Where it is written.
    pub file: PathBuf,
    pub line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    Unknown,
    Install,
    Hold,
    Deinstall,
    Purge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    NotInstalled,
    ConfigFiles,
    HalfInstalled,
    Unpacked,
    HalfConfigured,
    TriggersAwaited,
    TriggersPending,
    Installed,
}

impl State {
    pub fn name(self) -> &'static str {
        STATES.iter().find(|(_, state)| *state == self).map_or("", |(name, _)| name)
    }
}

impl Package {
    /// Whether some of its program files are on the disk: apt's notion of a current version.
    pub fn is_present(&self) -> bool {
        !self.version.is_empty() && !matches!(self.state, State::NotInstalled | State::ConfigFiles)
    }

    pub fn is_held(&self) -> bool {
        self.want == Want::Hold
    }

    /// One of a database that knows whole packages only; its source is itself.
    pub(super) fn whole(name: String, architecture: String, version: String, file: PathBuf) -> Self {
        Self {
            source: name.clone(),
            source_version: version.clone(),
            name,
            architecture,
            version,
            want: Want::Install,
            state: State::Installed,
            needs_reinstall: false,
            is_multi_arch_same: false,
            file,
            line: 0,
        }
    }

    /// As people write it: `openssl:amd64`.
    pub fn key(&self) -> String {
        format!("{}:{}", self.name, self.architecture)
    }

    fn parse(stanza: &Stanza<'_>, file: &Path, without_status: bool) -> Result<Self, Unreadable> {
        let bad = |line: usize, what: &str| Unreadable::malformed(file, line, what);
        let mut package = Self {
            name: String::new(),
            architecture: String::new(),
            version: String::new(),
            source: String::new(),
            source_version: String::new(),
            want: Want::Install,
            state: State::Installed,
            needs_reinstall: false,
            is_multi_arch_same: false,
            file: file.to_owned(),
            line: stanza.line,
        };
        let mut has_status = without_status;
        for field in stanza.fields() {
            let field = field.map_err(|line| bad(line, "a line that belongs to no field"))?;
            let plain = || word(field.value).ok_or_else(|| bad(field.line, "not a name or a version"));
            match field.name.to_ascii_lowercase().as_slice() {
                b"package" => package.name = plain()?,
                b"architecture" => package.architecture = plain()?,
                b"version" => package.version = plain()?,
                b"multi-arch" => package.is_multi_arch_same = field.value == b"same",
                b"source" => {
                    (package.source, package.source_version) =
                        source(field.value).ok_or_else(|| bad(field.line, "not a source package"))?;
                }
                b"status" => {
                    has_status = true;
                    (package.want, package.needs_reinstall, package.state) =
                        status(field.value).ok_or_else(|| bad(field.line, "not a status that dpkg knows"))?;
                }
                _ => {}
            }
        }
        if package.name.is_empty() {
            return Err(bad(stanza.line, "a stanza without a package"));
        }
        if !has_status {
            return Err(bad(stanza.line, "a package without a status"));
        }
        let is_whole = !package.version.is_empty() && !package.architecture.is_empty();
        if !is_whole && !matches!(package.state, State::NotInstalled | State::ConfigFiles) {
            return Err(bad(stanza.line, "an installed package without a version and an architecture"));
        }
        if package.source.is_empty() {
            package.source.clone_from(&package.name);
        }
        if package.source_version.is_empty() {
            package.source_version.clone_from(&package.version);
        }
        Ok(package)
    }
}

/// Whether this machine is dpkg's at all. A distroless image has only `status.d`.
pub fn is_used(host: &Host) -> Result<bool, Unreadable> {
    Ok(host.exists(STATUS)? || host.exists(STATUS_PARTS)?)
}

impl Database {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        settled(host, || Self::read(host))
    }

    /// The status before the journal, which is emptied into it.
    pub(super) fn read(host: &Host) -> Result<Self, Unreadable> {
        let mut index = Index::default();
        if host.exists(STATUS)? {
            index.read(host, Path::new(STATUS), false)?;
        }
        for file in files(host, JOURNAL, is_number)? {
            index.is_journal = true;
            index.read(host, &file, false)?;
        }
        for file in files(host, STATUS_PARTS, is_part)? {
            index.read(host, &file, true)?;
        }
        let packages = index.packages;
        if packages.is_empty() {
            // dpkg itself is a package, and a distroless image has one for each of its parts.
            return Err(Unreadable::malformed(STATUS, 0, "it knows of no package at all"));
        }
        let architectures = architectures(host, &packages)?;
        let native = architectures.first().cloned().unwrap_or_default();
        Ok(Self { packages, native, architectures })
    }

    pub fn present(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.is_present())
    }

    /// The architecture under which apt and dpkg file a package: those for all are the native one's.
    pub fn home<'a>(&'a self, architecture: &'a str) -> &'a str {
        if architecture == "all" { &self.native } else { architecture }
    }
}

#[derive(Default)]
struct Index {
    packages: Vec<Package>,
    by_name: HashMap<String, Vec<usize>>,
    is_journal: bool,
}

impl Index {
    fn read(&mut self, host: &Host, path: &Path, without_status: bool) -> Result<(), Unreadable> {
        let bytes = host.read(path, MAX_STATUS)?;
        if bytes.last().is_some_and(|&byte| byte != b'\n') {
            let line = 1 + memchr::memchr_iter(b'\n', &bytes).count();
            return Err(Unreadable::malformed(path, line, "the file ends in the middle of a line"));
        }
        let mut stanzas = Stanzas::numbered(bytes.as_slice(), MAX_STATUS);
        while let Some(stanza) = stanzas.next().map_err(|error| Unreadable::from_io(path, &error))? {
            self.put(Package::parse(&stanza, path, without_status)?);
        }
        Ok(())
    }

    /// A later entry replaces an earlier one about the same package.
    fn put(&mut self, package: Package) {
        let places = self.by_name.entry(package.name.clone()).or_default();
        let same = places.iter().copied().find(|&place| {
            let known = &self.packages[place];
            // A package that cannot be there twice may change its architecture from one version to the next.
            known.architecture == package.architecture
                || (self.is_journal && !known.is_multi_arch_same && !package.is_multi_arch_same)
        });
        match same {
            Some(place) => self.packages[place] = package,
            None => {
                places.push(self.packages.len());
                self.packages.push(package);
            }
        }
    }
}

/// The files of a directory whose names are wanted, in order; none where there is no such directory.
pub(super) fn files(
    host: &Host,
    directory: &str,
    is_wanted: fn(&[u8]) -> bool,
) -> Result<Vec<PathBuf>, Unreadable> {
    let names = match host.list(directory, MAX_FILES) {
        Err(cause) if cause.is_absent() => return Ok(Vec::new()),
        names => names?,
    };
    let wanted = names.iter().filter(|name| is_wanted(name.as_bytes()));
    Ok(wanted.map(|name| Path::new(directory).join(name)).collect())
}

/// dpkg numbers its journal's entries and applies them in order.
pub(super) fn is_number(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(u8::is_ascii_digit)
}

pub(super) fn is_part(name: &[u8]) -> bool {
    !name.ends_with(b".md5sums") && !name.starts_with(b".")
}

/// `/var/lib/dpkg/arch` exists once a foreign architecture was added; before, dpkg's own package tells.
fn architectures(host: &Host, packages: &[Package]) -> Result<Vec<String>, Unreadable> {
    let mut found: Vec<String> = Vec::new();
    let own = packages.iter().find(|package| package.name == "dpkg" && package.is_present());
    let own =
        own.or_else(|| packages.iter().find(|package| package.is_present() && package.architecture != "all"));
    found.extend(own.map(|package| package.architecture.clone()));
    match host.read(ARCHITECTURES, MAX_ARCHITECTURES) {
        Ok(bytes) => {
            for name in bytes.split(|&byte| byte == b'\n').filter_map(word) {
                if !found.contains(&name) {
                    found.push(name);
                }
            }
        }
        Err(cause) if cause.is_absent() => {}
        Err(cause) => return Err(cause),
    }
    Ok(found)
}

/// `want flag status`.
fn status(value: &[u8]) -> Option<(Want, bool, State)> {
    let mut words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (want, flag, state) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let want = WANTS.iter().find(|(name, _)| name.as_bytes() == want)?.1;
    let needs_reinstall = match flag {
        b"ok" => false,
        b"reinstreq" => true,
        _ => return None,
    };
    let state = STATES.iter().find(|(name, _)| name.as_bytes() == state)?.1;
    Some((want, needs_reinstall, state))
}

pub const STATUS: &str = "/var/lib/dpkg/status";
pub(super) const JOURNAL: &str = "/var/lib/dpkg/updates";
pub(super) const STATUS_PARTS: &str = "/var/lib/dpkg/status.d";
const ARCHITECTURES: &str = "/var/lib/dpkg/arch";

const WANTS: [(&str, Want); 5] = [
    ("unknown", Want::Unknown),
    ("install", Want::Install),
    ("hold", Want::Hold),
    ("deinstall", Want::Deinstall),
    ("purge", Want::Purge),
];
const STATES: [(&str, State); 8] = [
    ("not-installed", State::NotInstalled),
    ("config-files", State::ConfigFiles),
    ("half-installed", State::HalfInstalled),
    ("unpacked", State::Unpacked),
    ("half-configured", State::HalfConfigured),
    ("triggers-awaited", State::TriggersAwaited),
    ("triggers-pending", State::TriggersPending),
    ("installed", State::Installed),
];

/// Ten thousand packages take about 20 MB.
pub(super) const MAX_STATUS: u64 = 64 * 1024 * 1024;
const MAX_ARCHITECTURES: u64 = 4096;
/// dpkg empties its journal after 250 entries; `status.d` has a file for each package.
const MAX_FILES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    fn database(files: &[(&str, &str)]) -> Result<Database, Unreadable> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Database::of(&Host::at(root.path()).unwrap())
    }

    const TWO: &str = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n\
                       Package: x\nStatus: hold ok installed\nArchitecture: all\nVersion: 2\nSource: y (3)\n";

    #[test]
    fn a_status_is_read_with_holds_and_sources() {
        let database = database(&[("var/lib/dpkg/status", TWO)]).unwrap();
        assert_eq!(database.native, "amd64");
        let x = &database.packages[1];
        assert!(x.is_held() && x.is_present());
        assert_eq!((x.source.as_str(), x.source_version.as_str(), x.line), ("y", "3", 6));
        assert_eq!(database.home("all"), "amd64");
    }

    #[test]
    fn the_journal_goes_before_the_status_and_its_later_files_before_its_earlier_ones() {
        let entry = |version: &str| {
            format!("Package: x\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: {version}\n")
        };
        let database = database(&[
            ("var/lib/dpkg/status", TWO),
            ("var/lib/dpkg/updates/0001", &entry("5")),
            ("var/lib/dpkg/updates/0002", &entry("4")),
            ("var/lib/dpkg/updates/tmp.i", "junk"),
        ])
        .unwrap();
        assert_eq!(database.packages.len(), 2);
        assert_eq!(database.packages[1].version, "4");
        assert_eq!(database.packages[1].state, State::Unpacked);
    }

    #[test]
    fn one_name_on_two_architectures_is_two_packages() {
        let text = "Package: x\nStatus: install ok installed\nArchitecture: i386\nVersion: 2\n\n";
        let database = database(&[
            ("var/lib/dpkg/status", &format!("{TWO}\n{text}")),
            ("var/lib/dpkg/arch", "amd64\ni386\n"),
        ])
        .unwrap();
        assert_eq!(database.packages.len(), 3);
        assert_eq!(database.architectures, ["amd64", "i386"]);
    }

    #[test]
    fn a_distroless_image_has_a_file_for_each_package() {
        let part = "Package: base-files\nVersion: 12\nArchitecture: amd64\n";
        let database = database(&[
            ("var/lib/dpkg/status.d/base", part),
            ("var/lib/dpkg/status.d/base.md5sums", "0  x\n"),
        ])
        .unwrap();
        assert!(database.packages[0].is_present());
    }

    #[test]
    fn a_status_that_is_cut_short_or_full_of_zeros_is_not_believed() {
        for cut in [TWO.len() - 1, TWO.len() - 8, 30] {
            assert!(database(&[("var/lib/dpkg/status", &TWO[..cut])]).is_err(), "cut at {cut}");
        }
        assert!(database(&[("var/lib/dpkg/status", &"\0".repeat(4096))]).is_err());
        assert!(database(&[("var/lib/dpkg/status", "")]).is_err());
        assert!(database(&[("var/lib/dpkg/status", &format!("{TWO}\n{}\n", "\0".repeat(4096)))]).is_err());
    }

    proptest! {
        #[test]
        fn no_stanza_stops_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Package::parse(&Stanza { bytes: &bytes, line: 1 }, Path::new("x"), false);
            let _ = status(&bytes);
            let _ = source(&bytes);
        }
    }
}
