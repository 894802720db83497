//! What the loop makes of changes as they happen: records of what differs, of updates, of decoys and of what was lost.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::live::{Explained, MANAGERS, News, Order, Seen, Shared};
use super::{Daemon, draft};
use crate::baseline::diff::CannotCompare;
use crate::baseline::live::Looked;
use crate::baseline::standing::Stands;
use crate::finding::wire::body::{Detection, DriftBody, Recheck, first};
use crate::finding::wire::gap::{Cause, Gap};
use crate::finding::wire::record::Kind;
use crate::finding::wire::status;
use crate::finding::{Severity, Text};
use crate::host::actor::Actor;
use crate::policy::Policy;
use crate::watch::files::{By, Interest as _, Losses, Lost, Mounted, Opened, Touched, Why};

/// What the loop has of the live watch.
#[derive(Debug)]
pub(super) struct Noticing {
    pub(super) shared: Shared,
    orders: SyncSender<Order>,
    /// What was looked at live since the comparison that is under way began: it knows less of these.
    aside: BTreeSet<Vec<u8>>,
    /// There are too many of them to keep: the comparison tells nothing.
    is_all_aside: bool,
    /// What was lost and is not told yet, and when something of that kind was told last.
    unsaid: Losses,
    said: Option<Instant>,
    /// What was lost and is to be compared as a whole.
    lost: Option<Lost>,
    /// What the comparison under way makes up for.
    rechecked: Option<Lost>,
    counts: status::Live,
}

impl Noticing {
    pub(super) fn new(shared: Shared, orders: SyncSender<Order>) -> Self {
        Self {
            shared,
            orders,
            aside: BTreeSet::new(),
            is_all_aside: false,
            unsaid: Losses::default(),
            said: None,
            lost: None,
            rechecked: None,
            counts: status::Live::default(),
        }
    }

    /// A comparison begins now, which sees whatever was lost until now.
    pub(super) fn compares(&mut self) {
        self.aside.clear();
        self.is_all_aside = false;
        if let Some(lost) = self.lost.take() {
            self.rechecked = Some(match self.rechecked.take() {
                Some(before) => Lost { since: before.since, ..lost },
                None => lost,
            });
        }
    }

    /// Another policy, or another baseline.
    pub(super) fn renew(&self, policy: &Arc<Policy>) {
        *self.shared.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(policy);
        // Where there is no room, something else is looked at before long, which looks for these as well.
        let _ = self.orders.try_send(Order::Renew);
    }

    /// Whether the next comparison has to make up for something that was lost.
    pub(super) fn has_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Whether a comparison that ends now knows less of a path than whoever looked, or will look, because it was touched.
    pub(super) fn is_aside(&self, path: &[u8]) -> bool {
        let is_of_ours = |path: &[u8]| self.aside.contains(path);
        self.is_all_aside || self.shared.held.is_held(path) || above(path).any(is_of_ours)
    }

    fn looked_at(&mut self, looked: &Looked) {
        self.aside.extend(looked.looked.iter().map(|look| look.path.clone()));
        if self.aside.len() > MOST_ASIDE {
            self.aside.clear();
            self.is_all_aside = true;
        }
    }

    pub(super) fn status(&self) -> status::Live {
        let sight = self.shared.sight();
        let watched = sight.coverage.iter().filter(|covered| covered.by == By::Whole).count();
        let is_fallback = sight.coverage.iter().any(|covered| matches!(covered.by, By::Directories(_)));
        let state = match (sight.is_wanted, watched > 0, is_fallback) {
            (false, ..) => status::LiveState::Off,
            (true, true, _) => status::LiveState::Watching,
            (true, false, true) => status::LiveState::Fallback,
            (true, false, false) => status::LiveState::Blind,
        };
        let without = |covered: &crate::watch::files::Covered| match &covered.by {
            By::Nobody(why) => Some(format!("{}: {why}", Text::from_bytes(&covered.point))),
            _ => None,
        };
        status::Live {
            state,
            watched: watched as u64,
            queue: self.shared.held.len() as u64,
            without: sight.coverage.iter().filter_map(without).chain(sight.trouble).collect(),
            ..self.counts.clone()
        }
    }
}

