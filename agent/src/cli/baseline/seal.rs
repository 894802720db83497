//! `guestward baseline seal`.

use std::io::Write;

use super::super::args::SealArgs;
use super::super::{Exit, Failure};

pub(super) fn run(_: &SealArgs, _: &mut dyn Write) -> Result<Exit, Failure> {
    Err(Failure::trouble("todo"))
}
