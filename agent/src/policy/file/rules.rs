//! `[[files.rules]]`, and what stands beside them in `[files]`.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::super::rules::{Compare, Pattern, Rule};
use super::value::nearest;
use super::{Key, Reader, Text, Value};
use crate::finding::Severity;

impl Reader<'_> {
    pub(super) fn files(&mut self, key: &Key<'_>, value: &Value<'_>) {
        let Some(table) = self.table(key, value) else { return };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "rules" => self.rules(value),
                "decoys" => self.decoys(value),
                "hot" => {
                    if let Some(paths) = self.hot(key, value) {
                        self.policy.hot = Some(self.setting(value, paths));
                    }
                }
                "network-file-systems" => {
                    if let Some(types) = self.file_systems(value) {
                        self.policy.network_file_systems = Some(self.setting(value, types));
                    }
                }
                _ => self.setting_or_table("files", key, value),
            }
        }
    }

    fn rules(&mut self, value: &Value<'_>) {
        let DeValue::Array(entries) = value.get_ref() else {
            return self.refuse(&value.span(), "'rules' must be a list of tables: [[files.rules]]".into());
        };
        for entry in entries {
            match entry.get_ref() {
                DeValue::Table(table) => self.rule(&entry.span(), table),
                _ => self.refuse(&entry.span(), "a rule must be a table: [[files.rules]]".into()),
            }
        }
    }

    fn rule(&mut self, span: &Range<usize>, table: &DeTable<'_>) {
        let before = self.errors.len();
        let origin = self.origin(span);
        let mut rule = Rule {
            paths: Vec::new(),
            compare: Compare::Content,
            severity: Severity::Medium,
            text_diff: false,
            per_host: false,
            name: origin.to_string(),
            origin: Some(origin),
        };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "paths" => rule.paths = self.patterns(value),
                "compare" => rule.compare = self.compare(value).unwrap_or(rule.compare),
                "severity" => rule.severity = self.severity(value).unwrap_or(rule.severity),
                "text-diff" => rule.text_diff = self.boolean(value).unwrap_or_default(),
                "per-host" => rule.per_host = self.boolean(value).unwrap_or_default(),
                _ => self.unknown_key(key, " in [[files.rules]]", RULE_KEYS),
            }
        }
        if !table.iter().any(|(key, _)| key.get_ref() == "paths") {
            self.refuse(span, "a rule needs 'paths': a list such as [\"/srv/www/**\"]".into());
        }
        let patterns: usize = self.policy.file_rules.iter().map(|rule| rule.paths.len()).sum();
        if patterns + rule.paths.len() > MAX_PATTERNS {
            return self.refuse(span, format!("all rules together have more than {MAX_PATTERNS} paths"));
        }
        if self.errors.len() == before {
            self.policy.file_rules.push(rule);
        }
    }

    fn patterns(&mut self, value: &Value<'_>) -> Vec<Pattern> {
        let wanted = "'paths' must be a list of absolute paths, such as [\"/srv/www/**\"]";
        let DeValue::Array(entries) = value.get_ref() else {
            self.refuse(&value.span(), wanted.into());
            return Vec::new();
        };
        if entries.is_empty() {
            self.refuse(&value.span(), wanted.into());
        }
        let mut patterns = Vec::new();
        for entry in entries {
            let DeValue::String(text) = entry.get_ref() else {
                self.refuse(&entry.span(), wanted.into());
                continue;
            };
            match Pattern::new(text) {
                Ok(pattern) => patterns.push(pattern),
                Err(why) => {
                    let shown = Text::from_bytes_within(text.as_bytes(), MAX_SHOWN);
                    self.refuse(&entry.span(), format!("'{shown}': {why}"));
                }
            }
        }
        patterns
    }

    fn compare(&mut self, value: &Value<'_>) -> Option<Compare> {
        let names = Compare::ALL.map(Compare::name);
        if let DeValue::String(text) = value.get_ref() {
            if let Some(compare) = Compare::from_name(text) {
                return Some(compare);
            }
            let hint = nearest(text, &names);
            let names = names.join(", ");
            let shown = Text::from_bytes_within(text.as_bytes(), MAX_SHOWN);
            self.refuse(&value.span(), format!("unknown comparison '{shown}'{hint}; it is one of {names}"));
        } else {
            self.refuse(&value.span(), format!("'compare' must be one of {}", names.join(", ")));
        }
        None
    }

    fn file_systems(&mut self, value: &Value<'_>) -> Option<Vec<String>> {
        let name = |entry: &Value<'_>| match entry.get_ref() {
            DeValue::String(text) if is_type(text) => Some(text.as_ref().to_owned()),
            _ => None,
        };
        let types = match value.get_ref() {
            DeValue::Array(entries) if entries.len() <= MAX_TYPES => entries.iter().map(name).collect(),
            _ => None,
        };
        if types.is_none() {
            let what =
                "'network-file-systems' must be a list of types as /proc/mounts has them, such as [\"nfs4\"]";
            self.refuse(&value.span(), what.into());
        }
        types
    }
}

fn is_type(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_TYPE).contains(&text.len()) && text.bytes().all(is_plain)
}

/// What [files] may have beside its settings.
pub(super) const KEYS: &[&str] = &["rules", "network-file-systems", "hot", "decoys"];
const RULE_KEYS: &[&str] = &["paths", "compare", "severity", "text-diff", "per-host"];
/// Each is looked at for each directory; the built-in rules have some three hundred.
const MAX_PATTERNS: usize = 4_096;
/// The kernel knows some fifty.
const MAX_TYPES: usize = 64;
const MAX_TYPE: usize = 64;
const MAX_SHOWN: usize = 120;

#[cfg(test)]
mod tests {
    use super::super::super::{Policy, Vocabulary};
    use super::*;

    #[test]
    fn the_rules_of_a_later_file_come_after_those_of_an_earlier_one_and_win() {
        let vocabulary = Vocabulary::default();
        let (mut policy, mut errors) = (Policy::default(), Vec::new());
        for (file, text) in [
            (
                "1",
                "[[files.rules]]\npaths = [\"/etc/x/**\"]\nseverity = \"low\"\n[files]\nnetwork-file-systems = [\"nfs\"]\n",
            ),
            (
                "2",
                "[files]\nnetwork-file-systems = [\"nfs4\", \"fuse.sshfs\"]\n[[files.rules]]\npaths = [\"/etc/x/y\"]\ncompare = \"log\"\n",
            ),
        ] {
            Reader { vocabulary: &vocabulary, text, file, policy: &mut policy, errors: &mut errors }.read();
        }
        assert_eq!(errors, []);
        let rules = policy.rules();
        let rule = |path: &str| rules.of_path(path.as_bytes()).unwrap();
        assert_eq!(rule("/etc/x/z").severity, Severity::Low);
        assert_eq!((rule("/etc/x/y").compare, rule("/etc/x/y").name.as_str()), (Compare::Log, "2:3:1"));
        assert_eq!(rule("/etc/y").origin, None);
        assert_eq!(policy.network_file_systems(), ["nfs4", "fuse.sshfs"]);
    }
}
