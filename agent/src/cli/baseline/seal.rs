//! `guestward baseline seal`: the builder of an image signs what it agreed on.

use std::io::Write;

use jiff::Timestamp;

use super::super::args::SealArgs;
use super::super::{Exit, Failure};
use super::{hex, show, who};
use crate::baseline::store::SealingKey;

pub(super) fn run(args: &SealArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let key = SealingKey::read(&args.key).map_err(Failure::trouble)?;
    let mut store = show::open(&args.target.root)?;
    // What is signed is what is there, and not what its index says.
    store.recompute().map_err(Failure::trouble)?;
    let sealed = store.seal(&key, &who(), Timestamp::now()).map_err(Failure::trouble)?;
    let told = writeln!(
        out,
        "sealed version {} with key {}\nroot {}",
        sealed.identity.version,
        hex(&sealed.by.0),
        hex(&sealed.identity.root)
    );
    told.map_err(|error| Failure::output(error, Exit::Clean))?;
    Ok(Exit::Clean)
}
