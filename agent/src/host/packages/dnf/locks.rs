//! zypper's locks: each a question to all packages, and what answers to it stays as it is (zypper(8), `addlock`).
//!
//! The file has a stanza for each, of the questions that libzypp's PoolQuery is made of (`PoolQuery::recover`). A package is
//! held where the installed one answers, or the version that would come.

use std::cmp::Ordering;
use std::path::Path;

use super::super::rpm::version::compare_evr;
use super::wanted::Evr;
use crate::host::{Host, Unreadable, glob};

#[derive(Debug, Default)]
pub(super) struct Locks {
    file: String,
    locks: Vec<Lock>,
    /// Questions that are not understood here: what they hold is not known.
    pub(super) unsure: Vec<Unreadable>,
}

/// A package as a lock is asked about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) name: &'a str,
    pub(super) evr: &'a Evr,
    /// `None` for an installed one.
    pub(super) repo: Option<&'a str>,
}

#[derive(Debug, Clone, Default)]
struct Lock {
    line: usize,
    kinds: Vec<String>,
    /// Any of them.
    names: Vec<(String, Option<Range>)>,
    mode: Mode,
    is_exact_case: bool,
    edition: Option<Range>,
    repos: Vec<String>,
    /// Only of installed packages, or only of others.
    is_installed: Option<bool>,
    strange: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    #[default]
    Substring,
    Exact,
    Glob,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Range {
    relation: Relation,
    evr: Evr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    Differs,
    Less,
    LessOrEqual,
    GreaterOrEqual,
    Greater,
}

impl Locks {
    pub(super) fn of(host: &Host, file: &Path) -> Result<Self, Unreadable> {
        match host.read(file, MAX_LIST) {
            Err(cause) if cause.is_absent() => Ok(Self::default()),
            bytes => Ok(Self::parse(file, &String::from_utf8_lossy(&bytes?))),
        }
    }

    fn parse(file: &Path, text: &str) -> Self {
        let mut locks = Self { file: file.display().to_string(), ..Self::default() };
        let mut lock: Option<Lock> = None;
        for (number, line) in text.lines().enumerate() {
            if line.starts_with('#') {
                continue;
            }
            match line.split_once(':') {
                Some((key, value)) => {
                    let begun = lock.get_or_insert_with(|| Lock { line: number + 1, ..Lock::default() });
                    begun.take(key.trim(), value.trim());
                }
                None => locks.add(file, lock.take()),
            }
        }
        locks.add(file, lock);
        locks
    }

    fn add(&mut self, file: &Path, lock: Option<Lock>) {
        let Some(lock) = lock.filter(Lock::is_of_packages) else { return };
        match &lock.strange {
            Some(what) => self.unsure.push(Unreadable::malformed(file, lock.line, what.as_str())),
            None => self.locks.push(lock),
        }
    }

    /// Where the lock is that this package answers to.
    pub(super) fn place(&self, asked: &Asked<'_>) -> Option<String> {
        let lock = self.locks.iter().find(|lock| lock.holds(asked))?;
        Some(format!("{}:{}", self.file, lock.line))
    }
}

impl Lock {
    fn take(&mut self, key: &str, value: &str) {
        match key {
            "type" | "kind" => self.kinds.push(value.to_owned()),
            "repo" => self.repos.push(value.to_owned()),
            "solvable_name" => match versioned(value) {
                Some(name) => self.names.push(name),
                None => self.strange(key, value),
            },
            "version" => match range(value) {
                Some(range) => self.edition = Some(range),
                None => self.strange(key, value),
            },
            "match_type" | "string_type" => match value {
                "exact" => self.mode = Mode::Exact,
                "glob" => self.mode = Mode::Glob,
                "substring" => self.mode = Mode::Substring,
                _ => self.strange(key, value),
            },
            "case_sensitive" => {
                self.is_exact_case =
                    ["on", "yes", "true", "1"].contains(&value.to_ascii_lowercase().as_str());
            }
            "install_status" => {
                self.is_installed = match value {
                    "installed" => Some(true),
                    "not-installed" => Some(false),
                    _ => None,
                }
            }
            "require_all" => {}
            _ => self.strange(key, value),
        }
    }

