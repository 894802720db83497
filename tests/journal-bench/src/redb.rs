//! redb with Durability::Immediate: a commit a group.

use std::path::Path;

use guestward::journal::Draft;
use redb::{Database, Durability, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use crate::Outcome;
use crate::engine::Engine;
use crate::records::Chain;

pub(crate) struct Redb {
    database: Database,
    chain: Chain,
    group: Vec<(u64, Vec<u8>)>,
}

impl Engine for Redb {
    fn open(dir: &Path) -> Outcome<Self> {
        let database = Database::builder().set_cache_size(CACHE).create(dir.join("records.redb"))?;
        let mut redb = Self { database, chain: Chain::new(), group: Vec::new() };
        // Makes the table.
        redb.accept()?;
        Ok(redb)
    }

    fn prepare(&mut self, drafts: Vec<Draft>) {
        self.group = self.chain.lines(&drafts);
    }

    fn accept(&mut self) -> Outcome<()> {
        let mut write = self.database.begin_write()?;
        write.set_durability(Durability::Immediate)?;
        {
            let mut table = write.open_table(TABLE)?;
            for (seq, line) in &self.group {
                table.insert(seq, line.as_slice())?;
            }
        }
        Ok(write.commit()?)
    }

    fn drain(&mut self, batch: usize, each: &mut dyn FnMut(&[u8])) -> Outcome<()> {
        loop {
            let mut last = None;
            {
                let read = self.database.begin_read()?;
                for row in read.open_table(TABLE)?.iter()?.take(batch) {
                    let (seq, line) = row?;
                    each(line.value());
                    last = Some(seq.value());
                }
            }
            let Some(last) = last else { return Ok(()) };
            let mut write = self.database.begin_write()?;
            write.set_durability(Durability::Immediate)?;
            write.open_table(TABLE)?.retain_in(..=last, |_, _| false)?;
            write.commit()?;
        }
    }
}

const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("record");
/// What SQLite takes for itself by default, doubled; redb's own default of 1 GiB is none for an agent.
const CACHE: usize = 4 << 20;
