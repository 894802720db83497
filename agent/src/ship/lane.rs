//! One destination's way: from the journal, batch by batch, until somebody asks to stop.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::retry::{self, Backoff, Halt, Loop, Pace};
use super::{Bounds, Failed, Places, Shipper, Standing, Stop, Tell};
use crate::journal::{Batch, Cursor, Directory, Entry, Reader};
use crate::sys::memory;

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
    let mut waiting = Waiting::default();
    let mut backoff = Backoff::default();
    while !pace.is_stopped() {
        let bounds = waiting.room(shipper.bounds());
        let batch = match source.next(&cursor, bounds, pace) {
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
        let is_more = !batch.entries.is_empty();
        waiting.join(batch.entries, shipper, pace.now());
        if waiting.is_due(shipper.bounds()) {
            let mut keep = |to| cursor.advance(to);
            Loop { shipper, keep: &mut keep, pace, standing }.deliver(waiting.take())?;
        } else if !is_more {
            waiting.give_back();
            pace.wait(shipper.poll());
        }
    }
    last_words(shipper, &mut cursor, &waiting.take());
    Ok(())
}

/// What waited for its moment has none later, should the machine go away with us: one attempt, whatever comes of it.
fn last_words(shipper: &mut dyn Shipper, cursor: &mut Cursor<Directory>, rest: &[Entry]) {
    let delivered = if rest.is_empty() { None } else { shipper.deliver(rest).ok() };
    let last =
        delivered.and_then(|delivered| delivered.records.checked_sub(1)).and_then(|last| rest.get(last));
    if let Some(last) = last {
        // What is delivered and not noted comes twice, byte for byte.
        let _ = cursor.advance(last.position);
    }
}

/// Records that were read and may wait for others to join them.
#[derive(Default)]
struct Waiting {
    entries: Vec<Entry>,
    bytes: usize,
    due: Option<Instant>,
    /// How much was handed over since memory was given back.
    handed: usize,
}

impl Waiting {
    /// How much more may join.
    fn room(&self, bounds: Bounds) -> Bounds {
        Bounds {
            records: bounds.records.saturating_sub(self.entries.len()),
            bytes: bounds.bytes.saturating_sub(self.bytes),
        }
    }

    fn join(&mut self, entries: Vec<Entry>, shipper: &dyn Shipper, now: Timestamp) {
        if entries.is_empty() {
            return;
        }
        self.bytes += entries.iter().map(|entry| entry.line.len()).sum::<usize>();
        let due = Instant::now() + shipper.patience(&entries, now);
        // Whoever came first waits no longer because others came.
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
        self.entries.extend(entries);
    }

    fn is_due(&self, bounds: Bounds) -> bool {
        // Three quarters: the next record that would not fit shall not split every batch in two.
        let is_full = self.entries.len() >= bounds.records
            || self.bytes.saturating_mul(4) >= bounds.bytes.saturating_mul(3);
        is_full || self.due.is_some_and(|due| due <= Instant::now())
    }

    fn take(&mut self) -> Vec<Entry> {
        self.due = None;
        self.handed += std::mem::take(&mut self.bytes);
        std::mem::take(&mut self.entries)
    }

    /// A backlog that is gone leaves the memory that it took: an idle shipper is to be a small one.
    fn give_back(&mut self) {
        if self.handed > MUCH {
            self.handed = 0;
            memory::give_back();
        }
    }
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
    fn next(&mut self, cursor: &Cursor<Directory>, room: Bounds, pace: &mut Real<'_>) -> io::Result<Batch> {
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
        match reader.next_batch(room.records, room.bytes) {
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

/// Less than this is not worth looking for.
const MUCH: usize = 128 * 1024;
const CURSORS_MODE: u32 = 0o750;
