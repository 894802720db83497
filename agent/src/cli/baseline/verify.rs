//! `guestward baseline verify`.

use std::io::Write;

use super::super::args::VerifyBaselineArgs;
use super::super::{Exit, Failure};

pub(super) fn run(_: &VerifyBaselineArgs, _: &mut dyn Write) -> Result<Exit, Failure> {
    Err(Failure::trouble("todo"))
}
