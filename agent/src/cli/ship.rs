//! `guestward ship`: the daemon that delivers the journal, in the foreground.

use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use super::args::ShipArgs;
use super::{Exit, Failure, policy};
use crate::finding::Text;
use crate::journal::lock::Lock;
use crate::journal::places::Places;
use crate::policy::Policy;
use crate::ship::local::{self, LocalFile};
use crate::ship::stdout::Stdout;
use crate::ship::{self, Answers, Destination, Stop, Tell};
use crate::sys::notify::Notifier;
use crate::sys::signals::Signals;
use crate::sys::socket::{self, Listener};

pub(super) fn run(args: &ShipArgs) -> Result<Exit, Failure> {
    // Before anything else: every later thread inherits it.
    let signals = Signals::block().map_err(Failure::trouble)?;
    let stop = Stop::on_signal(signals).map_err(Failure::trouble)?;
    let places = Places::from_env();
    let load = || policy::load(args.policy.policy.as_ref()).and_then(|policy| wanted(&policy, &places));
    let mut wanted = load()?;
    let _lock = lock(&places)?;
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
            Ok(new) => wanted = new,
            Err(Failure::Trouble(why)) => {
                tell()(&format!("the new policy is refused, and the one before stays: {why}"))
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Delivers until it is told to end, and answers whoever asks how that goes.
fn deliver(wanted: &Settings, places: &Places, stop: &Stop) -> Result<bool, Failure> {
    let destinations = destinations(wanted)?;
    let standings = destinations.iter().map(Destination::standing).collect();
    let _answers = Answers::start(listen(places)?, standings, places.journal()).map_err(Failure::trouble)?;
    let places = ship::Places { journal: places.journal(), cursors: places.cursors() };
    ship::run(destinations, &places, stop, &tell()).map_err(Failure::trouble)
}

fn listen(places: &Places) -> Result<Listener, Failure> {
    socket::run_dir(places.run(), 0o750, None).map_err(Failure::trouble)?;
    Listener::bind(&places.shipper_socket(), 0o660, None).map_err(Failure::trouble)
}

/// What the policy says of the destinations.
struct Settings {
    local: Option<local::Settings>,
    stdout: bool,
}

fn wanted(policy: &Policy, places: &Places) -> Result<Settings, Failure> {
    let local = || local::Settings {
        path: policy.local_path().map_or_else(|| places.records(), Path::to_owned),
        max_bytes: policy.local_max_bytes(),
        // The policy allows a thousand.
        keep: u32::try_from(policy.local_keep()).unwrap_or(u32::MAX),
    };
    let wanted = Settings { local: policy.local_enabled().then(local), stdout: policy.local_stdout() };
    if wanted.local.is_none() && !wanted.stdout {
        return Err(Failure::trouble(
            "there is nowhere to deliver to: enable it in [ship.local] of the policy",
        ));
    }
    Ok(wanted)
}

fn destinations(wanted: &Settings) -> Result<Vec<Destination>, Failure> {
    let mut destinations = Vec::new();
    destinations.extend(wanted.local.clone().map(|local| Destination::new(LocalFile::new(local))));
    if wanted.stdout {
        let unusable = |cause| Failure::trouble(format!("cannot use standard output: {cause}"));
        destinations.push(Destination::new(Stdout::new().map_err(unusable)?));
    }
    Ok(destinations)
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
