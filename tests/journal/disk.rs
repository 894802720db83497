//! A disk that keeps only what it must: the strictest crash model that we know of, made up from a seed.
//!
//! - After a crash any part of what was written and not synced is there: nothing, all, the middle of one write, a
//!   later write without an earlier one. A file's size and its content survive independently of each other: where the
//!   size did and the content did not, there are zeros or garbage.
//! - Names that were made, changed or removed since `sync_names` survive in any combination.
//! - A sync that fails may lose what it should have kept, for good, while reads go on to show it until the crash; the
//!   next sync of the same file succeeds.
//! - Any operation can fail with EIO, a write with ENOSPC, and a read for a while.

mod platter;
mod random;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use guestward::journal::Storage;
use platter::{Change, Folder, Inode};
pub(crate) use random::Random;

/// What can go wrong, in thousandths of the operations concerned.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) write: usize,
    pub(crate) sync: usize,
    pub(crate) names: usize,
    pub(crate) read: usize,
    /// All files together; 0 is no bound.
    pub(crate) capacity: usize,
    /// A sync says that it is done and does nothing.
    pub(crate) ignores_sync: bool,
}

/// What did go wrong, for the test to know that it looked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) operations: u64,
    pub(crate) crashes: u64,
    pub(crate) torn: u64,
    pub(crate) names_lost: u64,
    pub(crate) failed_writes: u64,
    pub(crate) failed_syncs: u64,
    pub(crate) failed_reads: u64,
    pub(crate) full: u64,
}

impl Seen {
    pub(crate) fn add(&mut self, other: &Self) {
        self.operations += other.operations;
        self.crashes += other.crashes;
        self.torn += other.torn;
        self.names_lost += other.names_lost;
        self.failed_writes += other.failed_writes;
        self.failed_syncs += other.failed_syncs;
        self.failed_reads += other.failed_reads;
        self.full += other.full;
    }
}

#[derive(Debug)]
struct State {
    random: Random,
    inodes: Vec<Inode>,
    folders: [Folder; 2],
    faults: Faults,
    seen: Seen,
    crash_at: Option<u64>,
    is_down: bool,
    reads_failing: usize,
}

/// One directory of the disk. Both share its power.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    state: Rc<RefCell<State>>,
    folder: usize,
}

#[derive(Debug)]
pub(crate) struct Handle(usize);

impl Disk {
    pub(crate) fn new(seed: u64) -> Self {
        let state = State {
            random: Random::new(seed ^ 0xd15c),
            inodes: Vec::new(),
            folders: Default::default(),
            faults: Faults::default(),
            seen: Seen::default(),
            crash_at: None,
            is_down: false,
            reads_failing: 0,
        };
        Self { state: Rc::new(RefCell::new(state)), folder: 0 }
    }

    /// The other directory of the same disk.
    pub(crate) fn other(&self) -> Self {
        Self { state: Rc::clone(&self.state), folder: 1 - self.folder }
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        let mut state = self.state.borrow_mut();
        state.faults = faults;
        state.reads_failing = 0;
    }

    /// The power goes in the middle of the operation after so many.
    pub(crate) fn crash_after(&self, operations: Option<u64>) {
        let mut state = self.state.borrow_mut();
        state.crash_at = operations.map(|count| state.seen.operations + count);
    }

    pub(crate) fn is_down(&self) -> bool {
        self.state.borrow().is_down
    }

    pub(crate) fn seen(&self) -> Seen {
        self.state.borrow().seen
    }

    /// Loses what a crash loses, and is there again.
    pub(crate) fn reboot(&self) {
        let state = &mut *self.state.borrow_mut();
        state.seen.crashes += 1;
        (state.is_down, state.crash_at, state.reads_failing) = (false, None, 0);
        for inode in &mut state.inodes {
            state.seen.torn += u64::from(inode.crash(&mut state.random));
        }
        for folder in &mut state.folders {
            state.seen.names_lost += folder.crash(&mut state.random);
        }
    }

    /// The files and how long they are.
    pub(crate) fn files(&self) -> Vec<(String, usize)> {
        let state = self.state.borrow();
        let names = &state.folders[self.folder].names;
        names.iter().map(|(name, &inode)| (name.clone(), state.inodes[inode].cached.len())).collect()
    }

    /// Damage at rest.
    pub(crate) fn flip(&self, name: &str, at: usize, with: u8) {
        let state = &mut *self.state.borrow_mut();
        let inode = &mut state.inodes[state.folders[self.folder].names[name]];
        inode.cached[at] ^= with;
        inode.durable = inode.cached.clone();
        inode.unsynced.clear();
    }

