//! What a look goes into: everything, or what is at or below some paths.

use crate::policy::rules::{self, Rule, Rules};

/// Absolute paths below the root, as bytes; none of them is everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection(Vec<Vec<u8>>);

impl Selection {
    pub(super) fn new(paths: &[Vec<u8>]) -> Self {
        let trimmed = paths.iter().map(|path| {
            let end = path.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
            path[..end].to_vec()
        });
        let paths: Vec<Vec<u8>> = trimmed.collect();
        // The root itself is everything.
        if paths.iter().any(Vec::is_empty) { Self::default() } else { Self(paths) }
    }

    pub(super) fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, path: &[u8]) -> bool {
        self.0.is_empty() || self.0.iter().any(|chosen| is_at_or_below(path, chosen))
    }

    /// Whether something at or below this path is chosen.
    fn leads_on(&self, path: &[u8]) -> bool {
        self.contains(path) || self.0.iter().any(|chosen| is_at_or_below(chosen, path))
    }
}

pub(super) fn is_at_or_below(path: &[u8], top: &[u8]) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/") || top.is_empty())
}

/// What goes along from a directory to those below it.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    rules: rules::Scope,
    /// Everything from here on is chosen.
    is_within: bool,
    /// The directory, as long as not everything in it is chosen.
    path: Vec<u8>,
}

impl Scope {
    pub(super) fn root(rules: &Rules, selection: &Selection) -> Self {
        Self { rules: rules.root(), is_within: selection.is_everything(), path: Vec::new() }
    }

    /// What goes along in this directory, if everything is chosen; nothing, where nothing in it can be compared.
    pub(super) fn within(rules: &Rules, directory: &[u8]) -> Option<Self> {
        Some(Self { rules: rules.within(directory)?, is_within: true, path: Vec::new() })
    }

    /// The rule that an object is under, if it is chosen.
    pub(super) fn rule<'r>(&self, rules: &'r Rules, selection: &Selection, name: &[u8]) -> Option<&'r Rule> {
        let is_chosen = self.is_within || selection.contains(&self.path_of(name));
        is_chosen.then(|| rules.of(&self.rules, name)).flatten()
    }

    pub(super) fn descend(&self, rules: &Rules, selection: &Selection, name: &[u8]) -> Option<Self> {
        let path = if self.is_within { Vec::new() } else { self.path_of(name) };
        if !self.is_within && !selection.leads_on(&path) {
            return None;
        }
        let is_within = self.is_within || selection.contains(&path);
        Some(Self { rules: rules.descend(&self.rules, name)?, is_within, path })
    }

    fn path_of(&self, name: &[u8]) -> Vec<u8> {
        [&self.path[..], b"/", name].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_chosen_with_all_that_is_below_it_and_nothing_beside() {
        let selection = Selection::new(&[b"/etc/ssh/".to_vec(), b"/usr/bin".to_vec()]);
        for (path, is_in, leads) in [
            ("/etc", false, true),
            ("/etc/ssh", true, true),
            ("/etc/ssh/sshd_config", true, true),
            ("/etc/sshd", false, false),
            ("/usr", false, true),
            ("/var", false, false),
        ] {
            assert_eq!(selection.contains(path.as_bytes()), is_in, "{path}");
            assert_eq!(selection.leads_on(path.as_bytes()), leads, "{path}");
        }
        assert!(Selection::new(&[b"/".to_vec()]).is_everything());
    }
}
