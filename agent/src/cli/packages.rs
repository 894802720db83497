//! `guestward packages`: installed and pending packages, and what still runs old code.

use std::io::Write;

use super::args::PackagesArgs;
use super::{Exit, Failure};

pub(super) fn run(_args: &PackagesArgs, _out: &mut dyn Write) -> Result<Exit, Failure> {
    Err(Failure::trouble("not merged yet"))
}
