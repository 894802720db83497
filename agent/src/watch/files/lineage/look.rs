//! What `/proc` adds about processes that live, as far as there is time to look.

use std::collections::{HashMap, HashSet};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Lineage;
use super::process::{Image, Link, Process, Standing, State, is_same};
use crate::host::actor::{Details, MAX_PARENTS};

/// How often it may be looked: a look takes some hundred microseconds.
#[derive(Debug)]
pub(super) struct Budget {
    left: u32,
    since: Instant,
}

impl Budget {
    pub(super) fn new(now: Instant) -> Self {
        Self { left: A_SECOND, since: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        if now >= self.since + Duration::from_secs(1) {
            *self = Self::new(now);
        }
        let has = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has
    }
}

impl Lineage {
    /// Whoever lives before anything was told.
    pub(super) fn seed(&mut self) {
        let pids = (self.sources.pids)();
        let found: Vec<Details> = pids.into_iter().filter_map(|pid| (self.sources.look)(pid)).collect();
        self.put(found, true);
    }

    /// Something was lost: whoever is not as it was known begins anew.
    pub(super) fn reseed(&mut self, now: Instant) {
        let pids = (self.sources.pids)();
        let found: Vec<Details> = pids.into_iter().filter_map(|pid| (self.sources.look)(pid)).collect();
        let there: HashSet<u32> = found.iter().map(|details| details.pid).collect();
        let gone: Vec<u32> = self.table.keys().filter(|pid| !there.contains(pid)).copied().collect();
        for pid in gone {
            self.exits(pid, now);
        }
        let (known, other): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|details| self.table.get(&details.pid).is_some_and(|of| of.agrees(details)));
        for details in known {
            self.apply(&details, true);
            if let Some(process) = self.table.get_mut(&details.pid) {
                process.confirmed_at = self.doubt_until;
            }
        }
        for details in &other {
            self.exits(details.pid, now);
        }
        self.put(other, true);
    }

    /// Makes processes of what was found, each with its parents.
    fn put(&mut self, found: Vec<Details>, is_seeded: bool) {
        let above: HashMap<u32, u32> = found.iter().map(|details| (details.pid, details.parent)).collect();
        for details in &found {
            let image = Image::new(details.program.clone(), details.command.clone());
            let state = State { image, uids: Some((details.uid, details.euid)), ..State::unknown() };
            let mut process = Process::new(self.number, state, Arc::from([]), self.at);
            self.number += 1;
            process.is_seeded = is_seeded;
            self.insert(details.pid, process);
        }
        for details in &found {
            let parents = self.parents(details.parent, &above);
            let of_parent = self.table.get(&details.parent).and_then(Process::update);
            let file = details.program.iter().map(|program| (program.device, program.inode));
            let update = of_parent.and_then(|of| self.updates.member(of, file));
            self.updates.joined(update);
            if let Some(process) = self.table.get_mut(&details.pid) {
                process.parents = parents;
                process.as_parent = None;
                if let Some(phase) = process.now_mut() {
                    phase.state.update = update;
                }
            }
            self.apply(details, true);
        }
    }

    /// From a parent upwards, of those that were found together, until one is met that was known.
    fn parents(&mut self, mut pid: u32, above: &HashMap<u32, u32>) -> Arc<[Link]> {
        let mut links = Vec::new();
        while links.len() < MAX_PARENTS
            && let Some(process) = self.table.get_mut(&pid)
        {
            let Some(next) = above.get(&pid) else {
                links.extend(process.links(pid).iter().cloned());
                break;
            };
            links.extend(process.now().map(|phase| Link { pid, image: Arc::clone(&phase.state.image) }));
            pid = *next;
        }
        links.truncate(MAX_PARENTS);
        Arc::from(links)
    }

    /// Somebody of whom nothing was told: it is looked at with whoever above it is unknown, too.
    pub(super) fn look_at_unknown(&mut self, pid: u32, now: Instant) {
        let (mut found, mut pid) = (Vec::new(), pid);
        while pid != 0 && found.len() < MAX_PARENTS && !self.table.contains_key(&pid) && self.budget.take(now)
        {
            let Some(details) = (self.sources.look)(pid) else { break };
            pid = details.parent;
            found.push(details);
        }
        self.put(found, false);
    }

