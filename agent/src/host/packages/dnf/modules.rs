//! Modules: which streams are enabled, and which packages the others hide.
//!
//! A package out of a stream that is not active is not offered, and neither is one outside of modules that has the name
//! of a package of an active stream (libdnf's `dnf_sack_filter_modules_v2`). A stream is active if somebody enabled it,
//! or if it is the default one and nobody said anything.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash as _, Hasher as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::ini::Ini;
use super::modulemd::{self, Document};
use super::pattern::Named;
use crate::host::{Host, Unreadable};

#[derive(Debug, Default)]
pub(super) struct Modules {
    states: BTreeMap<String, State>,
    defaults: BTreeMap<String, String>,
    /// Hashes of what the names and full names of packages are: a large repository has tens of thousands.
    artifacts: Vec<(String, String, Vec<u64>, Vec<u64>)>,
    shown: HashSet<u64>,
    hidden: HashSet<u64>,
    names: HashSet<u64>,
    count: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Enabled(String),
    Disabled,
}

impl Modules {
    /// What the owner says: `/etc/dnf/modules.d`.
    pub(super) fn of(host: &Host) -> Result<Self, Unreadable> {
        let mut modules = Self::default();
        let directory = Path::new("/etc/dnf/modules.d");
        let names = match host.list(directory, MAX_FILES) {
            Err(cause) if cause.is_absent() => return Ok(modules),
            names => names?,
        };
        for name in names.iter().filter(|name| name.as_bytes().ends_with(b".module")) {
            let ini = Ini::of(host, &directory.join(name))?;
            for section in ini.iter().flat_map(|ini| &ini.sections) {
                let stream = section.value("stream").unwrap_or_default().to_owned();
                let state = match section.value("state").unwrap_or_default().to_ascii_lowercase().as_str() {
                    "enabled" | "1" | "true" => State::Enabled(stream),
                    "disabled" => State::Disabled,
                    _ => continue,
                };
                modules.states.insert(section.name.clone(), state);
            }
        }
        Ok(modules)
    }

    /// What a repository says of its modules.
    pub(super) fn add(&mut self, text: &[u8]) -> Result<(), String> {
        let mut documents = Vec::new();
        modulemd::each(text, |document| {
            documents.push(document);
            Ok(())
        })?;
        for document in documents {
            match document {
                Document::Default { module, stream } => {
                    self.defaults.insert(module, stream);
                }
                Document::Stream { module, stream, artifacts } => {
                    self.count += artifacts.len();
                    if self.count > MAX_ARTIFACTS {
                        return Err("its modules have too many packages".to_owned());
                    }
                    let full = artifacts.iter().filter_map(|text| full_name(text)).map(|name| hash(&name));
                    let names =
                        artifacts.iter().filter(|text| !text.ends_with(".src")).filter_map(|text| name(text));
                    let (full, names) = (full.collect(), names.map(hash).collect());
                    self.artifacts.push((module, stream, full, names));
                }
            }
        }
        Ok(())
    }

    /// Once every repository has said what it has.
    pub(super) fn settle(&mut self) {
        for (module, stream, full, names) in std::mem::take(&mut self.artifacts) {
            if self.is_active(&module, &stream) {
                self.shown.extend(full);
                self.names.extend(names);
            } else {
                self.hidden.extend(full);
            }
        }
    }

    /// Whether somebody enabled that stream: notices for it are for this machine.
    pub(super) fn is_enabled(&self, module: &str, stream: &str) -> bool {
        self.states.get(module).is_some_and(|state| *state == State::Enabled(stream.to_owned()))
    }

    fn is_active(&self, module: &str, stream: &str) -> bool {
        match self.states.get(module) {
            Some(State::Enabled(enabled)) => enabled == stream,
            Some(State::Disabled) => false,
            None => self.defaults.get(module).is_some_and(|default| default == stream),
        }
    }

    /// Whether the modules keep a package from being offered.
    pub(super) fn hide(&self, package: &Named<'_>, provides: &[String]) -> bool {
        if self.hidden.is_empty() && self.names.is_empty() {
            return false;
        }
        let Named { name, epoch, version, release, architecture } = package;
        let full = hash(&format!("{name}-{epoch}:{version}-{release}.{architecture}"));
        if self.shown.contains(&full) {
            return false;
        }
        let has_name = |name: &str| self.names.contains(&hash(name));
        self.hidden.contains(&full) || has_name(name) || provides.iter().any(|name| has_name(name))
    }
}

/// `name-epoch:version-release.arch`, with an epoch of 0 where none is written.
fn full_name(artifact: &str) -> Option<String> {
    let (rest, release) = artifact.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(match version.contains(':') {
        true => artifact.to_owned(),
        false => format!("{name}-0:{version}-{release}"),
    })
}

fn name(artifact: &str) -> Option<&str> {
    Some(artifact.rsplit_once('-')?.0.rsplit_once('-')?.0)
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

const MAX_FILES: usize = 10_000;
/// RHEL 8 has some 20,000.
const MAX_ARTIFACTS: usize = 1_000_000;
