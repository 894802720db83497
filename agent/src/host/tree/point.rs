//! A walk pointed at names: these are looked at, and nothing beside them.
//!
//! The way to each directory is gone step by step from the root, as a walk goes it; what two have in common is gone once.
//! Where it ends early, because a directory is gone, is none any more or is not to be gone into, the place where it ends
//! is looked at as a whole: so what was below is told as gone, or as out of sight.

use std::ffi::{CStr, CString};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::boundary::Side;
use super::directory::{Directory, Next, place};
use super::look;
use super::pool::Jobs;
use super::slice::{Following, Job, is_beyond};
use super::worker::{Ground, Worker};
use super::{Totals, Visitor, Walk};
use crate::host::{Kind, Unreadable, object};

/// A name in a directory, absolute below the root as [`super::super::object::split`] has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    pub directory: Vec<u8>,
    pub name: Vec<u8>,
    /// All that is below it as well.
    pub is_tree: bool,
}

/// What was looked at.
#[derive(Debug, Default)]
pub struct Pointed {
    pub totals: Totals,
    /// Path, and whether all below it was looked at. Not always those that were asked for: see above.
    pub looked: Vec<(Vec<u8>, bool)>,
}

/// `points` in the order of [`super::super::object::order`], or the way is gone more often than it has to be.
pub(super) fn look<V: Visitor>(
    walk: &Walk<'_>,
    visitor: &V,
    scope: &dyn Fn(&[u8]) -> Option<V::Scope>,
    points: &[Point],
) -> Result<Pointed, Unreadable> {
    let ground = Ground::new(walk);
    let looked = {
        let mut worker = Worker::new(&ground);
        let jobs = Jobs::alone(walk.is_over);
        let next = super::slice::first(&ground)?;
        let root = open(&ground, next)?;
        let following = Following { visitor, worker: &mut worker, jobs: &jobs, is_flat: true };
        let (way, ends, looked) = Default::default();
        let mut pointing = Pointing { following, scope, root, way, ends, looked };
        for point in points {
            if walk.is_over.load(std::sync::atomic::Ordering::Relaxed) {
                break;
            }
            pointing.point(point);
        }
        pointing.looked
    };
    Ok(Pointed { totals: ground.totals(), looked })
}

struct Pointing<'p, 'f, 'g, 'a, V: Visitor> {
    following: Following<'f, 'g, 'a, V>,
    scope: &'p dyn Fn(&[u8]) -> Option<V::Scope>,
    root: Arc<Directory>,
    /// The directories on the way, from the root on.
    way: Vec<Arc<Directory>>,
    /// Where the last way that ended early did.
    ends: Option<Vec<u8>>,
    looked: Vec<(Vec<u8>, bool)>,
}

impl<V: Visitor> Pointing<'_, '_, '_, '_, V> {
    fn point(&mut self, point: &Point) {
        if self.ends.as_deref().is_some_and(|ends| is_within(&point.directory, ends)) {
            return;
        }
        match self.go(&point.directory) {
            Ok(directory) => self.name(&directory, &point.name, point.is_tree),
            Err((directory, name)) => {
                self.ends = Some(directory.path_of(&name));
                self.name(&directory, &name, true);
            }
        }
    }

    /// To a directory; or to where the way there ends, and the name that does not lead on.
    fn go(&mut self, path: &[u8]) -> Result<Arc<Directory>, (Arc<Directory>, Vec<u8>)> {
        while self.way.last().is_some_and(|last| !is_within(path, &last.path)) {
            self.way.pop();
        }
        let mut here = Arc::clone(self.way.last().unwrap_or(&self.root));
        let rest = path.get(here.path.len()..).unwrap_or_default();
        for name in rest.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            let Some(next) = self.step(&here, name) else { return Err((here, name.to_vec())) };
            here = next;
            self.way.push(Arc::clone(&here));
            if self.way.len() > MOST_HELD {
                self.way.remove(0);
            }
        }
        Ok(here)
    }

    /// Into a directory, if that is one, and is to be gone into.
    fn step(&self, directory: &Arc<Directory>, name: &[u8]) -> Option<Arc<Directory>> {
        let ground = self.following.worker.ground;
        let path = directory.path_of(name);
        let mut side = directory.has_points.then(|| ground.boundaries.on(&path)).flatten();
        if matches!(side, Some(Side::Out { .. })) {
            return None;
        }
        let look = look::at(&directory.fd, &CString::new(name).ok()?, directory.is_distant).ok()?;
        if look.object.kind != Kind::Directory {
            return None;
        }
        if side.is_none() && is_beyond(directory, &look) {
            side = Some(ground.boundaries.met(&path, look.mount));
        }
        let is_distant = match side {
            None => directory.is_distant,
            Some(Side::In { is_distant }) => is_distant,
            Some(Side::Out { .. }) => return None,
        };
        let place = place(&look.object, look.mount, is_distant);
        let next = Next { parent: Some(Arc::clone(directory)), path, place };
        open(ground, next).ok()
    }

    fn name(&mut self, directory: &Arc<Directory>, name: &[u8], is_tree: bool) {
        let Some(scope) = (self.scope)(&directory.path) else {
            // Nothing in there is of interest.
            self.looked.push((object::path(&directory.path, name), is_tree));
            return;
        };
        let Ok(name) = CString::new(name) else { return };
        self.following.is_flat = !is_tree;
        if self.one(directory, &name, &scope).is_break() {
            return;
        }
        self.following.is_flat = false;
        while let Some((job, _working)) = self.following.jobs.take() {
            self.following.follow(job);
        }
        self.looked.push((object::path(&directory.path, name.to_bytes()), is_tree));
    }

    fn one(&mut self, directory: &Arc<Directory>, name: &CStr, scope: &V::Scope) -> ControlFlow<()> {
        let (following, bytes) = (&mut self.following, name.to_bytes());
        if bytes.is_empty() && !following.is_flat {
            // The root with all that is in it is a walk.
            if let Ok(next) = super::slice::first(following.worker.ground) {
                following.jobs.push(Job::Enter { next, scope: scope.clone() });
            }
            return ControlFlow::Continue(());
        }
        let to = Some(name.to_bytes_with_nul());
        let mut slice = following.visitor.begin(&directory.path, Some(bytes), to, scope);
        match bytes {
            b"" => following.root(&mut slice, directory, scope)?,
            _ => following.name(&mut slice, directory, name, scope)?,
        }
        following.visitor.end(slice);
        ControlFlow::Continue(())
    }
}

fn open(ground: &Ground<'_>, next: Next) -> Result<Arc<Directory>, Unreadable> {
    let fd = next.open(ground.host)?;
    let has_points = ground.boundaries.are_in(&next.path);
    Ok(Arc::new(Directory::new(fd, next.path, next.place, has_points, ground.holding.one())))
}

fn is_within(path: &[u8], top: &[u8]) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// Deeper ones are gone to again.
const MOST_HELD: usize = 64;
