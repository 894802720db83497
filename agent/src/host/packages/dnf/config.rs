//! dnf's and yum's own settings, and the variables that the repositories' addresses are written with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::rpm::Installed;
use super::ini::{Ini, Section};
use crate::host::{Host, Unreadable};

#[derive(Debug, Clone, Default)]
pub(super) struct Config {
    /// The file that was there.
    pub(super) file: PathBuf,
    pub(super) main: Section,
    /// Every section of that file: a repository may be there, too.
    pub(super) ini: Ini,
    /// yum 3.4 is what looks after the packages.
    pub(super) is_yum: bool,
    variables: BTreeMap<String, String>,
    /// What `$releasever` may stand for, the likeliest first; nothing where a variable says it.
    releases: Vec<String>,
}

impl Config {
    pub(super) fn of(host: &Host, installed: &Installed) -> Result<Self, Unreadable> {
        let mut config = Self::default();
        for file in FILES {
            if let Some(ini) = Ini::of(host, Path::new(file))? {
                config.file = file.into();
                config.main = ini.section("main").cloned().unwrap_or_default();
                config.ini = ini;
                break;
            }
        }
        config.is_yum = super::yum::is_used(host, &config.file)?;
        let architecture = architecture(installed);
        config.variables.insert("arch".to_owned(), architecture.to_owned());
        config.variables.insert("basearch".to_owned(), base(architecture).to_owned());
        let said = config.main.words(&["varsdir"]);
        let directories: Vec<String> = match said.is_empty() {
            true => VARIABLES.map(str::to_owned).into(),
            false => said.into_iter().map(|(word, _)| word).collect(),
        };
        for directory in &directories {
            config.add_variables(host, Path::new(directory))?;
        }
        config.releases = releases(installed);
        Ok(config)
    }

    /// Each file is a variable, its first line the value; a later directory wins.
    fn add_variables(&mut self, host: &Host, directory: &Path) -> Result<(), Unreadable> {
        let names = match host.list(directory, MAX_VARIABLES) {
            Err(cause) if cause.is_absent() => return Ok(()),
            names => names?,
        };
        for name in names {
            let Some(name) = name.to_str() else { continue };
            let bytes = match host.read(directory.join(name), MAX_VARIABLE) {
                // What is no file, dnf goes over as well.
                Err(cause)
                    if cause.is_absent() || matches!(cause.cause, crate::host::Cause::NotRegular(_)) =>
                {
                    continue;
                }
                bytes => bytes?,
            };
            let value = String::from_utf8_lossy(&bytes);
            let value = value.lines().next().unwrap_or_default();
            self.variables.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    /// What a file says that this variable stands for.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Everything that a text may stand for: one, or one for each release that this may be.
    pub(super) fn meanings(&self, text: &str) -> Vec<String> {
        if self.variables.contains_key("releasever") || self.releases.is_empty() {
            return vec![self.meaning(text, self.variable("releasever"))];
        }
        let mut meanings: Vec<String> =
            self.releases.iter().map(|release| self.meaning(text, Some(release))).collect();
        meanings.dedup();
        meanings
    }

    /// `$name` and `${name}`; a name that nobody knows stays as it is.
    fn meaning(&self, text: &str, release: Option<&str>) -> String {
        let mut meaning = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            meaning.push_str(before);
            let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            let (name, following) = braced.unwrap_or_else(|| after.split_at(end));
            match self.value(name, release) {
                Some(value) => {
                    meaning.push_str(value);
                    rest = following;
                }
                None => {
                    meaning.push('$');
                    rest = after;
                }
            }
        }
        meaning.push_str(rest);
        meaning
    }

    fn value<'a>(&'a self, name: &str, release: Option<&'a str>) -> Option<&'a str> {
        if let Some(value) = self.variables.get(name) {
            return Some(value);
        }
        let release = release?;
        match name {
            "releasever" => Some(release),
            "releasever_major" => release.split('.').next(),
            "releasever_minor" => release.split_once('.').map(|(_, minor)| minor),
            _ => None,
        }
    }

    /// Where the caches are.
    pub(super) fn caches(&self) -> Vec<PathBuf> {
        let said = ["cachedir", "system_cachedir"].iter().filter_map(|key| self.main.value(key));
        let mut caches: Vec<PathBuf> =
            said.flat_map(|place| self.meanings(place)).map(PathBuf::from).collect();
        caches.extend(CACHES.map(PathBuf::from));
        caches.dedup();
        caches
    }

    pub(super) fn directories(&self) -> Vec<PathBuf> {
        self.places("reposdir", &REPOSITORIES)
    }

    /// What a list of directories says, or the usual ones.
    pub(super) fn places(&self, key: &str, usual: &[&str]) -> Vec<PathBuf> {
        let said = self.main.words(&[key]);
        if said.is_empty() {
            return usual.iter().map(PathBuf::from).collect();
        }
        said.into_iter().map(|(word, _)| PathBuf::from(word)).collect()
    }

    /// As rpm calls this machine's own kind: `x86_64`.
    pub(super) fn base(&self) -> &str {
        self.variable("basearch").unwrap_or_default()
    }
}

/// The version of the package that says which release this is, as dnf finds it (dnf/rpm/__init__.py,
/// `detect_releasever`): what such a package says that it provides goes before its own version, and that is the version
/// up to the first dot wherever there are minor releases but at Amazon.
fn releases(installed: &Installed) -> Vec<String> {
    let named = |name: &str| installed.packages.iter().find(|package| package.name == name);
    if let Some(package) = named("system-release") {
        return vec![package.version.clone()];
    }
    let Some(package) = RELEASES.iter().find_map(|name| named(name)) else { return Vec::new() };
    let major = package.version.split('.').next().unwrap_or_default().to_owned();
    let mut releases = vec![major, package.version.clone()];
    releases.dedup();
    releases
}

/// What most of the packages are built for that are not for every machine.
fn architecture(installed: &Installed) -> &'static str {
    let has = |name: &str| installed.packages.iter().any(|package| package.architecture == name);
    ARCHITECTURES.iter().copied().find(|name| has(name)).unwrap_or("x86_64")
}

