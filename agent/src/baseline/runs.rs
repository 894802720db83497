//! Where slices lie that come in any order, from several threads, and are wanted in the order of the tree.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::host::object::order;

/// Where slices lie.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Directories and names, one after another: hundreds of thousands of small allocations would be as large again.
    bytes: Vec<u8>,
    keys: Vec<Key>,
}

#[derive(Debug, Clone, Copy)]
struct Key {
    at: usize,
    directory: u32,
    name: u32,
    offset: u64,
}

impl Keys {
    pub(super) fn add(&mut self, directory: &[u8], name: &[u8], offset: u64) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(directory);
        self.bytes.extend_from_slice(name);
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.keys.push(Key { at, directory: length(directory), name: length(name), offset });
    }

    pub(super) fn sort(&mut self) {
        let bytes = &self.bytes;
        self.keys.sort_by(|a, b| order(a.of(bytes), b.of(bytes)));
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn get(&self, number: usize) -> Option<(&[u8], &[u8], u64)> {
        let key = self.keys.get(number)?;
        let (directory, name) = key.of(&self.bytes);
        Some((directory, name, key.offset))
    }

    /// The last one that does not begin after this place; they are sorted.
    pub(super) fn find(&self, directory: &[u8], name: &[u8]) -> Option<usize> {
        let bytes = &self.bytes;
        self.keys.partition_point(|key| order(key.of(bytes), (directory, name)).is_le()).checked_sub(1)
    }
}

impl Key {
    fn of<'b>(&self, bytes: &'b [u8]) -> (&'b [u8], &'b [u8]) {
        let of = |from: usize, length: u32| from + usize::try_from(length).unwrap_or(0);
        let name = of(self.at, self.directory);
        (&bytes[self.at..name], &bytes[name..of(name, self.name)])
    }
}

/// A thread that died with the lock left nothing half done: the last step is the one that counts.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
