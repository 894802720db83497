//! File integrity in the sensor: comparisons with the baseline on a thread of their own, and what the loop makes of them.
//!
//! A baseline is never made here, and never made anew: what is damaged, gone or another than it was is told.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::noticed::Noticing;
use super::{Daemon, Input, timers};
use crate::baseline::diff::{self, CannotCompare, Depth, Report};
use crate::baseline::last;
use crate::baseline::standing::Stands;
use crate::finding::wire::body::DriftBody;
use crate::finding::wire::integrity::Integrity;
use crate::finding::wire::record::{Hash, Kind};
use crate::finding::wire::status;
use crate::host::Host;
use crate::journal::{Digests, Draft};
use crate::policy::Policy;
use crate::state::drift::DriftState;
use crate::sys::clock::Stepped;

/// What is to be compared, by which policy.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) policy: Arc<Policy>,
    pub(super) depth: Depth,
    /// It gives way to whoever else works on the machine, until this is set.
    polite_until: Option<Arc<AtomicBool>>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Compared {
    time: Timestamp,
    ordered: Depth,
    stands: Stands,
    outcome: Result<Report, CannotCompare>,
}

/// Compares whenever it is ordered to, until nobody orders or listens any more.
pub(super) fn serve(
    directory: &Path,
    is_over: &AtomicBool,
    orders: &Receiver<Order>,
    inputs: &SyncSender<Input>,
) {
    while let Ok(order) = orders.recv() {
        let compared = compare(directory, is_over, &order);
        // What a comparison took is not kept: the next is an hour away.
        crate::sys::memory::give_back();
        if inputs.send(Input::Compared(Box::new(compared))).is_err() {
            return;
        }
    }
}

fn compare(directory: &Path, is_over: &AtomicBool, order: &Order) -> Compared {
    let time = Timestamp::now();
    let stands = Stands::at(directory);
    let outcome = match &stands {
        Stands::None => Err(CannotCompare::None),
        Stands::Damaged(why) => Err(CannotCompare::Damaged(why.clone())),
        Stands::Sound(_) => Host::at(Path::new("/")).map_err(CannotCompare::from).and_then(|host| {
            let policy = &order.policy;
            let order = diff::Order {
                store: directory.to_owned(),
                paths: Vec::new(),
                depth: order.depth,
                polite_until: order.polite_until.clone(),
                most: MOST,
            };
            diff::check(&host, policy, &order, is_over, &|_| {})
        }),
    };
    Compared { time, ordered: order.depth, stands, outcome }
}

/// What the loop has of it.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) state: DriftState,
    pub(super) directory: PathBuf,
    pub(super) orders: SyncSender<Order>,
    /// A comparison is under way.
    is_under_way: bool,
    /// Another was asked for meanwhile.
    is_wanted: bool,
    /// Set when there is no time for giving way.
    hurry: Arc<AtomicBool>,
    /// Which head of the baseline was there when it was compared with last.
    head: Option<(u64, i64, i64)>,
    /// Somebody set the clock: what the metadata say is not believed.
    has_stepped: bool,
    /// How often, since the sensor started.
    steps: u64,
    last: Option<status::Compared>,
    /// Why the last came to no end, where that is not the baseline's own fault.
    trouble: Option<String>,
    /// Changes as they happen.
    pub(super) noticing: Noticing,
}

impl Files {
    pub(super) fn new(
        state: DriftState,
        directory: PathBuf,
        orders: SyncSender<Order>,
        noticing: Noticing,
    ) -> Self {
        Self {
            noticing,
            state,
            directory,
            orders,
            is_under_way: false,
            is_wanted: false,
            hurry: Arc::default(),
            head: None,
            has_stepped: false,
            steps: 0,
            last: None,
            trouble: None,
        }
    }

    /// What a checkpoint vouches for.
    pub(super) fn digests(&self) -> Digests {
        let known = self.state.known();
        Digests {
            baseline: known.map(|known| Hash(known.root)),
            baseline_state: known.map(|known| Hash(known.state)),
            ..Digests::default()
        }
    }

    pub(super) fn status(&self) -> status::Files {
        let known = self.state.known();
        status::Files {
            baseline: known.map(|known| status::Baseline {
                version: known.version,
                root: Hash(known.root),
                state: Hash(known.state),
            }),
            trouble: self.troubles().collect(),
            comparing: self.is_under_way,
            last: self.last.clone(),
            open: self.state.count(),
            worst: self.state.worst(),
            packages: self.state.packages().count(),
            untold: self.state.untold(),
            left_out: self.state.left_out(),
            clock_steps: self.steps,
            live: self.noticing.status(),
        }
    }

    /// How long after a change everything is compared: twenty times as long as that took, so that whoever changes files all
    /// the time does not keep us at it.
    pub(super) fn rest(&self) -> Duration {
        let took = self.last.as_ref().map_or(0.0, |last| last.took_s);
        AGAIN.max(Duration::try_from_secs_f64(took * 20.0).unwrap_or(AGAIN))
    }

    /// What is wrong, in words.
    pub(super) fn troubles(&self) -> impl Iterator<Item = String> {
        let of_baseline = self.state.trouble().map(|(_, why)| format!("the baseline: {why}"));
        of_baseline.into_iter().chain(self.trouble.clone())
    }

