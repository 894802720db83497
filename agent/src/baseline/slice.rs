//! Consecutive names of one directory, as they are there and as they were agreed, side by side.

use super::found::Found;
use super::store::{Entry, InHand, Ordinal};
use crate::policy::rules::Rule;

/// Consecutive names of one directory.
pub(super) struct Slice<'a> {
    pub(super) directory: Vec<u8>,
    /// At the first name that was not passed by.
    pub(super) agreed: Option<InHand<'a>>,
    /// What was agreed of the object that is looked at.
    pub(super) current: Option<Item>,
    /// The rule that it is under.
    pub(super) rule: Option<&'a Rule>,
    /// Its metadata say that its content is as agreed, and that is taken for true.
    pub(super) is_trusted: bool,
    /// Nothing of it differs, and nothing more is to be read.
    pub(super) is_settled: bool,
    pub(super) found: Found,
}

pub(super) struct Item {
    pub(super) ordinal: Ordinal,
    pub(super) entry: Entry,
}

impl Slice<'_> {
    /// The next name that was agreed on, if it comes before this one.
    pub(super) fn next_before(&mut self, name: Option<&[u8]>) -> Option<(Vec<u8>, Entry)> {
        let seen = self.agreed.as_ref()?.seen()?;
        if name.is_some_and(|name| seen.name >= name) {
            return None;
        }
        let next = (seen.name.to_vec(), seen.entry.clone());
        self.step();
        Some(next)
    }

    /// What was agreed of this very name.
    pub(super) fn take(&mut self, name: &[u8]) -> Option<Item> {
        let seen = self.agreed.as_ref()?.seen().filter(|seen| seen.name == name)?;
        let item = Item { ordinal: seen.ordinal, entry: seen.entry.clone() };
        self.step();
        Some(item)
    }

    pub(super) fn step(&mut self) {
        if let Some(Err(damage)) = self.agreed.as_mut().map(InHand::step) {
            self.found.damage = Some(damage);
            self.agreed = None;
        }
    }
}
