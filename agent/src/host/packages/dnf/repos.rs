//! The repositories that are configured and enabled, for dnf, yum and zypper alike.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::config::Config;
use super::ini::{Ini, Section};
use super::rules::{Rule, Rules};
use crate::host::{Host, Unreadable};

#[derive(Debug, Clone)]
pub(super) struct Repo {
    pub(super) id: String,
    /// What its metadata is got from, as dnf names the cache by it: any of these, where the release is not sure.
    pub(super) addresses: Vec<String>,
    /// The lower, the sooner; 99 unless said.
    pub(super) priority: i64,
    /// Its packages are there whatever the modules say.
    pub(super) has_hotfixes: bool,
    pub(super) rules: Rules,
    /// Where below its address it begins; zypper's.
    pub(super) path: String,
    pub(super) file: PathBuf,
    pub(super) line: usize,
}

#[derive(Debug, Default)]
pub(super) struct Repos {
    pub(super) enabled: Vec<Repo>,
    pub(super) unsure: Vec<Unreadable>,
}

impl Repos {
    /// dnf's and yum's.
    pub(super) fn of(host: &Host, config: &Config) -> Result<Self, Unreadable> {
        let mut repos = Self::default();
        let mut seen = BTreeSet::new();
        for section in &config.ini.sections {
            repos.add(config, section, &config.file, &mut seen);
        }
        for directory in config.directories() {
            let mut add = |repos: &mut Self, section: &Section, file: &Path| {
                repos.add(config, section, file, &mut seen)
            };
            repos.add_directory(host, &directory, &mut add)?;
        }
        Ok(repos)
    }

    pub(super) fn of_zypper(host: &Host, directory: &Path) -> Result<Self, Unreadable> {
        let (mut repos, mut seen) = (Self::default(), BTreeSet::new());
        let mut add =
            |repos: &mut Self, section: &Section, file: &Path| repos.add_zyppers(section, file, &mut seen);
        repos.add_directory(host, directory, &mut add)?;
        Ok(repos)
    }

    fn add_directory(
        &mut self,
        host: &Host,
        directory: &Path,
        add: &mut dyn FnMut(&mut Self, &Section, &Path),
    ) -> Result<(), Unreadable> {
        let names = match host.list(directory, MAX_FILES) {
            Err(cause) if cause.is_absent() => return Ok(()),
            names => names?,
        };
        for name in names.iter().filter(|name| name.as_bytes().ends_with(b".repo")) {
            let file = directory.join(name);
            match Ini::of(host, &file) {
                Ok(ini) => {
                    for section in ini.iter().flat_map(|ini| &ini.sections) {
                        add(self, section, &file);
                    }
                }
                // dnf warns and goes on without it; what it would have offered is not known.
                Err(cause) => self.unsure.push(cause),
            }
        }
        Ok(())
    }

    /// zypper names a repository, and its cache, by the section as it is written; a priority of nothing is none.
    fn add_zyppers(&mut self, section: &Section, file: &Path, seen: &mut BTreeSet<String>) {
        if !seen.insert(section.name.clone()) || section.is_true("enabled") == Some(false) {
            return;
        }
        self.enabled.push(Repo {
            id: section.name.clone(),
            addresses: Vec::new(),
            priority: section.number("priority").filter(|priority| *priority > 0).unwrap_or(99),
            has_hotfixes: true,
            path: section.value("path").unwrap_or_default().to_owned(),
            rules: Rules::default(),
            file: file.to_owned(),
            line: section.line,
        });
    }

    /// The first of an id counts, dnf goes over the others.
    fn add(&mut self, config: &Config, section: &Section, file: &Path, seen: &mut BTreeSet<String>) {
        let id = config.meanings(&section.name).swap_remove(0);
        if id == "main" || !seen.insert(id.clone()) || section.is_true("enabled") == Some(false) {
            return;
        }
        let first = |key: &str| section.words(&[key]).into_iter().next().map(|(word, _)| word);
        let address = ["metalink", "mirrorlist", "baseurl"].iter().find_map(|key| first(key));
        let mut rules = Rules::default();
        for (pattern, line) in section.words(&["excludepkgs", "exclude"]) {
            rules.excluded.push(Rule::new(&pattern, file, line));
        }
        for (pattern, line) in section.words(&["includepkgs"]) {
            rules.included.push(Rule::new(&pattern, file, line));
        }
        self.enabled.push(Repo {
            addresses: address.map_or_else(|| vec![id.clone()], |address| config.meanings(&address)),
            priority: section.number("priority").unwrap_or(99),
            has_hotfixes: section.is_true("module_hotfixes") == Some(true),
            path: String::new(),
            rules,
            file: file.to_owned(),
            line: section.line,
            id,
        });
    }
}

impl Repo {
    /// `/etc/yum.repos.d/x.repo:3`
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

const MAX_FILES: usize = 10_000;
