//! `Package: x:linux-any`: which architectures a pin is about (`PackageArchitectureMatchesSpecification` of apt).
//!
//! dpkg's tables give an architecture a longer name, such as `base-gnu-linux-amd64`, and what has fewer parts than that
//! begins with `any`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::host::{Host, Unreadable, glob};

#[derive(Debug, Clone)]
pub(super) enum Wanted {
    Native,
    Any,
    /// A plain name.
    One(String),
    /// As it is written, and as a glob for the longer name.
    Family {
        written: String,
        pattern: String,
        names: Arc<Names>,
    },
}

impl Wanted {
    pub(super) fn parse(text: &str, names: &Arc<Names>) -> Self {
        match text {
            "" => Self::Native,
            "any" => Self::Any,
            plain if Self::is_plain(plain) => Self::One(plain.to_owned()),
            written => {
                let (written, names) = (written.to_owned(), Arc::clone(names));
                Self::Family { pattern: names.pattern(&written), written, names }
            }
        }
    }

    /// Whether it is understood without dpkg's tables.
    pub(super) fn is_plain(text: &str) -> bool {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    pub(super) fn matches(&self, architecture: &str, native: &str) -> bool {
        match self {
            Self::Native => architecture == native,
            Self::Any => true,
            Self::One(wanted) => architecture == wanted,
            Self::Family { written, pattern, names } => {
                architecture == written
                    || architecture == pattern
                    || glob::matches(pattern.as_bytes(), names.long(architecture).as_bytes())
            }
        }
    }
}

/// The longer names, by the usual ones.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, String>);

impl Names {
    pub(super) fn of(host: &Host) -> Result<Self, Unreadable> {
        let rows = |path: &str| -> Result<Vec<(String, String)>, Unreadable> {
            let text = String::from_utf8_lossy(&host.read(path, MAX_TABLE)?).into_owned();
            let rows = text.lines().filter(|line| !line.starts_with('#'));
            let words = rows.filter_map(|line| {
                let mut words = line.split_ascii_whitespace();
                Some((words.next()?.to_owned(), words.next()?.to_owned()))
            });
            Ok(words.take(MAX_ROWS).collect())
        };
        Ok(Self::from_rows(&rows("/usr/share/dpkg/tupletable")?, &rows("/usr/share/dpkg/cputable")?))
    }

    /// The first row that gives an architecture a name counts.
    fn from_rows(tuples: &[(String, String)], processors: &[(String, String)]) -> Self {
        let mut names = HashMap::new();
        let mut keep = |architecture: String, name: String| {
            if let Entry::Vacant(place) = names.entry(architecture) {
                // Tables of old have one part less.
                let is_short = name.split('-').count() == 3;
                place.insert(if is_short { format!("base-{name}") } else { name });
            }
        };
        for (name, architecture) in tuples {
            if !name.contains(PROCESSOR) && !architecture.contains(PROCESSOR) {
                keep(architecture.clone(), name.clone());
                continue;
            }
            for (processor, _) in processors {
                keep(architecture.replace(PROCESSOR, processor), name.replace(PROCESSOR, processor));
            }
        }
        Self(names)
    }

    /// One that nobody knows is a processor that runs Linux.
    fn long(&self, architecture: &str) -> String {
        if architecture.starts_with('-') || architecture.ends_with('-') {
            return NONE.to_owned();
        }
        if let Some(name) = self.0.get(architecture.strip_prefix("linux-").unwrap_or(architecture)) {
            return name.clone();
        }
        match architecture.split('-').count() {
            1 => format!("base-gnu-linux-{architecture}"),
            2 => format!("base-gnu-{architecture}"),
            3 => format!("base-{architecture}"),
            _ => architecture.to_owned(),
        }
    }

    fn pattern(&self, written: &str) -> String {
        let mut parts: Vec<&str> = written.split('-').collect();
        let is_pattern = parts.contains(&"any") || written.contains('*');
        let long = self.long(written);
        if long == NONE {
            return long;
        }
        if is_pattern {
            while parts.len() < 4 {
                parts.insert(0, "any");
            }
        } else {
            parts = long.split('-').collect();
        }
        parts.iter().map(|&part| if part == "any" { "*" } else { part }).collect::<Vec<_>>().join("-")
    }
}

const PROCESSOR: &str = "<cpu>";
/// No architecture has this name.
const NONE: &str = "invalid-invalid-invalid-invalid";
/// Both tables have some fifty rows.
const MAX_TABLE: u64 = 256 * 1024;
const MAX_ROWS: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Arc<Names> {
        let row = |(name, architecture): (&str, &str)| (name.to_owned(), architecture.to_owned());
        let tuples = [
            ("eabihf-gnu-linux-arm", "armhf"),
            ("base-gnu-linux-<cpu>", "<cpu>"),
            ("gnu-kfreebsd-<cpu>", "kfreebsd-<cpu>"),
        ];
        let processors = [("amd64", "x86_64"), ("i386", "i686"), ("arm", "arm")];
        Arc::new(Names::from_rows(&tuples.map(row), &processors.map(row)))
    }

    #[test]
    fn a_pattern_with_fewer_parts_begins_with_any() {
        for (wanted, architecture, expected) in [
            ("linux-any", "amd64", true),
            ("linux-any", "kfreebsd-amd64", false),
            ("kfreebsd-any", "kfreebsd-amd64", true),
            ("any-amd64", "kfreebsd-amd64", true),
            ("any-amd64", "i386", false),
            ("any-arm", "armhf", true),
            ("eabihf-any-any-any", "armhf", true),
            ("eabihf-any-any-any", "amd64", false),
            ("*", "armhf", true),
            ("amd6?", "amd64", true),
            ("linux-amd64", "amd64", true),
            ("any-", "amd64", false),
            ("-any", "amd64", false),
            ("any-any-any-any-any", "amd64", false),
            ("native", "amd64", false),
            ("all", "amd64", false),
            ("", "amd64", true),
            ("", "i386", false),
            ("any", "i386", true),
        ] {
            let found = Wanted::parse(wanted, &names()).matches(architecture, "amd64");
            assert_eq!(found, expected, "{wanted} for {architecture}");
        }
    }
}
