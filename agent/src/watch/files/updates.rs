//! Runs of package managers: which processes belong to one. It lasts as long as somebody executes a package manager's own
//! program: whoever is left behind by it works for himself.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::who::{Ended, Executed, OfRun, UpdateId};
use crate::host::actor::Actor;

/// The package managers' own programs, as whoever compared them with what was agreed on and with what their packages
/// record has found them. Shared: that one may change it at any time.
#[derive(Debug, Clone, Default)]
pub struct Recognised(Arc<RwLock<Vec<Program>>>);

/// A package manager's own program: this very file, whatever has its name later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub device: u64,
    pub inode: u64,
    /// `dpkg`.
    pub manager: &'static str,
    pub path: Vec<u8>,
}

impl Recognised {
    pub fn set(&self, programs: Vec<Program>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = programs;
    }

    fn manager(&self, device: u64, inode: u64) -> Option<&'static str> {
        let programs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        programs.iter().find(|of| (of.device, of.inode) == (device, inode)).map(|of| of.manager)
    }

    fn has_path(&self, path: &[u8]) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().any(|of| of.path == path)
    }
}

/// What a process is to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) run: UpdateId,
    /// It executes a package manager's own program.
    pub(super) manages: bool,
}

/// The runs that go on, or were told last.
#[derive(Debug, Default)]
pub(super) struct Updates {
    recognised: Recognised,
    runs: BTreeMap<UpdateId, Run>,
    next: u64,
}

#[derive(Debug)]
struct Run {
    manager: &'static str,
    /// None until the process was looked at.
    by: Option<Arc<Actor>>,
    began: Timestamp,
    since: Instant,
    /// How many processes execute a package manager's own program.
    managers: u64,
    /// Since when there is none of these, in both clocks.
    quiet: Option<(Instant, Timestamp)>,
    /// Replacements of recognised programs that the run made itself.
    replaced: Vec<(u64, u64)>,
    is_told: bool,
}

impl Updates {
    pub(super) fn new(recognised: Recognised) -> Self {
        Self { recognised, ..Self::default() }
    }

