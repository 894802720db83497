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
        Self::of(Pattern::new(pattern), file, line)
    }

    fn of(pattern: Pattern, file: &Path, line: usize) -> Self {
        Self { pattern, place: format!("{}:{line}", file.display()) }
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
    /// Nothing takes the place of what is locked.
    pub(super) locks_replaced: bool,
}

/// Why a version is not offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Withheld {
    pub(super) state: PendingState,
    pub(super) reason: String,
}

impl Rules {
    pub(super) fn of(host: &Host, config: &Config) -> Result<Self, Unreadable> {
        let mut rules = Self { locks_replaced: true, ..Self::default() };
        for (pattern, line) in config.main.words(&["excludepkgs", "exclude"]) {
            rules.excluded.push(Rule::new(&pattern, &config.file, line));
        }
        for (pattern, line) in config.main.words(&["includepkgs"]) {
            rules.included.push(Rule::new(&pattern, &config.file, line));
        }
        if config.is_yum {
            super::yum::add_locks(host, config, &mut rules)?;
            return Ok(rules);
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
        self.add_list(host, &file, |line| {
            let line = line.trim();
            (!line.starts_with('#')).then(|| Pattern::new(line))
        })
    }

    /// Each line that is one is a pattern, of what must not come where it begins with `!`.
    pub(super) fn add_list(
        &mut self,
        host: &Host,
        file: &Path,
        pattern: impl Fn(&str) -> Option<Pattern>,
    ) -> Result<(), Unreadable> {
        let bytes = match host.read(file, MAX_LIST) {
            Err(cause) if cause.is_absent() => return Ok(()),
            bytes => bytes?,
        };
        for (number, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let refused = line.trim_start().strip_prefix('!');
            let Some(pattern) = pattern(refused.unwrap_or(line)) else { continue };
            let rule = Rule::of(pattern, file, number + 1);
            if refused.is_some() { self.refused.push(rule) } else { self.locked.push(rule) }
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

    /// What keeps others from taking the place of packages of that name.
    pub(super) fn lock(&self, name: &str) -> Option<Withheld> {
        if !self.locks_replaced {
            return None;
        }
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

/// Where dnf's plugin is configured, under either name, and its list if that does not say another.
const PLUGINS: [(&str, &str); 2] = [
    ("/etc/dnf/plugins", "/etc/dnf/plugins/versionlock.list"),
    ("/etc/yum/pluginconf.d", "/etc/yum/pluginconf.d/versionlock.list"),
];
const DNF5: &str = "/etc/dnf/versionlock.toml";
const MAX_LIST: u64 = 4 * 1024 * 1024;
