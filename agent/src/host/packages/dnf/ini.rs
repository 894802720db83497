//! The files that dnf, yum and zypper are configured by: sections of `key = value`, as libdnf's IniParser reads them.
//!
//! A line that begins with a blank goes on with the value before it.

use std::path::Path;

use crate::host::{Host, Unreadable};

#[derive(Debug, Clone, Default)]
pub(super) struct Ini {
    pub(super) sections: Vec<Section>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) line: usize,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    key: String,
    value: String,
    line: usize,
}

impl Ini {
    /// `None` where there is no such file.
    pub(super) fn of(host: &Host, path: &Path) -> Result<Option<Self>, Unreadable> {
        let bytes = match host.read(path, MAX_FILE) {
            Err(cause) if cause.is_absent() => return Ok(None),
            bytes => bytes?,
        };
        Self::parse(&bytes).map(Some).map_err(|(line, what)| Unreadable::malformed(path, line, what))
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, (usize, String)> {
        let mut ini = Self::default();
        for (number, line) in String::from_utf8_lossy(bytes).lines().enumerate() {
            ini.take(number + 1, line)?;
        }
        Ok(ini)
    }

    fn take(&mut self, number: usize, line: &str) -> Result<(), (usize, String)> {
        let line = line.trim_end_matches(['\r', ' ', '\t']);
        if line.trim().is_empty() || line.starts_with(['#', ';']) {
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix('[') {
            let Some((name, _)) = rest.split_once(']') else {
                return Err((number, "a section's name has no end".to_owned()));
            };
            self.sections.push(Section { name: name.to_owned(), line: number, entries: Vec::new() });
            return Ok(());
        }
        let Some(section) = self.sections.last_mut() else {
            return Err((number, "a value stands before the first section".to_owned()));
        };
        if line.starts_with([' ', '\t']) {
            let Some(entry) = section.entries.last_mut() else {
                return Err((number, "a value goes on that never began".to_owned()));
            };
            // As a list and as a text, a line's end parts words.
            entry.value.push('\n');
            entry.value.push_str(line.trim());
            return Ok(());
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err((number, "neither a section nor a value".to_owned()));
        };
        let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
        section.entries.push(Entry { key, value, line: number });
        Ok(())
    }

    /// The first section of that name.
    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }
}

impl Section {
    /// The value that counts, the last, with its line.
    fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.key == key)
    }

    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.entry(key).map(|entry| entry.value.as_str())
    }

    /// The words of a list under any of its names, with the line that each list begins at.
    pub(super) fn words(&self, keys: &[&str]) -> Vec<(String, usize)> {
        let entries = keys.iter().filter_map(|key| self.entry(key));
        entries
            .flat_map(|entry| {
                let words = entry.value.split([' ', '\t', ',', '\n']).filter(|word| !word.is_empty());
                words.map(|word| (word.to_owned(), entry.line))
            })
            .collect()
    }

    /// `None` where it is not said, or in no word that dnf knows.
    pub(super) fn is_true(&self, key: &str) -> Option<bool> {
        match self.value(key)?.to_ascii_lowercase().as_str() {
            "1" | "yes" | "true" | "on" => Some(true),
            "0" | "no" | "false" | "off" => Some(false),
            _ => None,
        }
    }

    pub(super) fn number(&self, key: &str) -> Option<i64> {
        self.value(key)?.parse().ok()
    }
}

/// The largest that is in use has a few KiB.
const MAX_FILE: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_values_lists_and_lines_that_go_on() {
        let text = b"# c\n[main]\nexclude=a, b\n  c\n; d\ngpgcheck = True\n\n[x-$releasever]\nenabled=0\nenabled=1\n";
        let ini = Ini::parse(text).unwrap();
        let main = ini.section("main").unwrap();
        let words: Vec<(String, usize)> = ["a", "b", "c"].map(|word| (word.to_owned(), 3)).into();
        assert_eq!(main.words(&["excludepkgs", "exclude"]), words);
        assert_eq!(main.is_true("gpgcheck"), Some(true));
        assert_eq!(ini.sections[1].name, "x-$releasever");
        assert_eq!((ini.sections[1].line, ini.sections[1].number("enabled")), (8, Some(1)));
        assert_eq!(ini.section("main").unwrap().value("none"), None);
    }

    #[test]
    fn a_line_that_is_nothing_is_told() {
        for (text, line) in [("x=1\n", 1), ("[a\n", 1), ("[a]\nb\n", 2), ("[a]\n b\n", 2)] {
            assert_eq!(Ini::parse(text.as_bytes()).unwrap_err().0, line, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_nothing_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = Ini::parse(&bytes);
        }
    }
}
