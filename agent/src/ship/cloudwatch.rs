//! CloudWatch Logs: the journal's lines as events of a stream, each of them accepted or accounted for.
//!
//! - A request is planned from the front of a batch (`plan`), obeys every rule of PutLogEvents (`request`), and what the
//!   answer says of each event is read (`rejected`). What was accepted is not sent again, whatever became of the others.
//! - A record that is too old is sent under the present time, or summed up in a note; one that is refused by itself
//!   has a note in its place. A note that is refused, too, shows that everything is: then nothing is given up.
//! - Nothing is ever described: the stream is made when the answer says that it is missing, the group never.

mod plan;
mod put;
mod rejected;
mod request;
mod when;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::aws::{Aws, Failure, Reason, Session};
use super::matters::{Matter, Matters};
use super::{Bounds, Delivered, Refusal, Shipper, Trouble, splay};
use crate::finding::Severity;
use crate::finding::wire::record::{Id, Kind};
use crate::journal::Entry;
use plan::Part;
use request::{Event, MAX_BYTES, MAX_EVENTS, Request};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The cursor's name.
    pub name: &'static str,
    pub select: Select,
    /// Templates.
    pub group: String,
    pub stream: String,
    /// A fleet's deliveries are spread over such a time.
    pub window: Duration,
    /// From this severity on nothing waits.
    pub urgent: Severity,
    pub digests_the_old: bool,
    /// The namespace and the fleet of the heartbeats' metrics.
    pub metrics: Option<(String, String)>,
}

/// Which records go there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    All,
    /// Critical findings and heartbeats.
    Alarms,
    Checkpoints,
}

impl Select {
    fn takes(self, entry: &Entry) -> bool {
        match self {
            Self::All => true,
            Self::Checkpoints => entry.kind == Kind::Checkpoint,
            Self::Alarms if entry.kind == Kind::Heartbeat => true,
            Self::Alarms => entry.severity == Severity::Critical && !is_routine(entry.kind),
        }
    }
}

#[derive(Debug)]
pub struct CloudWatch {
    settings: Settings,
    aws: Arc<Aws>,
    matters: Matters,
    progress: Progress,
    /// How old an event may be that is still taken, as the answers taught, and when.
    learned: Option<(i64, Instant)>,
    /// How many records it refused for good.
    refused: u64,
    /// How many events the next request may have; less than the rule while a refused one is searched.
    most: usize,
}

/// What is known of the records before the cursor moves over them.
#[derive(Debug, Default)]
struct Progress {
    /// By epoch and seq.
    accepted: HashSet<(Id, u64, Part)>,
    /// Their own time was refused as too new.
    retimed: HashSet<(Id, u64)>,
    /// Refused by themselves: a note goes in their place.
    refused: HashSet<(Id, u64)>,
    told: Vec<Refusal>,
}

impl CloudWatch {
    pub fn new(settings: Settings, aws: Arc<Aws>, matters: Matters) -> Self {
        Self {
            settings,
            aws,
            matters,
            progress: Progress::default(),
            learned: None,
            refused: 0,
            most: MAX_EVENTS,
        }
    }
}

impl Shipper for CloudWatch {
    fn name(&self) -> &'static str {
        self.settings.name
    }

    fn bounds(&self) -> Bounds {
        Bounds { records: MAX_EVENTS, bytes: MAX_BYTES }
    }

    fn poll(&self) -> Duration {
        POLL
    }

    fn patience(&self, waiting: &[Entry], now: Timestamp) -> Duration {
        let wanted = |entry: &&Entry| self.settings.select.takes(entry);
        let is_urgent = |entry: &Entry| entry.severity >= self.settings.urgent && !is_routine(entry.kind);
        match waiting.iter().find(wanted) {
            Some(first) if !waiting.iter().filter(wanted).any(is_urgent) => {
                splay::wait(&first.line, self.settings.window, now)
            }
            _ => Duration::ZERO,
        }
    }

    fn deliver(&mut self, batch: &[Entry]) -> Result<Delivered, Trouble> {
        match self.rounds(batch) {
            Ok(delivered) => Ok(delivered),
            Err(failure) => {
                self.tell(&failure);
                Err(failure.into_retry())
            }
        }
    }
}

impl CloudWatch {
    /// Requests until something from the front of the batch is done with.
    fn rounds(&mut self, batch: &[Entry]) -> Result<Delivered, Failure> {
        for _ in 0..MAX_ROUNDS {
            let done = self.done(batch);
            if done > 0 {
                return Ok(self.finish(batch, done));
            }
            let session = self.aws.session()?;
            let (stream, request) = self.plan(batch, &session);
            self.round(batch, &session, &stream, request)?;
        }
        Err(Failure::new(
            Reason::Other,
            "PutLogEvents: it keeps none of the events, and the reasons it gives do not help".to_owned(),
        ))
    }

    fn round(
        &mut self,
        batch: &[Entry],
        session: &Arc<Session>,
        stream: &str,
        request: Request,
    ) -> Result<(), Failure> {
        let group = self.group(session);
        match self.put(session, &group, stream, &request.events) {
            Ok(split) => {
                self.most = self.most.saturating_mul(2).min(MAX_EVENTS);
                self.matters.close(Matter::Logs, &self.settings.group);
                self.matters.close(Matter::Account, &self.settings.group);
                self.split(batch, &request.events, &split);
                Ok(())
            }
            Err(failure) if failure.reason == Reason::Missing => self.make_stream(session, &group, stream),
            Err(failure) if failure.reason == Reason::Invalid => self.search(batch, &request.events, failure),
            Err(failure) => Err(failure),
        }
    }

