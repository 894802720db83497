//! Follows a walk with the baseline in hand: the names of each directory and what was agreed of it, side by side.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::compare::{fields, is_same_beside_content, is_same_by_metadata};
use super::diff::Depth;
use super::drift::{Change, Fields};
use super::found::{Found, earlier};
use super::selection::{Scope, Selection};
use super::slice::{Item, Slice};
use super::store::{Cache, Entry, InHand, Ordinal, Seen, Store};
use crate::host::object::{self, Algorithm, Content, Object, Trouble};
use crate::host::tree::{Reading, Visitor, Want};
use crate::host::{Kind, Unreadable};
use crate::policy::rules::{Compare, Rule, Rules};

/// What goes with the walk.
pub(super) struct Comparing<'a> {
    pub(super) store: &'a Store,
    pub(super) rules: &'a Rules,
    pub(super) selection: &'a Selection,
    pub(super) depth: Depth,
    /// What was hashed earlier is read, whatever its metadata say.
    pub(super) not_before: Option<Timestamp>,
    pub(super) algorithm: Algorithm,
    pub(super) now: Timestamp,
    /// No more differences than so many are kept; the worst stay.
    pub(super) most: usize,
    pub(super) found: Mutex<Found>,
    /// What could not even be asked what it is, and mounts.
    pub(super) hidden: Mutex<HashSet<Vec<u8>>>,
    pub(super) is_anything_hidden: AtomicBool,
    /// Single paths are looked at as something is done to them: also what came and went is to be known.
    pub(super) is_live: bool,
    /// Whoever begins looks faster where somebody looked before.
    pub(super) caches: Mutex<Vec<Cache>>,
    /// Whether packages may record a SHA-256.
    pub(super) has_sha256: bool,
    /// Whether attributes are seen that only the system's administrator sees, xattr(7).
    pub(super) sees_trusted: bool,
}

impl<'a> Visitor for Comparing<'a> {
    type Scope = Scope;
    type Slice = Slice<'a>;

    fn names_at_a_time(&self) -> usize {
        match self.depth {
            Depth::Full => super::NAMES_WITH_CONTENT,
            Depth::Metadata { .. } => NAMES_WITHOUT_CONTENT,
        }
    }