/// A path, and each directory above it.
fn above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = path.iter().enumerate().filter(|(at, byte)| **byte == b'/' && *at > 0).map(|(at, _)| at);
    ends.chain([path.len()]).map(|end| &path[..end])
}

impl Daemon {
    pub(super) fn noticed(&mut self, news: News) {
        match news {
            News::Looked(seen) => self.seen_live(*seen),
            News::Opened(opened) => self.opened(&opened),
            News::Mounted(mounted) => self.mounted(&mounted),
            News::Lost(lost) => self.lost(lost),
        }
    }

    fn seen_live(&mut self, seen: Seen) {
        let Seen { touched, update, meanwhile, vouched, outcome } = seen;
        let now = Timestamp::now();
        let all = || {
            touched
                .iter()
                .chain(update.iter().flat_map(|update| update.touched.iter().map(|one| &one.touched)))
        };
        let counts = &mut self.files.noticing.counts;
        counts.touched += all().count() as u64;
        counts.events += all().map(|touched| touched.count).sum::<u64>();
        counts.actors_unknown += all().filter(|touched| touched.actors.is_empty()).count() as u64;
        counts.actors_known += all().filter(|touched| !touched.actors.is_empty()).count() as u64;
        match outcome {
            Ok(looked) => {
                let told = match &update {
                    Some(update) => self.files.state.update(&looked, update, &vouched, now),
                    None if !meanwhile.is_empty() => self.files.state.meanwhile(&looked, &meanwhile, now),
                    None => {
                        let by_path: BTreeMap<Vec<u8>, &Touched> =
                            touched.iter().map(|touched| (touched.path.clone(), touched)).collect();
                        self.files.state.live(&looked, &by_path, now)
                    }
                };
                if meanwhile.is_empty() {
                    self.files.noticing.looked_at(&looked);
                }
                self.files.noticing.counts.told += told.len() as u64;
                if !told.is_empty() {
                    self.tell_drift(now, &told);
                    self.share_explained();
                    // What the posture says of the files is what a comparison came to.
                    self.timers.files.by(Instant::now() + self.files.rest());
                }
            }
            // Found on the way, in a part that is read only then.
            Err(CannotCompare::Damaged(why)) => {
                let told = self.files.state.stands(&Stands::Damaged(why));
                self.tell_drift(now, &told);
            }
            // There is no baseline any more; the comparison that follows says so.
            Err(CannotCompare::None | CannotCompare::Interrupted) => {}
            Err(other) => {
                let lost = Lost {
                    why: Why::Broken(Text::new(&other.to_string())),
                    since: all().map(|touched| touched.first).min().unwrap_or(now),
                    until: now,
                    places: all().map(|touched| touched.path.clone()).collect(),
                };
                self.lost(lost);
            }
        }
        self.files.noticing.shared.held.release(all().map(|touched| touched.path.as_slice()));
    }

    /// What is explained, for whoever recognises package managers.
    pub(super) fn share_explained(&self) {
        let state = &self.files.state;
        let packages = state.packages().map(|(package, _)| package.as_str().to_owned()).collect();
        let paths = MANAGERS.iter().map(|manager| manager.path.as_bytes().to_vec());
        let now = Explained { packages, open: paths.filter(|path| state.is_open(path)).collect() };
        let noticing = &self.files.noticing;
        let mut explained = noticing.shared.explained.write().unwrap_or_else(PoisonError::into_inner);
        if *explained != now {
            *explained = now;
            noticing.renew(&self.policy);
        }
    }

