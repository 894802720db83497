//! Our own answer held against the package manager's, as it was when somebody last did: kept in the state, so that a check
//! can say whether guestward is to be believed here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Manager, Pending, PendingState};
use crate::host::{Cause, Host, Kind, Text, Unreadable};

/// The package manager's answer. A package has the name that the package manager gives it: `openssl`, `openssl:i386`; for
/// dnf and zypper always with its architecture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// What it lists as newer, with the version.
    pub newer: BTreeMap<String, String>,
    /// Those of them that it would not install as things are.
    pub kept_back: BTreeSet<String>,
    /// What it would remove rather than bring up to date.
    pub removed: BTreeSet<String>,
    /// Those of them that it calls security updates; `None` where it does not tell.
    pub security: Option<BTreeSet<String>>,
    /// By name alone, the newest version that a repository has, where it would go to none or to another; zypper's.
    pub beyond: BTreeMap<String, String>,
    /// The ids of the security notices that are about what is installed; `None` where it does not tell.
    pub notices: Option<BTreeSet<String>>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Where it is kept; empty as long as it is not.
    pub path: PathBuf,
    pub time: Timestamp,
    pub manager: String,
    pub outcome: Outcome,
    /// What the package manager would not install as things were: package, version.
    pub kept_back: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This many updates, and each the same.
    Agreed(usize),
    Differs(Vec<Text>),
    /// The package manager gave no answer, for this reason.
    Unanswered(Text),
}

impl Compared {
    /// `ours` were told before and after the package manager was asked.
    pub fn new(
        manager: Manager,
        native: &str,
        ours: &[Pending],
        answer: Result<Answer, String>,
        time: Timestamp,
    ) -> Self {
        let side = Side { manager, native };
        let (outcome, kept_back) = match answer {
            Ok(answer) => (side.outcome(ours, &answer), side.kept_back(ours, &answer)),
            Err(why) => (Outcome::Unanswered(Text::new(&why)), BTreeMap::new()),
        };
        Self { path: PathBuf::new(), time, manager: manager.name().to_owned(), outcome, kept_back }
    }

    /// `Ok(None)`: nobody has compared them here.
    pub fn of(host: &Host) -> Result<Option<Self>, Unreadable> {
        let path = host.state().join(FILE);
        match host.lstat(&path) {
            Ok(meta) if meta.kind == Kind::File => {}
            Ok(meta) => return Err(Unreadable::new(path, Cause::NotRegular(meta.kind))),
            Err(cause) if cause.is_absent() => return Ok(None),
            Err(cause) => return Err(cause),
        }
        let bytes = host.read(&path, MAX_BYTES)?;
        let strange = |what: &str| Unreadable::malformed(&path, 0, what);
        let document: Value = serde_json::from_slice(&bytes)
            .map_err(|error| Unreadable::malformed(&path, error.line(), "this is not JSON"))?;
        if document["schema"] != SCHEMA {
            return Err(strange("its schema is not the one that is known here"));
        }
        parse(&document)
            .map(|found| Some(Self { path: path.clone(), ..found }))
            .ok_or_else(|| strange("it is not whole"))
    }

    pub fn to_json(&self) -> String {
        let (agreed, differs, unanswered) = match &self.outcome {
            Outcome::Agreed(count) => (Some(count), None, None),
            Outcome::Differs(lines) => (None, Some(lines.iter().map(Text::as_str).collect::<Vec<_>>()), None),
            Outcome::Unanswered(why) => (None, None, Some(why.as_str())),
        };
        json!({
            "schema": SCHEMA,
            "time": self.time.to_string(),
            "manager": self.manager,
            "agreed": agreed,
            "differs": differs,
            "unanswered": unanswered,
            "kept_back": self.kept_back,
        })
        .to_string()
    }

    /// What the package manager said that it keeps back is so, as long as the candidate is the same.
    pub(super) fn mark(&self, pending: &mut [Pending]) {
        for update in pending.iter_mut().filter(|update| update.state == PendingState::Pending) {
            if self.kept_back.get(&update.key()) == Some(&update.candidate) {
                update.state = PendingState::KeptBack;
                let reason = format!("{} {KEPT}, as it said at {:.0}", self.manager, self.time);
                update.reason.get_or_insert(reason);
            }
        }
    }
}

fn parse(document: &Value) -> Option<Compared> {
    let outcome = match (&document["agreed"], &document["differs"], &document["unanswered"]) {
        (Value::Number(count), _, _) => Outcome::Agreed(usize::try_from(count.as_u64()?).ok()?),
        (_, Value::Array(lines), _) => {
            Outcome::Differs(lines.iter().map(|line| line.as_str().map(Text::new)).collect::<Option<_>>()?)
        }
        (_, _, Value::String(why)) => Outcome::Unanswered(Text::new(why)),
        _ => return None,
    };
    let kept_back = document["kept_back"].as_object()?.iter();
    let kept_back = kept_back.map(|(key, version)| Some((key.clone(), version.as_str()?.to_owned())));
    Some(Compared {
        path: PathBuf::new(),
        time: document["time"].as_str()?.parse().ok()?,
        manager: document["manager"].as_str()?.to_owned(),
        outcome,
        kept_back: kept_back.collect::<Option<_>>()?,
    })
}

/// Whose answer ours is held against.
struct Side<'a> {
    manager: Manager,
    native: &'a str,
}

