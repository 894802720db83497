//! `guestward run`: the sensor. One loop over a closed [`Input`]; whoever waits for something does so on a thread of
//! its own and hands it over through a bounded channel.
//!
//! The loop alone owns the journal, the state and the policy. It never waits for a shipper, and a disk that takes
//! nothing costs memory up to a bound and then the least urgent records, by count and by name (`daemon/waiting.rs`).

mod appeared;
mod files;
mod first_key;
mod identify;
pub mod init_key;
mod live;
mod looks;
mod noticed;
mod own_key;
mod recall;
mod recording;
mod reload;
mod start;
mod status;
mod threads;
mod timers;
mod waiting;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::check;
use crate::finding::wire::body::{Heartbeat, Inventory, Lifecycle, Told};
use crate::finding::wire::record::{self, Hash, Kind};
use crate::finding::{Severity, Summary};
use crate::host::imds::{Document, Unverified};
use crate::journal::key::Key;
use crate::journal::places::Places;
use crate::journal::{Directory, Draft, Journal, Position, cursor};
use crate::policy::Policy;
use crate::state::{Judged, State};
use crate::sys::clock::Stepped;
use crate::sys::notify::Notifier;
use crate::sys::own::Own;
use crate::sys::signals::Signal;
use crate::sys::socket::Connection;
use crate::watch::Settle;
use crate::watch::inputs::Seen;
use appeared::Memory;
use files::{Compared, Files};
use identify::Identity;
use live::News;
use looks::{Look, Order};
use recall::StateFile;
pub use start::{CannotRun, Setup, run};
use timers::Timers;
use waiting::Waiting;

/// Everything that can happen to the sensor.
#[derive(Debug)]
enum Input {
    Looked(Box<Look>),
    Compared(Box<Compared>),
    /// A file was touched, or something of that kind.
    Live(Box<News>),
    ClockStepped(Stepped),
    Seen(Seen),
    Signal(Signal),
    /// Somebody asks how we are.
    Asked(Connection),
    /// What was found out of who we are.
    Identified(Box<Result<Document, Unverified>>),
}

/// How the loop ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Wanted(Signal),
    /// Every thread that could have told us anything is gone.
    Alone,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wanted(Signal::Interrupt) => "SIGINT",
            Self::Wanted(_) => "SIGTERM",
            Self::Alone => "nothing left to wait for",
        })
    }
}

type LoadPolicy = Box<dyn Fn() -> Result<Policy, String>>;

/// What the loop owns.
struct Daemon {
    places: Places,
    policy: Arc<Policy>,
    policy_digest: Hash,
    load_policy: LoadPolicy,
    journal: Journal<Directory>,
    cursors: Directory,
    key: Option<Key<Directory>>,
    /// Why there is no key, if there ought to be one.
    key_trouble: Option<String>,
    /// There is a key, or there is to be none; and whoever carries it away has what there is to carry.
    is_key_settled: bool,
    state: State,
    files: Files,
    state_file: StateFile,
    /// What is outstanding, and since when.
    memory: Memory,
    /// There is more in the state than in its file.
    is_unsaved: bool,
    /// When the file was written last.
    saved: Option<Instant>,
    waiting: Waiting,
    timers: Timers,
    settle: Settle,
    /// Why changes may have gone unnoticed, and when that was told last.
    blindness: BTreeMap<String, Instant>,
    /// Topics whose turn has come.
    queue: crate::watch::Topics,
    orders: SyncSender<Order>,
    /// The look that is under way, and since when.
    under_way: Option<(Instant, Option<crate::watch::Topics>)>,
    /// A look at everything was asked for since that one was ordered.
    is_wanted: bool,
    last_look: Option<LastLook>,
    identity: Identity,
    notifier: Notifier,
    own: Option<Own>,
    began: Instant,
    /// What the journal said when it refused last.
    trouble: Option<String>,
    last_record: Option<Timestamp>,
}

/// What the status tells of the latest look.
#[derive(Debug, Clone)]
struct LastLook {
    time: Timestamp,
    took: Duration,
    is_whole: bool,
}

impl Daemon {
    fn serve(&mut self, inputs: &Receiver<Input>) -> Stop {
        self.look(None);
        loop {
            self.act();
            let wait = self.timers.next(self.settle.next_due()).saturating_duration_since(Instant::now());
            let input = match inputs.recv_timeout(wait) {
                Ok(input) => input,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Stop::Alone,
            };
            match input {
                Input::Signal(Signal::Reload) => self.reload(),
                Input::Signal(signal) => return Stop::Wanted(signal),
                Input::Looked(look) => self.looked(*look),
                Input::Compared(compared) => self.compared(*compared),
                Input::Live(news) => self.noticed(*news),
                Input::ClockStepped(stepped) => self.clock_stepped(stepped),
                Input::Seen(seen) => self.seen(seen),
                Input::Asked(connection) => self.answer(connection),
                Input::Identified(found) => self.identified(*found),
            }
        }
    }