    fn begin(&self, directory: &[u8], from: Option<&[u8]>, to: Option<&[u8]>, _: &Scope) -> Slice<'a> {
        let mut found = Found::default();
        let cache = self.caches.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let agreed = match self.store.in_hand(directory, from, to, cache) {
            Ok(agreed) => Some(agreed),
            Err(damage) => {
                found.damage = Some(damage);
                None
            }
        };
        let directory = directory.to_vec();
        let (current, rule, is_trusted, is_settled) = (None, None, false, false);
        Slice { directory, agreed, current, rule, is_trusted, is_settled, found }
    }

    fn wants(&self, slice: &mut Slice<'a>, scope: &Scope, name: &[u8], seen: &Object) -> Option<Want> {
        self.pass(slice, name);
        slice.rule = scope.rule(self.rules, self.selection, name);
        slice.is_settled = slice.rule.is_some_and(|rule| self.settles(slice, rule, name, seen));
        if slice.is_settled {
            return Some(Want::default());
        }
        slice.current = slice.take(name);
        let rule = slice.rule?;
        let before = slice.current.as_ref();
        slice.is_trusted =
            before.is_some_and(|before| self.is_trusted(rule, before.ordinal, &before.entry.object, seen));
        if slice.is_trusted {
            return Some(Want::default());
        }
        let before = before.map(|item| &item.entry.object);
        let mut want = want(rule, before, self.algorithm, self.keeps_text(rule, slice, name));
        if let Some(content) = &mut want.content {
            // What differs may be as its package records it. What differs behind the same metadata is nobody's update.
            content.md5 = before.is_none_or(|before| !is_same_by_metadata(before, seen));
            content.sha256 = content.md5 && self.has_sha256;
        }
        Some(want)
    }

    fn object(&self, slice: &mut Slice<'a>, _: &Scope, name: &[u8], mut object: Object) {
        slice.found.counts.objects += 1;
        if slice.is_settled {
            return;
        }
        let Some(rule) = slice.rule else { return };
        let Some(Item { ordinal, entry }) = slice.current.take() else {
            let path = object::path(&slice.directory, name);
            slice.found.tell(Change::Added, path, Fields::default(), None, Some(object), rule);
            return;
        };
        if slice.is_trusted {
            self.trust(&mut slice.found, ordinal, &entry.object);
            take_for_same(&mut object, &entry.object);
        } else if let Content::Hashed { length, .. } = object.content {
            slice.found.counts.bytes += length;
        }
        self.compare(slice, name, rule, ordinal, entry.object, object);
    }

    fn descend(&self, scope: &Scope, name: &[u8], _: &Object) -> Option<Scope> {
        scope.descend(self.rules, self.selection, name)
    }

    fn end(&self, mut slice: Slice<'a>) {
        while let Some((name, entry)) = slice.next_before(None) {
            self.removed(&mut slice, &name, entry);
        }
        if let Some(agreed) = slice.agreed {
            self.caches.lock().unwrap_or_else(PoisonError::into_inner).push(agreed.into_cache());
        }
        self.keep(slice.found);
    }

    fn unread(&self, path: &[u8], cause: Unreadable) {
        let mut found = Found::default();
        found.unseen(path.to_vec(), cause.to_string());
        self.keep(found);
        self.hide(path);
    }

    fn skipped(&self, path: &[u8], file_system: &str) {
        self.hide(path);
        // What was agreed of it can be seen no more; what never was, nobody misses.
        let mut found = Found::default();
        let mut is_missed = false;
        match self.store.below(path) {
            Ok(below) => {
                for item in below.take(2) {
                    match item {
                        Ok((at, ..)) => is_missed |= at.len() > path.len(),
                        Err(damage) => found.damage = Some(damage),
                    }
                }
            }
            Err(damage) => found.damage = Some(damage),
        }
        if is_missed {
            found.unseen(
                path.to_vec(),
                format!("a mount of {file_system} lies over it, which is not looked into"),
            );
        }
        self.keep(found);
    }
}

impl<'a> Comparing<'a> {
    pub(super) fn new(
        store: &'a Store,
        rules: &'a Rules,
        selection: &'a Selection,
        depth: Depth,
        algorithm: Algorithm,
        now: Timestamp,
        most: usize,
    ) -> Self {
        let (found, hidden, is_anything_hidden, caches, is_live) = Default::default();
        let sees_trusted = crate::sys::xattr::sees_trusted();
        Self {
            store,
            rules,
            selection,
            depth,
            not_before: None,
            algorithm,
            now,
            most,
            found,
            hidden,
            is_anything_hidden,
            is_live,
            caches,
            has_sha256: false,
            sees_trusted,
        }
    }

    /// Whatever a rule says, nothing is kept of what holds secrets.
    fn keeps_text(&self, rule: &Rule, slice: &Slice<'_>, name: &[u8]) -> bool {
        rule.text_diff && self.rules.keeps_text(&object::path(&slice.directory, name))
    }

    fn is_trusted(&self, rule: &Rule, ordinal: Ordinal, before: &Object, seen: &Object) -> bool {
        match self.depth {
            Depth::Full => false,
            Depth::Metadata { rehash } => {
                is_same_by_metadata(before, seen)
                    && is_known(rule.compare, before)
                    && !self.is_due(ordinal, before, rehash)
            }
        }
    }

    /// Whether metadata alone settle that nothing differs: nearly always so, and so without keeping anything.
    fn settles(&self, slice: &mut Slice<'a>, rule: &Rule, name: &[u8], seen: &Object) -> bool {
        let agreed = slice.agreed.as_ref().and_then(InHand::seen).filter(|agreed| agreed.name == name);
        let Some(Seen { entry, ordinal, .. }) = agreed else { return false };
        let before = &entry.object;
        let is_same = self.is_trusted(rule, ordinal, before, seen)
            && is_same_beside_content(rule.compare, before, seen);
        if is_same {
            self.trust(&mut slice.found, ordinal, before);
            slice.step();
        }
        is_same
    }