fn base(architecture: &str) -> &str {
    match architecture {
        "i686" | "i586" | "i486" => "i386",
        "armv7hl" => "armhfp",
        other => other,
    }
}

/// Machines that run another kind's programs as well come first.
const ARCHITECTURES: [&str; 9] =
    ["x86_64", "aarch64", "ppc64le", "s390x", "riscv64", "i686", "i586", "i486", "armv7hl"];
const FILES: [&str; 2] = ["/etc/dnf/dnf.conf", "/etc/yum.conf"];
/// A later one wins; dnf's default (dnf/conf/substitutions.py).
const VARIABLES: [&str; 2] = ["/etc/yum/vars", "/etc/dnf/vars"];
/// dnf's, dnf5's and the place that yum of Amazon Linux 2 has it at.
const CACHES: [&str; 3] = ["/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"];
const REPOSITORIES: [&str; 3] = ["/etc/yum.repos.d", "/etc/yum/repos.d", "/etc/distro.repos.d"];
const RELEASES: [&str; 9] = [
    "redhat-release",
    "redhat-release-server",
    "fedora-release-common",
    "centos-stream-release",
    "centos-release",
    "rocky-release",
    "almalinux-release",
    "oraclelinux-release",
    "sles-release",
];
const MAX_VARIABLES: usize = 1_000;
const MAX_VARIABLE: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)], releases: &[&str]) -> Config {
        let own = |text: &&str| (*text).to_owned();
        Config {
            variables: variables.iter().map(|(name, value)| (own(name), own(value))).collect(),
            releases: releases.iter().map(own).collect(),
            ..Config::default()
        }
    }

    #[test]
    fn a_variable_is_known_in_both_ways_of_writing_and_an_unknown_one_stays() {
        let config = config(&[("basearch", "x86_64"), ("a", "1")], &["9", "9.4"]);
        assert_eq!(
            config.meanings("u/$releasever/$basearch/${a}b$none"),
            ["u/9/x86_64/1b$none", "u/9.4/x86_64/1b$none"]
        );
        assert_eq!(config.meanings("$releasever_major.$releasever_minor$").last().unwrap(), "9.4$");
        assert_eq!(config.meanings("plain$a"), ["plain1"]);
    }

    #[test]
    fn what_a_file_says_of_the_release_is_what_it_is() {
        let config = config(&[("releasever", "latest")], &["2023.9.20251105"]);
        assert_eq!(config.meanings("$releasever"), ["latest"]);
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_nothing_panics(text in "[$a{}_é]{0,20}") {
            config(&[("a", "$a")], &[]).meanings(&text);
        }
    }
}
