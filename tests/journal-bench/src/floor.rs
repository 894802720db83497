//! The floor: each group appended to one file and synced, with no way to find, check or delete a record. What the
//! disk itself takes; no store can be faster.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use guestward::journal::Draft;

use crate::Outcome;
use crate::engine::Engine;
use crate::records::Chain;

pub(crate) struct Floor {
    path: PathBuf,
    file: File,
    chain: Chain,
    group: Vec<u8>,
}

impl Engine for Floor {
    fn open(dir: &Path) -> Outcome<Self> {
        let path = dir.join("lines");
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        file.sync_all()?;
        Ok(Self { path, file, chain: Chain::new(), group: Vec::new() })
    }

    fn prepare(&mut self, drafts: Vec<Draft>) {
        self.group.clear();
        for (_, line) in self.chain.lines(&drafts) {
            self.group.extend_from_slice(&line);
            self.group.push(b'\n');
        }
    }

    fn accept(&mut self) -> Outcome<()> {
        self.file.write_all(&self.group)?;
        Ok(self.file.sync_data()?)
    }

    fn drain(&mut self, _: usize, each: &mut dyn FnMut(&[u8])) -> Outcome<()> {
        for line in BufReader::new(File::open(&self.path)?).split(b'\n') {
            each(&line?);
        }
        self.file.set_len(0)?;
        Ok(self.file.sync_all()?)
    }
}
