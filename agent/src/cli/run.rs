//! `guestward run`: the sensor, in the foreground.

use super::args::RunArgs;
use super::{Exit, Failure, policy};
use crate::daemon::{self, Setup};
use crate::journal::places::Places;
use crate::sys::notify::stored;
use crate::sys::signals::Signals;

pub(super) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    // Before anything is opened.
    let stored = stored::take();
    // Before any thread starts.
    let signals = Signals::block().map_err(Failure::trouble)?;
    let named = args.policy.policy.clone();
    let policy = policy::load(named.as_ref())?;
    let load_policy = Box::new(move || {
        policy::load(named.as_ref()).map_err(|failure| match failure {
            Failure::Trouble(what) => what,
            Failure::ReaderLeft(_) => String::new(),
        })
    });
    let setup = Setup { places: Places::from_env(), policy, load_policy, signals, stored };
    daemon::run(setup).map_err(Failure::trouble)?;
    Ok(Exit::Clean)
}
