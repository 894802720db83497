//! The live watch of files: the kernel's queue emptied, what it means found out, and handed over when it has settled.

mod placing;

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::batch::Batch;
use super::fallback::Fallback;
use super::gathered::{Settle, Touch};
use super::kernel::{Asked, Kernel};
use super::losses::Losses;
use super::marked::MarkedFiles;
use super::mounts::Table;
use super::opens::Opens;
use super::pending::{Pending, Taken};
use super::runs::Runs;
use super::setup::{By, Covered, Setup, Waker};
use super::who::{Ended, Mark, Who};
use super::{Held, Interest, Noticed, Why};
use crate::host::Text;
use crate::host::files::mounts::OWN_MOUNTS;
use crate::sys::fanotify::Group;

pub struct Watch {
    interest: Arc<dyn Interest>,
    held: Held,
    kinds: Vec<String>,
    who: Box<dyn Who>,
    kernel: Kernel,
    fallback: Option<Fallback>,
    /// Tells when something is mounted, proc_pid_mountinfo(5); what was, when it last told.
    mountinfo: Option<File>,
    table: Table,
    generation: u64,
    pending: Pending,
    runs: Runs,
    opens: Opens,
    losses: Losses,
    out: VecDeque<Noticed>,
    /// What nobody took, and when it is given again.
    refused: Option<(Noticed, Instant)>,
    waker: Waker,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("kernel", &self.kernel).finish_non_exhaustive()
    }
}

impl Watch {
    /// Where fanotify(7) cannot be had, inotify(7) stands in for it; nothing is an error here, [`Watch::coverage`] tells.
    pub fn start(setup: Setup) -> Self {
        let wants_pidfd = setup.who.descriptor().is_none();
        Self::with(Group::new(wants_pidfd).map_err(|errno| Text::new(refusal(errno))), setup)
    }

    /// Goes on with the group of an earlier process, which the service manager kept: what changed since waits in it.
    /// What it cannot be is told as lost, and the watch starts anew.
    pub fn resume(descriptor: OwnedFd, setup: Setup) -> Self {
        match Group::adopt(descriptor) {
            Ok(group) => {
                // Those of an earlier policy. The ones that count are marked again at once.
                let _ = group.unmark_files();
                Self::with(Ok(group), setup)
            }
            Err(why) => {
                let mut watch = Self::start(setup);
                watch.losses.add(Why::Broken(Text::new(&why)), None, Timestamp::now());
                watch
            }
        }
    }

    fn with(group: Result<Group, Text>, setup: Setup) -> Self {
        let Setup { interest, held, decoys, hot, kinds, who } = setup;
        let mut watch = Self {
            generation: interest.generation(),
            kernel: Kernel::new(group, MarkedFiles::new(decoys, hot)),
            fallback: None,
            mountinfo: File::open(OWN_MOUNTS).ok(),
            table: Table::default(),
            pending: Pending::new(held.clone(), MAX_PENDING),
            runs: Runs::new(held.clone(), MAX_OF_RUNS),
            opens: Opens::new(),
            losses: Losses::default(),
            out: VecDeque::new(),
            refused: None,
            waker: Waker::new(),
            interest,
            held,
            kinds,
            who,
        };
        watch.place();
        watch.table.take();
        watch.stand_in();
        watch
    }

