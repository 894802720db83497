//! A baseline, made from what is there now.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::clock::Clock;
use super::comparing::want;
use super::diff::{CannotCompare, Identity, Progress};
use super::drift::Unseen;
use super::selection::{Scope, Selection};
use super::store::{Draft, Entry, Header, NotKept, Owner, Recall};
use super::text;
use crate::host::files::Mounts;
use crate::host::object::{Algorithm, Content, Object, Trouble};
use crate::host::packages::recorded::{self, Recorded};
use crate::host::tree::{Totals, Visitor, Want};
use crate::host::{Host, Unreadable};
use crate::policy::Policy;
use crate::policy::rules::{Compare, Rule, Rules};

/// What was made.
#[derive(Debug)]
pub struct Created {
    pub identity: Identity,
    pub entries: u64,
    /// Bytes that were hashed.
    pub bytes: u64,
    /// So many objects an interrupted attempt had looked at, and they have not changed since.
    pub resumed: u64,
    pub took: Duration,
    /// What could not be looked at. What is there may be as it should be, or not.
    pub unseen: Vec<Unseen>,
    pub unseen_count: u64,
    /// Why it is not known which package has what, if that ought to be known.
    pub no_owners: Option<String>,
}

/// Looks at everything that a rule is about. One that was interrupted goes on where it was.
pub fn create(
    host: &Host,
    policy: &Policy,
    directory: &Path,
    (who, why): (&str, &str),
    is_over: &AtomicBool,
    tell: &(dyn Fn(Progress) + Sync),
) -> Result<Created, CannotCompare> {
    let began = Instant::now();
    let (rules, mounts) = (policy.rules(), Mounts::of(host)?);
    let header = Header { who: who.to_owned(), why: why.to_owned(), ..header(host, policy, &rules) };
    let draft = Draft::resume(directory, header)?;
    let (recorded, no_owners) = match recorded::all(host) {
        Ok(recorded) => (recorded, None),
        Err(cause) => (None, Some(cause.to_string())),
    };
    let creating = Creating {
        rules: &rules,
        selection: &Selection::default(),
        owners: Owners::of(recorded.as_ref()),
        algorithm: policy.files_algorithm(),
        draft: &draft,
        resumed: AtomicU64::new(0),
        trouble: Mutex::default(),
    };
    let scope = Scope::root(&rules, creating.selection);
    let told = |totals: Totals| {
        tell(Progress { objects: totals.objects, bytes: totals.bytes, ..Progress::default() });
    };
    let totals =
        super::walk(host, &mounts, policy, None, super::crew(), is_over, &told).run(&creating, scope)?;
    let resumed = creating.resumed.into_inner();
    let Found { unseen, unseen_count, refused } =
        creating.trouble.into_inner().unwrap_or_else(PoisonError::into_inner);
    if is_over.load(Ordering::Relaxed) {
        return Err(CannotCompare::Interrupted);
    }
    if let Some(refused) = refused {
        return Err(refused.into());
    }
    let store = draft.finish()?;
    Ok(Created {
        identity: store.identity(),
        entries: store.len(),
        bytes: totals.bytes,
        resumed,
        took: began.elapsed(),
        unseen,
        unseen_count,
        no_owners,
    })
}

fn header(host: &Host, policy: &Policy, rules: &Rules) -> Header {
    let Clock { boot, nanos } = Clock::now(host);
    let machine = host.read("/etc/machine-id", 128).unwrap_or_default();
    Header {
        created: Timestamp::now(),
        algorithm: policy.files_algorithm(),
        rules: rules.digest(),
        root: host.root_path().as_os_str().as_encoded_bytes().to_vec(),
        agent: env!("CARGO_PKG_VERSION").to_owned(),
        machine: Sha256::digest(machine).into(),
        boot,
        clock: nanos,
        who: String::new(),
        why: String::new(),
    }
}

/// What goes with the walk.
struct Creating<'a> {
    rules: &'a Rules,
    selection: &'a Selection,
    owners: Owners<'a>,
    algorithm: Algorithm,
    draft: &'a Draft,
    resumed: AtomicU64,
    trouble: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    unseen: Vec<Unseen>,
    unseen_count: u64,
    /// The draft took no more.
    refused: Option<NotKept>,
}

/// Consecutive names of one directory.
struct Slice {
    directory: Vec<u8>,
    entries: Vec<(Vec<u8>, Entry)>,
    recall: Recall,
    /// What an earlier attempt knows of the object that is looked at.
    known: Option<Entry>,
}