    fn strange(&mut self, key: &str, value: &str) {
        let what = format!("a lock by {key} {value} is not understood");
        self.strange.get_or_insert(what);
    }

    fn is_of_packages(&self) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == "package")
    }

    fn holds(&self, asked: &Asked<'_>) -> bool {
        let is_here = match asked.repo {
            Some(repo) => self.repos.iter().any(|name| name == repo),
            None => self.repos.iter().any(|name| name == INSTALLED),
        };
        (self.repos.is_empty() || is_here)
            && self.is_installed.is_none_or(|is_installed| is_installed == asked.repo.is_none())
            && self.edition.as_ref().is_none_or(|range| range.has(asked.evr))
            && self.is_named(asked)
    }

    fn is_named(&self, asked: &Asked<'_>) -> bool {
        let fold = |text: &str| {
            if self.is_exact_case { text.to_owned() } else { text.to_ascii_lowercase() }
        };
        let name = fold(asked.name);
        let is_it = |(pattern, range): &(String, Option<Range>)| {
            let pattern = fold(pattern);
            let fits = match self.mode {
                Mode::Exact => pattern == name,
                Mode::Glob => glob::matches(pattern.as_bytes(), name.as_bytes()),
                Mode::Substring => name.contains(&pattern),
            };
            fits && range.as_ref().is_none_or(|range| range.has(asked.evr))
        };
        // Without a name, every package is meant.
        self.names.is_empty() || self.names.iter().any(is_it)
    }
}

impl Range {
    /// Where no release is said, none is compared.
    fn has(&self, evr: &Evr) -> bool {
        let order = if self.evr.release.is_empty() {
            compare_evr((evr.epoch, &evr.version, ""), (self.evr.epoch, &self.evr.version, ""))
        } else {
            evr.compare(&self.evr)
        };
        match self.relation {
            Relation::Equal => order == Ordering::Equal,
            Relation::Differs => order != Ordering::Equal,
            Relation::Less => order == Ordering::Less,
            Relation::LessOrEqual => order != Ordering::Greater,
            Relation::GreaterOrEqual => order != Ordering::Less,
            Relation::Greater => order == Ordering::Greater,
        }
    }
}

/// `name`, or `name >= 1.2-3`.
fn versioned(text: &str) -> Option<(String, Option<Range>)> {
    let mut words = text.split_whitespace();
    let name = words.next()?.to_owned();
    let rest: Vec<&str> = words.collect();
    match rest.as_slice() {
        [] => Some((name, None)),
        [_, _] => Some((name, Some(range(&rest.join(" "))?))),
        _ => None,
    }
}

/// `>= 1:2-3`; without a relation, that version.
fn range(text: &str) -> Option<Range> {
    let begin = text.find(|c: char| !['=', '<', '>', '!'].contains(&c))?;
    let (relation, version) = text.split_at(begin);
    let relation = match relation {
        "" | "=" | "==" => Relation::Equal,
        "!=" | "<>" => Relation::Differs,
        "<" => Relation::Less,
        "<=" | "=<" => Relation::LessOrEqual,
        ">=" | "=>" => Relation::GreaterOrEqual,
        ">" => Relation::Greater,
        _ => return None,
    };
    let version = version.trim();
    let (epoch, version) =
        version.split_once(':').map_or((None, version), |(epoch, rest)| (Some(epoch), rest));
    let (version, release) = version.rsplit_once('-').unwrap_or((version, ""));
    let evr = Evr::new(epoch, version, release).ok()?;
    (!version.is_empty()).then_some(Range { relation, evr })
}

/// What libzypp calls the packages of the system.
const INSTALLED: &str = "@System";
const MAX_LIST: u64 = 4 * 1024 * 1024;

#[cfg(test)]
#[path = "locks/tests.rs"]
mod tests;
