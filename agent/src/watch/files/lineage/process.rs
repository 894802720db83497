//! A process as far as it is followed: what it was, one thing after another, and what it has from its parents.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

use super::super::updates::Member;
use super::super::who::Executed;
use super::opened::Chain;
use crate::host::Text;
use crate::host::actor::{Actor, Hand, MAX_PARENTS, Program};

/// What a process executes; its children have the same until they execute something themselves.
#[derive(Debug, Default)]
pub(super) struct Image(Mutex<Named>);

/// May come to be known later than the image itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    pub(super) program: Option<Program>,
    pub(super) command: Option<Text>,
    /// What the program was started for, if it is Python: dnf is a script, and installs packages itself.
    pub(super) script: Option<Arc<Executed>>,
}

impl Named {
    /// Device and inode of each.
    pub(super) fn files(&self) -> impl Iterator<Item = (u64, u64)> {
        let program = self.program.iter().map(|program| (program.device, program.inode));
        program.chain(self.script.iter().map(|script| (script.device, script.inode)))
    }
}

impl Image {
    pub(super) fn new(program: Option<Program>, command: Option<Text>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Named { program, command, script: None })))
    }

    pub(super) fn of(file: &Executed, script: Option<Arc<Executed>>) -> Arc<Self> {
        let program = Some(program(file));
        Arc::new(Self(Mutex::new(Named { program, command: None, script })))
    }

    pub(super) fn named(&self) -> MutexGuard<'_, Named> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn program(file: &Executed) -> Program {
    Program { path: file.path.clone(), device: file.device, inode: file.inode, ..Program::default() }
}

fn file(program: Program) -> Executed {
    Executed { path: program.path, device: program.device, inode: program.inode }
}

/// `python3.9`, and what RHEL 8 has for its own tools: `/usr/libexec/platform-python3.6`.
pub(super) fn is_python(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    name.starts_with(b"python") || name.starts_with(b"platform-python")
}

/// Whether both are one file. An overlay shows another device and inode than the file system below it, and a container
/// sees only the end of a path.
pub(super) fn is_same(one: &Program, other: &Program) -> bool {
    let is_end = |whole: &[u8], end: &[u8]| end.len() > 1 && whole.ends_with(end);
    (one.device, one.inode) == (other.device, other.inode)
        || is_end(&one.path, &other.path)
        || is_end(&other.path, &one.path)
}

/// Where somebody stands: for whom, in which unit, at which terminal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Standing {
    pub(super) login_uid: Option<u32>,
    pub(super) unit: Option<Text>,
    pub(super) container: Option<Text>,
    pub(super) terminal: Option<Text>,
    pub(super) ssh: Option<Text>,
    pub(super) hand: Option<Hand>,
}

/// One of those above.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) pid: u32,
    pub(super) image: Arc<Image>,
}

/// What a process is, all that its children inherit.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) image: Arc<Image>,
    /// The real and the effective one.
    pub(super) uids: Option<(u32, u32)>,
    pub(super) standing: Arc<Standing>,
    pub(super) update: Option<Member>,
}

/// What a process was from one point of the fanotify queue on.
#[derive(Debug)]
pub(super) struct Phase {
    /// The first point.
    pub(super) from: u64,
    /// It was learned at the end of a batch, here: a point before that may be of the same batch.
    pub(super) learned: u64,
    pub(super) state: State,
    /// Another user that it was in the batch in which this was learned: before or after is not known. (Between the ends of
    /// the two queues lie some microseconds more, which are not reckoned with.)
    pub(super) other: Option<(u32, u32)>,
    pub(super) kind: Turn,
    /// As it was told; emptied when more is known.
    pub(super) actor: Option<Arc<Actor>>,
}

/// What made it another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Born,
    Executed,
    /// It executed something of which the other queue did not tell yet, and never may.
    ExecutedUnseen,
    ChangedUser,
}

