//! What each worker of a walk has of its own, and what all of them share.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::fd::AsFd;

use super::boundary::Boundaries;
use super::digests::Digests;
use super::directory::Holding;
use super::meter::Meter;
use super::names::{Names, NoNames};
use super::pace::processor_time;
use super::{Limits, Pace, Totals, Walk, xattrs};
use crate::host::Host;
use crate::sys::{priority, xattr};

/// Shared by all workers.
pub(super) struct Ground<'a> {
    pub(super) host: &'a Host,
    pub(super) boundaries: Boundaries<'a>,
    pub(super) holding: Holding,
    pub(super) limits: Limits,
    /// There is `/proc/self/fd`.
    pub(super) has_descriptors: bool,
    pace: Option<&'a Pace>,
    is_over: &'a AtomicBool,
    tell: &'a (dyn Fn(Totals) + Sync),
    objects: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
}

impl<'a> Ground<'a> {
    pub(super) fn new(walk: &Walk<'a>) -> Self {
        Self {
            host: walk.host,
            boundaries: Boundaries::new(walk.mounts, walk.file_systems),
            holding: Holding::new(),
            limits: walk.limits,
            has_descriptors: xattr::is_possible(),
            pace: walk.pace,
            is_over: walk.is_over,
            tell: walk.tell,
            objects: AtomicU64::new(0),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub(super) fn totals(&self) -> Totals {
        Totals {
            objects: self.objects.load(Ordering::Relaxed),
            files: self.files.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    fn add(&self, done: Totals) {
        self.objects.fetch_add(done.objects, Ordering::Relaxed);
        self.files.fetch_add(done.files, Ordering::Relaxed);
        self.bytes.fetch_add(done.bytes, Ordering::Relaxed);
    }
}

pub(super) struct Worker<'g, 'a> {
    pub(super) ground: &'g Ground<'a>,
    pub(super) digests: Digests,
    /// For contents and extended attributes.
    pub(super) buffer: Vec<u8>,
    /// For paths below `/proc/self/fd`.
    pub(super) path: Vec<u8>,
    pub(super) names: Names,
    /// For what the kernel tells of a directory.
    entries: Vec<u8>,
    pub(super) meter: Meter,
    /// Not added to the totals yet.
    done: Totals,
    /// Not paid for yet.
    debt: Debt,
}

#[derive(Default)]
struct Debt {
    objects: u64,
    bytes: u64,
    /// What the thread had taken of a processor when it last paid.
    processor: Duration,
}

impl<'g, 'a> Worker<'g, 'a> {
    /// On the thread that is to work.
    pub(super) fn new(ground: &'g Ground<'a>) -> Self {
        if ground.pace.is_some() {
            // Where the disk's queue knows no priorities, the pace has to do.
            let _ = priority::read_when_idle();
        }
        Self {
            ground,
            digests: Digests::default(),
            buffer: vec![0; xattrs::SCRATCH],
            path: Vec::new(),
            names: Names::default(),
            entries: Vec::with_capacity(ENTRIES),
            meter: Meter::default(),
            done: Totals::default(),
            debt: Debt { processor: processor_time(), ..Debt::default() },
        }
    }

    /// The names in a directory. Give them back, if nobody else needs them.
    pub(super) fn list(&mut self, directory: impl AsFd) -> Result<Names, NoNames> {
        let mut names = mem::take(&mut self.names);
        names.read(directory, self.entries.spare_capacity_mut())?;
        Ok(names)
    }

    /// An object was looked at.
    pub(super) fn looked(&mut self) {
        self.done.objects += 1;
        if self.done.objects >= OBJECTS {
            self.tell();
        }
        if self.ground.pace.is_some() {
            self.debt.objects += 1;
            if self.debt.objects >= OBJECTS_ON_CREDIT {
                self.pay();
            }
        }
    }

    pub(super) fn read_one(&mut self) {
        self.done.files += 1;
    }

    /// Bytes were hashed, and so many of them read.
    pub(super) fn spent(&mut self, hashed: u64, read: u64) {
        self.done.bytes += hashed;
        if self.done.bytes >= BYTES {
            self.tell();
        }
        if self.ground.pace.is_some() {
            self.debt.bytes += read;
            if hashed >= BYTES_ON_CREDIT || self.debt.bytes >= BYTES_ON_CREDIT {
                self.pay();
            }
        }
    }

    fn pay(&mut self) {
        let Some(pace) = self.ground.pace else { return };
        let processor = processor_time();
        let taken = processor.saturating_sub(self.debt.processor);
        let debt = mem::replace(&mut self.debt, Debt { processor, ..Debt::default() });
        pace.pay(debt.bytes, taken, self.ground.is_over);
    }

    fn tell(&mut self) {
        self.ground.add(mem::take(&mut self.done));
        (self.ground.tell)(self.ground.totals());
    }
}

impl Drop for Worker<'_, '_> {
    fn drop(&mut self) {
        self.ground.add(self.done);
    }
}

/// For some two thousand names at a time.
const ENTRIES: usize = 64 * 1024;
/// After so many objects or bytes it is told how far the walk is.
const OBJECTS: u64 = 1_024;
const BYTES: u64 = 8 * 1024 * 1024;
/// After so many it is paid for them: a fraction of a millisecond's work.
const OBJECTS_ON_CREDIT: u64 = 64;
const BYTES_ON_CREDIT: u64 = 128 * 1024;