    /// Without the kernel's word, whoever is met is looked at there and then, once in a batch.
    pub(super) fn look_while_it_lives(&mut self, pid: u32, pidfd: Option<BorrowedFd<'_>>) {
        if self.table.get(&pid).is_some_and(|of| of.now().is_some_and(|phase| phase.learned > self.batch)) {
            return;
        }
        self.table.remove(&pid);
        // What is found then is of this batch.
        self.at += 1;
        self.look_at_unknown(pid, Instant::now());
        // Whoever has the number now need not be who had it.
        if pidfd.is_some_and(is_over) {
            self.table.remove(&pid);
        }
    }

    /// Those that executed something in this batch, and live on.
    pub(super) fn look_at_unsettled(&mut self, now: Instant) {
        for pid in std::mem::take(&mut self.unsettled) {
            let lives = self.table.get(&pid).is_some_and(|process| process.ended.is_none());
            if !lives {
                continue;
            }
            if let Some(process) = self.table.get_mut(&pid) {
                process.is_stale = true;
            }
            self.look_again(pid, now);
        }
    }

    /// Somebody who is known, and may stand elsewhere by now.
    pub(super) fn look_again(&mut self, pid: u32, now: Instant) {
        if self.budget.take(now)
            && let Some(details) = (self.sources.look)(pid)
        {
            self.apply(&details, false);
        }
    }

    /// Puts what was found to what is known.
    fn apply(&mut self, details: &Details, is_whole: bool) {
        let Some(process) = self.table.get_mut(&details.pid) else { return };
        if process.ticks.is_some_and(|ticks| ticks != details.ticks) {
            return;
        }
        process.ticks = Some(details.ticks);
        process.began = process.began.or(details.began);
        process.is_stale = false;
        let awaited = process.awaited.clone();
        let Some(phase) = process.now_mut() else { return };
        let is_settled = name(&phase.state.image, details, awaited.is_some());
        let standing = standing(&phase.state.standing, details);
        if *phase.state.standing != standing {
            phase.state.standing = Arc::new(standing);
        }
        if is_whole || phase.state.uids.is_none() {
            phase.state.uids = Some((details.uid, details.euid));
        }
        phase.actor = None;
        if is_settled {
            process.awaited = None;
        }
    }
}

/// What it executes, if that is not another program by now; whether nothing more has to be waited for.
fn name(image: &Image, details: &Details, is_awaited: bool) -> bool {
    let mut named = image.named();
    let Some(found) = &details.program else { return false };
    let is_same = named.program.as_ref().is_some_and(|known| is_same(known, found));
    if named.program.is_none() || (is_awaited && !is_same) {
        (named.program, named.script) = (Some(found.clone()), None);
        named.command.clone_from(&details.command);
        return false;
    }
    if is_same {
        named.command.clone_from(&details.command);
    }
    is_same
}

fn standing(before: &Standing, details: &Details) -> Standing {
    Standing {
        login_uid: details.login_uid,
        unit: details.unit.clone(),
        container: details.container.clone(),
        terminal: details.terminal.clone(),
        // sudo(8) takes it from the environment, and it is the same connection still.
        ssh: details.ssh.clone().or_else(|| before.ssh.clone()),
        hand: before.hand.clone(),
    }
}

impl Process {
    /// Whether this is the process that was found, and it executes what it was known to.
    fn agrees(&self, details: &Details) -> bool {
        let is_its =
            |phase: &super::process::Phase| match (&phase.state.image.named().program, &details.program) {
                (Some(known), Some(found)) => is_same(known, found),
                (known, found) => known.is_none() && found.is_none(),
            };
        self.ended.is_none()
            && self.ticks.is_none_or(|ticks| ticks == details.ticks)
            && self.now().is_some_and(is_its)
    }
}

/// Whether the process of this descriptor ended: pidfd_open(2).
fn is_over(pidfd: BorrowedFd<'_>) -> bool {
    !matches!(poll(&mut [PollFd::new(pidfd, PollFlags::POLLIN)], PollTimeout::ZERO), Ok(0))
}

const A_SECOND: u32 = 500;
