//! What a comparison has found so far, from all who look.

use jiff::Timestamp;

use super::diff::Counts;
use super::drift::{Change, Drift, Fields, Unseen};
use super::matter::Matter;
use super::store::{Damage, Ordinal};
use crate::finding::Severity;
use crate::host::Kind;
use crate::host::object::{Moment, Object};
use crate::policy::rules::Rule;

/// What came together so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) drifts: Vec<Drift>,
    pub(super) counts: Counts,
    pub(super) unseen: Vec<Unseen>,
    /// Whose content was read and is as agreed.
    pub(super) verified: Vec<Ordinal>,
    /// Whose content was read and is not.
    pub(super) refuted: Vec<Ordinal>,
    /// When the content was read that was longest taken to be as agreed.
    pub(super) oldest: Option<Timestamp>,
    /// The baseline itself could not be read.
    pub(super) damage: Option<Damage>,
    /// What is as agreed and is not the very object that was agreed on, or was changed since; where somebody asks.
    pub(super) same: Vec<Same>,
}

/// It is as agreed, by its content.
#[derive(Debug)]
pub(super) struct Same {
    pub(super) path: Vec<u8>,
    pub(super) inode: u64,
    pub(super) changed: Moment,
    /// What a difference there weighs.
    pub(super) severity: Severity,
    pub(super) matter: Option<Matter>,
    pub(super) is_directory: bool,
}

impl Found {
    pub(super) fn tell(
        &mut self,
        change: Change,
        path: Vec<u8>,
        fields: Fields,
        before: Option<Object>,
        after: Option<Object>,
        rule: &Rule,
    ) {
        let matter = Matter::of(&path, change, fields, after.as_ref());
        let severity = match fields {
            Fields::MTIME => Severity::Informational,
            _ => Matter::severity(matter, &path, rule),
        };
        match change {
            Change::Added => self.counts.added += 1,
            Change::Removed => self.counts.removed += 1,
            Change::Modified => self.counts.modified += 1,
            Change::Unstable => self.counts.unstable += 1,
        }
        let (package, text) = (None, None);
        self.drifts.push(Drift { path, change, fields, before, after, severity, matter, package, text });
    }

    /// It is as agreed, and was not left alone.
    pub(super) fn passed(&mut self, path: Vec<u8>, object: &Object, rule: &Rule) {
        let matter = Matter::of_path(&path);
        self.same.push(Same {
            severity: Matter::severity(matter, &path, rule),
            path,
            inode: object.inode,
            changed: object.changed,
            matter,
            is_directory: object.kind == Kind::Directory,
        });
    }

    pub(super) fn unseen(&mut self, path: Vec<u8>, why: String) {
        self.counts.unseen += 1;
        if self.unseen.len() < super::MAX_UNSEEN {
            self.unseen.push(Unseen { path, why });
        }
    }

    pub(super) fn merge(&mut self, other: Self, most: usize) {
        let Self { drifts, counts, unseen, verified, refuted, oldest, damage, same } = other;
        self.same.extend(same);
        self.counts.add(&counts);
        self.unseen
            .extend(unseen.into_iter().take(super::MAX_UNSEEN - self.unseen.len().min(super::MAX_UNSEEN)));
        self.verified.extend(verified);
        self.refuted.extend(refuted);
        self.oldest = earlier(self.oldest, oldest);
        self.damage = self.damage.take().or(damage);
        self.drifts.extend(drifts);
        // Seldom enough to cost nothing, and soon enough to stay small.
        if self.drifts.len() / 2 > most {
            self.trim(most);
        }
    }

    /// The worst stay, the first of them by their paths.
    pub(super) fn trim(&mut self, most: usize) {
        self.drifts.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.path.cmp(&b.path)));
        self.drifts.truncate(most);
    }
}

/// The earlier of two moments, as far as there are any.
pub(super) fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}
