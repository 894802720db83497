//! `guestward journal export`: the records as JSON lines, each its exact bytes.

use std::io::Write;

use super::super::args::ExportArgs;
use super::{Exit, Failure, each, reader};

pub(super) fn run(args: &ExportArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    each(&mut reader()?, |entry| {
        let is_wanted =
            entry.position.seq >= args.from && (args.kind.is_empty() || args.kind.contains(&entry.kind));
        if !is_wanted {
            return Ok(());
        }
        let written = out.write_all(&entry.line).and_then(|()| out.write_all(b"\n"));
        written.map_err(|error| Failure::output(error, Exit::Clean))
    })?;
    Ok(Exit::Clean)
}
