//! How far a look saw: what it did not see says nothing of what is there.

use std::collections::BTreeSet;

use crate::baseline::diff::{Counts, Report};
use crate::baseline::drift::{Drift, Unseen};
use crate::baseline::live::Looked;

pub(super) struct Sight<'a> {
    unseen: BTreeSet<&'a [u8]>,
    /// Everything that was not seen is named, and everything that differs is.
    is_told: bool,
}

impl<'a> Sight<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        Self::new(&report.counts, &report.unseen, &report.drifts)
    }

    pub(super) fn at(looked: &'a Looked) -> Self {
        Self::new(&looked.counts, &looked.unseen, &looked.drifts)
    }

    fn new(counts: &Counts, unseen: &'a [Unseen], drifts: &[Drift]) -> Self {
        let named = |counted: u64, named: usize| u64::try_from(named).is_ok_and(|named| counted <= named);
        let is_told = named(counts.unseen, unseen.len()) && named(counts.drifts(), drifts.len());
        Self { unseen: unseen.iter().map(|unseen| unseen.path.as_slice()).collect(), is_told }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.is_told && self.unseen.is_empty()
    }

    /// Neither it nor a directory above it was out of sight.
    pub(super) fn covers(&self, path: &[u8]) -> bool {
        self.is_told && !above(path).chain([path, b"/"]).any(|path| self.unseen.contains(path))
    }
}

/// The directories above a path, but for the root.
pub(super) fn above(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(at, byte)| **byte == b'/' && *at > 0).map(|(at, _)| &path[..at])
}
