//! Files that were opened to be executed, until the process itself tells that it executes them.
//!
//! One exec opens a script, its interpreter, and what loads that; the kernel tells of each. Which belong together follows
//! from the loader at the end, and from how many programs the process says to have executed.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::super::who::Executed;
use super::process::is_python;

#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) file: Arc<Executed>,
    /// The point of the queue.
    pub(super) at: u64,
    /// Its process did something else before it opened the next.
    is_followed: bool,
    is_loader: bool,
}

/// What one exec opened, in order; never empty.
#[derive(Debug, Clone)]
pub(super) struct Chain(Vec<Opened>);

impl Chain {
    /// The last one that is no loader; the loader itself if nothing else was executed.
    pub(super) fn program(&self) -> Option<&Opened> {
        last_program(&self.0)
    }

    /// The script that the program was opened for, if the program is Python.
    pub(super) fn script(&self) -> Option<Arc<Executed>> {
        let at = self.0.iter().rposition(|opened| !opened.is_loader)?;
        let (program, before) = (self.0.get(at)?, self.0.get(at.checked_sub(1)?)?);
        (is_python(&program.file.path) && !before.is_loader).then(|| Arc::clone(&before.file))
    }

    pub(super) fn end(&self) -> u64 {
        self.0.last().map_or(0, |opened| opened.at)
    }

    /// Whether nothing more of it can come. A program that is linked statically has no loader.
    pub(super) fn is_closed(&self) -> bool {
        self.0.last().is_some_and(|opened| opened.is_loader)
    }

    /// Either somebody executes the loader, or it is the rest of what was opened before.
    pub(super) fn is_loader_alone(&self) -> bool {
        self.0.iter().all(|opened| opened.is_loader)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &Executed> {
        self.0.iter().map(|opened| &*opened.file)
    }
}

/// By pid.
#[derive(Debug, Default)]
pub(super) struct Opens(HashMap<u32, VecDeque<Opened>>);

impl Opens {
    pub(super) fn push(&mut self, pid: u32, file: Executed, at: u64) {
        if self.0.len() >= MAX_PIDS && !self.0.contains_key(&pid) {
            return;
        }
        let of = self.0.entry(pid).or_default();
        if of.len() == MAX_FILES {
            of.pop_front();
        }
        let is_loader = is_loader(&file.path);
        of.push_back(Opened { file: Arc::new(file), at, is_followed: false, is_loader });
    }

    /// The process did something: where its last program was opened, if that is not settled yet.
    pub(super) fn follow(&mut self, pid: u32) -> Option<u64> {
        let last = self.0.get_mut(&pid)?.back_mut()?;
        last.is_followed = true;
        Some(last.at)
    }

    pub(super) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.0.retain(|&pid, _| keep(pid));
    }

    /// The last program that it opened, whether or not it came to execute it.
    pub(super) fn last(&self, pid: u32) -> Option<Arc<Executed>> {
        let of = self.0.get(&pid)?;
        last_program(of).map(|opened| Arc::clone(&opened.file))
    }

    /// How many chains end by themselves.
    pub(super) fn count(&self, pid: u32) -> usize {
        self.0.get(&pid).map_or(0, |of| ends(of).len())
    }

    /// A program is opened when the one before it was executed or failed. If nothing is under way any more, so many that
    /// were opened and not executed were the first ones.
    pub(super) fn align(&mut self, pid: u32, executed: usize, is_over: bool) {
        let Some(of) = self.0.get_mut(&pid) else { return };
        if ends(of).len() > executed && of.front().is_some_and(|first| first.is_loader) {
            // The end of what was opened for the program before.
            of.pop_front();
        }
        let ends = ends(of);
        let is_over = is_over || of.back().is_some_and(|opened| opened.is_followed);
        if let Some(surplus) = ends.len().checked_sub(executed + 1).filter(|_| is_over && executed > 0)
            && let Some(&end) = ends.get(surplus)
        {
            of.drain(..end);
        }
    }

