//! `guestward journal`: the durable record, read without disturbing whoever writes it.

mod export;
mod init_key;
mod lines;
mod tail;
mod verify;
mod verify_group;
mod verify_json;
mod verify_text;

use std::io::{self, Write};

use super::args::{JournalAction, JournalArgs};
use super::{Exit, Failure};
use crate::finding::Text;
use crate::journal::places::Places;
use crate::journal::{Directory, Entry, Reader};

pub(super) fn run(args: &JournalArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    match &args.action {
        JournalAction::Export(args) => export::run(args, out),
        JournalAction::InitKey(args) => init_key::run(args, out),
        JournalAction::Verify(args) => verify::run(args, out),
        JournalAction::Tail(args) => tail::run(args, out),
    }
}

/// The journal in the state directory, from its beginning.
fn reader() -> Result<Reader<Directory>, Failure> {
    let path = Places::from_env().journal();
    let at = Text::new(&path.display().to_string());
    let directory = Directory::open(&path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => Failure::trouble(format!(
            "there is no journal at {at}: `guestward run` makes one, and GUESTWARD_STATE names another place"
        )),
        io::ErrorKind::PermissionDenied => Failure::trouble(format!(
            "cannot read the journal at {at}: {cause}; be root, or in the group that it belongs to"
        )),
        _ => unreadable(&cause),
    })?;
    Ok(Reader::new(directory, None))
}

/// Hands over all records that are there, oldest first.
fn each(
    reader: &mut Reader<Directory>,
    mut take: impl FnMut(Entry) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut damaged = 0;
    let mut nothing = 0;
    // An empty batch can mean that a segment went away under the reader; two in a row are the end.
    while nothing < 2 {
        let batch = reader.next_batch(BATCH, BATCH).map_err(|cause| unreadable(&cause))?;
        damaged += batch.damaged;
        nothing = if batch.entries.is_empty() { nothing + 1 } else { 0 };
        for entry in batch.entries {
            take(entry)?;
        }
    }
    if damaged > 0 {
        let _ = writeln!(
            io::stderr(),
            "guestward: {damaged} bytes of the journal are damaged; a gap record names what was in them"
        );
    }
    Ok(())
}

fn unreadable(cause: &io::Error) -> Failure {
    Failure::trouble(format!("cannot read the journal: {cause}"))
}

/// So many records, and so many bytes of them, at once.
const BATCH: usize = 1024 * 1024;