    /// What has to be kept for [`Watch::resume`]; none where inotify stands in.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.kernel.group.as_ref().ok().map(Group::descriptor)
    }

    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    pub fn coverage(&self) -> Vec<Covered> {
        let mut list = self.kernel.disks.coverage();
        for covered in &mut list {
            let count = self.fallback.as_ref().and_then(|fallback| fallback.count(&covered.point));
            if let (By::Nobody(_), Some(count)) = (&covered.by, count) {
                covered.by = By::Directories(count);
            }
        }
        list
    }

    /// Waits for something to happen, at most so long, and gives what has settled. What `give` does not take is kept and
    /// given again soon.
    pub fn turn(&mut self, within: Duration, give: &mut dyn FnMut(Noticed) -> Result<(), Noticed>) {
        let has_mounted = self.wait(within);
        let generation = self.interest.generation();
        if has_mounted || generation != self.generation {
            self.generation = generation;
            self.mark_singles();
            self.place();
            self.rest();
            self.tell_mounts();
            self.stand_in();
        }
        // The queue still holds what those wrote last: they were gone when it was read before.
        let ended = self.who.ended(Instant::now());
        self.look();
        ended.into_iter().for_each(|ended| self.finish(ended));
        self.hand_over(give);
    }

    /// Where nothing is wanted any more, nothing is told any more.
    fn rest(&mut self) {
        if let (true, Ok(group)) = (self.kernel.disks.is_empty(), &self.kernel.group) {
            // What remains marked for nothing costs time, and is no error.
            let _ = group.unmark_file_systems();
        }
    }

    /// Another policy may name other files.
    fn mark_singles(&mut self) {
        let Some(singles) = self.interest.singles() else { return };
        if self.kernel.marked.is(&singles) {
            return;
        }
        if let Ok(group) = &self.kernel.group {
            // What remains marked for nothing tells of what nobody asks about.
            let _ = group.unmark_files();
        }
        self.kernel.marked = MarkedFiles::new(singles.decoys, singles.hot);
    }

    /// Whether something was mounted.
    fn wait(&self, within: Duration) -> bool {
        let now = Instant::now();
        let end = self.due().map_or(now + within, |due| due.min(now + within));
        let left = end.saturating_duration_since(now);
        let millis = i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
        let files = [
            (self.mountinfo.as_ref().map(File::as_fd), PollFlags::POLLPRI),
            (self.descriptor(), PollFlags::POLLIN),
            (self.who.descriptor(), PollFlags::POLLIN),
            (self.waker.0.as_ref().map(|event| event.as_fd()), PollFlags::POLLIN),
        ];
        let mut polled: Vec<PollFd<'_>> =
            files.into_iter().filter_map(|(file, flags)| Some(PollFd::new(file?, flags))).collect();
        match poll(&mut polled, PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)) {
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => sleep(GATHER),
            Err(_) => sleep(RETRY),
        }
        let happened =
            |at: usize| polled.get(at).and_then(PollFd::revents).is_some_and(|what| !what.is_empty());
        let has_mounted = self.mountinfo.is_some() && happened(0);
        self.waker.calm();
        has_mounted
    }

    /// When there is something to do without anything happening.
    fn due(&self) -> Option<Instant> {
        let mut give = [self.pending.due(), self.opens.due(), self.runs.due()].into_iter().flatten().min();
        if !self.out.is_empty() || !self.losses.is_empty() {
            give = Some(Instant::now());
        }
        if let Some((_, again)) = &self.refused {
            give = Some(*again);
        }
        [give, self.who.due()].into_iter().flatten().min()
    }

    /// Reads what happened, and finds out who did it.
    fn look(&mut self) {
        let mut batch = Batch::new(Timestamp::now());
        let mut asked = Asked { interest: &*self.interest, who: &mut *self.who };
        if let Err(why) = self.kernel.drain(&mut asked, &mut batch) {
            self.losses.add(Why::Broken(why), None, batch.at);
            self.renew();
        }
        if let Some(fallback) = &mut self.fallback
            && let Some(why) = fallback.drain(&*self.interest, &mut batch)
        {
            self.losses.add(Why::Unwatched(why), None, batch.at);
        }
        self.who.drain();
        batch.tell(&mut self.losses);
        self.fold(batch);
    }

    fn fold(&mut self, batch: Batch) {
        let now = Instant::now();
        let mut made = Vec::new();
        for (touch, mark) in &batch.touches {
            if self.take(touch, mark, now) == Some(Taken::New) && touch.settle == Settle::Created {
                made.push(touch.path.clone());
            }
        }
        for (touch, mark) in &batch.asides {
            if !self.pending.contains(&touch.path) && !self.runs.contains(&touch.path) {
                self.take(touch, mark, now);
            }
        }
        for path in made.iter().filter(|path| is_whole(path)) {
            self.pending.hurry(path, now);
        }
        for (path, mark) in batch.opened {
            let actor = self.who.actor(&mark);
            self.opens.take(path, mark.pid, actor, batch.at);
        }
    }

    /// None of what a run keeps.
    fn take(&mut self, touch: &Touch, mark: &Mark, now: Instant) -> Option<Taken> {
        let actor = self.who.actor(mark);
        match self.who.update(mark) {
            Some(of) if self.pending.contains(&touch.path) => self.runs.share(of, &touch.path),
            Some(of) if self.runs.take(of, touch, actor.clone(), now) => return None,
            Some(_) => {}
            None => {
                for (path, earlier) in self.runs.leave(&touch.path, touch.is_tree) {
                    self.pending.take_over(&path, earlier, now);
                }
            }
        }
        let taken = self.pending.take(touch, actor, now);
        if taken == Taken::NoRoom {
            let slash = touch.path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
            self.losses.add(Why::Room, Some(&touch.path[..slash.max(1)]), touch.at);
        }
        Some(taken)
    }

    fn finish(&mut self, ended: Ended) {
        let Some(update) = self.runs.finish(ended) else { return };
        if self.out.len() < MAX_OUT {
            return self.out.push_back(Noticed::Update(Box::new(update)));
        }
        self.held.release(update.touched.iter().map(|of| &of.touched.path[..]));
        self.losses.add(Why::Room, None, update.ended);
    }

    /// The descriptor failed: another one, which knows nothing of what was in the first.
    fn renew(&mut self) {
        sleep(RETRY);
        let wants_pidfd = self.who.descriptor().is_none();
        self.kernel.group = Group::new(wants_pidfd).map_err(|errno| Text::new(refusal(errno)));
        self.place();
        self.stand_in();
    }

    fn hand_over(&mut self, give: &mut dyn FnMut(Noticed) -> Result<(), Noticed>) {
        let now = Instant::now();
        if self.refused.as_ref().is_some_and(|(_, again)| now < *again) {
            return;
        }
        while let Some(noticed) = self.next(now) {
            if let Err(refused) = give(noticed) {
                return self.refused = Some((refused, now + RETRY));
            }
        }
    }

    fn next(&mut self, now: Instant) -> Option<Noticed> {
        if let Some((refused, _)) = self.refused.take() {
            return Some(refused);
        }
        if let Some(lost) = self.losses.next() {
            return Some(Noticed::Lost(lost));
        }
        if let Some(noticed) = self.out.pop_front() {
            return Some(noticed);
        }
        if let Some(opened) = self.opens.next(now) {
            return Some(Noticed::Opened(Box::new(opened)));
        }
        let meanwhile = self.runs.meanwhile(now, MAX_GIVEN);
        if !meanwhile.is_empty() {
            return Some(Noticed::Meanwhile(meanwhile));
        }
        let ready = self.pending.ready(now, MAX_GIVEN);
        (!ready.is_empty()).then_some(Noticed::Touched(ready))
    }
}

/// Whether a file that was made is what it is to be: only one that is written to will be closed.
fn is_whole(path: &[u8]) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let found = Path::new(std::ffi::OsStr::from_bytes(path)).symlink_metadata();
    found.is_ok_and(|found| !found.is_file() || found.nlink() > 1)
}

fn refusal(errno: Errno) -> &'static str {
    match errno {
        Errno::EPERM => "fanotify needs CAP_SYS_ADMIN",
        Errno::EINVAL | Errno::ENOSYS => "the kernel's fanotify tells no names (Linux 5.9)",
        Errno::EMFILE => "no group is left; raise fs.fanotify.max_user_groups",
        errno => errno.desc(),
    }
}

/// Changes come in groups.
const GATHER: Duration = Duration::from_millis(1);
/// How soon what nobody took is given again.
const RETRY: Duration = Duration::from_millis(5);
/// Some 400 bytes each.
const MAX_PENDING: usize = 65_536;
/// Of all runs of package managers that are not over.
const MAX_OF_RUNS: usize = 200_000;
const MAX_OUT: usize = 64;
const MAX_GIVEN: usize = 512;

#[cfg(test)]
mod tests;
