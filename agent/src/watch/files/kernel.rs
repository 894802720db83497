//! The kernel's queue, and what its events mean: paths that somebody may want to look at.

use std::process;
use std::sync::Arc;

use super::batch::Batch;
use super::disks::Disks;
use super::gathered::{Settle, Touch};
use super::marked::MarkedFiles;
use super::names::{Found, Names, Place, child, found, is_at, is_nameless};
use super::who::{Executed, Mark, Who};
use super::{How, Interest};
use crate::host::Text;
use crate::sys::fanotify::{Event, Group, Handle, Name};

#[derive(Debug)]
pub(super) struct Kernel {
    /// None, and why, where the kernel offers none.
    pub(super) group: Result<Group, Text>,
    pub(super) disks: Disks,
    pub(super) names: Names,
    pub(super) marked: MarkedFiles,
    buffer: Vec<u8>,
    /// Whose events are not told: our own pid.
    pub(super) own: u32,
}

/// Whom to ask while events are read.
pub(super) struct Asked<'a> {
    pub(super) interest: &'a dyn Interest,
    pub(super) who: &'a mut dyn Who,
}

impl Kernel {
    pub(super) fn new(group: Result<Group, Text>, marked: MarkedFiles) -> Self {
        let (disks, names) = (Disks::default(), Names::default());
        Self { group, disks, names, marked, buffer: vec![0; BUFFER], own: process::id() }
    }

    /// What is asked of a whole file system. What is deleted or moved is told by its directory, so that it need not tell so
    /// itself.
    pub(super) fn mask(&self) -> u64 {
        let has_targets = self.group.as_ref().is_ok_and(|group| group.features().targets);
        let moves = if has_targets { libc::FAN_RENAME } else { libc::FAN_MOVED_FROM | libc::FAN_MOVED_TO };
        let written = libc::FAN_CREATE | libc::FAN_DELETE | libc::FAN_CLOSE_WRITE | libc::FAN_ATTRIB;
        written | moves | libc::FAN_OPEN_EXEC | libc::FAN_ONDIR
    }

    /// Reads the queue until it is empty, or the batch full; an error is one that reading again does not mend.
    pub(super) fn drain(&mut self, asked: &mut Asked<'_>, batch: &mut Batch) -> Result<(), Text> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let done = self.read(&mut buffer, asked, batch);
        self.buffer = buffer;
        self.disks.release();
        done
    }

    fn read(&mut self, buffer: &mut [u8], asked: &mut Asked<'_>, batch: &mut Batch) -> Result<(), Text> {
        while !batch.is_full() {
            let Ok(group) = &self.group else { return Ok(()) };
            let read = group.read(buffer).map_err(|errno| Text::new(errno.desc()))?;
            let Some(read) = read else { return Ok(()) };
            for event in read.events() {
                let event = event.map_err(|malformed| Text::new(&malformed.to_string()))?;
                if event.is_overflow() {
                    batch.overflown();
                    asked.who.lost();
                    self.distrust();
                } else if event.pid != self.own {
                    let pidfd = read.process(&event);
                    if event.has(libc::FAN_OPEN_EXEC) {
                        let program = self.program(&event, asked.interest);
                        asked.who.executed(event.pid, program);
                    }
                    let mut mark = None;
                    let mut mark =
                        |who: &mut dyn Who| *mark.get_or_insert_with(|| who.mark(event.pid, pidfd));
                    if event.has(libc::FAN_OPEN)
                        && let Some(decoy) = event.object.and_then(|object| self.marked.decoy(object))
                    {
                        batch.opened.push((decoy.into(), mark(asked.who)));
                    }
                    self.meaning(&event, asked, batch, &mut mark);
                }
            }
        }
        Ok(())
    }

    /// Directories may have moved, and marked files been replaced, without being told.
    fn distrust(&mut self) {
        self.names.forget();
        if let Ok(group) = &self.group {
            self.marked.renew_all(group);
        }
    }

