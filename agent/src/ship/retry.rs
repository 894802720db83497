//! Trying again: the one loop for all shippers. It never gives up, and never lets one record hold up the others.
//!
//! It has no clock, no chance and no disk of its own, so that a test can play all of them.

use std::io;
use std::time::Duration;

use jiff::Timestamp;

use super::status::Standing;
use super::{Delivered, Refusal, Shipper, Trouble};
use crate::journal::{Entry, Position};

/// Time and chance, as far as the loop needs them.
pub(super) trait Pace {
    /// Waits so long, or until somebody asks to stop: then the answer is true.
    fn wait(&mut self, time: Duration) -> bool;
    fn is_stopped(&self) -> bool;
    /// Any number, each as likely as the other.
    fn random(&mut self) -> u64;
    fn now(&self) -> Timestamp;
    fn tell(&mut self, text: &str);
}

/// Why the loop ended before everything was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Halt {
    /// Somebody asked; the rest comes again.
    Asked,
    Useless(String),
}

/// A shipper at work.
pub(super) struct Loop<'a> {
    pub(super) shipper: &'a mut dyn Shipper,
    /// Takes note of how far it came: on the disk when it returns.
    pub(super) keep: &'a mut dyn FnMut(Position) -> io::Result<()>,
    pub(super) pace: &'a mut dyn Pace,
    pub(super) standing: &'a Standing,
}

impl Loop<'_> {
    /// Everything, or as much of it as could be done before somebody asked to stop.
    pub(super) fn deliver(&mut self, mut rest: Vec<Entry>) -> Result<(), Halt> {
        let Some(end) = rest.last().map(|entry| entry.position) else { return Ok(()) };
        let mut backoff = Backoff::default();
        let mut limit = rest.len();
        let mut kept = None;
        while !rest.is_empty() {
            limit = limit.clamp(1, rest.len());
            match self.shipper.deliver(&rest[..limit]) {
                Ok(delivered) if (1..=limit).contains(&delivered.records) => {
                    backoff = Backoff::default();
                    let done: Vec<Entry> = rest.drain(..delivered.records).collect();
                    self.count(&done, &delivered);
                    kept = done.last().map(|entry| entry.position);
                    self.keep(kept.unwrap_or(end))?;
                    limit = limit.saturating_mul(2);
                }
                Ok(_) => self.wait(&mut backoff, None, "it took nothing and did not say why")?,
                Err(Trouble::Retry { after, text }) => self.wait(&mut backoff, after, &text)?,
                Err(Trouble::Refused { positions, text }) => {
                    limit = self.refuse(&mut rest, limit, &positions, &text);
                }
                Err(Trouble::Stop { text }) => return Err(Halt::Useless(text)),
            }
            if self.pace.is_stopped() && !rest.is_empty() {
                return Err(Halt::Asked);
            }
        }
        // The last one may have been refused: it is done with all the same.
        if kept == Some(end) { Ok(()) } else { self.keep(end) }
    }

    fn count(&mut self, done: &[Entry], delivered: &Delivered) {
        let refusal =
            |entry: &Entry| delivered.refused.iter().find(|refusal| refusal.position == entry.position);
        self.standing.delivered(done.iter().filter(|entry| refusal(entry).is_none()), self.pace.now());
        if self.standing.works() {
            self.pace.tell("delivers again");
        }
        for entry in done {
            if let Some(refusal) = refusal(entry) {
                self.note(entry, &refusal.text);
            }
        }
    }

    /// Takes out what was refused, or narrows down where it is. The answer is how many to hand over next.
    fn refuse(&mut self, rest: &mut Vec<Entry>, limit: usize, positions: &[Position], text: &str) -> usize {
        let named = |entry: &Entry| positions.contains(&entry.position);
        let tried = &rest[..limit];
        let is_named = tried.iter().any(named);
        if !is_named && limit > 1 {
            return limit / 2;
        }
        let refused = |index: usize, entry: &Entry| index < limit && (!is_named || named(entry));
        for (index, entry) in std::mem::take(rest).into_iter().enumerate() {
            if refused(index, &entry) {
                self.note(&entry, text);
            } else {
                rest.push(entry);
            }
        }
        limit.saturating_mul(2)
    }

    fn note(&mut self, entry: &Entry, text: &str) {
        let (kind, position) = (entry.kind, entry.position);
        self.pace.tell(&format!("will never be taken: a {} record, {position}: {text}", kind.name()));
        self.standing.refused(kind, Refusal { position, text: text.to_owned() });
    }

    /// The cursor's own disk can fail, too: nothing more is delivered before it knows.
    fn keep(&mut self, to: Position) -> Result<(), Halt> {
        let mut backoff = Backoff::default();
        while let Err(cause) = (self.keep)(to) {
            self.wait(&mut backoff, None, &format!("cannot write the cursor: {cause}"))?;
        }
        if self.standing.works() {
            self.pace.tell("keeps its cursor again");
        }
        self.standing.at(Some(to));
        Ok(())
    }

    fn wait(&mut self, backoff: &mut Backoff, after: Option<Duration>, text: &str) -> Result<(), Halt> {
        wait(self.standing, self.pace, backoff, after, text)
    }
}

/// One wait between two attempts, told to whoever looks.
pub(super) fn wait(
    standing: &Standing,
    pace: &mut dyn Pace,
    backoff: &mut Backoff,
    after: Option<Duration>,
    text: &str,
) -> Result<(), Halt> {
    if standing.failed(text, pace.now()) {
        pace.tell(&format!("{text}; trying again, nothing is lost"));
    }
    let time = backoff.next(after, pace.random());
    if pace.wait(time) { Err(Halt::Asked) } else { Ok(()) }
}

/// How long to wait: longer after each failure, and for no two machines the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Anything from nothing to the bound of its turn. A destination that named a time is not asked before; then the
    /// same spread keeps a fleet that it sent away together from coming back together.
    pub(super) fn next(&mut self, after: Option<Duration>, random: u64) -> Duration {
        let bound = FIRST.saturating_mul(1 << self.failures.min(MAX_DOUBLINGS)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        match after.map(|after| after.min(LONGEST_NAMED)) {
            Some(after) => after + part(after.min(bound), random),
            None => part(bound, random),
        }
    }
}

/// So much of a time as `random` is of the largest number.
fn part(time: Duration, random: u64) -> Duration {
    let nanos = time.as_nanos() * u128::from(random) / u128::from(u64::MAX);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Most trouble is over at once.
const FIRST: Duration = Duration::from_millis(200);
/// Beyond a minute, waiting longer saves nobody anything, and people wait for what they have just mended.
const LONGEST: Duration = Duration::from_secs(60);
/// 200 ms so often doubled are more than the longest.
const MAX_DOUBLINGS: u32 = 9;
/// A destination that names a longer time is asked after this one: it may have been wrong.
const LONGEST_NAMED: Duration = Duration::from_secs(3600);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests;