impl Visitor for Creating<'_> {
    type Scope = Scope;
    type Slice = Slice;

    fn names_at_a_time(&self) -> usize {
        super::NAMES_WITH_CONTENT
    }

    fn begin(&self, directory: &[u8], _: Option<&[u8]>, _: Option<&[u8]>, _: &Scope) -> Slice {
        let directory = directory.to_vec();
        Slice { directory, entries: Vec::new(), recall: Recall::default(), known: None }
    }

    fn wants(&self, slice: &mut Slice, scope: &Scope, name: &[u8], seen: &Object) -> Option<Want> {
        let rule = self.rule(scope, name)?;
        slice.known = self.draft.recall(&slice.directory, name, seen, &mut slice.recall);
        match slice.known {
            Some(_) => Some(Want::default()),
            None => {
                let keeps_text = || self.rules.keeps_text(&crate::host::object::path(&slice.directory, name));
                Some(want(rule, None, self.algorithm, rule.text_diff && keeps_text()))
            }
        }
    }

    fn object(&self, slice: &mut Slice, scope: &Scope, name: &[u8], mut object: Object) {
        let Some(rule) = self.rule(scope, name) else { return };
        let path = || crate::host::object::path(&slice.directory, name);
        if let Some(known) = slice.known.take() {
            self.resumed.fetch_add(1, Ordering::Relaxed);
            slice.entries.push((name.to_vec(), known));
            return;
        }
        if object.content == Content::Unread(Trouble::Gone) {
            return;
        }
        let trouble = match object.content {
            Content::Unread(trouble) => Some(trouble),
            _ => object.xattr_trouble,
        };
        if let Some(trouble) = trouble {
            self.unseen(&path(), trouble.to_string());
        }
        let entry = entry(&mut object, rule, self.owners.get(&path()));
        slice.entries.push((name.to_vec(), entry));
    }

    fn descend(&self, scope: &Scope, name: &[u8], _: &Object) -> Option<Scope> {
        scope.descend(self.rules, self.selection, name)
    }

    fn end(&self, slice: Slice) {
        match self.draft.add(&slice.directory, &slice.entries) {
            // One that cannot be kept must not stand in the way of the others.
            Err(NotKept::Refused(_)) => {
                slice.entries.iter().for_each(|entry| self.add_one(&slice.directory, entry))
            }
            added => self.refused(added),
        }
    }

    fn unread(&self, path: &[u8], cause: Unreadable) {
        self.unseen(path, cause.to_string());
    }

    /// Other machines' files, and memory.
    fn skipped(&self, _: &[u8], _: &str) {}
}

impl Creating<'_> {
    fn rule(&self, scope: &Scope, name: &[u8]) -> Option<&Rule> {
        scope.rule(self.rules, self.selection, name).filter(|rule| rule.compare != Compare::Nothing)
    }

    fn add_one(&self, directory: &[u8], entry: &(Vec<u8>, Entry)) {
        match self.draft.add(directory, std::slice::from_ref(entry)) {
            Err(NotKept::Refused(why)) => self.unseen(&crate::host::object::path(directory, &entry.0), why),
            added => self.refused(added),
        }
    }

    /// The first that goes wrong says why.
    fn refused(&self, added: Result<(), NotKept>) {
        if let Err(refused) = added {
            let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            trouble.refused.get_or_insert(refused);
        }
    }

    fn unseen(&self, path: &[u8], why: String) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.unseen_count += 1;
        if trouble.unseen.len() < super::MAX_UNSEEN {
            trouble.unseen.push(Unseen { path: path.to_vec(), why });
        }
    }
}

/// What is agreed of an object that was looked at.
pub(super) fn entry(object: &mut Object, rule: &Rule, owner: Option<Owner>) -> Entry {
    let text = object.text.take().and_then(|text| text::keep(&text)).map(text::Kept::into_bytes);
    Entry { object: object.clone(), owner, per_host: rule.per_host, text }
}

/// Which package has what: each one's name once.
pub(super) struct Owners<'a> {
    recorded: Option<&'a Recorded>,
    names: Vec<Arc<str>>,
}

impl<'a> Owners<'a> {
    pub(super) fn of(recorded: Option<&'a Recorded>) -> Self {
        let packages = recorded.map_or(&[][..], |recorded| recorded.packages());
        Self { recorded, names: packages.iter().map(|owner| Arc::from(owner.package.as_str())).collect() }
    }

    pub(super) fn get(&self, path: &[u8]) -> Option<Owner> {
        let record = self.recorded?.get(path)?;
        let package = Arc::clone(self.names.get(record.index)?);
        Some(Owner { package, digest: record.digest, is_configuration: record.is_configuration })
    }
}
