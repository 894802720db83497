//! rpm's database in SQLite, read as SQLite's file format has it (sqlite.org/fileformat2.html).
//!
//! Not by SQLite: to read, it writes the shared memory beside the file, and may end by merging a log that a program which
//! still runs has left; nothing of the live database may change, and nothing be opened but beneath the root. rpm keeps each
//! header in a row of the table `Packages`. The log (`-wal`) has what was committed last.

mod pages;
mod record;
mod tree;
mod wal;

use std::path::{Path, PathBuf};

use super::source::{Source, malformed};
use super::{Visit, settled};
use crate::host::{Cause, Host, Unreadable};
use pages::Pages;
use record::Value;
use tree::walk;
use wal::Log;

/// Hands each header to `visit`.
pub(super) fn each(host: &Host, path: &Path, visit: &mut Visit<'_>) -> Result<(), Unreadable> {
    let fail = |cause| Unreadable::new(path, cause);
    // Before the first byte is read: whoever merges the log into the file meanwhile changes the file.
    let before = settled::stamp(host, path);
    let main = Source::open(host, path)?;
    interrupted(host, &beside(path, "-journal"))?;
    let log = match Source::open(host, &beside(path, "-wal")) {
        Ok(source) => Log::read(source).map_err(fail)?,
        Err(cause) if cause.is_absent() => None,
        Err(cause) => return Err(cause),
    };
    let mut pages = Pages::new(main, log).map_err(fail)?;
    let read = packages(&mut pages, visit);
    if settled::stamp(host, path) != before || pages.has_moved() {
        return Err(settled::moved(path));
    }
    read.map_err(fail)
}

fn packages(pages: &mut Pages, visit: &mut Visit<'_>) -> Result<(), Cause> {
    let root = table(pages)?.ok_or_else(|| malformed("it has no table of packages"))?;
    walk(pages, root, &mut |row, values| match record::column(values, 1) {
        // The column is declared NOT NULL, and SQLite leaves it to the writer to keep to a type.
        Some(Value::Bytes(header)) => visit(header),
        _ => Err(malformed(format!("package {row} has no header"))),
    })
}

/// The first page of the table's tree, from the schema.
fn table(pages: &mut Pages) -> Result<Option<u32>, Cause> {
    let mut found = None;
    walk(pages, 1, &mut |_, values| {
        let text = |column| match record::column(values, column) {
            Some(Value::Text(text)) => text,
            _ => b"",
        };
        if text(0) == b"table" && text(1).eq_ignore_ascii_case(b"Packages") {
            let root = match record::column(values, 3) {
                Some(Value::Number(root)) => u32::try_from(root).ok(),
                _ => None,
            };
            found = Some(root.ok_or_else(|| malformed("its table of packages begins nowhere"))?);
            return Ok(std::ops::ControlFlow::Break(()));
        }
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// A journal that is not empty undoes what was written before somebody stopped in the middle; only SQLite can.
fn interrupted(host: &Host, path: &Path) -> Result<(), Unreadable> {
    let mut journal = match Source::open(host, path) {
        Ok(journal) => journal,
        Err(cause) if cause.is_absent() => return Ok(()),
        Err(cause) => return Err(cause),
    };
    // A journal that is done with is empty, or begins with zeros.
    let is_done = journal.size == 0
        || journal.bytes(0, 1).map_err(|cause| Unreadable::new(path, cause))?.iter().all(|byte| *byte == 0);
    if is_done { Ok(()) } else { Err(settled::interrupted(path)) }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
