//! The workers of a walk, and the one stack of what there is to do.
//!
//! The newest job is done first: that goes depth first, and keeps what is held open and in memory small. All workers are
//! there from the start, and most of them sleep until they are hired.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::Crew;

/// What is to be done, and who is at it.
#[derive(Debug)]
pub(super) struct Jobs<'a, J> {
    stack: Mutex<Stack<J>>,
    /// There is another job, or there will be none.
    changed: Condvar,
    /// More are hired, or nobody will be.
    hiring: Condvar,
    can_hire: AtomicBool,
    most: usize,
    is_over: &'a AtomicBool,
}

#[derive(Debug)]
struct Stack<J> {
    jobs: Vec<J>,
    /// How many workers are at a job, which may lead to others.
    working: usize,
    waiting: usize,
    /// The workers with a lower number than this.
    hired: usize,
}

impl<J> Stack<J> {
    fn is_done(&self) -> bool {
        self.working == 0 && self.jobs.is_empty()
    }
}

impl<'a, J> Jobs<'a, J> {
    /// For one who does them all.
    pub(super) fn alone(is_over: &'a AtomicBool) -> Self {
        let stack = Stack { jobs: Vec::new(), working: 0, waiting: 0, hired: 1 };
        Self {
            stack: Mutex::new(stack),
            changed: Condvar::new(),
            hiring: Condvar::new(),
            can_hire: AtomicBool::new(false),
            most: 1,
            is_over,
        }
    }

    pub(super) fn push(&self, job: J) {
        let mut stack = self.lock();
        stack.jobs.push(job);
        let is_awaited = stack.waiting > 0;
        drop(stack);
        if is_awaited {
            self.changed.notify_one();
        }
    }

    /// Whether nobody wants the results any more.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Whether some are still asleep.
    pub(super) fn can_hire(&self) -> bool {
        self.can_hire.load(Ordering::Relaxed)
    }

    /// Half as many again, for those that work wait for a disk.
    pub(super) fn hire(&self) {
        let mut stack = self.lock();
        stack.hired = (stack.hired + stack.hired.div_ceil(2)).min(self.most);
        self.can_hire.store(stack.hired < self.most, Ordering::Relaxed);
        drop(stack);
        self.hiring.notify_all();
    }

    /// Sleeps until this worker is hired; not at all if all is done before.
    fn is_hired(&self, number: usize) -> bool {
        let mut stack = self.lock();
        while number >= stack.hired {
            if stack.is_done() {
                return false;
            }
            stack = self.hiring.wait(stack).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// The next job; none once all are done.
    pub(super) fn take(&self) -> Option<(J, Working<'_, 'a, J>)> {
        let mut stack = self.lock();
        loop {
            if self.is_over() {
                stack.jobs.clear();
            }
            if let Some(job) = stack.jobs.pop() {
                stack.working += 1;
                return Some((job, Working(self)));
            }
            if stack.working == 0 {
                self.tell_that_all_is_done(stack);
                return None;
            }
            stack.waiting += 1;
            stack = self.changed.wait(stack).unwrap_or_else(PoisonError::into_inner);
            stack.waiting -= 1;
        }
    }

    fn tell_that_all_is_done(&self, stack: MutexGuard<'_, Stack<J>>) {
        drop(stack);
        self.changed.notify_all();
        self.hiring.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Stack<J>> {
        self.stack.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody is at a job. Whatever becomes of the worker, the others learn that it is no longer.
pub(super) struct Working<'s, 'a, J>(&'s Jobs<'a, J>);

impl<J> Drop for Working<'_, '_, J> {
    fn drop(&mut self) {
        let mut stack = self.0.lock();
        stack.working -= 1;
        if stack.is_done() {
            self.0.tell_that_all_is_done(stack);
        }
    }
}

/// Does `first` and all that follows from it. Each worker that is hired has something of its own, made by `begin` on its
/// thread. That there is none at all has a reason.
pub(super) fn run<J: Send, W>(
    crew: Crew,
    first: J,
    is_over: &AtomicBool,
    begin: impl Fn() -> W + Sync,
    step: impl Fn(&mut W, J, &Jobs<'_, J>) + Sync,
) -> std::io::Result<()> {
    let hired = crew.first.max(1);
    let most = crew.most.max(hired);
    let jobs = Jobs {
        stack: Mutex::new(Stack { jobs: vec![first], working: 0, waiting: 0, hired }),
        changed: Condvar::new(),
        hiring: Condvar::new(),
        can_hire: AtomicBool::new(hired < most),
        most,
        is_over,
    };
    let work = |number| {
        if !jobs.is_hired(number) {
            return;
        }
        let mut own = begin();
        while let Some((job, working)) = jobs.take() {
            step(&mut own, job, &jobs);
            drop(working);
        }
    };
    thread::scope(|scope| {
        let work = &work;
        for number in 0..most {
            match thread::Builder::new().name("files".to_owned()).spawn_scoped(scope, move || work(number)) {
                Ok(_) => {}
                // Fewer are slower, and no less right.
                Err(_) if number > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn what_follows_from_a_job_is_done_too_and_then_all_go_home() {
        let done = AtomicU32::new(0);
        run(
            Crew { first: 1, most: 4 },
            12_u32,
            &AtomicBool::new(false),
            || (),
            |(), depth, jobs| {
                done.fetch_add(1, Ordering::Relaxed);
                if depth > 0 {
                    jobs.hire();
                    jobs.push(depth - 1);
                    jobs.push(depth - 1);
                }
            },
        )
        .unwrap();
        assert_eq!(done.into_inner(), (1 << 13) - 1);
    }

    #[test]
    fn a_worker_that_fails_leaves_nobody_waiting() {
        let failed = std::panic::catch_unwind(|| {
            run(
                Crew { first: 2, most: 4 },
                0,
                &AtomicBool::new(false),
                || (),
                |(), _, _| panic!("on purpose"),
            )
            .unwrap();
        });
        assert!(failed.is_err());
    }

    #[test]
    fn once_it_is_over_nothing_is_begun() {
        let over = AtomicBool::new(false);
        let done = AtomicU32::new(0);
        run(
            Crew { first: 1, most: 4 },
            0,
            &over,
            || (),
            |(), job, jobs| {
                over.store(true, Ordering::Relaxed);
                done.fetch_add(1, Ordering::Relaxed);
                jobs.push(job + 1);
            },
        )
        .unwrap();
        assert_eq!(done.into_inner(), 1);
    }
}