    fn meaning(
        &mut self,
        event: &Event<'_>,
        asked: &mut Asked<'_>,
        batch: &mut Batch,
        mark: &mut dyn FnMut(&mut dyn Who) -> Mark,
    ) {
        let is_directory = event.has(libc::FAN_ONDIR);
        if is_directory && event.has(MOVES) {
            self.names.forget();
        } else if is_directory && event.has(libc::FAN_DELETE) {
            match event.object {
                Some(object) => self.names.forget_one(object),
                None => self.names.forget(),
            }
        }
        let mut meant = Meant { paths: Vec::new(), used: None, at: batch.at, is_unresolved: false };
        if event.has(libc::FAN_RENAME) {
            let both = [(event.name, How::MOVED_AWAY), (event.new_name, How::MOVED_HERE)];
            for (name, how) in both.into_iter().filter_map(|(name, how)| Some((name?, how))) {
                self.named(event, name, how, asked.interest, &mut meant);
            }
        }
        let how = how(event.mask);
        if how != How::default() {
            match event.name.filter(|name| !is_nameless(name.name)) {
                Some(name) => self.named(event, name, how, asked.interest, &mut meant),
                None => self.nameless(event, how, asked.interest, &mut meant),
            }
            self.aliases(event, how, asked.interest, &mut meant);
        }
        if meant.is_unresolved {
            batch.unresolved();
        }
        // That a file has one name more or less is told of the file, too.
        let is_aside = event.name.is_none() && how == How::ATTRIBUTES;
        for touch in meant.paths {
            match is_aside {
                true => batch.asides.push((touch, mark(asked.who))),
                false => batch.add(touch, mark(asked.who)),
            }
        }
    }

    fn named(
        &mut self,
        event: &Event<'_>,
        name: Name<'_>,
        how: How,
        interest: &dyn Interest,
        meant: &mut Meant,
    ) {
        let marked = &self.marked;
        let leads_on = |path: &[u8]| interest.leads_on(path) || marked.leads_on(path);
        let directory = match self.names.directory(&mut self.disks, name.directory, leads_on) {
            Place::At(directory) => directory,
            // Whoever deleted it, or a directory above it, told so.
            Place::Gone => return,
            Place::Unknown => return meant.is_unresolved = true,
        };
        for (at, leads) in &directory.paths {
            let path = child(at, name.name);
            // About a directory itself it counts whether that one is wanted, and not what is in it.
            if *leads || name.name.is_empty() {
                self.touch(event, &path, how, interest, meant);
            }
            meant.used.get_or_insert(path);
        }
    }

    fn touch(
        &mut self,
        event: &Event<'_>,
        path: &[u8],
        how: How,
        interest: &dyn Interest,
        meant: &mut Meant,
    ) {
        let is_directory = event.has(libc::FAN_ONDIR);
        let comes_or_goes = how.0 & COMES_OR_GOES.0 != 0;
        let is_tree = is_directory && comes_or_goes;
        if comes_or_goes && let Ok(group) = &self.group {
            self.marked.renew(path, is_tree, group);
        }
        if interest.wants(path) || is_tree && interest.leads_on(path) {
            let settle = settle(how, is_directory);
            meant.add(path, is_tree, how, settle, None);
        }
    }

    /// The file was touched by itself: it has no name yet, or somebody opened it by its handle.
    fn nameless(&mut self, event: &Event<'_>, how: How, interest: &dyn Interest, meant: &mut Meant) {
        let Some(object) = event.object else { return };
        if event.name.is_none() && how == How::ATTRIBUTES {
            return;
        }
        match found(&mut self.disks, object) {
            Found::Seen { paths, .. } => {
                for path in paths {
                    self.touch(event, &path, how, interest, meant);
                    meant.used.get_or_insert(path);
                }
            }
            Found::Hidden | Found::Gone => {}
            Found::Unknown => meant.is_unresolved = true,
        }
    }