    /// A content was taken to be as agreed; when it was last read is remembered of the one that waits longest.
    fn trust(&self, found: &mut Found, ordinal: Ordinal, before: &Object) {
        if is_hashed(before) {
            found.counts.by_metadata += 1;
            found.oldest = earlier(found.oldest, self.store.verified(ordinal));
        }
    }

    /// What was agreed of the names before this one is gone.
    fn pass(&self, slice: &mut Slice<'a>, name: &[u8]) {
        while let Some((name, entry)) = slice.next_before(Some(name)) {
            self.removed(slice, &name, entry);
        }
    }

    fn compare(
        &self,
        slice: &mut Slice<'a>,
        name: &[u8],
        rule: &Rule,
        ordinal: Ordinal,
        before: Object,
        object: Object,
    ) {
        let path = || object::path(&slice.directory, name);
        let mut before = before;
        if !self.sees_trusted {
            before.xattrs.retain(|xattr| !xattr.name.starts_with(b"trusted."));
        }
        let fields = fields(rule.compare, &before, &object);
        match object.content {
            Content::Unread(Trouble::Unstable | Trouble::Gone | Trouble::Replaced) => {
                slice.found.tell(Change::Unstable, path(), fields, Some(before), Some(object), rule);
                return;
            }
            Content::Unread(trouble) => slice.found.unseen(path(), trouble.to_string()),
            // Read now, and compared with nothing.
            Content::Hashed { .. } if !is_comparable(&before.content, &object.content) => {
                slice.found.unseen(path(), NOT_READ_THEN.to_owned());
            }
            _ => {}
        }
        if before.xattr_trouble.is_some() {
            slice.found.unseen(path(), NO_XATTRS_THEN.to_owned());
        }
        if let Some(trouble) = object.xattr_trouble {
            slice.found.unseen(path(), format!("its extended attributes: {trouble}"));
        }
        let was_directory = before.kind == Kind::Directory && object.kind != Kind::Directory;
        if fields.contains(Fields::CONTENT) {
            // Also where the metadata are as agreed: from now on they are not believed.
            slice.found.refuted.push(ordinal);
        }
        if self.is_live && fields.is_empty() && is_touched(rule, &before, &object) {
            slice.found.passed(path(), &object, rule);
        }
        if !fields.is_empty() {
            slice.found.tell(Change::Modified, path(), fields, Some(before), Some(object), rule);
        } else if !slice.is_trusted && is_comparable(&before.content, &object.content) {
            slice.found.counts.by_hash += 1;
            slice.found.verified.push(ordinal);
        }
        if was_directory {
            let path = object::path(&slice.directory, name);
            self.gone_below(slice, &path);
        }
    }