    fn opened(&mut self, opened: &Opened) {
        let Some(decoy) = self.policy.decoy(Path::new(OsStr::from_bytes(&opened.path))) else { return };
        let may = |actor: &Actor| {
            let unit = actor.unit.as_ref().map(Text::as_str);
            actor.program.as_ref().is_some_and(|program| self.is_own(program.device, program.inode))
                || unit.is_some_and(|unit| decoy.units.iter().any(|allowed| allowed == unit))
        };
        if opened.actor.as_deref().is_some_and(may) {
            return;
        }
        let told =
            Detection::decoy(&opened.path, decoy.severity, opened.actor.as_deref(), opened.count, opened.at);
        self.record(vec![draft(Kind::Detection, told.severity(), told.to_json())]);
    }

    /// Whether it is this very program: its own comparisons read every file.
    fn is_own(&self, device: u64, inode: u64) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata("/proc/self/exe").is_ok_and(|own| (own.dev(), own.ino()) == (device, inode))
    }

    fn mounted(&mut self, mounted: &[Mounted]) {
        let (agreed, rules) = (&self.files.noticing.shared.agreed, self.policy.rules());
        let over = mounted.iter().filter(|mounted| mounted.kind.is_some());
        let told: Vec<Detection> = over
            .filter(|mounted| agreed.wants(&mounted.point) || agreed.leads_on(&mounted.point))
            .map(|mounted| {
                let severity = rules.of_path(&mounted.point).map_or(Severity::Medium, |rule| rule.severity);
                Detection::mount_over(&mounted.point, severity, mounted.kind.as_ref().map(Text::as_str))
            })
            .collect();
        let drafts =
            told.iter().map(|told| draft(Kind::Detection, told.severity(), told.to_json())).collect();
        self.record(drafts);
        if !told.is_empty() {
            // What is seen there now is another thing.
            self.compare();
        }
    }

    /// It is told at once, and everything is compared. More of the same is told in a while, all at once.
    fn lost(&mut self, lost: Lost) {
        self.files.noticing.counts.lost += 1;
        self.files.noticing.unsaid.merge(lost);
        self.say_lost();
    }

    pub(super) fn say_lost(&mut self) {
        let now = Instant::now();
        let noticing = &mut self.files.noticing;
        if let Some(again) = noticing.said.map(|said| said + LOST_AGAIN).filter(|again| *again > now) {
            return self.timers.lost.set(again);
        }
        let unsaid: Vec<Lost> = noticing.unsaid.by_ref().collect();
        if unsaid.is_empty() {
            return;
        }
        noticing.said = Some(now);
        let drafts =
            unsaid.iter().map(|lost| draft(Kind::Gap, Severity::High, gap(lost).to_json())).collect();
        noticing.lost = unsaid.into_iter().chain(noticing.lost.take()).reduce(|one, other| Lost {
            since: one.since.min(other.since),
            until: one.until.max(other.until),
            ..one
        });
        self.record(drafts);
        self.compare();
    }

    /// The comparison that makes up for what was lost has come to an end.
    pub(super) fn rechecked(&mut self, report: Option<&crate::baseline::diff::Report>) -> Option<DriftBody> {
        let noticing = &mut self.files.noticing;
        let lost = noticing.rechecked.take()?;
        match report {
            Some(report) if !noticing.is_all_aside => {
                let counts = (report.counts.objects, report.counts.drifts());
                let why = lost.why.to_string();
                let recheck = Recheck::of(&why, &lost.places, report.began, report.took, counts);
                Some(DriftBody::Recheck(recheck))
            }
            // It is not known yet what there is.
            _ => {
                noticing.lost.get_or_insert(lost);
                self.timers.files.by(Instant::now() + super::files::AGAIN);
                None
            }
        }
    }
}

fn gap(lost: &Lost) -> Gap {
    let cause = match lost.why {
        Why::Queue | Why::Room => Cause::Overload,
        _ => Cause::Unwatched,
    };
    let places = first(lost.places.iter().map(Vec::as_slice));
    let places = places.iter().map(|place| place.as_str().to_owned()).collect();
    Gap::of_watch(cause, &lost.why.to_string(), lost.since, lost.until, places)
}

/// What is lost again and again must not fill the journal; told it is within five seconds.
const LOST_AGAIN: Duration = Duration::from_secs(4);
/// Some tens of megabytes.
const MOST_ASIDE: usize = 100_000;