    /// Whatever the clock says is due.
    fn act(&mut self) {
        let now = Instant::now();
        if self.timers.watchdog.take_due(now) && !self.is_stuck(now) {
            self.notifier.ping();
        }
        if self.timers.retry.take_due(now) {
            self.flush();
        }
        if self.timers.identity.take_due(now) {
            self.identify(now);
        }
        if self.timers.posture.take_due(now) || (self.is_wanted && self.under_way.is_none()) {
            self.look(None);
        }
        if self.under_way.is_none() {
            self.look_at_the_next(now);
        }
        if self.timers.files.take_due(now) {
            self.compare();
        }
        if self.timers.lost.take_due(now) {
            self.say_lost();
        }
        if self.timers.heartbeat.take_due(now) {
            self.heartbeat();
        }
        if self.timers.checkpoint.take_due(now) {
            self.checkpoint();
        }
    }

    /// What changed is looked at topic by topic, so that what is seen in a moment is told in a moment, and one that takes
    /// long does not make the others rest as long.
    fn look_at_the_next(&mut self, now: Instant) {
        let due = self.settle.take_due(now);
        self.queue.extend(due);
        let next = check::TOPICS.iter().find(|topic| self.queue.contains(topic.name));
        if let Some(topic) = next {
            self.queue.remove(topic.name);
            self.look(Some([topic.name].into()));
        }
    }

    /// A look that never ends is a sensor that does not see: the service manager is to start another.
    fn is_stuck(&self, now: Instant) -> bool {
        self.under_way.as_ref().is_some_and(|(began, _)| now.duration_since(*began) > LONGEST_LOOK)
    }

    /// Orders a look at some topics, or at everything.
    fn look(&mut self, topics: Option<crate::watch::Topics>) {
        let order = Order { policy: Arc::clone(&self.policy), topics: topics.clone() };
        let now = Instant::now();
        if self.under_way.is_none() && self.orders.try_send(order).is_ok() {
            if topics.is_none() {
                self.is_wanted = false;
                self.queue.clear();
            }
            self.under_way = Some((now, topics));
            return;
        }
        // One at a time: what was asked for meanwhile follows when this one is done.
        match topics {
            Some(topics) => self.settle.changed(&topics, now),
            None => self.is_wanted = true,
        }
    }

    fn seen(&mut self, seen: Seen) {
        match seen {
            Seen::Changed { topics, .. } => {
                // What somebody accepts is told at once.
                if topics.contains("files") && self.files.has_moved() {
                    self.files.noticing.renew(&self.policy);
                    self.compare();
                }
                self.settle.changed(&topics, Instant::now());
            }
            // What changed cannot be said, so everything may have.
            Seen::Blind(why) => {
                let now = Instant::now();
                self.settle.changed(&check::TOPICS.iter().map(|topic| topic.name).collect(), now);
                self.tell_blindness(why.as_str(), now);
            }
        }
    }

    /// Whoever makes us lose sight again and again must not fill the journal with it.
    fn tell_blindness(&mut self, why: &str, now: Instant) {
        self.blindness.retain(|_, told| now.duration_since(*told) < BLIND_AGAIN);
        if self.blindness.len() < MAX_BLINDNESS && !self.blindness.contains_key(why) {
            self.blindness.insert(why.to_owned(), now);
            let event = Lifecycle::Trouble { reason: Told::new(why) };
            self.record(vec![draft(Kind::Lifecycle, Severity::Medium, event.to_json())]);
        }
    }

    fn looked(&mut self, look: Look) {
        self.under_way = None;
        let topics =
            look.topics.clone().unwrap_or_else(|| check::TOPICS.iter().map(|topic| topic.name).collect());
        let is_whole = look.topics.is_none();
        // How often everything is looked at is the policy's to say. What that costs delays no change after it.
        self.settle.looked(&topics, look.began, if is_whole { look.began } else { look.ended });
        let took = look.ended.duration_since(look.began);
        self.last_look = Some(LastLook { time: look.time, took, is_whole });
        // A policy that came meanwhile has its own look, which follows.
        let judged = Judged { asked: look.asked, enabled: look.enabled, findings: &look.findings };
        let changes = self.state.compare(&judged, look.time);
        let mut drafts: Vec<Draft> = changes
            .iter()
            .map(|change| Draft {
                time: look.time,
                kind: Kind::Finding,
                severity: change.severity,
                body: change.to_json(),
            })
            .collect();
        let now = Instant::now();
        if is_whole {
            self.timers.posture.set(now + timers::jittered(self.policy.posture_interval()));
            self.compare_first(now);
            if self.timers.inventory.take_due(now) || !self.timers.inventory.is_set() {
                let body = Inventory::of(&look.findings).to_json();
                drafts.push(draft(Kind::Inventory, Severity::Informational, body));
                self.timers.inventory.set(now + self.policy.inventory_interval());
            }
        }
        self.is_unsaved |= !changes.is_empty();
        drafts.extend(look.patches.and_then(|seen| self.patched(*seen)));
        self.record(drafts);
        // Also when there was nothing to record.
        self.save_state();
        if !self.timers.heartbeat.is_set() {
            self.heartbeat();
        }
        self.notifier.status(&self.in_a_line());
    }

