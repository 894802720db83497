//! `guestward journal …`: the durable record.

mod lines;
mod verify;
mod verify_json;
mod verify_text;

use std::io::Write;

use super::args::{JournalAction, JournalArgs};
use super::{Exit, Failure};

pub(super) fn run(args: &JournalArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    match &args.action {
        JournalAction::Verify(args) => verify::run(args, out),
    }
}
