//! What processes did, one event after another.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Lineage;
use super::opened::Chain;
use super::process::{Image, Phase, Process, Standing, State, Turn, is_same, program};
use super::tell::hand;
use crate::sys::process_events::ProcessEvent;
use crate::watch::files::updates::Member;

impl Lineage {
    pub(super) fn follow(&mut self, events: &[ProcessEvent], now: Instant) {
        // By how many programs a process executed it is known which files were opened for one of them.
        let (mut execs, mut exits): (HashMap<u32, usize>, HashSet<u32>) = Default::default();
        for event in events {
            match event {
                ProcessEvent::Exec { pid } => *execs.entry(*pid).or_insert(0) += 1,
                ProcessEvent::Exit { pid } => drop(exits.insert(*pid)),
                _ => {}
            }
        }
        self.settle_awaited(&execs, now);
        for (&pid, &executed) in &execs {
            self.opens.align(pid, executed, exits.contains(&pid));
        }
        for event in events {
            match *event {
                ProcessEvent::Fork { parent, child, at } => self.forked(parent, child, at, now),
                ProcessEvent::Exec { pid } => {
                    let left = execs.entry(pid).or_insert(1);
                    let executed = *left;
                    *left = left.saturating_sub(1);
                    self.executes(pid, executed, now);
                }
                ProcessEvent::Uid { pid, real, effective } => self.changes_user(pid, (real, effective)),
                ProcessEvent::Exit { pid } => self.exits(pid, now),
            }
        }
    }

    fn forked(&mut self, parent: u32, child: u32, at: u64, now: Instant) {
        if self.table.get(&child).is_some_and(|is| is.is_seeded && is.ended.is_none()) {
            // It was there already when all were looked at, and its birth was still to be told.
            return;
        }
        if !self.table.contains_key(&parent) {
            self.look_at_unknown(parent, now);
        }
        let mut born = match self.table.get_mut(&parent) {
            Some(process) => {
                let parents = process.links(parent);
                let state = process.now().map_or_else(State::unknown, |phase| phase.state.clone());
                let is_stale = process.is_stale || parent <= INIT || lets_others_in(&state.image);
                let standing = inherited(parent, &state);
                let mut born = Process::new(self.number, State { standing, ..state }, parents, self.at);
                born.is_stale = is_stale;
                born
            }
            None => Process::new(self.number, State::unknown(), Arc::from([]), self.at),
        };
        self.number += 1;
        born.began = Timestamp::from_nanosecond(i128::from(at) + self.offset).ok();
        if let Some(former) = self.table.get(&child) {
            // What that one did last may be in the batch that was just read, and what this one did first.
            if former.ended.is_none() || former.ended_at >= self.batch {
                born.shared_until = self.at;
            }
            if former.ended.is_none() {
                self.exits(child, now);
            }
        }
        self.updates.joined(born.update());
        self.insert(child, born);
    }

    fn executes(&mut self, pid: u32, executed: usize, now: Instant) {
        let chain = self.opens.take(pid, executed);
        if !self.table.contains_key(&pid) {
            let unknown = Process::new(self.number, State::unknown(), Arc::from([]), self.at);
            self.number += 1;
            self.insert(pid, unknown);
        }
        let Some(process) = self.table.get_mut(&pid) else { return };
        if process.ended.take().is_some() {
            // Another thread than the first executes it, and takes the pid over.
            self.updates.joined(process.update());
        }
        let uids = process.uids_at_exec(self.at);
        let Some(before) = process.now().map(|phase| phase.state.clone()) else { return };
        let files = chain.iter().flat_map(Chain::files);
        let (update, is_new) = self.updates.executed(before.update, files, now);
        let found = chain.as_ref().and_then(|chain| chain.program().map(|opened| (chain, opened)));
        let (image, from, kind) = match found {
            Some((chain, opened)) => (Image::of(&opened.file, chain.script()), chain.end(), Turn::Executed),
            None => (Image::new(None, None), self.at, Turn::ExecutedUnseen),
        };
        process.awaited = None;
        if chain.is_none_or(|chain| !chain.is_closed()) {
            process.awaited = Some(Arc::clone(&image));
            self.awaited.push(pid);
        }
        let standing = inherited(INIT + 1, &before);
        let state = State { image, uids, standing, update };
        process.turn(Phase { from, learned: self.at, state, other: None, kind, actor: None });
        self.unsettled.push(pid);
        if let Some(Member { run: id, .. }) = update.filter(|_| is_new) {
            self.begun.push((id, pid, from));
        }
    }

