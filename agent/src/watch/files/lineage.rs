//! Who a pid was when it touched a file: what processes do, followed from two queues of the kernel.
//!
//! The queue of fanotify(7) tells which files a pid opened to execute them, among all that it touched, in the right order.
//! The process connector tells who begot whom, who executes another program, who changed its user, and who ended. An exec
//! there is an exec here: the first one of a pid is the first program that it opened, and so on. As the queue of files is
//! read first and this one after it, whatever made a process what it was when it touched a file has been told by then.
//! `/proc` has the rest (command line, unit, who logged in) of processes that live long enough to be looked at.

mod follow;
mod look;
mod opened;
mod process;
mod tell;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::errno::Errno;
use nix::time::{ClockId, clock_gettime};

use super::updates::{Recognised, Updates};
use super::who::{Ended, Executed, Mark, OfRun, UpdateId, Who};
use crate::host::actor::{Actor, Details};
use crate::sys::process_events::{ProcessEvent, ProcessEvents};
use look::Budget;
use opened::Opens;
use process::Process;

/// What is asked about processes.
pub struct Sources {
    /// Where there is none, only what lives can be told of.
    pub events: Option<ProcessEvents>,
    /// What a process is now; none if it is gone.
    pub look: Box<dyn FnMut(u32) -> Option<Details> + Send>,
    /// All that live.
    pub pids: Box<dyn FnMut() -> Vec<u32> + Send>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("events", &self.events).finish_non_exhaustive()
    }
}

/// All processes, followed.
pub struct Lineage {
    sources: Sources,
    /// Otherwise only what lives can be told of.
    follows: bool,
    table: HashMap<u32, Process>,
    /// Those that ended, the oldest first, each with its number.
    ended: VecDeque<(u32, u64, Instant)>,
    opens: Opens,
    updates: Updates,
    budget: Budget,
    /// The point of the queue of files that is being read.
    at: u64,
    /// Where the batch began that is being read.
    batch: u64,
    /// Before this point events of processes were lost.
    doubt_until: u64,
    /// The next process's.
    number: u64,
    /// What was learned in this batch: whose image may have no name yet, and which runs began.
    unsettled: Vec<u32>,
    awaited: Vec<u32>,
    begun: Vec<(UpdateId, u32, u64)>,
    /// What CLOCK_MONOTONIC is behind the wall clock, in nanoseconds.
    offset: i128,
    /// Programs may have been executed of which the queue of files tells nothing.
    is_lost: bool,
    /// The kernel's queue failed, and is not asked any more.
    broken: Option<Errno>,
    overruns: u64,
}

impl Lineage {
    /// Follows from now on; whoever lives already is looked at once.
    pub fn start(sources: Sources, recognised: Recognised) -> Self {
        let mut lineage = Self {
            follows: sources.events.is_some(),
            sources,
            table: HashMap::new(),
            ended: VecDeque::new(),
            opens: Opens::default(),
            updates: Updates::new(recognised),
            budget: Budget::new(Instant::now()),
            at: 1,
            batch: 1,
            doubt_until: 0,
            number: 0,
            unsettled: Vec::new(),
            awaited: Vec::new(),
            offset: 0,
            begun: Vec::new(),
            is_lost: false,
            broken: None,
            overruns: 0,
        };
        if lineage.follows {
            lineage.seed();
        }
        lineage
    }

    /// How often the kernel had more to tell than its queue holds.
    pub fn overruns(&self) -> u64 {
        self.overruns
    }

    /// Why processes are not followed any more, if so.
    pub fn broken(&self) -> Option<Errno> {
        self.broken
    }

    fn read(&mut self, now: Instant) {
        let Some(queue) = &mut self.sources.events else { return };
        let (mut events, mut is_overrun) = (Vec::new(), false);
        loop {
            let before = events.len();
            match queue.drain(&mut events) {
                Ok(lost) => is_overrun |= lost,
                Err(errno) => {
                    self.broken = Some(errno);
                    self.sources.events = None;
                    self.follows = false;
                    is_overrun = true;
                    break;
                }
            }
            if events.len() == before {
                break;
            }
        }
        self.offset = offset();
        self.batch_ends(&events, is_overrun, now);
    }

    /// What processes did until the queue of files was empty, and a little longer.
    fn batch_ends(&mut self, events: &[ProcessEvent], is_overrun: bool, now: Instant) {
        self.at += 1;
        let is_overrun = is_overrun || std::mem::take(&mut self.is_lost);
        if is_overrun {
            self.overruns += 1;
            self.doubt_until = self.at;
        }
        self.follow(events, now);
        if is_overrun {
            self.reseed(now);
        }
        self.look_at_unsettled(now);
        self.name_runs();
        self.opens.drop_failed(self.batch);
        self.forget_ended(now);
        self.batch = self.at;
    }
}

impl Who for Lineage {
    fn executed(&mut self, pid: u32, program: Executed) {
        self.at += 1;
        self.opens.push(pid, program, self.at);
    }

    fn lost(&mut self) {
        self.is_lost = true;
    }

    fn mark(&mut self, pid: u32, pidfd: Option<BorrowedFd<'_>>) -> Mark {
        if !self.follows {
            self.look_while_it_lives(pid, pidfd);
        }
        let at = self.opens.follow(pid).map_or(self.batch, |at| at.max(self.batch));
        Mark { pid, at }
    }

    fn drain(&mut self) {
        let now = Instant::now();
        if self.follows {
            self.read(now);
        } else {
            self.at += 1;
            // Whoever was met in the batch before may be somebody else in the next.
            let batch = self.batch;
            self.table.retain(|_, process| process.now().is_some_and(|phase| phase.learned > batch));
            self.opens.forget_before(batch);
            self.batch = self.at;
        }
    }

    fn actor(&mut self, mark: &Mark) -> Option<Arc<Actor>> {
        self.tell(mark.pid, mark.at)
    }

    fn update(&mut self, mark: &Mark) -> Option<OfRun> {
        let process = self.table.get(&mark.pid).filter(|process| mark.at >= process.shared_until)?;
        let state = &process.phases.get(process.phase_at(mark.at))?.state;
        self.updates.of_run(state.update?, state.image.named().files())
    }

    fn ended(&mut self, now: Instant) -> Vec<Ended> {
        self.updates.ended(now)
    }

    fn due(&self) -> Option<Instant> {
        self.updates.due()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.sources.events.as_ref().map(ProcessEvents::descriptor)
    }
}

fn offset() -> i128 {
    let monotonic = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
    Timestamp::now().as_nanosecond() - i128::try_from(monotonic.as_nanos()).unwrap_or(0)
}

impl fmt::Debug for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lineage").field("processes", &self.table.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod live {
    mod tests;
}
#[cfg(test)]
mod tests;