impl Side<'_> {
    fn outcome(&self, ours: &[Pending], answer: &Answer) -> Outcome {
        let listed: BTreeMap<String, &Pending> = ours
            .iter()
            .filter(|update| self.is_listed(update))
            .map(|update| (self.key(update, answer), update))
            .filter(|(key, _)| !answer.removed.contains(key))
            .collect();
        let mut lines = Vec::new();
        for (key, update) in &listed {
            match answer.newer.get(key) {
                theirs if theirs != Some(&update.candidate) && self.is_beyond(update, answer) => {}
                None => {
                    lines.push(format!("{key} {}: the package manager does not list it", update.candidate))
                }
                Some(theirs) if *theirs != update.candidate => {
                    lines.push(format!(
                        "{key}: we say {}, the package manager says {theirs}",
                        update.candidate
                    ));
                }
                Some(_) => lines.extend(security(key, update, answer)),
            }
        }
        let unknown = answer.newer.iter().filter(|(key, _)| !listed.contains_key(*key));
        lines.extend(unknown.map(|(key, theirs)| format!("{key} {theirs}: we do not list it")));
        lines.extend(answer.notices.iter().flat_map(|theirs| notices(ours, theirs)));
        if lines.is_empty() {
            return Outcome::Agreed(listed.len());
        }
        let more = lines.len().saturating_sub(MAX_LINES);
        lines.truncate(MAX_LINES);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        Outcome::Differs(lines.iter().map(|line| Text::new(line)).collect())
    }

    fn kept_back(&self, ours: &[Pending], answer: &Answer) -> BTreeMap<String, String> {
        let is_kept = |update: &&Pending| {
            let key = self.key(update, answer);
            let is_beyond = || self.is_listed(update) && self.is_beyond(update, answer);
            answer.kept_back.contains(&key)
                || (answer.newer.get(&key) != Some(&update.candidate) && is_beyond())
        };
        ours.iter().filter(is_kept).map(|update| (update.key(), update.candidate.clone())).collect()
    }

    /// Whether zypper knows of it and would not go there, for what it needs or breaks: that, we do not judge.
    fn is_beyond(&self, update: &Pending, answer: &Answer) -> bool {
        self.manager == Manager::Zypper && answer.beyond.get(&update.name) == Some(&update.candidate)
    }

    /// Which of ours the package manager lists, too.
    fn is_listed(&self, update: &Pending) -> bool {
        match self.manager {
            // apt lists what is held or phased among what it keeps back; what a pin hides it does not know of.
            Manager::Apt => update.state != PendingState::Pinned,
            // zypper lists no package that another one takes the place of; that has a reason with us.
            Manager::Zypper => match &update.reason {
                None => update.state == PendingState::Pending,
                // What it said the last time.
                Some(reason) => reason.starts_with(&format!("{} {KEPT}", Manager::Zypper.name())),
            },
            // dnf hides what is locked or excluded, and has no package of what is in no repository.
            _ => update.state == PendingState::Pending,
        }
    }

    /// apt writes no architecture where a package is for all or for the machine's own. dnf and zypper write the candidate's, and a
    /// package may go over from one to `noarch` or back; ours is the installed one's.
    fn key(&self, update: &Pending, answer: &Answer) -> String {
        let is_plain = update.architecture == self.native || update.architecture == "all";
        match self.manager {
            Manager::Apt if is_plain => update.name.clone(),
            Manager::Dnf | Manager::Zypper if !answer.newer.contains_key(&update.key()) => {
                let others = answer.newer.iter().filter(|(_, version)| **version == update.candidate);
                let mut names = others.filter_map(|(key, _)| key.rsplit_once(':'));
                let other = names.find(|(name, _)| *name == update.name);
                other.map_or_else(|| update.key(), |(name, architecture)| format!("{name}:{architecture}"))
            }
            _ => update.key(),
        }
    }
}

fn security(key: &str, update: &Pending, answer: &Answer) -> Option<String> {
    let theirs = answer.security.as_ref()?.contains(key);
    let (ours, others) = if theirs { ("no", "a") } else { ("a", "no") };
    (theirs != update.is_security)
        .then(|| format!("{key}: {ours} security update by our list, {others} by the package manager's"))
}

/// Security notices that only one of the two has.
fn notices(ours: &[Pending], theirs: &BTreeSet<String>) -> Vec<String> {
    let advisories = ours.iter().flat_map(|update| &update.advisories);
    let ids: BTreeSet<&str> = advisories
        .filter(|advisory| advisory.kind == super::advisory::Kind::Security)
        .map(|advisory| advisory.id.as_str())
        .collect();
    let unlisted = ids.iter().filter(|id| !theirs.contains(**id));
    let mut lines: Vec<String> =
        unlisted.map(|id| format!("{id}: the package manager does not list this notice")).collect();
    // Of those beyond an update that comes, only one is told with it.
    if ours.iter().all(|update| update.hidden_fix.is_none()) {
        let unknown = theirs.iter().filter(|id| !ids.contains(id.as_str()));
        lines.extend(unknown.map(|id| format!("{id}: we do not list this notice")));
    }
    lines
}

const KEPT: &str = "would keep it back";
/// Below the agent's state.
pub const FILE: &str = "packages/compared.json";
const SCHEMA: &str = "guestward.compared/1";
const MAX_LINES: usize = 200;
/// Two hundred lines, and a name and a version for each of some ten thousand packages.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests;
