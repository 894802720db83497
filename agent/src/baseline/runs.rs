//! Slices that come in any order, from several threads, and are wanted in the order of the tree: they go to a file as
//! they come, and only where each lies is kept in memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::store::damage::Damage;
use super::store::section;
use crate::host::object::order;
use crate::journal::storage::{Directory, Storage as _};

/// A slice with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub directory: Vec<u8>,
    pub first_name: Vec<u8>,
    pub bytes: Vec<u8>,
}

/// Goes with its process: its file has no name.
#[derive(Debug)]
pub struct Runs {
    file: File,
    path: PathBuf,
    state: Mutex<(u64, Keys)>,
}

impl Runs {
    /// Its file is in this directory of the agent's own, which exists.
    pub fn new(path: &Path) -> io::Result<Self> {
        let directory = Directory::open(path)?;
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
        let name = format!("runs.{:016x}.new", u64::from_le_bytes(random));
        directory.create(&name)?;
        let opened = directory.open(&name);
        directory.remove(&name)?;
        Ok(Self { file: opened?, path: path.join(name), state: Mutex::default() })
    }

    pub fn add(&self, directory: &[u8], first_name: &[u8], bytes: &[u8]) -> io::Result<()> {
        let mut frame = Vec::with_capacity(section::HEAD + bytes.len());
        section::push(&mut frame, bytes);
        let mut state = lock(&self.state);
        let at = state.0;
        self.file.write_all_at(&frame, at)?;
        state.0 += frame.len() as u64;
        state.1.add(directory, first_name, at);
        Ok(())
    }

    /// All of them, in order.
    pub fn sorted(&self) -> impl Iterator<Item = Result<Run, Damage>> + '_ {
        let mut state = lock(&self.state);
        state.1.sort();
        let end = state.0;
        let keys = std::mem::take(&mut state.1);
        (0..keys.len()).map_while(move |number| {
            let (directory, first_name, at) = keys.get(number)?;
            Some(section::read(&self.file, &self.path, at, end).map(|(bytes, _)| Run {
                directory: directory.to_vec(),
                first_name: first_name.to_vec(),
                bytes,
            }))
        })
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_come_back_in_the_order_of_the_tree() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::new(folder.path()).unwrap();
        for (directory, name) in
            [("/b", "x"), ("/a/b", "a"), ("/a-b", "a"), ("/a", "b"), ("/a", "a"), ("", "a")]
        {
            runs.add(directory.as_bytes(), name.as_bytes(), format!("{directory} {name}").as_bytes())
                .unwrap();
        }
        let sorted: Vec<String> =
            runs.sorted().map(|run| String::from_utf8(run.unwrap().bytes).unwrap()).collect();
        assert_eq!(sorted, [" a", "/a a", "/a b", "/a/b a", "/a-b a", "/b x"]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its file has no name");
    }
}
