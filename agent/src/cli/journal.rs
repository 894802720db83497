//! `guestward journal …`: the durable record.

mod init_key;
mod lines;
mod verify;
mod verify_json;
mod verify_text;

use std::io::Write;

use super::args::{JournalAction, JournalArgs};
use super::{Exit, Failure};

pub(super) fn run(args: &JournalArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    match &args.action {
        JournalAction::InitKey(args) => init_key::run(args, out),
        JournalAction::Verify(args) => verify::run(args, out),
    }
}
