//! rpm's database in SQLite: each header is in a row of the table `Packages`. The log (`-wal`) has what was committed last.

use std::path::{Path, PathBuf};

use super::super::database::sqlite::{Database, Log, Value, column};
use super::header::MAX_HEADER;
use super::source::{Source, malformed};
use super::{Visit, settled};
use crate::host::{Cause, Host, Unreadable};

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
    let mut database = Database::new(main, log).map_err(fail)?;
    let read = packages(&mut database, visit);
    if settled::stamp(host, path) != before || database.has_moved() {
        return Err(settled::moved(path));
    }
    read.map_err(fail)
}

fn packages(database: &mut Database, visit: &mut Visit<'_>) -> Result<(), Cause> {
    let table = database.table("Packages")?.ok_or_else(|| malformed("it has no table of packages"))?;
    database.rows(&table, MAX_HEADER + ROW, &mut |row, values| match column(values, 1) {
        // The column is declared NOT NULL, and SQLite leaves it to the writer to keep to a type.
        Some(Value::Bytes(header)) => visit(header),
        _ => Err(malformed(format!("package {row} has no header"))),
    })
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

/// What a row has beside the header.
const ROW: usize = 64;