    fn heartbeat(&mut self) {
        self.save_state();
        self.timers.heartbeat.set(Instant::now() + self.policy.heartbeat_interval());
        self.journal.free_old(Timestamp::now());
        let cost = self.own.as_mut().and_then(Own::cost);
        let backlog = self.worst_backlog();
        let totals = self.journal.totals();
        let heartbeat = Heartbeat {
            posture: self.state.counts(),
            version: env!("CARGO_PKG_VERSION"),
            policy: self.policy_digest.0,
            backlog_records: backlog.records,
            backlog_bytes: backlog.bytes,
            gaps: totals.gaps,
            dropped: totals.dropped,
            cpu: cost.map_or(Duration::ZERO, |cost| cost.cpu),
            rss: cost.map_or(0, |cost| cost.rss),
            up: self.began.elapsed(),
        };
        self.record(vec![draft(Kind::Heartbeat, Severity::Informational, heartbeat.to_json())]);
    }

    fn worst_backlog(&self) -> crate::journal::Backlog {
        let backlogs = shippers(&self.policy).into_iter().map(|name| self.backlog(name));
        backlogs.max_by_key(|backlog| backlog.records).unwrap_or_else(|| self.journal.backlog(None))
    }

    fn backlog(&self, shipper: &str) -> crate::journal::Backlog {
        self.journal.backlog(cursor::newest(&self.cursors, shipper).ok().flatten())
    }

    /// Everything that is on its way is recorded; then the agent says that it stops, and seals that.
    fn stop(&mut self, stop: Stop, inputs: &Receiver<Input>) {
        self.notifier.stopping();
        while let Ok(input) = inputs.try_recv() {
            match input {
                Input::Looked(look) => self.looked(*look),
                Input::Compared(compared) => self.compared(*compared),
                Input::Live(news) => self.noticed(*news),
                _ => {}
            }
        }
        self.is_unsaved = true;
        self.flush();
        self.saved = None;
        self.save_state();
        let event = Lifecycle::Stop { reason: Told::new(&stop.to_string()) };
        self.record(vec![draft(Kind::Lifecycle, Severity::Low, event.to_json())]);
        self.checkpoint();
    }

    fn in_a_line(&self) -> String {
        if let Some(trouble) = &self.trouble {
            return trouble.clone();
        }
        let Summary { fail, unknown, worst, .. } = self.state.counts();
        let worst = worst.map_or_else(String::new, |worst| format!(", worst {worst}"));
        format!("{fail} failing, {unknown} unknown{worst}; seq {}", self.journal.head().seq)
    }
}

fn digest(policy: &Policy) -> Hash {
    Hash(policy.digest(&check::vocabulary()))
}

/// The shippers whose deliveries count: those that carry the records themselves.
fn shippers(policy: &Policy) -> Vec<&'static str> {
    let is_in_the_cloud = policy.cloudwatch_enabled();
    [
        ("local", policy.local_enabled()),
        ("stdout", policy.local_stdout()),
        ("cloudwatch", is_in_the_cloud),
        ("cloudwatch-alarms", is_in_the_cloud && policy.alarm_group().is_some()),
        ("cloudwatch-checkpoints", is_in_the_cloud && policy.checkpoint_group().is_some()),
    ]
    .into_iter()
    .filter_map(|(name, is_enabled)| is_enabled.then_some(name))
    .collect()
}

/// The position that all have reached; `None` when one has reached none.
fn least(positions: impl Iterator<Item = Option<Position>>) -> Option<Position> {
    let mut least: Option<Position> = None;
    for position in positions {
        let position = position?;
        least = Some(match least {
            Some(other) if other.is_before(&position) => other,
            _ => position,
        });
    }
    least
}

fn draft(kind: Kind, severity: Severity, body: String) -> Draft {
    let severity =
        severity.max(if kind.is_about_the_journal() { record::usual_severity(kind) } else { severity });
    Draft { time: Timestamp::now(), kind, severity, body }
}

/// A matter that stays is told as often as the agent says that it is there.
const BLIND_AGAIN: Duration = Duration::from_secs(60 * 60);
/// Directories that cannot be watched have a reason each.
const MAX_BLINDNESS: usize = 100;
/// The longest look that was measured took a minute, in an emulated machine.
const LONGEST_LOOK: Duration = Duration::from_secs(15 * 60);