    /// Every operation counts, and may be the last.
    fn step(&self) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        if state.is_down {
            return Err(io::Error::other("no power"));
        }
        state.seen.operations += 1;
        if state.crash_at.is_some_and(|at| state.seen.operations >= at) {
            state.is_down = true;
        }
        Ok(())
    }

    /// What was begun when the power went does not answer.
    fn finish<T>(&self, answer: T) -> io::Result<T> {
        if self.is_down() { Err(io::Error::other("no power")) } else { Ok(answer) }
    }

    fn fails(&self, thousandths: impl Fn(&Faults) -> usize) -> bool {
        let state = &mut *self.state.borrow_mut();
        let thousandths = thousandths(&state.faults);
        thousandths > 0 && state.random.chance(thousandths)
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        let state = self.state.borrow();
        state.folders[self.folder].names.get(name).copied().ok_or(io::ErrorKind::NotFound.into())
    }

    fn change(&self, change: Change) -> io::Result<()> {
        self.step()?;
        if self.fails(|faults| faults.names) {
            return Err(eio());
        }
        let folder = &mut self.state.borrow_mut().folders[self.folder];
        change.apply(&mut folder.names);
        folder.unsynced.push(change);
        Ok(())
    }

    fn write(&self, inode: usize, offset: usize, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        let (fails, is_down) = (self.fails(|faults| faults.write), self.is_down());
        let state = &mut *self.state.borrow_mut();
        let used: usize = state
            .folders
            .iter()
            .flat_map(|f| f.names.values())
            .map(|&at| state.inodes[at].cached.len())
            .sum();
        let grows = (offset + bytes.len()).saturating_sub(state.inodes[inode].cached.len());
        let is_full = state.faults.capacity > 0 && used + grows > state.faults.capacity;
        let is_cut = fails || is_full || is_down;
        let kept = if is_cut { state.random.below(bytes.len() + 1) } else { bytes.len() };
        // No part of what a full disk refuses makes it fuller.
        let kept = if is_full { kept.min(state.faults.capacity.saturating_sub(used)) } else { kept };
        state.inodes[inode].write(offset, &bytes[..kept]);
        state.seen.full += u64::from(is_full);
        state.seen.failed_writes += u64::from(fails);
        match (is_full, fails || is_down) {
            (true, _) => Err(io::ErrorKind::StorageFull.into()),
            (_, true) => Err(eio()),
            _ => Ok(()),
        }
    }
}

fn eio() -> io::Error {
    io::Error::from_raw_os_error(nix::libc::EIO)
}

impl Storage for Disk {
    type File = Handle;

    fn names(&self) -> io::Result<Vec<String>> {
        self.step()?;
        let names = self.state.borrow().folders[self.folder].names.keys().cloned().collect();
        self.finish(names)
    }

    fn read(&self, name: &str, from: u64, limit: usize) -> io::Result<Vec<u8>> {
        self.step()?;
        if self.fails(|faults| faults.read) {
            let state = &mut *self.state.borrow_mut();
            state.reads_failing = 1 + state.random.below(8);
        }
        let inode = self.find(name)?;
        let bytes = {
            let state = &mut *self.state.borrow_mut();
            if state.reads_failing > 0 {
                state.reads_failing -= 1;
                state.seen.failed_reads += 1;
                return Err(eio());
            }
            let cached = &state.inodes[inode].cached;
            let from = usize::try_from(from).unwrap_or(usize::MAX).min(cached.len());
            cached[from..cached.len().min(from.saturating_add(limit))].to_vec()
        };
        self.finish(bytes)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        self.step()?;
        let inode = self.find(name)?;
        let size = self.state.borrow().inodes[inode].cached.len();
        self.finish(u64::try_from(size).unwrap())
    }

    fn create(&self, name: &str) -> io::Result<Handle> {
        if self.find(name).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = self.state.borrow().inodes.len();
        self.state.borrow_mut().inodes.push(Inode::default());
        self.change(Change::Bind(name.into(), inode))?;
        self.finish(Handle(inode))
    }

    fn open(&self, name: &str) -> io::Result<Handle> {
        self.step()?;
        let inode = self.find(name)?;
        self.finish(Handle(inode))
    }

    fn append(&self, file: &mut Handle, bytes: &[u8]) -> io::Result<()> {
        let end = self.state.borrow().inodes[file.0].cached.len();
        self.write(file.0, end, bytes)
    }

    fn write_at(&self, file: &mut Handle, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write(file.0, usize::try_from(offset).unwrap(), bytes)
    }

    fn sync(&self, file: &mut Handle) -> io::Result<()> {
        self.step()?;
        let (fails, is_down) = (self.fails(|faults| faults.sync), self.is_down());
        let state = &mut *self.state.borrow_mut();
        let inode = &mut state.inodes[file.0];
        if fails {
            inode.lose(&mut state.random);
            state.seen.failed_syncs += 1;
            return Err(eio());
        }
        // Where the power goes in the middle of it, reboot() says what survived.
        if is_down {
            return Err(io::Error::other("no power"));
        }
        if !state.faults.ignores_sync {
            inode.sync();
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let inode = self.find(from)?;
        self.change(Change::Rename(from.into(), to.into(), inode))?;
        self.finish(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let inode = self.find(name)?;
        self.change(Change::Unbind(name.into(), inode))?;
        self.finish(())
    }

    fn sync_names(&self) -> io::Result<()> {
        self.step()?;
        if self.fails(|faults| faults.names) {
            return Err(eio());
        }
        self.finish(())?;
        let state = &mut *self.state.borrow_mut();
        if !state.faults.ignores_sync {
            let folder = &mut state.folders[self.folder];
            folder.durable = folder.names.clone();
            folder.unsynced.clear();
        }
        Ok(())
    }
}
