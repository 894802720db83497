//! Which files are compared with the baseline, how, and how bad a difference is.
//!
//! The last rule that matches a path decides: the built-in ones stand first, the policy's follow in the order of their
//! files. A walk carries a [`Scope`] from directory to directory, so that a name is matched and never a whole path.

mod built_in;
mod pattern;
mod private;
mod scope;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::Origin;
use crate::finding::Severity;
pub use built_in::built_in;
pub use pattern::{BadPattern, Pattern};
pub use private::is_private;
pub use scope::Scope;
use scope::{Compiled, Graph};

/// What is compared of the paths that match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub paths: Vec<Pattern>,
    pub compare: Compare,
    pub severity: Severity,
    /// Whether the lines of a text are kept, so that a difference can be told line by line.
    pub text_diff: bool,
    /// Whether it is each machine's own, and so no part of what a fleet has in common.
    pub per_host: bool,
    /// `None`: built in.
    pub origin: Option<Origin>,
    /// What a report calls it: a built-in rule has a name, another one its place in a file.
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compare {
    /// Everything.
    Content,
    /// Everything but the content, its size and its times, and where a link leads.
    Permissions,
    /// As permissions, and what was there stays there: it may only grow.
    Log,
    /// That it is there, and what kind of thing it is.
    Existence,
    Nothing,
}

impl Compare {
    pub const ALL: [Self; 5] = [Self::Content, Self::Permissions, Self::Log, Self::Existence, Self::Nothing];

    pub fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Permissions => "permissions",
            Self::Log => "log",
            Self::Existence => "existence",
            Self::Nothing => "nothing",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|compare| compare.name() == name)
    }
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// All rules in force, ready to be asked.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Rule>,
    graph: Graph,
    root: Scope,
    /// Which one the root directory itself has.
    of_root: Option<usize>,
}

impl Rules {
    /// In order: of those that match, the last one decides.
    pub fn new(rules: Vec<Rule>) -> Self {
        let mut patterns = Vec::new();
        let mut of_root = None;
        for (index, rule) in rules.iter().enumerate() {
            for path in &rule.paths {
                if path.is_of_root() {
                    of_root = Some(index);
                }
                let is_nothing = rule.compare == Compare::Nothing;
                patterns.push(Compiled { rule: index, is_nothing, parts: path.parts().to_vec() });
            }
        }
        let (graph, root) = Graph::new(patterns);
        Self { rules, graph, root, of_root }
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.rules.iter()
    }

    /// What holds in the root directory.
    pub fn root(&self) -> Scope {
        self.root.clone()
    }

    /// The rule for a name in a directory; `None` where nothing is compared. The root itself is the empty name in its
    /// own scope.
    pub fn of(&self, scope: &Scope, name: &[u8]) -> Option<&Rule> {
        self.last_of(scope, name).filter(|rule| rule.compare != Compare::Nothing)
    }

    /// What holds in a directory below; `None` where nothing in it can be compared.
    pub fn descend(&self, scope: &Scope, name: &[u8]) -> Option<Scope> {
        self.graph.step(scope, name).filter(Scope::is_worth_it)
    }

    /// The rule for a path; `None` where nothing is compared.
    pub fn of_path(&self, path: &[u8]) -> Option<&Rule> {
        self.last(path).filter(|rule| rule.compare != Compare::Nothing)
    }

    /// What holds in the directory with this path (absolute; `` or `/` is the root); `None` as for [`Rules::descend`].
    pub fn within(&self, directory: &[u8]) -> Option<Scope> {
        components(directory).try_fold(self.root(), |scope, name| self.descend(&scope, name))
    }

    /// The last rule that matches a path, also one that says that nothing is compared.
    pub fn last(&self, path: &[u8]) -> Option<&Rule> {
        let mut names: Vec<&[u8]> = components(path).collect();
        let name = names.pop().unwrap_or_default();
        let scope = names.iter().try_fold(self.root(), |scope, name| self.graph.step(&scope, name))?;
        self.last_of(&scope, name)
    }

    /// Whether the text of a file may be kept: its rule asks for it, and it is no place for secrets.
    pub fn keeps_text(&self, path: &[u8]) -> bool {
        self.of_path(path).is_some_and(|rule| rule.text_diff) && !is_private(path)
    }

    /// The same for rules that mean the same, wherever they are written.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"guestward.rules/1\n");
        for rule in &self.rules {
            let Rule { compare, severity, text_diff, per_host, .. } = rule;
            let paths: BTreeSet<&str> = rule.paths.iter().map(Pattern::as_str).collect();
            hash.update(format!("{compare} {severity} {text_diff} {per_host} {}\n", paths.len()));
            for path in paths {
                hash.update(format!("{}:{path}\n", path.len()));
            }
        }
        hash.finalize().into()
    }

    fn last_of(&self, scope: &Scope, name: &[u8]) -> Option<&Rule> {
        let index = if name.is_empty() { self.of_root } else { self.graph.last(scope, name) };
        self.rules.get(index?)
    }
}

impl super::Policy {
    /// The rules of file integrity. They are made ready once.
    pub fn rules(&self) -> Arc<Rules> {
        let ready = self.rules.get_or_init(|| {
            let mut rules = if self.built_in_rules() { built_in() } else { Vec::new() };
            rules.extend(self.file_rules.iter().cloned());
            Arc::new(Rules::new(rules))
        });
        Arc::clone(ready)
    }
}

fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/').filter(|component| !component.is_empty())
}

#[cfg(test)]
mod tests;
