//! Going through a whole tree as fast as the machine can: what is there, and what it is made of.
//!
//! Several workers take directories from one stack. A path is never opened whole: every step is relative to a directory
//! that is held open and follows no link, so that nothing outside of the root is ever read, whoever exchanges what on
//! the way. Nothing that could block is opened: a FIFO, a socket or a device is told and left alone, and a mount is
//! known before it is touched. Whoever is looked at owns the names, the sizes and the moments, so each has a bound.

mod boundary;
mod content;
mod digests;
mod directory;
mod extras;
mod look;
mod meter;
mod names;
mod pace;
mod point;
mod pool;
mod slice;
mod worker;
mod xattrs;

use std::fmt;
use std::sync::atomic::AtomicBool;

use super::files::mounts::Mounts;
use super::object::{Algorithm, Object};
use super::{Host, Unreadable};

pub use pace::Pace;
pub use point::{Point, Pointed};

/// What one who follows the walk does with it. Called from several threads.
pub trait Visitor: Sync {
    /// What goes along from a directory to those below it.
    type Scope: Clone + Send;
    /// What is gathered about one slice: consecutive names of one directory, looked at by one worker.
    type Slice;

    /// How many names make a slice at most: few where content is read, so that work spreads; many where it is not.
    fn names_at_a_time(&self) -> usize;

    /// `from` is the first name of the slice (none: from the beginning), `to` the first of the next one (none: to the
    /// end). What is not told between them is not there; but see [`Visitor::unread`] and [`Visitor::skipped`].
    ///
    /// The names come in the order of their bytes. The root itself is the name `` of the directory ``.
    fn begin(
        &self,
        directory: &[u8],
        from: Option<&[u8]>,
        to: Option<&[u8]>,
        scope: &Self::Scope,
    ) -> Self::Slice;

    /// Metadata are known: is it of interest, and what else is to be read of it? What is not of interest is not told;
    /// a directory may be gone into all the same.
    fn wants(&self, slice: &mut Self::Slice, scope: &Self::Scope, name: &[u8], seen: &Object)
    -> Option<Want>;

    /// All that was wanted is read.
    fn object(&self, slice: &mut Self::Slice, scope: &Self::Scope, name: &[u8], object: Object);

    /// Whether to go into this directory, and with what.
    fn descend(&self, scope: &Self::Scope, name: &[u8], seen: &Object) -> Option<Self::Scope>;

    /// The slice was looked at to its end. One that was cut short because the walk is over is dropped instead.
    fn end(&self, slice: Self::Slice);

    /// A directory that could not be listed, or an object that could not even be asked what it is: it and what is
    /// below are unknown, not absent. Of an object, it is said before its slice ends; of a directory, no slice begins.
    fn unread(&self, path: &[u8], cause: Unreadable);

    /// A mount that is not gone into. It is said before the slice ends that holds its name.
    fn skipped(&self, path: &[u8], file_system: &str);
}

/// What is to be read of an object beside its metadata. Where either is wanted, so is where a symbolic link leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Want {
    /// Of a regular file.
    pub content: Option<Reading>,
    pub xattrs: bool,
}

/// How a content is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    pub algorithm: Algorithm,
    /// Only so many bytes from the start, of a file that may grow meanwhile: an append-only log.
    pub length: Option<u64>,
    /// An MD5 beside it, for what dpkg records.
    pub md5: bool,
    /// A SHA-256 beside another hash, for what rpm records.
    pub sha256: bool,
    /// How many bytes from the start to keep in [`Object::text`] at most.
    pub keep: usize,
}

/// What a walk does not go beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The content of a larger file is not read.
    pub max_file: u64,
    /// Somebody is told of each change: what was changed just now is read at once. Otherwise it has to rest for longer
    /// than the kernel's clock takes for a step, or the next change of it could not be seen.
    pub is_watched: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_file: MAX_FILE, is_watched: false }
    }
}

/// How far a walk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Of any kind, asked what they are.
    pub objects: u64,
    /// Whose content was read.
    pub files: u64,
    /// Of content.
    pub bytes: u64,
}

/// How many go through a tree at a time.
///
/// What is in memory is gone through fastest by as many as there are processors; a disk wants many questions at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crew {
    /// From the start.
    pub first: usize,
    /// So many, once those that are at it are found to wait for one.
    pub most: usize,
}

/// One walk from the root of `host`.
pub struct Walk<'a> {
    pub host: &'a Host,
    pub mounts: &'a Mounts,
    pub crew: Crew,
    pub pace: Option<&'a Pace>,
    pub limits: Limits,
    /// Types of file systems to go into although they are not on a disk of this machine.
    pub file_systems: &'a [String],
    /// Once it is set, the walk ends soon.
    pub is_over: &'a AtomicBool,
    /// Called now and then, from any thread.
    pub tell: &'a (dyn Fn(Totals) + Sync),
}

impl Walk<'_> {
    /// Goes through everything that the visitor descends into.
    pub fn run<V: Visitor>(&self, visitor: &V, scope: V::Scope) -> Result<Totals, Unreadable> {
        slice::walk(self, visitor, scope)
    }

    /// Looks at names and at nothing beside them, on the caller's thread. `scope` is asked for what goes along in a
    /// directory; nothing, where nothing in it is of interest.
    pub fn point<V: Visitor>(
        &self,
        visitor: &V,
        scope: &dyn Fn(&[u8]) -> Option<V::Scope>,
        points: &[Point],
    ) -> Result<Pointed, Unreadable> {
        point::look(self, visitor, scope, points)
    }
}

impl fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk")
            .field("host", self.host)
            .field("crew", &self.crew)
            .field("limits", &self.limits)
            .field("file_systems", &self.file_systems)
            .finish_non_exhaustive()
    }
}

/// As the policy's files.max-file is, unless it says otherwise.
const MAX_FILE: u64 = 4 * 1024 * 1024 * 1024;
