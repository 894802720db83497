//! A database in SQLite, read as SQLite's file format has it (sqlite.org/fileformat2.html).
//!
//! Not by SQLite: to read, it writes the shared memory beside the file, and may end by merging a log that a program which
//! still runs has left; nothing of the live database may change, and nothing be opened but beneath the root.

mod columns;
mod pages;
mod record;
mod tree;
mod wal;

use std::ops::ControlFlow;

use super::source::{Source, malformed};
use crate::host::Cause;
pub(in crate::host::packages) use columns::{Columns, columns};
use pages::Pages;
pub(in crate::host::packages) use record::{Value, column};
pub(in crate::host::packages) use tree::Row;
pub(in crate::host::packages) use wal::Log;

#[derive(Debug)]
pub(in crate::host::packages) struct Database {
    pages: Pages,
}

/// A table, as the schema has it.
#[derive(Debug, Clone)]
pub(in crate::host::packages) struct Table {
    /// The first page of its tree.
    root: u32,
    /// The statement that made it.
    pub(in crate::host::packages) statement: Vec<u8>,
}

impl Database {
    /// `log` has what was committed last.
    pub(in crate::host::packages) fn new(main: Source, log: Option<Log>) -> Result<Self, Cause> {
        Ok(Self { pages: Pages::new(main, log)? })
    }

    pub(in crate::host::packages) fn table(&mut self, name: &str) -> Result<Option<Table>, Cause> {
        let mut found = None;
        self.walk(1, MAX_STATEMENT, &mut |_, values| {
            let text = |number| match column(values, number) {
                Some(Value::Text(text)) => text,
                _ => b"",
            };
            if text(0) == b"table" && text(1).eq_ignore_ascii_case(name.as_bytes()) {
                let root = match column(values, 3) {
                    Some(Value::Number(root)) => u32::try_from(root).ok(),
                    _ => None,
                };
                let root = root.ok_or_else(|| malformed(format!("its table of {name} begins nowhere")))?;
                found = Some(Table { root, statement: text(4).to_vec() });
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Hands out each row of a table, none of which may have more bytes than `most`.
    pub(in crate::host::packages) fn rows(
        &mut self,
        table: &Table,
        most: usize,
        row: &mut Row<'_>,
    ) -> Result<(), Cause> {
        self.walk(table.root, most, row)
    }

    fn walk(&mut self, root: u32, most: usize, row: &mut Row<'_>) -> Result<(), Cause> {
        tree::walk(&mut self.pages, root, most, row)
    }

    /// Whether the log was begun anew since it was read: then what was in it is in the file, with what came after.
    pub(in crate::host::packages) fn has_moved(&mut self) -> bool {
        self.pages.has_moved()
    }
}

/// SQLITE_MAX_SQL_LENGTH has a million by default.
const MAX_STATEMENT: usize = 1024 * 1024;