    /// Somebody who is of this run, or of none, executes these files: of which he is then, and whether that is a new run.
    pub(super) fn executed<'a>(
        &mut self,
        of: Option<Member>,
        files: impl Iterator<Item = &'a Executed>,
        now: Instant,
    ) -> (Option<Member>, bool) {
        let (mut manager, mut is_known, mut is_its_own) = (None, false, false);
        for file in files {
            is_known = true;
            manager = manager.or_else(|| self.recognised.manager(file.device, file.inode));
            // The run replaced it, for nobody else is executing what lies there by its name within the run.
            if let Some(run) = of.and_then(|of| self.runs.get_mut(&of.run))
                && manager.is_none()
                && self.recognised.has_path(&file.path)
            {
                run.replace(file.device, file.inode);
                is_its_own = true;
            }
        }
        if let Some(of) = self.open(of) {
            // Of what was not seen it is not said that it is something else than before.
            let manages = if is_known { manager.is_some() || is_its_own } else { of.manages };
            return (Some(self.turned(of, manages, now)), false);
        }
        let Some(manager) = manager else { return (None, false) };
        let id = self.quiet_one(now);
        let (id, is_new) = id.map_or_else(|| (self.begin(manager, now), true), |id| (id, false));
        let member = Member { run: id, manages: true };
        self.joined(Some(member));
        (Some(member), is_new)
    }

    fn turned(&mut self, of: Member, manages: bool, now: Instant) -> Member {
        let after = Member { manages, ..of };
        match (of.manages, manages) {
            (true, false) => self.left(Some(of), now),
            (false, true) => self.joined(Some(after)),
            _ => {}
        }
        after
    }

    /// A process of it came to be.
    pub(super) fn joined(&mut self, of: Option<Member>) {
        if let Some(run) = of.filter(|of| of.manages).and_then(|of| self.runs.get_mut(&of.run)) {
            run.managers += 1;
            run.quiet = None;
        }
    }

    /// A process of it is gone.
    pub(super) fn left(&mut self, of: Option<Member>, now: Instant) {
        if let Some(run) = of.filter(|of| of.manages).and_then(|of| self.runs.get_mut(&of.run)) {
            run.managers = run.managers.saturating_sub(1);
            if run.managers == 0 && run.quiet.is_none() {
                run.quiet = Some((now, Timestamp::now()));
            }
        }
    }

    /// Its first process, as far as it is known.
    pub(super) fn name(&mut self, id: UpdateId, by: Arc<Actor>) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.by.get_or_insert(by);
        }
    }

    /// The run that still goes on, or was told last.
    fn open(&self, of: Option<Member>) -> Option<Member> {
        of.filter(|of| self.runs.contains_key(&of.run))
    }

    pub(super) fn of_run(&self, of: Member, files: impl Iterator<Item = (u64, u64)>) -> Option<OfRun> {
        let is_manager = self.member(of, files)?.manages;
        Some(OfRun { id: of.run, is_manager })
    }

    /// Somebody of that run who executes these files, device and inode: a program, and the script that it was started for.
    pub(super) fn member(&self, of: Member, mut files: impl Iterator<Item = (u64, u64)>) -> Option<Member> {
        let run = self.runs.get(&of.run)?;
        let is_manager = |(device, inode)| {
            run.replaced.contains(&(device, inode)) || self.recognised.manager(device, inode).is_some()
        };
        Some(Member { manages: files.any(is_manager), ..of })
    }

    /// The runs that are over by now, each once; what was told before is forgotten.
    pub(super) fn ended(&mut self, now: Instant) -> Vec<Ended> {
        self.runs.retain(|_, run| !run.is_told);
        let mut ended = Vec::new();
        for (&id, run) in &mut self.runs {
            let is_cut = now >= run.since + LONGEST;
            if !is_cut && run.due() > now {
                continue;
            }
            run.is_told = true;
            let at = run.quiet.map_or_else(Timestamp::now, |(_, at)| at);
            let by = run.by.clone().unwrap_or_default();
            ended.push(Ended { id, manager: run.manager, by, began: run.began, ended: at, is_cut });
        }
        ended
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.runs.values().filter(|run| !run.is_told).map(Run::due).min()
    }

    /// One without a package manager, which may still get one.
    fn quiet_one(&self, now: Instant) -> Option<UpdateId> {
        let may_go_on = |run: &Run| !run.is_told && run.quiet.is_some_and(|(at, _)| now < at + QUIET);
        self.runs.iter().find(|(_, run)| may_go_on(run)).map(|(&id, _)| id)
    }

    fn begin(&mut self, manager: &'static str, now: Instant) -> UpdateId {
        let id = UpdateId(self.next);
        self.next += 1;
        let run = Run {
            manager,
            by: None,
            began: Timestamp::now(),
            since: now,
            managers: 0,
            quiet: None,
            replaced: Vec::new(),
            is_told: false,
        };
        self.runs.insert(id, run);
        id
    }
}

impl Run {
    fn due(&self) -> Instant {
        let longest = self.since + LONGEST;
        self.quiet.map_or(longest, |(at, _)| longest.min(at + QUIET))
    }

    fn replace(&mut self, device: u64, inode: u64) {
        if self.replaced.len() < MAX_REPLACED && !self.replaced.contains(&(device, inode)) {
            self.replaced.push((device, inode));
        }
    }
}

/// A package manager's front end starts its programs one after another.
const QUIET: Duration = Duration::from_secs(2);
/// A kernel with its modules and an initramfs takes minutes on a small instance.
const LONGEST: Duration = Duration::from_hours(1);
/// Each of the programs once, and some of them again.
const MAX_REPLACED: usize = 64;
