//! From one directory to the next, and slice by slice through the names of each.

use std::ffi::CStr;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use rustix::io::Errno;

use super::boundary::Side;
use super::directory::{Directory, Next, place, shown, unreadable};
use super::look::{self, Look};
use super::names::{Names, NoNames};
use super::pool::{self, Jobs};
use super::worker::{Ground, Worker};
use super::{Totals, Visitor, Walk, Want};
use crate::host::object::Object;
use crate::host::{Cause, Kind, Unreadable};

/// What there is to do.
pub(super) enum Job<S> {
    Enter {
        next: Next,
        scope: S,
    },
    /// The names of a directory, from one on.
    Rest {
        directory: Arc<Directory>,
        names: Arc<Names>,
        from: usize,
        scope: S,
    },
}

/// A worker at one job.
pub(super) struct Following<'f, 'g, 'a, V: Visitor> {
    pub(super) visitor: &'f V,
    pub(super) worker: &'f mut Worker<'g, 'a>,
    pub(super) jobs: &'f Jobs<'f, Job<V::Scope>>,
    /// No directory is gone into.
    pub(super) is_flat: bool,
}

/// What an object turned out to be.
struct Found {
    look: Look,
    is_distant: bool,
    /// It is a mount that is not gone into: the type of its file system.
    out: Option<String>,
}

pub(super) fn walk<V: Visitor>(walk: &Walk<'_>, visitor: &V, scope: V::Scope) -> Result<Totals, Unreadable> {
    let ground = Ground::new(walk);
    let next = first(&ground)?;
    let step = |worker: &mut Worker<'_, '_>, job, jobs: &Jobs<'_, _>| {
        Following { visitor, worker, jobs, is_flat: false }.follow(job)
    };
    pool::run(walk.crew, Job::Enter { next, scope }, walk.is_over, || Worker::new(&ground), step)
        .map_err(|error| Unreadable::from_io(&shown(b""), &error))?;
    Ok(ground.totals())
}

/// Where a walk begins.
pub(super) fn first(ground: &Ground<'_>) -> Result<Next, Unreadable> {
    let root = look::of(&ground.host.root).map_err(|errno| unreadable(b"", errno))?;
    // It is gone into, whatever it lies on.
    let is_distant = match ground.boundaries.met(b"", root.mount) {
        Side::In { is_distant } => is_distant,
        Side::Out { answers, .. } => !answers,
    };
    Ok(Next { parent: None, path: Vec::new(), place: place(&root.object, root.mount, is_distant) })
}

