//! `guestward ship`: the daemon that delivers the journal, in the foreground.

pub(super) mod destinations;
mod reach;

use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;

use super::args::ShipArgs;
use super::{Exit, Failure, policy};
use crate::finding::Text;
use crate::journal::lock::Lock;
use crate::journal::places::Places;
use crate::ship::{self, Answers, Destination, Stop, Tell};
use crate::sys::notify::Notifier;
use crate::sys::sandbox::{self, Reach};
use crate::sys::signals::Signals;
use crate::sys::socket::{self, Listener};
use destinations::Wanted;

pub(super) fn run(args: &ShipArgs) -> Result<Exit, Failure> {
    // Before any thread starts; what a batch took can then be given back.
    crate::sys::memory::one_arena();
    // Before anything else: every later thread inherits it.
    let signals = Signals::block().map_err(Failure::trouble)?;
    let places = Places::from_env();
    let load = || policy::load(args.policy.policy.as_ref()).and_then(|policy| Wanted::of(&policy, &places));
    let mut wanted = load()?;
    let _lock = lock(&places)?;
    socket::run_dir(places.run(), 0o750, None).map_err(Failure::trouble)?;
    let reach = wanted.reach(&places, args.policy.policy.as_deref());
    let confined = sandbox::confine_shipper(&reach);
    confined.troubles.iter().for_each(|trouble| tell()(trouble));
    let stop = Stop::on_signal(signals).map_err(Failure::trouble)?;
    let notifier = Notifier::from_env();
    loop {
        notifier.ready("delivering");
        let have_all_ended = deliver(&wanted, &places, &stop)?;
        if !stop.take_reload() {
            notifier.stopping();
            return Ok(Exit::Clean);
        }
        if !have_all_ended {
            return Err(Failure::trouble("a shipper is stuck, so the new policy waits for a restart"));
        }
        notifier.reloading();
        match load() {
            Ok(new) if is_out_of(&reach, &new.reach(&places, args.policy.policy.as_deref())) => tell()(
                "the new policy waits for a restart, and the one before stays: it leads to files or ports that this process \
                 gave up at its start",
            ),
            Ok(new) => wanted = new,
            Err(Failure::Trouble(why)) => {
                tell()(&format!("the new policy is refused, and the one before stays: {why}"))
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Whether we gave up what is wanted now.
fn is_out_of(reach: &Reach, new: &Reach) -> bool {
    sandbox::applied().is_some_and(|applied| applied.landlock.is_some()) && !reach.covers(new)
}

/// Delivers until it is told to end, and answers whoever asks how that goes.
fn deliver(wanted: &Wanted, places: &Places, stop: &Stop) -> Result<bool, Failure> {
    let destinations = wanted.destinations(places, stop)?;
    let standings = destinations.iter().map(Destination::standing).collect();
    let _answers = Answers::start(listen(places)?, standings, places.journal()).map_err(Failure::trouble)?;
    let places = ship::Places { journal: places.journal(), cursors: places.cursors() };
    ship::run(destinations, &places, stop, &tell()).map_err(Failure::trouble)
}

fn listen(places: &Places) -> Result<Listener, Failure> {
    socket::run_dir(places.run(), 0o750, None).map_err(Failure::trouble)?;
    let listener = Listener::bind(&places.shipper_socket(), 0o660, None).map_err(Failure::trouble)?;
    listener.leave_to(USER, GROUP);
    Ok(listener)
}

fn lock(places: &Places) -> Result<Lock, Failure> {
    let cursors = places.cursors();
    let at = |what: &dyn std::fmt::Display| Failure::trouble(format!("{}: {what}", cursors.display()));
    DirBuilder::new().recursive(true).mode(0o750).create(&cursors).map_err(|cause| at(&cause))?;
    Lock::take(&cursors).map_err(Failure::trouble)
}

/// One line on standard error for whatever happens; the service manager keeps it.
fn tell() -> Tell {
    Arc::new(|text| {
        let _ = writeln!(io::stderr(), "guestward: {}", Text::new(text));
    })
}

/// As the packages make them.
const USER: &str = "guestward-ship";
const GROUP: &str = "guestward";
