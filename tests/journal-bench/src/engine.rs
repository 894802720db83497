//! What each engine is asked to do.

use std::path::Path;

use guestward::journal::Draft;

use crate::Outcome;

/// A store of records in the order in which they were accepted.
pub(crate) trait Engine: Sized {
    /// Opens what is in the directory, or makes it.
    fn open(dir: &Path) -> Outcome<Self>;
    /// Takes a group as its owner would have it at hand. Not in the time.
    fn prepare(&mut self, drafts: Vec<Draft>);
    /// Makes the prepared group durable.
    fn accept(&mut self) -> Outcome<()>;
    /// Hands out every record in order, so many at a time, and gives each batch up for good before it asks for the next.
    fn drain(&mut self, batch: usize, each: &mut dyn FnMut(&[u8])) -> Outcome<()>;
}