    /// Other names under which the same file was agreed on.
    fn aliases(&mut self, event: &Event<'_>, how: How, interest: &dyn Interest, meant: &mut Meant) {
        if event.has(libc::FAN_ONDIR) {
            return;
        }
        let Some((device, inode)) = event.object.and_then(|object| self.identity(object)) else { return };
        let mut how_of_file = How(how.0 & !COMES_OR_GOES.0);
        if how.0 & COMES_OR_GOES.0 != 0 {
            // How many names it has is one of its attributes.
            how_of_file.insert(How::ATTRIBUTES);
        }
        for path in interest.names_of(device, inode) {
            // The number may stand for another file by now.
            if !meant.has(&path) && is_at(&path, device, inode) {
                let alias = meant.used.clone().filter(|used| *used != path);
                meant.add(&path, false, how_of_file, settle(how_of_file, false), alias);
            }
        }
    }

    fn identity(&mut self, object: Handle<'_>) -> Option<(u64, u64)> {
        self.disks.inode(object).or_else(|| match found(&mut self.disks, object) {
            Found::Seen { device, inode, .. } => Some((device, inode)),
            _ => None,
        })
    }

    fn program(&mut self, event: &Event<'_>, interest: &dyn Interest) -> Executed {
        let (device, inode) = event.object.and_then(|object| self.identity(object)).unwrap_or_default();
        let (marked, name) = (&self.marked, event.name);
        let leads_on = |path: &[u8]| interest.leads_on(path) || marked.leads_on(path);
        let place = name.map(|name| self.names.directory(&mut self.disks, name.directory, leads_on));
        let path = match (place, name) {
            (Some(Place::At(directory)), Some(name)) => {
                directory.paths.first().map(|(path, _)| child(path, name.name)).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        Executed { path, device, inode }
    }
}

/// What one event comes to.
struct Meant {
    paths: Vec<Touch>,
    /// The name that was used, wanted or not.
    used: Option<Vec<u8>>,
    at: jiff::Timestamp,
    is_unresolved: bool,
}

impl Meant {
    fn add(&mut self, path: &[u8], is_tree: bool, how: How, settle: Settle, alias: Option<Vec<u8>>) {
        let alias: Option<Arc<[u8]>> = alias.map(Into::into);
        self.paths.push(Touch { path: path.into(), is_tree, how, count: 1, at: self.at, settle, alias });
    }

    fn has(&self, path: &[u8]) -> bool {
        self.paths.iter().any(|touch| &touch.path[..] == path)
    }
}

fn how(mask: u64) -> How {
    let mut how = How::default();
    for (bit, means) in MEANINGS {
        if mask & bit != 0 {
            how.insert(means);
        }
    }
    how
}

/// The kernel puts together what one process does to one name, so that several may be in one.
fn settle(how: How, is_directory: bool) -> Settle {
    let is = |any: How| how.0 & any.0 != 0;
    if is(How::WRITTEN) || is(How::MODIFIED) || is(How::MOVED_HERE) || is(How::MOVED_AWAY) {
        Settle::AtOnce
    } else if is(How::DELETED) {
        Settle::Deleted
    } else if is(How::CREATED) && !is_directory {
        Settle::Created
    } else if is(How::CREATED) {
        Settle::AtOnce
    } else {
        Settle::AsItIs
    }
}

const MEANINGS: [(u64, How); 7] = [
    (libc::FAN_CREATE, How::CREATED),
    (libc::FAN_CLOSE_WRITE, How::WRITTEN),
    (libc::FAN_ATTRIB, How::ATTRIBUTES),
    (libc::FAN_DELETE, How::DELETED),
    (libc::FAN_MOVED_FROM, How::MOVED_AWAY),
    (libc::FAN_MOVED_TO, How::MOVED_HERE),
    (libc::FAN_MODIFY, How::MODIFIED),
];
const COMES_OR_GOES: How = How(How::CREATED.0 | How::DELETED.0 | How::MOVED_AWAY.0 | How::MOVED_HERE.0);
const MOVES: u64 = libc::FAN_RENAME | libc::FAN_MOVED_FROM | libc::FAN_MOVED_TO;
/// Some two thousand events.
const BUFFER: usize = 256 * 1024;