    /// What cannot be asked what it is may be there.
    fn hide(&self, path: &[u8]) {
        self.hidden.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_vec());
        self.is_anything_hidden.store(true, Ordering::Release);
    }

    fn is_hidden(&self, path: &[u8]) -> bool {
        self.is_anything_hidden.load(Ordering::Acquire)
            && self.hidden.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    fn removed(&self, slice: &mut Slice<'a>, name: &[u8], entry: Entry) {
        let path = object::path(&slice.directory, name);
        if self.is_hidden(&path) {
            return;
        }
        let was_directory = entry.object.kind == Kind::Directory;
        self.gone(slice, &path, entry);
        if was_directory {
            self.gone_below(slice, &path);
        }
    }

    fn gone(&self, slice: &mut Slice<'a>, path: &[u8], entry: Entry) {
        let rule = self.rules.of_path(path).filter(|rule| rule.compare != Compare::Nothing);
        if let Some(rule) = rule.filter(|_| self.selection.contains(path)) {
            slice.found.tell(
                Change::Removed,
                path.to_vec(),
                Fields::default(),
                Some(entry.object),
                None,
                rule,
            );
        }
    }

    /// With a directory goes all that was in it.
    fn gone_below(&self, slice: &mut Slice<'a>, top: &[u8]) {
        let below = match self.store.below(top) {
            Ok(below) => below,
            Err(damage) => {
                slice.found.damage = Some(damage);
                return;
            }
        };
        for item in below {
            match item {
                Ok((path, _, entry)) if path != top => self.gone(slice, &path, entry),
                Ok(_) => {}
                Err(damage) => {
                    slice.found.damage = Some(damage);
                    return;
                }
            }
        }
    }

    /// Whether its hash is not known to be right, or older than is allowed. Each has a moment of its own, so that they do
    /// not come all at once.
    fn is_due(&self, ordinal: Ordinal, before: &Object, rehash: Option<Duration>) -> bool {
        if !is_hashed(before) {
            return false;
        }
        let Some(verified) = self.store.verified(ordinal) else { return true };
        // A time to come is one of the clock before it was set.
        let is_since =
            |since: Timestamp| (since.as_second()..=self.now.as_second()).contains(&verified.as_second());
        if !self.not_before.is_none_or(is_since) {
            return true;
        }
        let Some(rehash) = rehash else { return false };
        let half = rehash.as_secs() / 2;
        let early = (u64::from(ordinal.0.wrapping_mul(2_654_435_761)) * half) >> 32;
        let age = self.now.as_second().saturating_sub(verified.as_second());
        // A time to come is one of a clock that was wrong.
        u64::try_from(age).map_or(true, |age| age >= rehash.as_secs() - early)
    }

    fn keep(&self, found: Found) {
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        all.merge(found, self.most);
    }
}

fn is_hashed(object: &Object) -> bool {
    matches!(object.content, Content::Hashed { .. })
}

/// Whether all that the rule is about was read when it was agreed on.
fn is_known(compare: Compare, before: &Object) -> bool {
    let wants_content = matches!(compare, Compare::Content | Compare::Log) && before.kind == Kind::File;
    before.xattr_trouble.is_none() && (!wants_content || is_hashed(before))
}

/// Whether something that is as agreed is another object than was agreed on, or was changed since.
fn is_touched(rule: &Rule, before: &Object, now: &Object) -> bool {
    let is_read = !matches!(now.content, Content::Unread(_));
    rule.compare == Compare::Content && is_read && !is_same_by_metadata(before, now)
}

fn is_comparable(before: &Content, after: &Content) -> bool {
    matches!((before, after), (Content::Hashed { algorithm: one, .. }, Content::Hashed { algorithm: other, .. }) if one == other)
}

/// What the kernel would have given another time of change stands for what was not read.
fn take_for_same(object: &mut Object, before: &Object) {
    object.content = before.content;
    object.target.clone_from(&before.target);
    object.xattrs.clone_from(&before.xattrs);
    object.verity.clone_from(&before.verity);
}

/// What is to be read of an object under this rule.
pub(super) fn want(rule: &Rule, before: Option<&Object>, algorithm: Algorithm, keeps_text: bool) -> Want {
    let length = match (rule.compare, before.map(|before| before.content)) {
        (Compare::Log, Some(Content::Hashed { length, .. })) => Some(length),
        _ => None,
    };
    // What was agreed with one hash is compared with that one.
    let algorithm = match before.map(|before| before.content) {
        Some(Content::Hashed { algorithm, .. }) => algorithm,
        _ => algorithm,
    };
    let keep = if keeps_text { super::text::MAX_BYTES + 1 } else { 0 };
    let reading = Reading { algorithm, length, md5: false, sha256: false, keep };
    match rule.compare {
        Compare::Content | Compare::Log => Want { content: Some(reading), xattrs: true },
        Compare::Permissions => Want { content: None, xattrs: true },
        Compare::Existence | Compare::Nothing => Want { content: None, xattrs: false },
    }
}

const NOT_READ_THEN: &str =
    "its content was not read when it was agreed on: there is nothing to compare it with";
const NO_XATTRS_THEN: &str = "its extended attributes were not read when it was agreed on";
/// The names of most directories, so that what was agreed of them is looked up once.
const NAMES_WITHOUT_CONTENT: usize = 1_024;
