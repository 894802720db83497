//! `[[files.decoys]]` and `hot` of `[files]`: single files that are watched more closely than others.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

use super::super::decoys::{Decoy, Plant};
use super::value::nearest;
use super::{Key, Reader, Text, Value};
use crate::finding::Severity;
use crate::host::units;

impl Reader<'_> {
    pub(super) fn decoys(&mut self, value: &Value<'_>) {
        let DeValue::Array(entries) = value.get_ref() else {
            return self.refuse(&value.span(), "'decoys' must be a list of tables: [[files.decoys]]".into());
        };
        let mut paths = BTreeSet::new();
        for entry in entries {
            let DeValue::Table(table) = entry.get_ref() else {
                self.refuse(&entry.span(), "a decoy must be a table: [[files.decoys]]".into());
                continue;
            };
            let Some(decoy) = self.decoy(&entry.span(), table) else { continue };
            if !paths.insert(decoy.path.clone()) {
                self.refuse(&entry.span(), "there is a decoy of that path already".into());
            } else if self.policy.files_decoys().len() >= MAX_DECOYS {
                return self.refuse(&entry.span(), format!("there are more than {MAX_DECOYS} decoys"));
            } else {
                self.policy.add_decoy(decoy);
            }
        }
    }

    fn decoy(&mut self, span: &Range<usize>, table: &DeTable<'_>) -> Option<Decoy> {
        let before = self.errors.len();
        let (mut path, mut units, mut plant, mut severity) = (None, Vec::new(), None, Severity::Critical);
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "path" => path = self.plain_path("path", value),
                "units" => units = self.units(value),
                "plant" => plant = self.plant(value),
                "severity" => severity = self.severity(value).unwrap_or(severity),
                _ => self.unknown_key(key, " in [[files.decoys]]", DECOY_KEYS),
            }
        }
        if !table.iter().any(|(key, _)| key.get_ref() == "path") {
            self.refuse(span, "a decoy needs 'path': the file that nobody has a reason to open".into());
        }
        let origin = self.origin(span);
        (self.errors.len() == before).then_some(path).flatten().map(|path| Decoy {
            path,
            units,
            plant,
            severity,
            origin,
        })
    }

    fn units(&mut self, value: &Value<'_>) -> Vec<String> {
        let wanted = "'units' must be a list of names of units, such as [\"backup.service\"]";
        let name = |entry: &Value<'_>| match entry.get_ref() {
            DeValue::String(text) if units::is_name(text) => Some(text.as_ref().to_owned()),
            _ => None,
        };
        let DeValue::Array(entries) = value.get_ref() else {
            self.refuse(&value.span(), wanted.into());
            return Vec::new();
        };
        if entries.len() > MAX_UNITS {
            self.refuse(&value.span(), format!("'units' must not have more than {MAX_UNITS} names"));
            return Vec::new();
        }
        let mut units = BTreeSet::new();
        for entry in entries {
            match name(entry) {
                Some(name) => drop(units.insert(name)),
                None => self.refuse(&entry.span(), wanted.into()),
            }
        }
        units.into_iter().collect()
    }

    fn plant(&mut self, value: &Value<'_>) -> Option<Plant> {
        let names = Plant::ALL.map(Plant::name);
        if let DeValue::String(text) = value.get_ref() {
            if let Some(plant) = Plant::from_name(text) {
                return Some(plant);
            }
            let (hint, names) = (nearest(text, &names), names.join(", "));
            let shown = Text::from_bytes_within(text.as_bytes(), MAX_SHOWN);
            self.refuse(
                &value.span(),
                format!("unknown thing to plant '{shown}'{hint}; it is one of {names}"),
            );
        } else {
            self.refuse(&value.span(), format!("'plant' must be one of {}", names.join(", ")));
        }
        None
    }

    pub(super) fn hot(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<Vec<PathBuf>> {
        let DeValue::Array(entries) = value.get_ref() else {
            let key = Text::new(key.get_ref());
            self.refuse(&value.span(), format!("'{key}' must be a list of files, such as [\"/srv/ledger\"]"));
            return None;
        };
        if entries.len() > MAX_HOT {
            self.refuse(&value.span(), format!("'hot' must not have more than {MAX_HOT} files"));
            return None;
        }
        let before = self.errors.len();
        let paths: BTreeSet<PathBuf> =
            entries.iter().filter_map(|entry| self.plain_path("hot", entry)).collect();
        (self.errors.len() == before).then(|| paths.into_iter().collect())
    }
}

const DECOY_KEYS: &[&str] = &["path", "units", "plant", "severity"];
/// Each takes a mark of its own in the kernel, and stays in its memory for as long.
const MAX_DECOYS: usize = 256;
const MAX_HOT: usize = 256;
const MAX_UNITS: usize = 64;
const MAX_SHOWN: usize = 120;

#[cfg(test)]
mod tests {
    use super::super::super::{Policy, PolicyError, Vocabulary};
    use super::*;

    fn read(texts: &[&str]) -> (Policy, Vec<PolicyError>) {
        let vocabulary = Vocabulary::default();
        let (mut policy, mut errors) = (Policy::default(), Vec::new());
        for (index, text) in texts.iter().enumerate() {
            let file = (index + 1).to_string();
            Reader { vocabulary: &vocabulary, text, file: &file, policy: &mut policy, errors: &mut errors }
                .read();
        }
        (policy, errors)
    }

    #[test]
    fn a_later_files_decoy_goes_over_an_earlier_one_of_the_same_path() {
        let (policy, errors) = read(&[
            "[files]\nhot = [\"/b\", \"/a\", \"/b\"]\n[[files.decoys]]\npath = \"/root/w\"\nplant = \"wallet\"\n\
             [[files.decoys]]\npath = \"/root/.aws/old\"\nplant = \"aws-credentials\"\n",
            "[[files.decoys]]\npath = \"/root/w\"\nseverity = \"low\"\nunits = [\"b.service\", \"a.service\"]\n",
        ]);
        assert_eq!(errors, []);
        assert_eq!(policy.files_hot(), [PathBuf::from("/a"), PathBuf::from("/b")]);
        let [first, second] = policy.files_decoys() else { panic!("{:?}", policy.files_decoys()) };
        assert_eq!((first.plant, first.severity), (Some(Plant::AwsCredentials), Severity::Critical));
        assert_eq!((second.plant, second.severity), (None, Severity::Low));
        assert_eq!(second.units, ["a.service", "b.service"]);
        assert_eq!(second.origin.to_string(), "2:1:1");
        assert_eq!(policy.decoy("/root/w".as_ref()), Some(second));
    }

    #[test]
    fn there_is_a_most_of_everything() {
        let many = |count: usize| -> String {
            (0..count).map(|n| format!("[[files.decoys]]\npath = \"/d/{n}\"\n")).collect()
        };
        assert_eq!(read(&[&many(MAX_DECOYS)]).1, []);
        assert_eq!(read(&[&many(MAX_DECOYS + 1)]).1.len(), 1);
        let hot = |count: usize| format!("[files]\nhot = {:?}\n", vec!["/a"; count]);
        assert_eq!(read(&[&hot(MAX_HOT)]).1, []);
        assert_eq!(read(&[&hot(MAX_HOT + 1)]).1.len(), 1);
    }
}
