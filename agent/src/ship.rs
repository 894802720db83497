//! What the journal holds, carried to where it is kept: the very bytes, in order, at least once.
//!
//! - A destination is a [`Shipper`]. It says how a batch gets there and what went wrong; it never waits and never tries
//!   again by itself.
//! - The one loop that waits and tries again is `ship/retry.rs`. It never gives up, and a record that will never be
//!   taken is counted and named instead of holding up those behind it.
//! - Each destination has a thread, a reader and a cursor of its own (`ship/lane.rs`), so that one that is stuck does not
//!   hold up the others. A cursor moves only when what is before it is kept for certain.
//!
//! Nobody here looks at the machine or has an opinion: whatever is shipped was in the journal first.

mod answer;
pub mod aws;
pub mod cloudwatch;
pub mod doctor;
mod lane;
pub mod local;
pub mod matters;
mod retry;
pub mod seal_key;
mod splay;
pub mod ssm;
pub mod status;
pub mod stdout;
pub mod stop;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::journal::{Entry, Position};
pub use answer::Answers;
pub use status::Standing;
pub use stop::Stop;

/// A destination.
pub trait Shipper: fmt::Debug + Send {
    /// A name that can be a file's, for the cursor: `local`, `cloudwatch`.
    fn name(&self) -> &'static str;

    /// How much it takes at once.
    fn bounds(&self) -> Bounds {
        Bounds::default()
    }

    /// How often it is looked for more.
    fn poll(&self) -> Duration {
        POLL
    }

    /// How long these may wait for others to join them; they do not wait once a batch is full.
    fn patience(&self, _waiting: &[Entry], _now: Timestamp) -> Duration {
        Duration::ZERO
    }

    /// Told before the first batch: how far its cursor says that it came.
    fn resume(&mut self, _after: Option<Position>) {}

    /// Some records in a row, never none. What it says was delivered is kept for certain when it returns; the rest
    /// comes again.
    fn deliver(&mut self, batch: &[Entry]) -> Result<Delivered, Trouble>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub records: usize,
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { records: 1000, bytes: 512 * 1024 }
    }
}

/// How much of a batch is done with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivered {
    /// So many from the front of it. Less than all is no error.
    pub records: usize,
    /// Those among them that the destination will never take.
    pub refused: Vec<Refusal>,
}

impl Delivered {
    pub fn first(records: usize) -> Self {
        Self { records, refused: Vec::new() }
    }
}

/// A record that a destination will never take, and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub position: Position,
    pub text: String,
}

/// Why nothing of a batch was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It may work later; not before `after`, if the destination named a time.
    Retry { after: Option<Duration>, text: String },
    /// These will never be taken, whatever comes of the others. Empty: at least one of the batch, nobody said which.
    Refused { positions: Vec<Position>, text: String },
    /// There is no use in going on.
    Stop { text: String },
}

impl Trouble {
    pub fn retry(text: impl fmt::Display) -> Self {
        Self::Retry { after: None, text: text.to_string() }
    }
}

/// Where the journal and the cursors are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    pub journal: PathBuf,
    pub cursors: PathBuf,
}

/// What the operator is told as it happens. Called from several threads.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// Why shipping ended without anybody having asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub shipper: &'static str,
    pub text: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.shipper, self.text)
    }
}

impl std::error::Error for Failed {}

/// A shipper, and how it stands.
#[derive(Debug)]
pub struct Destination {
    shipper: Box<dyn Shipper>,
    standing: Arc<Standing>,
}

impl Destination {
    pub fn new(shipper: impl Shipper + 'static) -> Self {
        let standing = Arc::new(Standing::new(shipper.name()));
        Self { shipper: Box::new(shipper), standing }
    }

    /// For whoever shows the status.
    pub fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.standing)
    }
}

/// Delivers until `stop` is set, each destination on a thread of its own.
///
/// The answer is whether all of them ended; one that is stuck is left behind, and may still move its cursor.
pub fn run(
    destinations: Vec<Destination>,
    places: &Places,
    stop: &Stop,
    tell: &Tell,
) -> Result<bool, Failed> {
    let mut running: Vec<&'static str> = destinations.iter().map(|each| each.shipper.name()).collect();
    let (done, ended) = mpsc::channel();
    for Destination { shipper, standing } in destinations {
        let name = shipper.name();
        let (places, all, tell, done) = (places.clone(), stop.clone(), Arc::clone(tell), done.clone());
        let work = move || {
            let end = lane::run(shipper, &places, &standing, &all, &tell);
            let _ = done.send((name, end));
            // One that cannot go on ends them all: whoever started us decides what then.
            all.set_if_unset();
        };
        let started = thread::Builder::new().name(format!("ship-{name}")).spawn(work);
        if let Err(cause) = started {
            stop.set();
            return Err(Failed { shipper: name, text: format!("cannot start its thread: {cause}") });
        }
    }
    stop.wait_until_set();
    let failed = wait_for_all(&ended, &mut running);
    let have_all_ended = running.is_empty();
    for name in running {
        tell(&format!(
            "{name}: still busy and not waited for; what it had not delivered stays in the journal"
        ));
    }
    failed.map_or(Ok(have_all_ended), Err)
}

/// Until every shipper has finished its batch, or for as long as a service manager would wait.
fn wait_for_all(
    ended: &Receiver<(&'static str, Result<(), Failed>)>,
    running: &mut Vec<&'static str>,
) -> Option<Failed> {
    let deadline = Instant::now() + GRACE;
    let mut failed = None;
    while !running.is_empty() {
        match ended.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok((name, end)) => {
                running.retain(|other| *other != name);
                failed = failed.or(end.err());
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    failed
}

/// A record is on its way within half a second; looking costs a listing of the directory.
const POLL: Duration = Duration::from_millis(500);
/// Within the five seconds in which the process promises to end.
const GRACE: Duration = Duration::from_secs(4);