    /// Of images that were not whole when they were executed, the rest is in the batch after it or nowhere.
    fn settle_awaited(&mut self, execs: &HashMap<u32, usize>, now: Instant) {
        for pid in std::mem::take(&mut self.awaited) {
            let Some(process) = self.table.get_mut(&pid) else { continue };
            let Some(image) = process.awaited.take() else { continue };
            let more = execs.get(&pid).copied().unwrap_or(0);
            let Some(first) = self.opens.first(pid, more + 1) else { continue };
            let is_its = match &image.named().program {
                Some(known) if is_same(known, &program(&first)) => true,
                _ => self.opens.count(pid) > more,
            };
            if let Some(chain) = if is_its { self.opens.take(pid, more + 1) } else { None } {
                process.complete(&image, &chain);
                // A script that came with the batch before is still what is executed.
                let script = image.named().script.clone();
                if !chain.is_closed() {
                    process.awaited = Some(image);
                    self.awaited.push(pid);
                }
                let files = chain.files().chain(script.as_deref());
                let (update, is_new) = self.updates.executed(process.update(), files, now);
                if let Some(phase) = process.now_mut() {
                    phase.state.update = update;
                }
                if let Some(Member { run: id, .. }) = update.filter(|_| is_new) {
                    self.begun.push((id, pid, chain.end()));
                }
            }
        }
    }

    fn changes_user(&mut self, pid: u32, uids: (u32, u32)) {
        let (at, batch) = (self.at, self.batch);
        let Some(process) = self.table.get_mut(&pid) else { return };
        process.is_stale = true;
        let Some(last) = process.now_mut() else { return };
        let before = last.state.uids;
        if before == Some(uids) {
            return;
        }
        // Not before this batch's end, or not the first time in it.
        if last.from >= at || (last.kind == Turn::ChangedUser && last.learned == at) {
            last.state.uids = Some(uids);
            last.actor = None;
            return;
        }
        let state = State { uids: Some(uids), ..last.state.clone() };
        let from = last.from.max(batch);
        process.turn(Phase { from, learned: at, state, other: before, kind: Turn::ChangedUser, actor: None });
    }

    pub(super) fn exits(&mut self, pid: u32, now: Instant) {
        let Some(process) = self.table.get_mut(&pid).filter(|process| process.ended.is_none()) else {
            return;
        };
        process.ended = Some(now);
        process.ended_at = self.at;
        self.ended.push_back((pid, process.number, now));
        self.updates.left(process.update(), now);
    }

    /// What is still in the other queue when a process ends is asked about a little later.
    pub(super) fn forget_ended(&mut self, now: Instant) {
        while self.ended.front().is_some_and(|(_, _, at)| now >= *at + GRACE) {
            self.forget_oldest();
        }
        // Of who is gone nothing more is to come.
        let (table, batch) = (&self.table, self.batch);
        self.opens.retain(|pid| table.get(&pid).is_none_or(|of| of.ended.is_none() || of.ended_at >= batch));
    }

    fn forget_oldest(&mut self) {
        let Some((pid, number, _)) = self.ended.pop_front() else { return };
        if self.table.get(&pid).is_some_and(|process| process.number == number && process.ended.is_some()) {
            self.table.remove(&pid);
        }
    }

    pub(super) fn insert(&mut self, pid: u32, process: Process) {
        while self.table.len() >= MAX_PROCESSES && !self.ended.is_empty() {
            self.forget_oldest();
        }
        if self.table.len() < MAX_PROCESSES || self.table.contains_key(&pid) {
            self.table.insert(pid, process);
        } else {
            self.updates.left(process.update(), Instant::now());
        }
    }
}

/// What its children have of how a process stands. Those of PID 1 are services, each of its own unit.
pub(super) fn inherited(parent: u32, state: &State) -> Arc<Standing> {
    if parent <= INIT {
        return Arc::default();
    }
    match hand(&state.standing, &state.image.named()) {
        Some(hand) if state.standing.hand.is_none() => {
            Arc::new(Standing { hand: Some(hand), ..(*state.standing).clone() })
        }
        _ => Arc::clone(&state.standing),
    }
}

/// Whether it makes its children stand elsewhere than itself, pam_loginuid(8) and pam_systemd(8).
fn lets_others_in(image: &Image) -> bool {
    let named = image.named();
    let path = named.program.as_ref().map_or(&[][..], |program| &program.path);
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    LETTING_IN.contains(&name)
}

/// PID 1, and the kernel's own that begets its threads.
const INIT: u32 = 2;
const LETTING_IN: &[&[u8]] = &[
    b"sshd",
    b"sshd-session",
    b"sshd-auth",
    b"login",
    b"su",
    b"sudo",
    b"cron",
    b"crond",
    b"atd",
    b"systemd",
    b"systemd-executor",
    b"runuser",
    b"ssm-agent-worker",
    b"amazon-ssm-agent",
];
/// Batches are milliseconds apart.
const GRACE: Duration = Duration::from_secs(2);
/// The oldest that ended goes first.
const MAX_PROCESSES: usize = 65_536;
