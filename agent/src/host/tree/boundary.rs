//! Where one file system ends and another begins, and which of them are gone into.
//!
//! A mount that answers for somebody else (a file server, a program) may never answer: it is known by its path before
//! it is touched, or, if it came since, by the number of its mount, which no file system is asked for.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;

use crate::host::Host;
use crate::host::files::mounts::{LOCAL_TOO, MEMORY, Mount, Mounts};

/// What lies on a mount point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Side {
    /// To be gone into; `is_distant`: its file system has to be asked to know anything.
    In { is_distant: bool },
    /// Not to be gone into: the type of its file system. Whether asking for the point itself cannot block.
    Out { kind: String, answers: bool },
}

#[derive(Debug)]
pub(super) struct Boundaries<'a> {
    points: HashMap<&'a [u8], &'a str>,
    /// The directories in which there are such points.
    parents: HashSet<&'a [u8]>,
    named: &'a [String],
}

impl<'a> Boundaries<'a> {
    pub(super) fn new(mounts: &'a Mounts, named: &'a [String]) -> Self {
        // Of several on one point the kernel tells the newest last.
        let points: HashMap<&[u8], &str> =
            mounts.list.iter().map(|mount| (point(mount), mount.kind.as_str())).collect();
        let parents = points.keys().filter(|point| !point.is_empty()).map(|point| parent(point)).collect();
        Self { points, parents, named }
    }

    /// Whether there are mount points right in this directory.
    pub(super) fn are_in(&self, directory: &[u8]) -> bool {
        self.parents.contains(directory)
    }

    /// What is known of a path without touching it; nothing, where there is no mount point.
    pub(super) fn on(&self, path: &[u8]) -> Option<Side> {
        self.points.get(path).map(|kind| self.side(kind))
    }

    /// What lies there, of which only the number of its mount is known, if that.
    pub(super) fn met(&self, path: &[u8], id: Option<u64>) -> Side {
        let found = now();
        let mut list = found.iter().flat_map(|mounts| &mounts.list);
        match id {
            Some(id) => match list.find(|mount| u64::from(mount.id) == id) {
                Some(mount) => self.side(mount.kind.as_str()),
                None => Side::Out { kind: "unknown".to_owned(), answers: false },
            },
            // Before Linux 5.8. No mount point: a subvolume, which has a device of its own, too.
            None => match list.rfind(|mount| point(mount) == path) {
                Some(mount) => self.side(mount.kind.as_str()),
                None => Side::In { is_distant: false },
            },
        }
    }

    fn side(&self, kind: &str) -> Side {
        let is_local = Mount::is_local(kind) || LOCAL_TOO.contains(&kind);
        if is_local || MEMORY.contains(&kind) && self.is_named(kind) {
            Side::In { is_distant: false }
        } else if self.is_named(kind) {
            Side::In { is_distant: true }
        } else {
            Side::Out { kind: kind.to_owned(), answers: MEMORY.contains(&kind) }
        }
    }

    fn is_named(&self, kind: &str) -> bool {
        self.named.iter().any(|name| name == kind)
    }
}

/// The mounts that this very process sees, whatever root it looks at.
fn now() -> Option<Mounts> {
    Mounts::own(&Host::at("/").ok()?).ok()
}

/// As the walk writes paths: the root is empty.
fn point(mount: &Mount) -> &[u8] {
    match mount.point.as_os_str().as_bytes() {
        b"/" => b"",
        point => point,
    }
}

fn parent(point: &[u8]) -> &[u8] {
    &point[..point.iter().rposition(|&byte| byte == b'/').unwrap_or(0)]
}
