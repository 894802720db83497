//! Starting and stopping the sensor: what it opens in which order, and what it leaves behind.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use nix::unistd::{Gid, Group};
use zeroize::Zeroizing;

use super::appeared::Memory;
use super::files::Files;
use super::identify::Identity;
use super::live::Shared;
use super::noticed::Noticing;
use super::own_key::OwnKey;
use super::recall::{Recalled, StateFile, recall};
use super::threads::{self, Threads};
use super::timers::Timers;
use super::waiting::Waiting;
use super::{Daemon, LoadPolicy, draft};
use crate::finding::Severity;
use crate::finding::wire::body::{Lifecycle, Told};
use crate::finding::wire::record::Kind;
use crate::host::imds::{Endpoint, VARIABLE};
use crate::host::{self, Host, Text};
use crate::journal::handover::Handover;
use crate::journal::key::{Key, NoKey};
use crate::journal::lock::{Lock, NotLocked};
use crate::journal::places::Places;
use crate::journal::segment::Machine;
use crate::journal::{Claim, Directory, Journal, Limits};
use crate::policy::Policy;
use crate::sys::notify::stored::Stored;
use crate::sys::notify::{Notifier, ping_interval};
use crate::sys::own::Own;
use crate::sys::sandbox;
use crate::sys::signals::Signals;
use crate::sys::socket::{self, Listener};
use crate::watch::Settle;

/// What the sensor is started with.
#[expect(missing_debug_implementations, reason = "it holds a function")]
pub struct Setup {
    pub places: Places,
    pub policy: Policy,
    /// Reads the policy again, for SIGHUP.
    pub load_policy: LoadPolicy,
    pub signals: Signals,
    /// What the service manager kept for us.
    pub stored: Vec<Stored>,
}

/// Why the sensor does not start.
#[derive(Debug)]
pub enum CannotRun {
    Locked(NotLocked),
    Disk { what: String, cause: io::Error },
    Other(String),
}

impl fmt::Display for CannotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked(cause) => write!(f, "{cause}"),
            Self::Disk { what, cause } => write!(f, "cannot {what}: {cause}"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for CannotRun {}

pub(super) fn disk<'a>(what: &str, path: &'a Path) -> impl FnOnce(io::Error) -> CannotRun + use<'a> {
    let what = what.to_owned();
    move |cause| CannotRun::Disk { what: format!("{what} {}", path.display()), cause }
}

/// The journal with its lock and its key: what only one process may have.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) journal: Journal<Directory>,
    pub(super) key: Result<Option<Key<Directory>>, NoKey>,
    _lock: Lock,
}

/// Opens the journal to write, as `run` and `journal init-key` do.
pub(super) fn open_journal(places: &Places, policy: &Policy, now: Timestamp) -> Result<Opened, CannotRun> {
    let group = group();
    // By its own mode and not by the umask's: whoever could write here could put another journal in our place.
    Directory::create(places.state(), 0o755, None).map_err(disk("make", places.state()))?;
    let path = places.journal();
    let storage = Directory::create(&path, 0o750, group).map_err(disk("make", &path))?;
    let lock = Lock::take(&path).map_err(CannotRun::Locked)?;
    let cursors = cursors(places, group)?;
    let host = Host::at("/").map_err(|cause| CannotRun::Other(cause.to_string()))?;
    let identity = host::Identity::of(&host);
    let text = |text: Option<Text>| text.map(|text| text.as_str().to_owned());
    let claim = Claim {
        machine: Machine { instance: text(identity.instance_id), id: text(identity.machine_id) },
        boot: boot(&host),
        account: None,
        region: None,
    };
    let durable = |name: &&str| crate::journal::cursor::durable(&cursors, name).ok().flatten();
    let delivered = super::least(super::shippers(policy).iter().map(durable));
    let mut failed = None;
    let mut random = || {
        random().unwrap_or_else(|error| {
            failed = Some(error);
            [0; 8]
        })
    };
    let journal = Journal::open(storage, limits(policy), claim, delivered, &mut random, now)
        .map_err(disk("open the journal in", &path))?;
    if let Some(cause) = failed {
        return Err(CannotRun::Disk { what: "make a random id".into(), cause });
    }
    let seal = seal(places)?;
    let key = Key::open(seal, journal.speaker().epoch, journal.sealed());
    Ok(Opened { journal, key, _lock: lock })
}

