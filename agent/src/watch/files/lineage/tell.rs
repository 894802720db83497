//! A process put into words for whoever asks who it was.

use std::sync::Arc;
use std::time::Instant;

use super::Lineage;
use super::process::{Named, Phase, Process, Standing, Turn, program};
use crate::host::Text;
use crate::host::actor::{Actor, Ancestor, Hand};

impl Lineage {
    pub(super) fn tell(&mut self, pid: u32, at: u64) -> Option<Arc<Actor>> {
        if pid == 0 {
            return None;
        }
        let now = Instant::now();
        if !self.table.contains_key(&pid) {
            self.look_at_unknown(pid, now);
        }
        if self.table.get(&pid).is_some_and(|process| process.is_stale && process.ended.is_none()) {
            self.look_again(pid, now);
        }
        let is_doubtful =
            |process: &Process| at < self.doubt_until && process.confirmed_at != self.doubt_until;
        let Some(process) = self.table.get_mut(&pid) else {
            return Some(Arc::new(self.of_nobody(pid, at)));
        };
        if at < process.shared_until {
            return Some(Arc::new(Actor { pid, unknown: Some(Text::new(SHARED)), ..Actor::default() }));
        }
        let is_doubtful = is_doubtful(process);
        let place = process.phase_at(at);
        let mut unknown = Vec::new();
        if is_doubtful {
            unknown.push(LOST.to_owned());
        }
        if process
            .phases
            .get(place + 1)
            .is_some_and(|next| next.kind == Turn::ExecutedUnseen && at < next.learned)
        {
            unknown.push(UNSEEN.to_owned());
        }
        let phase = process.phases.get(place)?;
        if let Some((real, effective)) = phase.other.filter(|_| at < phase.learned) {
            unknown.push(format!("{ELSEWHO} {real} (effective {effective})"));
        }
        if phase.state.image.named().program.is_none() && !process.is_of_kernel() {
            unknown.push(NO_PROGRAM.to_owned());
        }
        if phase.state.uids.is_none() {
            unknown.push(NO_USER.to_owned());
        }
        if let Some(actor) = phase.actor.as_ref().filter(|_| unknown.is_empty()) {
            return Some(Arc::clone(actor));
        }
        let is_known = unknown.is_empty();
        let actor = Arc::new(actor(pid, process, phase, &unknown));
        if is_known && let Some(phase) = process.phases.get_mut(place) {
            phase.actor = Some(Arc::clone(&actor));
        }
        Some(actor)
    }

    /// Somebody who was gone before anybody knew.
    fn of_nobody(&self, pid: u32, at: u64) -> Actor {
        let file = self.opens.last(pid);
        let why = if at < self.doubt_until { LOST } else { GONE };
        Actor {
            pid,
            program: file.map(|file| program(&file)),
            unknown: Some(Text::new(why)),
            ..Actor::default()
        }
    }

    /// Whoever began a run is told when it was looked at.
    pub(super) fn name_runs(&mut self) {
        for (id, pid, at) in std::mem::take(&mut self.begun) {
            if let Some(by) = self.tell(pid, at) {
                self.updates.name(id, by);
            }
        }
    }
}

impl Process {
    /// Its threads have nothing to execute.
    fn is_of_kernel(&self) -> bool {
        self.ticks.is_some() && self.parents.iter().all(|link| link.image.named().program.is_none())
    }
}

fn actor(pid: u32, process: &Process, phase: &Phase, unknown: &[String]) -> Actor {
    let standing = &*phase.state.standing;
    let named = phase.state.image.named().clone();
    let above = || process.parents.iter().find_map(|link| hand(&Standing::default(), &link.image.named()));
    let unknown = unknown.join("; ");
    Actor {
        pid,
        began: process.began,
        hand: hand(standing, &named).or_else(above),
        program: named.program,
        command: named.command,
        uid: phase.state.uids.map(|(real, _)| real),
        euid: phase.state.uids.map(|(_, effective)| effective),
        login_uid: standing.login_uid,
        unit: standing.unit.clone(),
        container: standing.container.clone(),
        terminal: standing.terminal.clone(),
        ssh: standing.ssh.clone(),
        parents: process.parents.iter().map(|link| ancestor(link.pid, &link.image.named())).collect(),
        unknown: (!unknown.is_empty()).then(|| Text::from(unknown)),
    }
}

fn ancestor(pid: u32, named: &Named) -> Ancestor {
    let path = named.program.as_ref().map(|program| program.path.clone());
    Ancestor { pid, path, command: named.command.clone() }
}

/// On whose behalf: what was found further up stays, for it began there.
pub(super) fn hand(standing: &Standing, named: &Named) -> Option<Hand> {
    if standing.hand.is_some() {
        return standing.hand.clone();
    }
    let path = named.program.as_ref().map_or(&[][..], |program| &program.path);
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let command = named.command.as_ref().map_or("", Text::as_str);
    if SSM_WORKERS.contains(&name) {
        return Some(Hand::Ssm {
            command: command.split(' ').nth(1).filter(|id| !id.is_empty()).map(Text::new),
        });
    }
    if ANSIBLE.iter().any(|mark| command.contains(mark)) {
        return Some(Hand::Ansible);
    }
    let is_cloud_init = |unit: &Text| CLOUD_INIT.contains(&unit.as_str());
    standing.unit.as_ref().is_some_and(is_cloud_init).then_some(Hand::CloudInit)
}

/// They are started with the command's or the session's id: agent/session/datachannel and agent/framework of
/// amazon-ssm-agent.
const SSM_WORKERS: [&[u8]; 2] = [b"ssm-document-worker", b"ssm-session-worker"];
/// What its modules are called on the machine that they run on.
const ANSIBLE: [&str; 2] = ["ansible-tmp-", "AnsiballZ_"];
/// Its stages, under the names that they have had.
const CLOUD_INIT: [&str; 6] = [
    "cloud-init-local.service",
    "cloud-init-main.service",
    "cloud-init-network.service",
    "cloud-init.service",
    "cloud-config.service",
    "cloud-final.service",
];
const SHARED: &str = "two processes had this number at about that time";
const LOST: &str = "more processes came and went at once than the kernel keeps account of";
const UNSEEN: &str = "it executed another program at about that time";
const ELSEWHO: &str = "whether that was before or after its user changed is not known: it also was user";
const NO_PROGRAM: &str = "what it executed lies where nobody watches";
const NO_USER: &str = "its user is not known";
const GONE: &str = "it was gone before it could be looked at";