    /// What the answer says of each event.
    fn split(&mut self, batch: &[Entry], events: &[Event], split: &rejected::Split) {
        for event in &events[split.accepted.clone()] {
            self.accept(batch, event);
        }
        for event in &events[split.too_new.clone()] {
            self.progress.retimed.extend(batch[event.entries.clone()].iter().map(key));
        }
        let old = &events[split.too_old.clone()];
        if let Some(youngest) = old.iter().map(|event| event.timestamp).max() {
            self.learn(youngest);
        }
        // What a metric was two weeks ago nobody plots.
        for event in old.iter().filter(|event| event.part == Part::Metrics) {
            self.accept(batch, event);
        }
    }

    fn accept(&mut self, batch: &[Entry], event: &Event) {
        let part = if event.part == Part::Metrics { Part::Metrics } else { Part::Record };
        for entry in &batch[event.entries.clone()] {
            let (epoch, seq) = key(entry);
            self.progress.accepted.insert((epoch, seq, part));
            if event.part == Part::Note {
                self.account(entry);
            }
        }
    }

    /// A note stands where the record would: it is told here, too.
    fn account(&mut self, entry: &Entry) {
        let is_refused = self.progress.refused.contains(&key(entry));
        let text = if is_refused {
            self.refused += 1;
            let what = format!(
                "{} since the start, the last a {} record, {}: a note stands in the place of each",
                self.refused,
                entry.kind.name(),
                entry.position
            );
            self.matters.open(Matter::Refused, &self.settings.group, &what, "that every record is taken");
            "InvalidParameterException, also by itself; a note stands in its place"
        } else {
            "too old for the log group; a digest stands in its place"
        };
        self.progress.told.push(Refusal { position: entry.position, text: text.to_owned() });
    }

    /// Something in the request is not taken, and nobody says what: half of it is tried next.
    fn search(&mut self, batch: &[Entry], events: &[Event], failure: Failure) -> Result<(), Failure> {
        match events {
            [event] if event.part == Part::Record => {
                self.progress.refused.extend(batch[event.entries.clone()].iter().map(key));
                Ok(())
            }
            [event] if event.part == Part::Metrics => {
                self.accept(batch, event);
                Ok(())
            }
            // A note that is refused has nothing to be refused for: it is not the records.
            [_] | [] => {
                self.progress.refused.clear();
                Err(failure)
            }
            _ => {
                self.most = events.len() / 2;
                Ok(())
            }
        }
    }

    /// How many from the front of the batch are accepted, or never wanted.
    fn done(&self, batch: &[Entry]) -> usize {
        let is_done = |entry: &&Entry| !self.settings.select.takes(entry) || self.lacks(entry).is_empty();
        batch.iter().take_while(is_done).count()
    }

    /// The parts of a record that are still to be accepted.
    fn lacks(&self, entry: &Entry) -> Vec<Part> {
        let (epoch, seq) = key(entry);
        let has_metrics = self.settings.metrics.is_some() && entry.kind == Kind::Heartbeat;
        let parts = [Some(Part::Record), has_metrics.then_some(Part::Metrics)].into_iter().flatten();
        parts.filter(|part| !self.progress.accepted.contains(&(epoch, seq, *part))).collect()
    }

    fn finish(&mut self, batch: &[Entry], done: usize) -> Delivered {
        for entry in &batch[..done] {
            let (epoch, seq) = key(entry);
            self.progress.accepted.remove(&(epoch, seq, Part::Record));
            self.progress.accepted.remove(&(epoch, seq, Part::Metrics));
            self.progress.retimed.remove(&(epoch, seq));
            self.progress.refused.remove(&(epoch, seq));
        }
        let is_done =
            |refusal: &Refusal| batch[..done].iter().any(|entry| entry.position == refusal.position);
        let (refused, later) = std::mem::take(&mut self.progress.told).into_iter().partition(is_done);
        self.progress.told = later;
        Delivered { records: done, refused }
    }

    fn learn(&mut self, youngest: i64) {
        let age = self.aws.clock().now().as_millisecond().saturating_sub(youngest).saturating_sub(1);
        // No group keeps less than a day: whoever says so of less is not asked to decide.
        self.learned = Some((age.max(LEAST_AGE), Instant::now()));
    }

    /// How old an event may be.
    fn max_age(&self) -> i64 {
        match self.learned {
            Some((age, since)) if since.elapsed() < BELIEVED => age.min(MAX_AGE),
            _ => MAX_AGE,
        }
    }

    /// For whoever looks at the host: the sensor makes a finding of it.
    fn tell(&self, failure: &Failure) {
        let (matter, expected) = match failure.reason {
            Reason::WrongAccount => (Matter::Account, "credentials of the instance's own account"),
            _ => (Matter::Logs, "that the log group takes the records"),
        };
        self.matters.open(matter, &self.settings.group, &failure.text, expected);
    }
}

fn key(entry: &Entry) -> (Id, u64) {
    (entry.position.epoch, entry.position.seq)
}

/// Kinds whose severity is about keeping them, and not about telling them soon.
fn is_routine(kind: Kind) -> bool {
    matches!(kind, Kind::Heartbeat | Kind::Inventory | Kind::Checkpoint | Kind::Lifecycle)
}

const DAY: i64 = 24 * 3_600_000;
/// Fourteen days, and ten minutes for the way.
const MAX_AGE: i64 = 14 * DAY - 600_000;
const LEAST_AGE: i64 = DAY / 2;
/// Whoever has changed a group's retention is noticed after this.
const BELIEVED: Duration = Duration::from_secs(24 * 3600);
/// A record on its way is on its way within a second; looking costs a listing of a directory.
const POLL: Duration = Duration::from_secs(1);
/// Halving ten thousand to one takes fourteen; then come the stream and the note.
const MAX_ROUNDS: usize = 20;
