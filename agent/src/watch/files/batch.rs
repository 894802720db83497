//! What one round of reading gave, until it is known who did it.

use std::sync::Arc;

use jiff::Timestamp;

use super::Why;
use super::gathered::Touch;
use super::losses::Losses;
use super::who::Mark;

#[derive(Debug)]
pub(super) struct Batch {
    pub(super) touches: Vec<(Touch, Mark)>,
    /// Of files, not of names: they count only where nothing else tells of the path.
    pub(super) asides: Vec<(Touch, Mark)>,
    /// Decoys that were opened.
    pub(super) opened: Vec<(Arc<[u8]>, Mark)>,
    /// For all of it: the kernel does not say when.
    pub(super) at: Timestamp,
    unresolved: u64,
    is_overflown: bool,
}

impl Batch {
    pub(super) fn new(at: Timestamp) -> Self {
        let (touches, asides, opened) = (Vec::new(), Vec::new(), Vec::new());
        Self { touches, asides, opened, at, unresolved: 0, is_overflown: false }
    }

    /// Many things are done in several steps, of which one follows another.
    pub(super) fn add(&mut self, touch: Touch, mark: Mark) {
        if let Some((last, by)) = self.touches.last_mut()
            && *by == mark
            && last.absorb(&touch)
        {
            return;
        }
        self.touches.push((touch, mark));
    }

    pub(super) fn overflown(&mut self) {
        self.is_overflown = true;
    }

    pub(super) fn unresolved(&mut self) {
        self.unresolved += 1;
    }

    pub(super) fn is_full(&self) -> bool {
        self.touches.len() + self.asides.len() + self.opened.len() >= MAX
    }

    pub(super) fn tell(&self, losses: &mut Losses) {
        if self.is_overflown {
            losses.add(Why::Queue, None, self.at);
        }
        if self.unresolved > 0 {
            losses.add(Why::Unresolved(self.unresolved), None, self.at);
        }
    }
}

/// Of some two hundred bytes each.
const MAX: usize = 65_536;
