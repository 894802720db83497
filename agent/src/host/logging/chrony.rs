//! Where chronyd takes the time from: chrony.conf(5) with what it includes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::host::{Host, Text, Unreadable, glob};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chrony {
    pub sources: Vec<Source>,
    /// How many files were read.
    files: usize,
}

/// A server, pool, peer or clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub kind: String,
    pub name: Text,
    pub path: PathBuf,
    pub line: usize,
}

/// One directive: its name in lower case, and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    pub name: String,
    pub words: Vec<String>,
    pub line: usize,
}

impl Chrony {
    pub fn of(host: &Host, main: &Path) -> Result<Self, Unreadable> {
        let mut chrony = Self::default();
        chrony.read(host, main, 0)?;
        Ok(chrony)
    }

    fn read(&mut self, host: &Host, path: &Path, depth: usize) -> Result<(), Unreadable> {
        self.files += 1;
        if depth > MAX_DEPTH || self.files > MAX_FILES {
            return Err(Unreadable::malformed(path, 0, "includes more than chronyd follows"));
        }
        for directive in directives(&host.read(path, MAX_FILE)?) {
            let paths = directive.words.iter().map(Path::new);
            match directive.name.as_str() {
                "server" | "pool" | "peer" | "refclock" => self.source(&directive, path),
                "include" => {
                    for file in directive
                        .words
                        .first()
                        .map_or(Ok(Vec::new()), |pattern| glob::expand(host, pattern.as_bytes()))?
                    {
                        self.read(host, &file, depth + 1)?;
                    }
                }
                "confdir" => {
                    for file in first_of_each_name(host, paths, ".conf")? {
                        self.read(host, &file, depth + 1)?;
                    }
                }
                "sourcedir" => {
                    for file in first_of_each_name(host, paths, ".sources")? {
                        let found = directives(&host.read(&file, MAX_FILE)?);
                        for directive in found.iter().filter(|one| SOURCES.contains(&one.name.as_str())) {
                            self.source(directive, &file);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn source(&mut self, directive: &Directive, path: &Path) {
        let name = directive.words.iter().take(if directive.name == "refclock" { 2 } else { 1 });
        let name: Vec<&str> = name.map(String::as_str).collect();
        let (kind, name) = (directive.name.clone(), Text::new(&name.join(" ")));
        self.sources.push(Source { kind, name, path: path.to_owned(), line: directive.line });
    }
}

/// The directives of one file; remarks begin with `!`, `;`, `#` or `%`.
pub fn directives(bytes: &[u8]) -> Vec<Directive> {
    let lines = bytes.split(|&byte| byte == b'\n').enumerate();
    lines
        .filter_map(|(index, line)| {
            let text = String::from_utf8_lossy(line);
            let mut words = text.split_ascii_whitespace();
            let name = words.next().filter(|word| !word.starts_with(['!', ';', '#', '%']))?;
            let words = words.map(str::to_owned).collect();
            Some(Directive { name: name.to_ascii_lowercase(), words, line: index + 1 })
        })
        .collect()
}

/// Files from several directories: of the same name, the one in the directory that is named first.
fn first_of_each_name<'a>(
    host: &Host,
    folders: impl Iterator<Item = &'a Path>,
    ending: &str,
) -> Result<Vec<PathBuf>, Unreadable> {
    let mut found: BTreeMap<Vec<u8>, PathBuf> = BTreeMap::new();
    for folder in folders.take(MAX_FILES) {
        let names = match host.list(folder, MAX_FILES) {
            Err(cause) if cause.is_absent() => continue,
            names => names?,
        };
        for name in names.iter().filter(|name| name.as_encoded_bytes().ends_with(ending.as_bytes())) {
            found.entry(name.as_encoded_bytes().to_vec()).or_insert_with(|| folder.join(name));
        }
    }
    Ok(found.into_values().collect())
}

pub(super) const MAIN: [&str; 2] = ["/etc/chrony/chrony.conf", "/etc/chrony.conf"];
const SOURCES: [&str; 3] = ["server", "pool", "peer"];
/// As chronyd has it.
const MAX_DEPTH: usize = 10;
const MAX_FILES: usize = 1_000;
const MAX_FILE: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_told_apart_from_remarks_in_any_case() {
        let found = directives(b"# x\n  POOL p.example iburst\n!server a\nserver b\n");
        let names: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.line)).collect();
        assert_eq!(names, [("pool", 2), ("server", 4)]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = directives(&bytes);
        }
    }
}