#[derive(Debug)]
pub(super) struct Process {
    /// Tells it from another one with the same pid.
    pub(super) number: u64,
    pub(super) ticks: Option<u64>,
    pub(super) began: Option<Timestamp>,
    pub(super) parents: Arc<[Link]>,
    /// Never empty; the last one is now.
    pub(super) phases: Vec<Phase>,
    /// Points before this may be of another process with the same pid.
    pub(super) shared_until: u64,
    /// It was found as it was, after some events were lost.
    pub(super) confirmed_at: u64,
    /// It may stand elsewhere than its parent.
    pub(super) is_stale: bool,
    pub(super) is_seeded: bool,
    pub(super) ended: Option<Instant>,
    /// Where that was learned.
    pub(super) ended_at: u64,
    /// An image whose files may come with the next batch.
    pub(super) awaited: Option<Arc<Image>>,
    /// What its children have for parents.
    pub(super) as_parent: Option<Arc<[Link]>>,
}

impl State {
    pub(super) fn unknown() -> Self {
        Self { image: Image::new(None, None), uids: None, standing: Arc::default(), update: None }
    }
}

impl Process {
    pub(super) fn new(number: u64, state: State, parents: Arc<[Link]>, learned: u64) -> Self {
        let first = Phase { from: 0, learned, state, other: None, kind: Turn::Born, actor: None };
        Self {
            number,
            ticks: None,
            began: None,
            parents,
            phases: vec![first],
            shared_until: 0,
            confirmed_at: 0,
            is_stale: false,
            is_seeded: false,
            ended: None,
            ended_at: 0,
            awaited: None,
            as_parent: None,
        }
    }

    pub(super) fn now(&self) -> Option<&Phase> {
        self.phases.last()
    }

    pub(super) fn now_mut(&mut self) -> Option<&mut Phase> {
        self.phases.last_mut()
    }

    pub(super) fn update(&self) -> Option<Member> {
        self.now()?.state.update
    }

    /// Its phase at a point, by its place.
    pub(super) fn phase_at(&self, at: u64) -> usize {
        self.phases.iter().rposition(|phase| phase.from <= at).unwrap_or(0)
    }

    pub(super) fn turn(&mut self, phase: Phase) {
        if self.phases.len() == MAX_PHASES {
            self.phases.remove(0);
        }
        self.phases.push(phase);
        self.as_parent = None;
    }

    /// As whom it executes something. Where the program made it so (set-id), that is told before, and of the program alone.
    pub(super) fn uids_at_exec(&mut self, at: u64) -> Option<(u32, u32)> {
        let last = self.phases.last()?;
        let uids = last.state.uids;
        if last.kind == Turn::ChangedUser && last.learned == at && self.phases.len() > 1 {
            self.phases.pop();
            if let (Some((real, effective)), Some(before)) = (uids, self.phases.last_mut())
                && real == effective
            {
                before.other = uids;
                before.learned = at;
                before.actor = None;
            }
        }
        uids
    }

    /// The rest of what was opened for an image has come.
    pub(super) fn complete(&mut self, image: &Arc<Image>, chain: &Chain) {
        if let Some(opened) =
            chain.program().filter(|_| !chain.is_loader_alone() || image.named().program.is_none())
        {
            let mut named = image.named();
            let before = named.program.replace(program(&opened.file));
            // The script came with the batch before.
            let alone =
                || before.filter(|_| is_python(&opened.file.path)).map(|script| Arc::new(file(script)));
            named.script = chain.script().or_else(alone);
        }
        for phase in self.phases.iter_mut().filter(|phase| Arc::ptr_eq(&phase.state.image, image)) {
            phase.actor = None;
            if phase.kind == Turn::ExecutedUnseen {
                phase.kind = Turn::Executed;
                phase.from = chain.end();
            }
        }
    }

    /// What its children begin with for parents: itself, then its own.
    pub(super) fn links(&mut self, pid: u32) -> Arc<[Link]> {
        if let Some(links) = &self.as_parent {
            return Arc::clone(links);
        }
        let own = self.now().map(|phase| Link { pid, image: Arc::clone(&phase.state.image) });
        let links: Arc<[Link]> =
            own.into_iter().chain(self.parents.iter().cloned()).take(MAX_PARENTS).collect();
        self.as_parent = Some(Arc::clone(&links));
        links
    }
}

/// Whoever asks for an older one gets the oldest: questions are about the last few batches.
const MAX_PHASES: usize = 8;
