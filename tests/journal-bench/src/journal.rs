//! guestward: the journal itself, and a cursor as a shipper has one.

use std::path::{Path, PathBuf};

use guestward::journal::{Claim, Cursor, Directory, Draft, Journal, Limits, Reader, cursor};
use jiff::{SignedDuration, Timestamp};

use crate::Outcome;
use crate::engine::Engine;
use crate::records::{ID, NOW, machine, speaker};

pub(crate) struct Guestward {
    dir: PathBuf,
    journal: Journal<Directory>,
    group: Vec<Draft>,
}

impl Engine for Guestward {
    fn open(dir: &Path) -> Outcome<Self> {
        let speaker = speaker();
        let claim = Claim {
            machine: machine(),
            boot: speaker.boot,
            account: speaker.account,
            region: speaker.region,
        };
        let storage = Directory::create(&dir.join("journal"), 0o750, None)?;
        let mut journal = Journal::open(storage, LIMITS, claim, None, &mut || ID, NOW)?;
        // What a journal says when it is opened is not part of what it is measured by.
        journal.append(&[], NOW)?;
        Ok(Self { dir: dir.to_owned(), journal, group: Vec::new() })
    }

    fn prepare(&mut self, drafts: Vec<Draft>) {
        self.group = drafts;
    }

    fn accept(&mut self) -> Outcome<()> {
        self.journal.append(&self.group, NOW)?;
        Ok(())
    }

    fn drain(&mut self, batch: usize, each: &mut dyn FnMut(&[u8])) -> Outcome<()> {
        let cursors = self.dir.join("cursors");
        let mut cursor = Cursor::open(Directory::create(&cursors, 0o750, None)?, "bench")?;
        let mut reader = Reader::new(Directory::open(&self.dir.join("journal"))?, cursor.at());
        loop {
            let entries = reader.next_batch(batch, usize::MAX)?.entries;
            let Some(last) = entries.last() else { return Ok(()) };
            // The others were not handed the record that opens a journal.
            entries.iter().filter(|entry| entry.position.seq > 1).for_each(|entry| each(&entry.line));
            cursor.advance(last.position)?;
            self.journal.set_delivered(cursor::durable(&Directory::open(&cursors)?, "bench")?);
            self.journal.free_old(much_later());
        }
    }
}

fn much_later() -> Timestamp {
    NOW + SignedDuration::from_hours(1)
}

/// Keeps all that a run hands it, and nothing that was delivered.
const LIMITS: Limits = Limits { max_bytes: 4 << 30, max_age: 0, segment_bytes: 4 << 20 };
