//! Changes as they happen, in the sensor: one thread empties the kernel's queue, one looks at what was touched, and the loop
//! tells what it comes to.

mod managers;
mod programs;

use std::collections::BTreeSet;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::Input;
use crate::baseline::agreed::Agreed;
use crate::baseline::diff::CannotCompare;
use crate::baseline::live::{Live, Look, Looked};
use crate::host::actor::Looks;
use crate::host::{Host, packages};
use crate::policy::Policy;
use crate::state::drift::{Vouchers, is_urgent};
use crate::sys::process_events::ProcessEvents;
use crate::watch::files::lineage::{Lineage, Sources};
use crate::watch::files::updates::Recognised;
use crate::watch::files::who::Nobody;
use crate::watch::files::{
    Covered, Held, Interest, Lost, Mounted, Noticed, OfUpdate, Opened, Setup, Singles, Touched, Update,
    Waker, Watch, Who,
};
pub(super) use managers::{Explained, MANAGERS};
use programs::Programs;

/// What the loop and the threads share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) policy: Arc<RwLock<Arc<Policy>>>,
    /// What is agreed on, for whoever asks whether a path matters.
    pub(super) agreed: Arc<Agreed>,
    /// What was touched and is not told yet.
    pub(super) held: Held,
    /// What the records say of package managers and their updates.
    pub(super) explained: Arc<RwLock<Explained>>,
    recognised: Recognised,
    pub(super) sight: Arc<Mutex<Sight>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy: Arc::new(RwLock::new(policy)),
            agreed: Arc::default(),
            held: Held::default(),
            explained: Arc::default(),
            recognised: Recognised::default(),
            sight: Arc::default(),
        }
    }

    /// What the watch is to do.
    pub(super) fn setup(&self) -> Setup {
        let policy = self.policy();
        let Singles { decoys, hot } = singles(&policy);
        Setup {
            interest: Arc::new(Wishes { agreed: Arc::clone(&self.agreed), policy: Arc::clone(&self.policy) }),
            held: self.held.clone(),
            decoys,
            hot,
            kinds: policy.network_file_systems().to_vec(),
            who: self.who(),
        }
    }

    /// Follows processes, as far as the kernel tells of them.
    fn who(&self) -> Box<dyn Who> {
        let Ok(host) = Host::at(Path::new("/")).map(Arc::new) else { return Box::new(Nobody) };
        let (one, all) = (Looks::new(Arc::clone(&host)), Looks::new(host));
        let sources = Sources {
            events: ProcessEvents::listen().ok(),
            look: Box::new(move |pid| one.at(pid)),
            pids: Box::new(move || all.pids()),
        };
        Box::new(Lineage::start(sources, self.recognised.clone()))
    }

    pub(super) fn sight(&self) -> Sight {
        self.sight.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn see(&self, change: impl FnOnce(&mut Sight)) {
        change(&mut self.sight.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How far the watch sees.
#[derive(Debug, Clone, Default)]
pub(super) struct Sight {
    pub(super) coverage: Vec<Covered>,
    /// There is something to watch: a baseline, and a policy that wants it.
    pub(super) is_wanted: bool,
    /// Why nothing can be looked at, though it is wanted.
    pub(super) trouble: Option<String>,
}

/// What whoever looks is told.
#[derive(Debug)]
pub(super) enum Order {
    Noticed(Noticed),
    /// There may be another baseline, or another policy.
    Renew,
}

/// What the loop is told.
#[derive(Debug)]
pub(super) enum News {
    Looked(Box<Seen>),
    Opened(Box<Opened>),
    Mounted(Vec<Mounted>),
    Lost(Lost),
}

/// A look at what was touched.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) touched: Vec<Touched>,
    /// It was all one run of a package manager; `touched` is empty then.
    pub(super) update: Option<Box<Update>>,
    /// What others did within a run that goes on: that is told with the run as well.
    pub(super) meanwhile: Vec<OfUpdate>,
    /// What stands behind what its packages record, by package.
    pub(super) vouched: Vouchers,
    pub(super) outcome: Result<Looked, CannotCompare>,
}

impl Seen {
    fn new(outcome: Result<Looked, CannotCompare>) -> Self {
        Self { touched: Vec::new(), update: None, meanwhile: Vec::new(), vouched: Vouchers::new(), outcome }
    }
}

/// Empties the kernel's queue until the sensor ends; not before it is known what is agreed on, for what was kept over a
/// restart waits in it.
pub(super) fn watch(
    mut watch: Watch,
    shared: &Shared,
    known: &Receiver<()>,
    way: &SyncSender<Order>,
    is_over: &AtomicBool,
) {
    let mut told = None;
    // Whoever looks ended before it began: then nobody is told anything.
    let _ = known.recv();
    while !is_over.load(Ordering::Relaxed) {
        watch.turn(LONGEST_TURN, &mut |noticed| match way.try_send(Order::Noticed(noticed)) {
            Err(
                TrySendError::Full(Order::Noticed(back)) | TrySendError::Disconnected(Order::Noticed(back)),
            ) => Err(back),
            _ => Ok(()),
        });
        if told.is_none_or(|told: Instant| told.elapsed() > COVERAGE) {
            let coverage = watch.coverage();
            shared.see(|sight| sight.coverage = coverage);
            told = Some(Instant::now());
        }
    }
}

/// Looks at whatever was touched, until nobody tells or listens any more.
pub(super) fn serve(
    directory: &Path,
    shared: Shared,
    waker: &Waker,
    known: SyncSender<()>,
    orders: &Receiver<Order>,
    inputs: &SyncSender<Input>,
) {
    let directory = directory.to_owned();
    let mut looking = Looking { directory, shared, live: None, policy: None, programs: Programs::default() };
    looking.renew();
    waker.wake();
    drop(known);
    while let Ok(order) = orders.recv() {
        if looking.renew() {
            waker.wake();
        }
        let news = match order {
            Order::Renew => {
                looking.recognise();
                continue;
            }
            Order::Noticed(noticed) => looking.noticed(noticed),
        };
        if inputs.send(Input::Live(Box::new(news))).is_err() {
            return;
        }
    }
}

/// Whoever looks.
struct Looking {
    directory: PathBuf,
    shared: Shared,
    live: Option<Live>,
    policy: Option<Arc<Policy>>,
    programs: Programs,
}

impl Looking {
    /// Takes the baseline and the policy that are there now; returns whether they are others.
    fn renew(&mut self) -> bool {
        let policy = self.shared.policy();
        let is_same = self.policy.as_ref().is_some_and(|known| Arc::ptr_eq(known, &policy));
        let is_current = match &self.live {
            Some(live) => live.is_current(),
            None => !self.directory.exists(),
        };
        if is_same && is_current {
            return false;
        }
        let opened = match policy.files_live() {
            true => Host::at(Path::new("/"))
                .map_err(CannotCompare::from)
                .and_then(|host| Live::open(host, Arc::clone(&policy), &self.directory)),
            false => Ok(None),
        };
        let (live, trouble) = match opened {
            Ok(live) => (live, None),
            Err(why) => (None, Some(why.to_string())),
        };
        self.policy = Some(policy);
        self.live = live;
        let replaced = self.shared.agreed.replace(self.live.as_ref());
        let trouble = trouble.or(replaced.err().map(|why| why.to_string()));
        if let Some(live) = &mut self.live {
            live.warm();
        }
        self.recognise();
        let is_wanted = self.live.is_some();
        self.shared.see(|sight| (sight.is_wanted, sight.trouble) = (is_wanted, trouble));
        true
    }

    /// Which programs may explain what they change.
    fn recognise(&mut self) {
        let explained = self.shared.explained.read().unwrap_or_else(PoisonError::into_inner).clone();
        let programs = match &mut self.live {
            Some(live) => managers::recognised(live, &*self.shared.agreed, &explained),
            None => Vec::new(),
        };
        self.shared.recognised.set(programs);
    }

    fn noticed(&mut self, noticed: Noticed) -> News {
        match noticed {
            Noticed::Touched(mut touched) => {
                let looks = touched.iter().map(look).collect();
                let outcome = self.look(looks);
                self.describe(&mut touched.iter_mut().collect::<Vec<_>>());
                News::Looked(Box::new(Seen { touched, ..Seen::new(outcome) }))
            }
            Noticed::Meanwhile(mut meanwhile) => {
                let looks: Vec<Look> = meanwhile.iter().map(|of| look(&of.touched)).collect();
                let outcome = match &mut self.live {
                    Some(live) => live.look_for(&looks, is_urgent),
                    None => Err(CannotCompare::None),
                };
                self.describe(&mut meanwhile.iter_mut().map(|of| &mut of.touched).collect::<Vec<_>>());
                News::Looked(Box::new(Seen { meanwhile, ..Seen::new(outcome) }))
            }
            Noticed::Update(mut update) => {
                let looks = update.touched.iter().map(|of_update| look(&of_update.touched)).collect();
                let outcome = self.look(looks);
                self.describe(&mut update.touched.iter_mut().map(|one| &mut one.touched).collect::<Vec<_>>());
                update.by = self.programs.described(&update.by, self.live.as_mut());
                let vouched = outcome.as_ref().map(vouched).unwrap_or_default();
                News::Looked(Box::new(Seen { update: Some(update), vouched, ..Seen::new(outcome) }))
            }
            Noticed::Opened(mut opened) => {
                opened.actor = opened.actor.map(|actor| self.programs.described(&actor, self.live.as_mut()));
                News::Opened(opened)
            }
            Noticed::Mounted(mounted) => News::Mounted(mounted),
            Noticed::Lost(lost) => News::Lost(lost),
        }
    }

    fn look(&mut self, looks: Vec<Look>) -> Result<Looked, CannotCompare> {
        self.live.as_mut().map_or(Err(CannotCompare::None), |live| live.look(&looks))
    }

    fn describe(&mut self, touched: &mut [&mut Touched]) {
        self.programs.describe(touched, self.live.as_mut());
    }
}

/// What the watch is asked to watch, by the policy of the moment.
struct Wishes {
    agreed: Arc<Agreed>,
    policy: Arc<RwLock<Arc<Policy>>>,
}

impl Interest for Wishes {
    fn generation(&self) -> u64 {
        self.agreed.generation()
    }

    fn wants(&self, path: &[u8]) -> bool {
        self.agreed.wants(path)
    }

    fn leads_on(&self, directory: &[u8]) -> bool {
        self.agreed.leads_on(directory)
    }

    fn names_of(&self, device: u64, inode: u64) -> Vec<Vec<u8>> {
        self.agreed.names_of(device, inode)
    }

    fn singles(&self) -> Option<Singles> {
        Some(singles(&self.policy.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn singles(policy: &Policy) -> Singles {
    let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
    Singles {
        decoys: policy.files_decoys().iter().map(|decoy| bytes(&decoy.path)).collect(),
        hot: policy.files_hot().iter().map(|path| bytes(path)).collect(),
    }
}

/// Whether the archives that are still at hand say what dpkg records of the packages that account for something.
fn vouched(looked: &Looked) -> Vouchers {
    let accounted = looked.drifts.iter().filter(|drift| drift.is_explained());
    let packages: BTreeSet<&str> =
        accounted.filter_map(|drift| drift.package.as_ref()).map(|of| of.package.as_str()).collect();
    let wanted = packages.iter().filter_map(|package| package.split_once(' '));
    let wanted: Vec<(String, String)> =
        wanted.map(|(name, version)| (name.to_owned(), version.to_owned())).collect();
    let Ok(host) = Host::at(Path::new("/")) else { return Vouchers::new() };
    let answers = packages::vouched::vouched(&host, &wanted);
    let with_name = |(name, version): &(String, String)| format!("{name} {version}");
    wanted.iter().map(with_name).zip(answers.iter().map(|answer| answer.name())).collect()
}

fn look(touched: &Touched) -> Look {
    Look { path: touched.path.clone(), is_tree: touched.is_tree }
}

/// The sensor ends no later than this after it was asked to.
const LONGEST_TURN: Duration = Duration::from_secs(1);
const COVERAGE: Duration = Duration::from_secs(1);
