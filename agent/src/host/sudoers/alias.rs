//! Names for lists: what an alias comes to, and which are missing, doubled or circular.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Alias, AliasKind, Command, Defect, DefectKind, Listed, Members, Place, Scope, Sudoers, What, Where, Who,
};
use crate::host::Text;

/// Aliases by kind and name.
#[derive(Debug)]
pub struct Aliases<'a> {
    by_name: BTreeMap<(AliasKind, &'a [u8]), &'a Alias>,
}

impl<'a> Aliases<'a> {
    pub fn of(sudoers: &'a Sudoers) -> Self {
        let mut by_name = BTreeMap::new();
        for alias in &sudoers.aliases {
            // The first definition holds; sudo refuses the second.
            by_name.entry((alias.members.kind(), alias.name.as_slice())).or_insert(alias);
        }
        Self { by_name }
    }

    /// The users of a list, aliases replaced by what they stand for. A double negation is none.
    pub fn users(&self, list: &'a [Listed<Who>]) -> Vec<Listed<&'a Who>> {
        self.flatten(AliasKind::User, list, |members| match members {
            Members::Users(list) => Some(list),
            _ => None,
        })
    }

    /// The targets of a list, aliases replaced.
    pub fn targets(&self, list: &'a [Listed<Who>]) -> Vec<Listed<&'a Who>> {
        self.flatten(AliasKind::Runas, list, |members| match members {
            Members::Runas(list) => Some(list),
            _ => None,
        })
    }

    /// What a command comes to, aliases replaced.
    pub fn commands(&self, command: &'a Listed<Command>) -> Vec<Listed<&'a Command>> {
        self.flatten(AliasKind::Command, std::slice::from_ref(command), |members| match members {
            Members::Commands(list) => Some(list),
            _ => None,
        })
    }

    fn flatten<T: Named>(
        &self,
        kind: AliasKind,
        list: &'a [Listed<T>],
        members: fn(&'a Members) -> Option<&'a Vec<Listed<T>>>,
    ) -> Vec<Listed<&'a T>> {
        let mut flat = Vec::new();
        // A name is opened once in each sense: a second time adds nothing, and a circle ends there.
        let mut opened = BTreeSet::new();
        let mut pending: Vec<(bool, &'a Listed<T>)> = list.iter().rev().map(|item| (false, item)).collect();
        while let Some((outer, listed)) = pending.pop() {
            let negated = outer != listed.negated;
            let Some(name) = listed.item.alias() else {
                flat.push(Listed { negated, item: &listed.item });
                continue;
            };
            let inner = self.by_name.get(&(kind, name)).and_then(|alias| members(&alias.members));
            match inner {
                Some(inner) if opened.insert((name, negated)) => {
                    pending.extend(inner.iter().rev().map(|item| (negated, item)));
                }
                Some(_) => {}
                // An alias that is not defined is compared as a plain name.
                None => flat.push(Listed { negated, item: &listed.item }),
            }
        }
        flat
    }
}

/// Something that may be the name of an alias.
trait Named {
    fn alias(&self) -> Option<&[u8]>;
}

impl Named for Who {
    fn alias(&self) -> Option<&[u8]> {
        match self {
            Self::Alias(name) => Some(name),
            _ => None,
        }
    }
}

impl Named for Where {
    fn alias(&self) -> Option<&[u8]> {
        match self {
            Self::Alias(name) => Some(name),
            _ => None,
        }
    }
}

impl Named for Command {
    fn alias(&self) -> Option<&[u8]> {
        match &self.what {
            What::Alias(name) => Some(name),
            _ => None,
        }
    }
}

/// Adds what is wrong with the aliases: a second definition, a name without one, a circle.
pub(super) fn note_defects(sudoers: &mut Sudoers) {
    let mut defects = Vec::new();
    let mut first = BTreeMap::new();
    for (index, alias) in sudoers.aliases.iter().enumerate() {
        let key = (alias.members.kind(), alias.name.as_slice());
        match first.entry(key) {
            Entry::Vacant(place) => {
                place.insert(index);
            }
            Entry::Occupied(_) => {
                let what = format!("alias {} is defined a second time", Text::from_bytes(&alias.name));
                defects.push(Defect { place: alias.place.clone(), what, kind: DefectKind::Syntax });
            }
        }
    }
    let graph = Graph { sudoers, first: &first };
    let mut missing = BTreeSet::new();
    for (kind, name, place) in uses(sudoers) {
        if !first.contains_key(&(kind, name)) && missing.insert((kind, name)) {
            let what = format!("alias {} is used and not defined", Text::from_bytes(name));
            defects.push(Defect { place: place.clone(), what, kind: DefectKind::Warning });
        }
    }
    for index in graph.circles() {
        let alias = &sudoers.aliases[index];
        let what = format!("alias {} stands for itself", Text::from_bytes(&alias.name));
        defects.push(Defect { place: alias.place.clone(), what, kind: DefectKind::Warning });
    }
    sudoers.defects.append(&mut defects);
}

struct Graph<'a> {
    sudoers: &'a Sudoers,
    first: &'a BTreeMap<(AliasKind, &'a [u8]), usize>,
}

impl Graph<'_> {
    /// The aliases on which a walk came back to where it already was.
    fn circles(&self) -> Vec<usize> {
        let aliases = &self.sudoers.aliases;
        let mut state = vec![State::Unseen; aliases.len()];
        let mut found = Vec::new();
        for start in 0..aliases.len() {
            if state[start] != State::Unseen {
                continue;
            }
            let mut path = vec![(start, self.next(start).into_iter())];
            state[start] = State::Open;
            while let Some((here, rest)) = path.last_mut() {
                match rest.next() {
                    Some(next) if state[next] == State::Unseen => {
                        state[next] = State::Open;
                        path.push((next, self.next(next).into_iter()));
                    }
                    Some(next) if state[next] == State::Open => found.push(next),
                    Some(_) => {}
                    None => {
                        state[*here] = State::Done;
                        path.pop();
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn next(&self, index: usize) -> Vec<usize> {
        let members = &self.sudoers.aliases[index].members;
        let kind = members.kind();
        names(members).into_iter().filter_map(|name| self.first.get(&(kind, name)).copied()).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unseen,
    Open,
    Done,
}

fn named<T: Named>(list: &[Listed<T>]) -> impl Iterator<Item = &[u8]> {
    list.iter().filter_map(|listed| listed.item.alias())
}

fn names(members: &Members) -> Vec<&[u8]> {
    match members {
        Members::Commands(list) => named(list).collect(),
        Members::Hosts(list) => named(list).collect(),
        Members::Runas(list) | Members::Users(list) => named(list).collect(),
    }
}

/// Every place that names an alias.
fn uses(sudoers: &Sudoers) -> impl Iterator<Item = (AliasKind, &[u8], &Place)> {
    use AliasKind::{Command, Host, Runas, User};
    let rules = sudoers.rules.iter().flat_map(|rule| {
        let targets = rule.runas_users.iter().chain(&rule.runas_groups).flat_map(|list| named(list));
        named(&rule.users)
            .map(|name| (User, name))
            .chain(named(&rule.hosts).map(|name| (Host, name)))
            .chain(targets.map(|name| (Runas, name)))
            .chain(rule.command.item.alias().map(|name| (Command, name)))
            .map(|(kind, name)| (kind, name, &rule.place))
    });
    let aliases = sudoers.aliases.iter().flat_map(|alias| {
        names(&alias.members).into_iter().map(|name| (alias.members.kind(), name, &alias.place))
    });
    let settings = sudoers.settings.iter().flat_map(|setting| {
        let (kind, names): (_, Vec<&[u8]>) = match &setting.scope {
            Scope::Commands(list) => (Command, named(list).collect()),
            Scope::Everyone => (User, Vec::new()),
            Scope::Hosts(list) => (Host, named(list).collect()),
            Scope::Runas(list) => (Runas, named(list).collect()),
            Scope::Users(list) => (User, named(list).collect()),
        };
        names.into_iter().map(move |name| (kind, name, &setting.place))
    });
    rules.chain(aliases).chain(settings)
}