/// Runs the sensor until it is told to stop.
pub fn run(setup: Setup) -> Result<(), CannotRun> {
    // Before any thread starts; what a look took can then be given back.
    crate::sys::memory::one_arena();
    let began = Instant::now();
    let now = Timestamp::now();
    let notifier = Notifier::from_env();
    let group = group();
    let Opened { mut journal, key, _lock: lock } = open_journal(&setup.places, &setup.policy, now)?;
    let listener = listen(&setup.places, group)?;
    let policy = Arc::new(setup.policy);
    let shared = Shared::new(Arc::clone(&policy));
    let watched = threads::watch(setup.stored, &notifier, setup.places.cursors(), shared.setup());
    let blind = watched.troubles;
    // Everything is open that needs more, and no thread runs that would keep it.
    let confined = sandbox::confine_sensor();
    let live = (watched.files, shared.clone());
    let threads = Threads::start(&setup.places, setup.signals, Some(listener), watched.inputs, live)
        .map_err(|cause| CannotRun::Disk { what: "start a thread".into(), cause })?;
    let (endpoint, nameless) = match whom_to_ask() {
        Ok(endpoint) => (endpoint, None),
        Err(why) => (None, Some(why)),
    };
    let state_path = setup.places.open_findings();
    let state_file =
        StateFile(Directory::create(&state_path, 0o750, None).map_err(disk("make", &state_path))?);
    let Recalled { state, drift, was_clean, lost } = recall(&state_file, &setup.places, &journal);
    let (mut key, mut key_trouble) = match key {
        Ok(None) => {
            // Whatever key is there is another epoch's, and this machine has no business with it.
            let _ = Key::erase(&seal(&setup.places)?);
            (None, None)
        }
        Ok(key) => (key, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let lost_key = key_trouble.clone();
    let mut unsettled = None;
    if lost_key.is_none() {
        let is_wanted = policy.seal_parameter().is_some();
        let settled =
            own_key(&setup.places).and_then(|own| own.settle(&mut journal, &mut key, is_wanted, now));
        unsettled = settled.err().map(|error| error.to_string());
        key_trouble.clone_from(&unsettled);
    }
    let mut daemon = Daemon {
        places: setup.places.clone(),
        policy_digest: super::digest(&policy),
        policy,
        load_policy: setup.load_policy,
        journal,
        cursors: cursors(&setup.places, group)?,
        key,
        key_trouble,
        is_key_settled: unsettled.is_none(),
        state,
        files: Files::new(
            drift,
            setup.places.baseline(),
            threads.comparisons.clone(),
            Noticing::new(shared, threads.touched.clone()),
        ),
        memory: Memory::of(&state_file),
        state_file,
        is_unsaved: false,
        saved: None,
        waiting: Waiting::default(),
        timers: Timers::with_watchdog(ping_interval(), began),
        settle: Settle::default(),
        blindness: BTreeMap::new(),
        queue: crate::watch::Topics::new(),
        orders: threads.orders.clone(),
        under_way: None,
        is_wanted: false,
        last_look: None,
        identity: Identity::new(threads.asks.clone(), endpoint),
        notifier,
        own: Own::new(),
        began,
        trouble: None,
        last_record: None,
    };
    let troubles = [lost, nameless, unsettled].into_iter().flatten().chain(blind).chain(confined.troubles);
    daemon.record(beginnings(was_clean, lost_key.as_deref(), troubles));
    daemon.share_explained();
    daemon.identify(Instant::now());
    daemon.notifier.ready(&daemon.in_a_line());
    let stop = daemon.serve(&threads.inputs);
    daemon.stop(stop, &threads.inputs);
    threads.end();
    drop(lock);
    Ok(())
}

/// What is worth saying of how we came to be.
fn beginnings(
    clean: Option<bool>,
    lost_key: Option<&str>,
    troubles: impl Iterator<Item = String>,
) -> Vec<super::Draft> {
    let start = Lifecycle::Start { version: env!("CARGO_PKG_VERSION"), clean };
    let key = lost_key.map(|reason| Lifecycle::KeyLost { reason: Told::new(reason) });
    let troubles = troubles.map(|reason| Lifecycle::Trouble { reason: Told::new(&reason) });
    [Some(start), key]
        .into_iter()
        .flatten()
        .chain(troubles)
        .map(|event| draft(Kind::Lifecycle, Severity::Medium, event.to_json()))
        .collect()
}

/// Where AWS says who we are, if it does here.
fn whom_to_ask() -> Result<Option<Endpoint>, String> {
    let host = Host::at("/").map_err(|cause| cause.to_string())?;
    Endpoint::of(&host, std::env::var_os(VARIABLE).as_deref())
}

fn listen(places: &Places, group: Option<Gid>) -> Result<Listener, CannotRun> {
    socket::run_dir(places.run(), 0o750, group).map_err(|error| CannotRun::Other(error.to_string()))?;
    let listener = Listener::bind(&places.sensor_socket(), 0o660, group)
        .map_err(|error| CannotRun::Other(error.to_string()))?;
    listener.leave_to(USER, GROUP);
    Ok(listener)
}

pub(super) fn limits(policy: &Policy) -> Limits {
    Limits {
        max_bytes: policy.journal_max_bytes(),
        max_age: policy.journal_max_age().as_secs(),
        ..Limits::default()
    }
}

fn cursors(places: &Places, group: Option<Gid>) -> Result<Directory, CannotRun> {
    let path = places.cursors();
    // The shipper writes there, and it is not root.
    Directory::create(&path, 0o770, group).map_err(disk("make", &path))
}

pub(super) fn own_key(places: &Places) -> Result<OwnKey<'_>, CannotRun> {
    Ok(OwnKey { places, handover: Handover::at(cursors(places, group())?) })
}

pub(super) fn seal(places: &Places) -> Result<Directory, CannotRun> {
    let path = places.seal();
    Directory::create(&path, 0o700, None).map_err(disk("make", &path))
}

/// The group that may read the journal, where it exists and we may give files to it.
fn group() -> Option<Gid> {
    let is_root = nix::unistd::geteuid().is_root();
    let group = is_root.then(|| Group::from_name(GROUP).ok().flatten()).flatten();
    group.map(|group| group.gid)
}

fn boot(host: &Host) -> String {
    let id = host.read("/proc/sys/kernel/random/boot_id", 64).unwrap_or_default();
    let digits = id.iter().take(8).map(|&byte| char::from(byte)).filter(char::is_ascii_hexdigit);
    digits.collect()
}

pub(super) fn random() -> io::Result<[u8; 8]> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// A first key.
pub(super) fn random_key() -> io::Result<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    fill(&mut *bytes)?;
    Ok(bytes)
}

fn fill(bytes: &mut [u8]) -> io::Result<()> {
    let filled = rustix::rand::getrandom(&mut *bytes, rustix::rand::GetRandomFlags::empty())?;
    // getrandom(2): up to 256 bytes come at once or not at all.
    if filled == bytes.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// As the packages make them.
const USER: &str = "guestward";
const GROUP: &str = "guestward";
