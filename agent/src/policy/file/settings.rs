//! The tables of the agent itself: `[run]`, `[journal]`, `[ship.local]`, `[aws]` and the like.

use std::path::{Component, Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::super::settings::{Kind, Known, Meant, Rule, SETTINGS};
use super::value::written;
use super::{Key, Reader, Text, Value};

impl Reader<'_> {
    /// A table at the top of the file that no other part of a policy knows.
    pub(super) fn of_the_agent(&mut self, key: &Key<'_>, value: &Value<'_>) {
        self.setting_or_table("", key, value);
    }

    pub(super) fn setting_or_table(&mut self, place: &str, key: &Key<'_>, value: &Value<'_>) {
        let name = key.get_ref().as_ref();
        if let Some(index) = SETTINGS.iter().position(|known| known.table == place && known.key == name) {
            return self.one(index, value);
        }
        let inner = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        if !SETTINGS.iter().any(|known| is_within(known, &inner)) {
            let within = if place.is_empty() { String::new() } else { format!(" in [{place}]") };
            return self.unknown_key(key, &within, &names(place));
        }
        let Some(table) = self.table(key, value) else { return };
        self.settings(&inner, table);
    }

    fn settings(&mut self, place: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            self.setting_or_table(place, key, value);
        }
    }

    fn one(&mut self, index: usize, value: &Value<'_>) {
        let Known { key, kind, .. } = SETTINGS[index];
        let meant = match kind {
            Kind::Flag { .. } => self.boolean(value).map(Meant::Flag),
            Kind::Path { .. } => self.plain_path(key, value).map(Meant::Path),
            Kind::Word { words, .. } => self.word(key, words, value),
            Kind::Name { rule, .. } => self.name(key, rule, value),
            Kind::Number { range: (low, high), unit, .. } => {
                self.amount(key, unit, value).and_then(|amount| {
                    if (low..=high).contains(&amount) {
                        return Some(Meant::Number(amount));
                    }
                    let (low, high) = (written(low, unit), written(high, unit));
                    self.refuse(&value.span(), format!("'{key}' must be from {low} to {high}"));
                    None
                })
            }
        };
        if let Some(meant) = meant {
            let setting = self.setting(value, meant);
            self.policy.settings.insert(index, setting);
        }
    }

    fn word(&mut self, key: &str, words: &[&'static str], value: &Value<'_>) -> Option<Meant> {
        if let DeValue::String(text) = value.get_ref()
            && let Some(word) = words.iter().find(|word| **word == text.as_ref())
        {
            return Some(Meant::Word(word));
        }
        let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        self.refuse(&value.span(), format!("'{key}' must be one of {}", words.join(", ")));
        None
    }

    fn name(&mut self, key: &str, rule: Rule, value: &Value<'_>) -> Option<Meant> {
        let allowed = match value.get_ref() {
            DeValue::String(text) => match rule.check(text) {
                Ok(()) => return Some(Meant::Name(text.as_ref().to_owned())),
                Err(allowed) => allowed,
            },
            _ => rule.allowed(),
        };
        self.refuse(&value.span(), format!("'{key}' must be {allowed}"));
        None
    }

    pub(super) fn plain_path(&mut self, key: &str, value: &Value<'_>) -> Option<PathBuf> {
        if let DeValue::String(text) = value.get_ref() {
            let path = Path::new(text.as_ref());
            let is_plain = path.components().all(|part| part != Component::ParentDir)
                && path.file_name().is_some()
                && !text.ends_with('/')
                // What cannot be shown as it is cannot be read back from `policy show` either.
                && Text::new(text).as_str() == text;
            if path.is_absolute() && is_plain {
                return Some(path.to_owned());
            }
        }
        let what = format!("'{key}' must be a file's absolute path, without '..' or control characters");
        self.refuse(&value.span(), what);
        None
    }
}

/// Whether the setting stands in this table or in one within it.
fn is_within(known: &Known, table: &str) -> bool {
    known.table.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What may stand at a place: keys and tables.
fn names(place: &str) -> Vec<&'static str> {
    if place.is_empty() {
        let tables = SETTINGS.iter().filter_map(|known| known.table.split('.').next());
        return tables.chain(["fail-on", "topics", "checks", "suppressions"]).collect();
    }
    let keys = SETTINGS.iter().filter(|known| known.table == place).map(|known| known.key);
    let tables = SETTINGS
        .iter()
        .filter_map(|known| known.table.strip_prefix(place)?.strip_prefix('.')?.split('.').next());
    let beside = if place == "files" { super::rules::KEYS } else { &[] };
    keys.chain(tables).chain(beside.iter().copied()).collect()
}
