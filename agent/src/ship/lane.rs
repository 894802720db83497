//! One destination's way: from the journal, batch by batch, until somebody asks to stop.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::retry::{self, Backoff, Halt, Loop, Pace};
use super::{Failed, Places, Shipper, Standing, Stop, Tell};
use crate::journal::{Batch, Cursor, Directory, Reader};

pub(super) fn run(
    mut shipper: Box<dyn Shipper>,
    places: &Places,
    standing: &Standing,
    stop: &Stop,
    tell: &Tell,
) -> Result<(), Failed> {
    let name = shipper.name();
    let mut pace = Real { name, stop, tell };
    match until_stopped(&mut *shipper, places, standing, &mut pace) {
        Ok(()) | Err(Halt::Asked) => Ok(()),
        Err(Halt::Useless(text)) => Err(Failed { shipper: name, text }),
    }
}

fn until_stopped(
    shipper: &mut dyn Shipper,
    places: &Places,
    standing: &Standing,
    pace: &mut Real<'_>,
) -> Result<(), Halt> {
    let mut cursor = open_cursor(shipper.name(), places, standing, pace)?;
    standing.at(cursor.at());
    shipper.resume(cursor.at());
    let mut source = Source { reader: None, places, told: false };
    let bounds = shipper.bounds();
    let mut backoff = Backoff::default();
    while !pace.is_stopped() {
        let batch = match source.next(&cursor, bounds.records, bounds.bytes, pace) {
            Ok(batch) => batch,
            Err(cause) => {
                let text = format!("cannot read the journal at {}: {cause}", places.journal.display());
                retry::wait(standing, pace, &mut backoff, None, &text)?;
                continue;
            }
        };
        if std::mem::take(&mut backoff) != Backoff::default() && standing.works() {
            pace.tell("reads the journal again");
        }
        standing.damaged(batch.damaged);
        if batch.entries.is_empty() {
            pace.wait(POLL);
            continue;
        }
        let mut keep = |to| cursor.advance(to);
        Loop { shipper, keep: &mut keep, pace, standing }.deliver(batch.entries)?;
    }
    Ok(())
}

fn open_cursor(
    name: &str,
    places: &Places,
    standing: &Standing,
    pace: &mut Real<'_>,
) -> Result<Cursor<Directory>, Halt> {
    let open = || Cursor::open(Directory::create(&places.cursors, CURSORS_MODE, None)?, name);
    let mut backoff = Backoff::default();
    loop {
        match open() {
            Ok(cursor) => return Ok(cursor),
            Err(cause) => {
                let text = format!("cannot open the cursor in {}: {cause}", places.cursors.display());
                retry::wait(standing, pace, &mut backoff, None, &text)?;
            }
        }
    }
}

/// The journal, as soon as there is one.
struct Source<'a> {
    reader: Option<Reader<Directory>>,
    places: &'a Places,
    told: bool,
}

impl Source<'_> {
    fn next(
        &mut self,
        cursor: &Cursor<Directory>,
        records: usize,
        bytes: usize,
        pace: &mut Real<'_>,
    ) -> io::Result<Batch> {
        if self.reader.is_none() {
            match Directory::open(&self.places.journal) {
                Ok(directory) => self.reader = Some(Reader::new(directory, cursor.at())),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                    if !std::mem::replace(&mut self.told, true) {
                        let path = self.places.journal.display();
                        pace.tell(&format!("waits for a journal at {path}: `guestward run` makes it"));
                    }
                }
                Err(cause) => return Err(cause),
            }
        }
        let Some(reader) = &mut self.reader else { return Ok(Batch::default()) };
        match reader.next_batch(records, bytes) {
            // Gone as a whole: the next one is begun from the cursor.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                self.reader = None;
                Ok(Batch::default())
            }
            batch => batch,
        }
    }
}

/// The real clock and the kernel's chance.
struct Real<'a> {
    name: &'static str,
    stop: &'a Stop,
    tell: &'a Tell,
}

impl Pace for Real<'_> {
    fn wait(&mut self, time: Duration) -> bool {
        self.stop.wait(time)
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    fn random(&mut self) -> u64 {
        let mut bytes = [0; 8];
        match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) {
            Ok(_) => u64::from_ne_bytes(bytes),
            // The longest wait is always right.
            Err(_) => u64::MAX,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn tell(&mut self, text: &str) {
        Arc::as_ref(self.tell)(&format!("{}: {text}", self.name));
    }
}

/// A record is on its way within half a second; looking costs a listing of the directory.
const POLL: Duration = Duration::from_millis(500);
const CURSORS_MODE: u32 = 0o750;