impl<V: Visitor> Following<'_, '_, '_, V> {
    pub(super) fn follow(&mut self, job: Job<V::Scope>) {
        match job {
            Job::Enter { next, scope } => self.enter(next, scope),
            Job::Rest { directory, names, from, scope } => self.rest(directory, names, from, scope),
        }
    }

    fn enter(&mut self, next: Next, scope: V::Scope) {
        let fd = match next.open(self.worker.ground.host) {
            Ok(fd) => fd,
            Err(cause) => return self.visitor.unread(&next.path, cause),
        };
        let names = match self.worker.list(&fd) {
            Ok(names) => names,
            Err(why) => return self.visitor.unread(&next.path, unlisted(&next.path, why)),
        };
        let has_points = self.worker.ground.boundaries.are_in(&next.path);
        let held = self.worker.ground.holding.one();
        let directory = Arc::new(Directory::new(fd, next.path, next.place, has_points, held));
        let at_a_time = self.at_a_time();
        if names.len() > at_a_time {
            return self.rest(directory, Arc::new(names), 0, scope);
        }
        let _ = self.slice(&directory, &names, 0..names.len(), &scope);
        self.worker.names = names;
    }

    fn rest(&mut self, directory: Arc<Directory>, names: Arc<Names>, mut from: usize, scope: V::Scope) {
        while from < names.len() {
            let to = names.len().min(from + self.at_a_time());
            // What waits holds its directory open: where too many are, this worker does all of it.
            if to < names.len() && !self.worker.ground.holding.is_short() {
                let job = Job::Rest {
                    directory: Arc::clone(&directory),
                    names: Arc::clone(&names),
                    from: to,
                    scope: scope.clone(),
                };
                self.jobs.push(job);
                let _ = self.slice(&directory, &names, from..to, &scope);
                return;
            }
            if self.slice(&directory, &names, from..to, &scope).is_break() {
                return;
            }
            from = to;
        }
    }

    fn slice(
        &mut self,
        directory: &Arc<Directory>,
        names: &Names,
        range: Range<usize>,
        scope: &V::Scope,
    ) -> ControlFlow<()> {
        let from = (range.start > 0).then(|| names.get(range.start)).flatten();
        let to = names.get(range.end);
        let mut slice =
            self.visitor.begin(&directory.path, from.map(CStr::to_bytes), to.map(CStr::to_bytes), scope);
        if range.start == 0 && directory.path.is_empty() {
            self.root(&mut slice, directory, scope)?;
        }
        for name in range.filter_map(|index| names.get(index)) {
            if self.jobs.is_over() {
                return ControlFlow::Break(());
            }
            self.name(&mut slice, directory, name, scope)?;
        }
        self.visitor.end(slice);
        ControlFlow::Continue(())
    }

    pub(super) fn root(
        &mut self,
        slice: &mut V::Slice,
        directory: &Directory,
        scope: &V::Scope,
    ) -> ControlFlow<()> {
        match look::of(&directory.fd) {
            Ok(look) => {
                self.worker.looked();
                let want = self.visitor.wants(slice, scope, b"", &look.object);
                self.tell(slice, directory, c"", look, want, scope)
            }
            Err(errno) => {
                self.visitor.unread(b"", unreadable(b"", errno));
                ControlFlow::Continue(())
            }
        }
    }

    pub(super) fn name(
        &mut self,
        slice: &mut V::Slice,
        directory: &Arc<Directory>,
        name: &CStr,
        scope: &V::Scope,
    ) -> ControlFlow<()> {
        let Some(Found { look, is_distant, out }) = self.find(directory, name) else {
            return ControlFlow::Continue(());
        };
        let bytes = name.to_bytes();
        let want = self.visitor.wants(slice, scope, bytes, &look.object);
        let is_entered = look.object.kind == Kind::Directory && out.is_none() && !self.is_flat;
        let below = if is_entered { self.visitor.descend(scope, bytes, &look.object) } else { None };
        let place = place(&look.object, look.mount, is_distant);
        self.tell(slice, directory, name, look, want, scope)?;
        if self.jobs.can_hire() && self.worker.meter.waits() {
            self.jobs.hire();
        }
        if let Some(kind) = out {
            self.visitor.skipped(&directory.path_of(bytes), &kind);
        }
        if let Some(scope) = below {
            self.go_on(directory, bytes, place, scope);
        }
        ControlFlow::Continue(())
    }

    /// What a name stands for, unless it went, or lies on a file system that is not asked.
    fn find(&mut self, directory: &Directory, name: &CStr) -> Option<Found> {
        let bytes = name.to_bytes();
        let boundaries = &self.worker.ground.boundaries;
        let mut side = directory.has_points.then(|| boundaries.on(&directory.path_of(bytes))).flatten();
        if let Some(Side::Out { kind, answers: false }) = &side {
            self.visitor.skipped(&directory.path_of(bytes), kind);
            return None;
        }
        let mut look = self.look(directory, name, directory.is_distant)?;
        if side.is_none() && is_beyond(directory, &look) {
            side = Some(boundaries.met(&directory.path_of(bytes), look.mount));
        }
        let (is_distant, out) = match side {
            None => (directory.is_distant, None),
            Some(Side::In { is_distant }) => (is_distant, None),
            Some(Side::Out { kind, answers: true }) => (false, Some(kind)),
            Some(Side::Out { kind, answers: false }) => {
                self.visitor.skipped(&directory.path_of(bytes), &kind);
                return None;
            }
        };
        if is_distant && !directory.is_distant {
            look = self.look(directory, name, true)?;
        }
        self.worker.looked();
        Some(Found { look, is_distant, out })
    }

    fn look(&self, directory: &Directory, name: &CStr, is_distant: bool) -> Option<Look> {
        match look::at(&directory.fd, name, is_distant) {
            Ok(look) => Some(look),
            // It went since the directory was read.
            Err(Errno::NOENT) => None,
            Err(errno) => {
                let path = directory.path_of(name.to_bytes());
                self.visitor.unread(&path, unreadable(&path, errno));
                None
            }
        }
    }

    fn tell(
        &mut self,
        slice: &mut V::Slice,
        directory: &Directory,
        name: &CStr,
        look: Look,
        want: Option<Want>,
        scope: &V::Scope,
    ) -> ControlFlow<()> {
        let Some(want) = want else { return ControlFlow::Continue(()) };
        let Some(object) = self.filled(directory, name, look, want) else { return ControlFlow::Break(()) };
        self.visitor.object(slice, scope, name.to_bytes(), object);
        ControlFlow::Continue(())
    }

    /// With all that is wanted of it. Nothing, if the walk is over.
    fn filled(&mut self, directory: &Directory, name: &CStr, look: Look, want: Want) -> Option<Object> {
        match want.content {
            Some(reading) if look.object.kind == Kind::File => {
                self.worker.content(directory, name, look, &reading, want.xattrs)
            }
            None if !want.xattrs => Some(look.object),
            _ => Some(self.worker.extras(directory, name, look.object, want.xattrs)),
        }
    }

    fn go_on(
        &self,
        directory: &Arc<Directory>,
        name: &[u8],
        place: super::directory::Place,
        scope: V::Scope,
    ) {
        let path = directory.path_of(name);
        if path.len() > MAX_PATH {
            let cause =
                Cause::Unsupported(format!("deeper than a path of {MAX_PATH} bytes, not looked into"));
            return self.visitor.unread(&path, Unreadable::new(shown(&path), cause));
        }
        let parent = (!self.worker.ground.holding.is_short()).then(|| Arc::clone(directory));
        self.jobs.push(Job::Enter { next: Next { parent, path, place }, scope });
    }

    fn at_a_time(&self) -> usize {
        self.visitor.names_at_a_time().max(1)
    }
}

/// Whether an object lies on another mount than the directory that its name is in.
pub(super) fn is_beyond(directory: &Directory, look: &Look) -> bool {
    match (directory.mount, look.mount) {
        (Some(here), Some(there)) => here != there,
        _ => directory.device != look.object.device,
    }
}

fn unlisted(path: &[u8], why: NoNames) -> Unreadable {
    match why {
        NoNames::TooMany => {
            Unreadable::new(shown(path), Cause::Unsupported("more names than are looked at".to_owned()))
        }
        NoNames::Failed(errno) => unreadable(path, errno),
    }
}

/// Sixteen times what the kernel takes as one path: only a tree made for it goes deeper.
const MAX_PATH: usize = 64 * 1024;
