//! SQLite in WAL mode with synchronous=FULL: a transaction a group.

use std::path::Path;

use guestward::journal::Draft;
use rusqlite::Connection;

use crate::Outcome;
use crate::engine::Engine;
use crate::records::Chain;

pub(crate) struct Sqlite {
    connection: Connection,
    chain: Chain,
    group: Vec<(u64, Vec<u8>)>,
}

impl Engine for Sqlite {
    fn open(dir: &Path) -> Outcome<Self> {
        let connection = Connection::open(dir.join("records.sqlite"))?;
        let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(format!("SQLite keeps its journal in mode {mode} here, not wal").into());
        }
        connection.execute_batch(
            "PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS record (seq INTEGER PRIMARY KEY, line BLOB NOT NULL)",
        )?;
        Ok(Self { connection, chain: Chain::new(), group: Vec::new() })
    }

    fn prepare(&mut self, drafts: Vec<Draft>) {
        self.group = self.chain.lines(&drafts);
    }

    fn accept(&mut self) -> Outcome<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO record (seq, line) VALUES (?1, ?2)")?;
            for (seq, line) in &self.group {
                insert.execute((i64::try_from(*seq)?, line))?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn drain(&mut self, batch: usize, each: &mut dyn FnMut(&[u8])) -> Outcome<()> {
        let batch = i64::try_from(batch)?;
        loop {
            let mut last = None;
            {
                let mut select =
                    self.connection.prepare_cached("SELECT seq, line FROM record ORDER BY seq LIMIT ?1")?;
                let mut rows = select.query([batch])?;
                while let Some(row) = rows.next()? {
                    each(row.get_ref(1)?.as_blob()?);
                    last = Some(row.get::<_, i64>(0)?);
                }
            }
            let Some(last) = last else { return Ok(()) };
            self.connection.prepare_cached("DELETE FROM record WHERE seq <= ?1")?.execute([last])?;
        }
    }
}
