//! What keeps a version from being offered: exclusions, and versions that somebody locked.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::super::PendingState;
use super::config::Config;
use super::ini::Ini;
use super::pattern::{Named, Pattern};
use crate::host::{Host, Unreadable};

/// One pattern, and where it is written.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pattern: Pattern,
    place: String,
}

impl Rule {
    pub(super) fn new(pattern: &str, file: &Path, line: usize) -> Self {
        Self { pattern: Pattern::new(pattern), place: format!("{}:{line}", file.display()) }
    }
}

/// Exclusions, of one repository or of all.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    pub(super) excluded: Vec<Rule>,
    /// Nothing else is offered, if there is any.
    pub(super) included: Vec<Rule>,
    /// Only these versions of what they name are offered.
    locked: Vec<Rule>,
    /// Locked as well, but by what must not come.
    refused: Vec<Rule>,
}

/// Why a version is not offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Withheld {
    pub(super) state: PendingState,
    pub(super) reason: String,
}

impl Rules {
    pub(super) fn of(host: &Host, config: &Config) -> Result<Self, Unreadable> {
        let mut rules = Self::default();
        for (pattern, line) in config.main.words(&["excludepkgs", "exclude"]) {
            rules.excluded.push(Rule::new(&pattern, &config.file, line));
        }
        for (pattern, line) in config.main.words(&["includepkgs"]) {
            rules.included.push(Rule::new(&pattern, &config.file, line));
        }
        for (directory, list) in PLUGINS {
            rules.add_locks(host, Path::new(directory), list)?;
        }
        rules.add_dnf5(host)?;
        Ok(rules)
    }

    /// The lists of the plugin versionlock, one pattern a line (dnf-plugins-core/plugins/versionlock.py).
    fn add_locks(&mut self, host: &Host, directory: &Path, list: &str) -> Result<(), Unreadable> {
        let mut file = PathBuf::from(list);
        if let Some(ini) = Ini::of(host, &directory.join("versionlock.conf"))? {
            let main = ini.section("main").cloned().unwrap_or_default();
            if main.is_true("enabled") == Some(false) {
                return Ok(());
            }
            if let Some(place) = main.value("locklist") {
                file = place.into();
            }
        }
        let bytes = match host.read(&file, MAX_LIST) {
            Err(cause) if cause.is_absent() => return Ok(()),
            bytes => bytes?,
        };
        for (number, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.strip_prefix('!') {
                Some(pattern) => self.refused.push(Rule::new(pattern, &file, number + 1)),
                None => self.locked.push(Rule::new(line, &file, number + 1)),
            }
        }
        Ok(())
    }

    /// dnf5 keeps conditions: a lock is a package whose versions all must meet them (dnf5's versionlock(8)).
    fn add_dnf5(&mut self, host: &Host) -> Result<(), Unreadable> {
        let bytes = match host.read(DNF5, MAX_LIST) {
            Err(cause) if cause.is_absent() => return Ok(()),
            bytes => bytes?,
        };
        let bad = |what: String| Unreadable::malformed(DNF5, 0, what);
        let text = String::from_utf8(bytes).map_err(|_| bad("it is not UTF-8".to_owned()))?;
        let document = DeTable::parse(&text).map_err(|error| bad(error.message().to_owned()))?;
        let packages = document.get_ref().get("packages").and_then(|packages| packages.get_ref().as_array());
        for package in packages.into_iter().flatten() {
            let line = text.get(..package.span().start).unwrap_or_default().matches('\n').count() + 1;
            let (pattern, is_lock) = dnf5(package.get_ref()).map_err(bad)?;
            let rule = Rule::new(&pattern, Path::new(DNF5), line);
            if is_lock { self.locked.push(rule) } else { self.refused.push(rule) }
        }
        Ok(())
    }

    /// What locks packages of that name.
    pub(super) fn lock(&self, name: &str) -> Option<Withheld> {
        let rule = self.locked.iter().find(|rule| rule.pattern.names(name))?;
        Some(Withheld { state: PendingState::Held, reason: rule.place.clone() })
    }

    /// Why this version is not offered, if it is not.
    pub(super) fn withhold(&self, package: &Named<'_>) -> Option<Withheld> {
        let by = |state, rule: &Rule| Some(Withheld { state, reason: rule.place.clone() });
        if let Some(rule) = self.refused.iter().find(|rule| rule.pattern.matches(package)) {
            return by(PendingState::Held, rule);
        }
        let mut locks = self.locked.iter().filter(|rule| rule.pattern.names(package.name));
        if let Some(first) = locks.next()
            && !self.locked.iter().any(|rule| rule.pattern.matches(package))
        {
            return by(PendingState::Held, first);
        }
        if let Some(rule) = self.excluded.iter().find(|rule| rule.pattern.matches(package)) {
            return by(PendingState::Pinned, rule);
        }
        let first = self.included.first()?;
        if self.included.iter().any(|rule| rule.pattern.matches(package)) {
            return None;
        }
        let reason = format!("{} includes only others", first.place);
        Some(Withheld { state: PendingState::Pinned, reason })
    }
}

/// `name` and `conditions` of `{key = "evr", comparator = "=", value = "1-2"}`; whether it is that version or anything but.
fn dnf5(package: &DeValue<'_>) -> Result<(String, bool), String> {
    let word = |value: &DeValue<'_>, key: &str| {
        let found = value.get(key).and_then(|value| value.get_ref().as_str().map(str::to_owned));
        found.unwrap_or_default()
    };
    let name = word(package, "name");
    let conditions = package.get("conditions").and_then(|conditions| conditions.get_ref().as_array());
    let mut conditions = conditions.into_iter().flatten();
    let (Some(condition), None, false) = (conditions.next(), conditions.next(), name.is_empty()) else {
        return Err(format!("the lock of {name} has more than one condition, or none"));
    };
    let condition = condition.get_ref();
    let value = word(condition, "value");
    match (word(condition, "key").as_str(), word(condition, "comparator").as_str()) {
        ("evr", "=" | "==") => Ok((format!("{name}-{value}"), true)),
        ("evr", "!=" | "<>") => Ok((format!("{name}-{value}"), false)),
        (key, comparator) => {
            Err(format!("the lock of {name} is by {key} {comparator}, which is not understood"))
        }
    }
}

/// Where the plugins of dnf and yum are configured, and their list if that does not say another.
const PLUGINS: [(&str, &str); 2] = [
    ("/etc/dnf/plugins", "/etc/dnf/plugins/versionlock.list"),
    ("/etc/yum/pluginconf.d", "/etc/yum/pluginconf.d/versionlock.list"),
];
const DNF5: &str = "/etc/dnf/versionlock.toml";
const MAX_LIST: u64 = 4 * 1024 * 1024;