    /// The first chain, where the process says to have executed so many programs.
    pub(super) fn take(&mut self, pid: u32, executed: usize) -> Option<Chain> {
        let of = self.0.get_mut(&pid)?;
        let end = *split(of, executed).first()?;
        let mut chain: Vec<Opened> = of.drain(..end).collect();
        if of.is_empty() {
            self.0.remove(&pid);
        }
        // What it went on after, without having been replaced, it did not come to execute.
        let inner = chain.len().saturating_sub(1);
        if let Some(failed) = chain.get(..inner)?.iter().rposition(|opened| opened.is_followed)
            && chain.get(failed + 1..)?.iter().any(|opened| !opened.is_loader)
        {
            chain.drain(..=failed);
        }
        (!chain.is_empty()).then_some(Chain(chain))
    }

    /// The program of the first chain, where so many programs were executed.
    pub(super) fn first(&self, pid: u32, executed: usize) -> Option<Arc<Executed>> {
        let of = self.0.get(&pid)?;
        let chain = of.iter().take(*split(of, executed).first()?);
        last_program(chain).map(|opened| Arc::clone(&opened.file))
    }

    /// What was opened before this point, and its process went on without having told that it executes it, failed.
    pub(super) fn drop_failed(&mut self, point: u64) {
        self.0.retain(|_, of| {
            let is_failed = |opened: &Opened| opened.is_followed && opened.at < point;
            if let Some(failed) = of.iter().rposition(is_failed) {
                of.drain(..=failed);
            }
            !of.is_empty()
        });
    }

    pub(super) fn forget_before(&mut self, point: u64) {
        self.0.retain(|_, of| {
            of.retain(|opened| opened.at >= point);
            !of.is_empty()
        });
    }
}

fn last_program<'a>(
    of: impl IntoIterator<Item = &'a Opened, IntoIter: DoubleEndedIterator>,
) -> Option<&'a Opened> {
    let mut last = None;
    for opened in of.into_iter().rev() {
        if !opened.is_loader {
            return Some(opened);
        }
        last = last.or(Some(opened));
    }
    last
}

/// Where chains end: behind each loader.
fn ends(of: &VecDeque<Opened>) -> Vec<usize> {
    let mut ends: Vec<usize> =
        of.iter().enumerate().filter(|(_, opened)| opened.is_loader).map(|(at, _)| at + 1).collect();
    if ends.last() != Some(&of.len()) && !of.is_empty() {
        ends.push(of.len());
    }
    ends
}

/// As [`ends`], with more of them where more was executed: first behind what the process went on after, then behind any.
fn split(of: &VecDeque<Opened>, executed: usize) -> Vec<usize> {
    let mut ends = ends(of);
    let is_behind_program = |end: usize| of.get(end).is_some_and(|next| !next.is_loader);
    let followed = of.iter().enumerate().filter(|(_, opened)| opened.is_followed).map(|(at, _)| at + 1);
    for end in followed.chain(1..of.len()) {
        if ends.len() >= executed {
            break;
        }
        if is_behind_program(end)
            && let Err(place) = ends.binary_search(&end)
        {
            ends.insert(place, end);
        }
    }
    ends
}

/// ld.so(8): `ld-linux-x86-64.so.2`, `ld-2.31.so`, `ld-musl-x86_64.so.1`, `ld64.so.2`.
fn is_loader(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let begins = name.starts_with(b"ld-") || name.starts_with(b"ld64.so") || name.starts_with(b"ld.so");
    begins && (name.ends_with(b".so") || memchr::memmem::find(name, b".so.").is_some())
        // musl's loader is the C library itself.
        || name.starts_with(b"libc.musl-")
}

/// Each process executes one program after another: this many are open between two batches only if somebody means it.
const MAX_PIDS: usize = 65_536;
const MAX_FILES: usize = 64;