    /// Whether somebody has made another baseline, or accepted something, since this was asked last.
    pub(super) fn has_moved(&mut self) -> bool {
        let head = std::fs::metadata(self.directory.join(HEAD)).ok();
        let head = head.map(|head| (head.ino(), head.mtime(), head.mtime_nsec()));
        std::mem::replace(&mut self.head, head) != head
    }

    fn keep(&mut self, summary: Option<Integrity>) {
        let written = summary.map_or(Ok(()), |summary| last::write(&self.directory, &summary));
        if let Err(error) = written {
            self.trouble = Some(format!("cannot keep what the comparison came to: {error}"));
        }
    }
}

impl Daemon {
    /// Orders a comparison of everything, or remembers that one is wanted.
    pub(super) fn compare(&mut self) {
        let depth = match self.files.has_stepped {
            true => Depth::Full,
            false => Depth::Metadata { rehash: Some(self.policy.files_rehash()) },
        };
        let has_lost = self.files.noticing.has_lost();
        if has_lost {
            // Also the one that is under way, for another waits behind it.
            self.files.hurry.store(true, Ordering::Relaxed);
        }
        let hurry = Arc::new(AtomicBool::new(has_lost));
        let polite_until = (!has_lost).then(|| Arc::clone(&hurry));
        let order = Order { policy: Arc::clone(&self.policy), depth, polite_until };
        if self.files.is_under_way || self.files.orders.try_send(order).is_err() {
            self.files.is_wanted = true;
            return;
        }
        self.files.hurry = hurry;
        if self.files.has_moved() {
            self.files.noticing.renew(&self.policy);
        }
        self.files.noticing.compares();
        // A step from now on is another, which this comparison may not have seen.
        (self.files.is_under_way, self.files.is_wanted, self.files.has_stepped) = (true, false, false);
    }

    /// Soon after the first look, and not at once on all machines that were started together. Where changes are told as
    /// they happen, at once: what happened before nobody told.
    pub(super) fn compare_first(&mut self, now: Instant) {
        if !self.timers.files.is_set() && self.files.last.is_none() && !self.files.is_under_way {
            let soon = self.policy.files_interval().min(FIRST);
            let soon = if self.policy.files_live() { Duration::ZERO } else { timers::jittered(soon) };
            self.timers.files.set(now + soon);
        }
    }

    /// How long until everything is compared again.
    fn until_next(&self) -> Duration {
        let interval = self.policy.files_interval();
        let is_live = self.policy.files_live();
        timers::jittered(if is_live { interval.min(self.policy.files_sweep()) } else { interval })
    }

    pub(super) fn clock_stepped(&mut self, _: Stepped) {
        self.files.has_stepped = true;
        self.files.steps += 1;
    }

    pub(super) fn compared(&mut self, compared: Compared) {
        self.files.is_under_way = false;
        let Compared { time, ordered, stands, outcome } = compared;
        self.timers.files.set(Instant::now() + self.until_next());
        if ordered == Depth::Full && outcome.is_err() {
            self.files.has_stepped = true;
        }
        let mut told = self.files.state.stands(&stands);
        self.files.trouble = None;
        if outcome.is_err() {
            self.rechecked(None);
        }
        let mut summary = None;
        match outcome {
            Ok(report) => {
                let noticing = &self.files.noticing;
                told.extend(self.files.state.compare(&report, &|path| noticing.is_aside(path), time));
                told.extend(self.rechecked(Some(&report)));
                let trouble = self.files.state.trouble().map(|(_, why)| why);
                summary = Some(Integrity::of(&report, trouble));
                self.files.last = Some(status::Compared::of(&report));
            }
            Err(CannotCompare::None) => {}
            // Found on the way, in a part that is read only then.
            Err(CannotCompare::Damaged(why)) => told.extend(self.files.state.stands(&Stands::Damaged(why))),
            Err(CannotCompare::Interrupted) => return,
            Err(other) => self.files.trouble = Some(other.to_string()),
        }
        if let (None, Some((_, why))) = (&summary, self.files.state.trouble()) {
            summary = Some(Integrity::damaged(time, self.files.state.known(), why));
        }
        self.files.keep(summary);
        self.tell_drift(time, &told);
        self.share_explained();
        if self.files.is_wanted {
            self.compare();
        }
        self.notifier.status(&self.in_a_line());
    }

    /// In portions, so that what waits for a slow disk stays below what may wait.
    pub(super) fn tell_drift(&mut self, time: Timestamp, told: &[DriftBody]) {
        self.is_unsaved = true;
        for portion in told.chunks(PORTION) {
            let draft = |body: &DriftBody| Draft {
                time,
                kind: Kind::Drift,
                severity: body.severity(),
                body: body.to_json(),
            };
            self.record(portion.iter().map(draft).collect());
        }
        self.save_state();
    }
}

/// It is replaced whenever another state was agreed.
const HEAD: &str = "head";
/// More are counted, and not told: what has so many has another problem.
const MOST: usize = 20_000;
/// Whoever starts the sensor waits as long for the first comparison.
const FIRST: Duration = Duration::from_secs(60);
/// What came to no end is tried again so soon.
pub(super) const AGAIN: Duration = Duration::from_secs(5);
/// Some tens of kilobytes.
const PORTION: usize = 50;
