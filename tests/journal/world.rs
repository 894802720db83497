//! A sensor and a shipper on one simulated disk, doing at random what they do in life.

use std::collections::BTreeMap;

use guestward::finding::Severity;
use guestward::finding::wire::gap::{Cause, Gap};
use guestward::finding::wire::record::{self, Hash, Kind};
use guestward::journal::{Claim, Cursor, Digests, Draft, Entry, Journal, Limits, Reader, Sealing, cursor};
use jiff::Timestamp;

use super::disk::{Disk, Faults, Random};
use super::oracle::{Key, Oracle};

/// What the run has met, so that the test knows that it is not blind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Met {
    pub(crate) opens: u64,
    pub(crate) markers_lost: u64,
    pub(crate) rewrites: u64,
    pub(crate) drops: u64,
    pub(crate) damage_told: u64,
    pub(crate) freed: u64,
    pub(crate) refused: u64,
    pub(crate) checkpoints: u64,
}

impl Met {
    pub(crate) fn add(&mut self, other: &Self) {
        self.opens += other.opens;
        self.markers_lost += other.markers_lost;
        self.rewrites += other.rewrites;
        self.drops += other.drops;
        self.damage_told += other.damage_told;
        self.freed += other.freed;
        self.refused += other.refused;
        self.checkpoints += other.checkpoints;
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) disk: Disk,
    pub(crate) oracle: Oracle,
    pub(crate) met: Met,
    random: Random,
    limits: Limits,
    faults: Faults,
    journal: Option<Journal<Disk>>,
    shipper: Option<(Reader<Disk>, Cursor<Disk>)>,
    now: i64,
    count: u64,
}

/// Keys are none of this test's business; that one moves on is.
#[derive(Debug)]
struct Key0(u64);

impl Sealing for Key0 {
    fn index(&self) -> u64 {
        self.0
    }
    fn mac(&self, covered: &[u8]) -> Hash {
        Hash::of(covered)
    }
    fn advance(&mut self) -> std::io::Result<()> {
        self.0 += 1;
        Ok(())
    }
}

impl World {
    pub(crate) fn new(seed: u64, limits: Limits, faults: Faults) -> Self {
        let mut world = Self {
            disk: Disk::new(seed),
            oracle: Oracle::default(),
            met: Met::default(),
            random: Random::new(seed),
            limits,
            faults,
            journal: None,
            shipper: None,
            now: 1_800_000_000_000,
            count: 0,
        };
        world.start();
        world
    }

    /// So many things happen. Whenever the power goes it comes again.
    pub(crate) fn live(&mut self, steps: usize) {
        for _ in 0..steps {
            self.step();
            if self.disk.is_down() {
                self.crash();
            }
        }
    }

    pub(crate) fn crash_somewhere(&mut self, within: usize) {
        let operations = u64::try_from(1 + self.random.below(within)).unwrap();
        self.disk.crash_after(Some(operations));
    }

    pub(crate) fn crash(&mut self) {
        (self.journal, self.shipper) = (None, None);
        self.disk.set_faults(Faults { ignores_sync: self.faults.ignores_sync, ..Faults::default() });
        self.disk.reboot();
        self.start();
    }

    pub(crate) fn stop(&mut self) {
        (self.journal, self.shipper) = (None, None);
    }

    /// Opens the journal: after a crash that must succeed, and without reading the disk over and over.
    pub(crate) fn start(&mut self) {
        let (before, visible) = (self.disk.files(), self.count_visible());
        let operations = self.disk.seen().operations;
        // With faults it may fail, but it must not make anything worse.
        if self.random.chance(300) {
            self.disk.set_faults(self.faults);
            self.journal = self.open().ok();
        }
        if self.journal.is_none() {
            self.disk.set_faults(Faults { ignores_sync: self.faults.ignores_sync, ..Faults::default() });
            match self.open() {
                Ok(journal) => self.journal = Some(journal),
                Err(_) if self.disk.is_down() => return,
                Err(error) => self.oracle.complain(format!("the journal does not open: {error}")),
            }
        }
        let used = self.disk.seen().operations - operations;
        let bound = 200 + 60 * u64::try_from(before.len()).unwrap();
        if used > bound {
            self.oracle.complain(format!("opening took {used} operations with {} files", before.len()));
        }
        let after = self.disk.files();
        self.met.opens += 1;
        self.met.rewrites += u64::from(!before.is_empty() && after.len() > before.len());
        self.met.markers_lost += u64::from(self.count_visible() > visible);
        self.disk.set_faults(self.faults);
    }

    fn open(&mut self) -> std::io::Result<Journal<Disk>> {
        let delivered = cursor::durable(&self.disk.other(), "local")?;
        let count = &mut self.count;
        let mut random = || {
            *count += 1;
            count.to_be_bytes()
        };
        let now = Timestamp::from_millisecond(self.now).unwrap();
        Journal::open(self.disk.clone(), self.limits, Claim::default(), delivered, &mut random, now)
    }

    fn step(&mut self) {
        self.now += i64::try_from(self.random.below(20_000)).unwrap();
        match self.random.below(100) {
            0..45 => self.append(),
            45..70 => self.ship(),
            70..80 => self.learn_what_is_delivered(),
            80..86 => self.checkpoint(),
            86..90 => self.free_old(),
            90..93 => {
                // The sensor is killed; the shipper and the page cache are not.
                self.journal = None;
                self.start();
            }
            93..96 => self.shipper = None,
            // Clocks jump.
            96 => self.now = i64::try_from(self.random.below(1 << 40)).unwrap(),
            _ => self.peek(),
        }
    }

    fn append(&mut self) {
        let drafts: Vec<Draft> = (0..self.random.below(7)).map(|_| self.draft()).collect();
        self.append_these(&drafts);
    }

    pub(crate) fn append_these(&mut self, drafts: &[Draft]) {
        self.oracle.hand_over(drafts);
        let Some(journal) = &mut self.journal else { return };
        match journal.append(drafts, Timestamp::from_millisecond(self.now).unwrap()) {
            Ok(head) => self.oracle.accept(journal.speaker().epoch, head.seq, drafts),
            Err(refused) => {
                self.met.refused += 1;
                assert_eq!(refused.accepted, 0, "these all share one group");
            }
        }
    }

    fn draft(&mut self) -> Draft {
        const KINDS: [Kind; 6] = [
            Kind::Finding,
            Kind::Drift,
            Kind::Detection,
            Kind::Heartbeat,
            Kind::Inventory,
            Kind::Enforcement,
        ];
        self.count += 1;
        let size = if self.random.chance(30) { 3000 } else { self.random.below(200) };
        Draft {
            time: Timestamp::from_millisecond(self.now).unwrap(),
            kind: KINDS[self.random.below(KINDS.len())],
            severity: Severity::ALL[self.random.below(Severity::ALL.len())],
            body: format!("{{\"n\":{},\"pad\":\"{}\"}}", self.count, "x".repeat(size)),
        }
    }

    fn checkpoint(&mut self) {
        let now = Timestamp::from_millisecond(self.now).unwrap();
        let Some(journal) = &mut self.journal else { return };
        let mut key = Key0(journal.sealed().map_or(0, |index| index + 1));
        let key: Option<&mut dyn Sealing> = if self.random.chance(500) { Some(&mut key) } else { None };
        if journal.checkpoint(Digests::default(), key, now).is_ok() {
            self.met.checkpoints += 1;
        }
    }

    fn learn_what_is_delivered(&mut self) {
        if let (Some(journal), Ok(at)) = (&mut self.journal, cursor::durable(&self.disk.other(), "local")) {
            journal.set_delivered(at);
        }
    }

    fn free_old(&mut self) {
        if let Some(journal) = &mut self.journal {
            let before = self.disk.files().len();
            journal.free_old(Timestamp::from_millisecond(self.now).unwrap());
            self.met.freed += u64::from(self.disk.files().len() < before);
        }
    }

    fn ship(&mut self) {
        if self.shipper.is_none() {
            let Ok(cursor) = Cursor::open(self.disk.other(), "local") else { return };
            self.shipper = Some((Reader::new(self.disk.clone(), cursor.at()), cursor));
        }
        let Some((reader, cursor)) = &mut self.shipper else { return };
        let Ok(batch) = reader.next_batch(1 + self.random.below(20), 1 + self.random.below(4000)) else {
            return;
        };
        for entry in &batch.entries {
            self.oracle.deliver(entry);
        }
        if let Some(last) = batch.entries.last()
            && self.random.chance(800)
            && cursor.advance(last.position).is_err()
        {
            // What a failed write left behind is learnt by asking the file.
            self.shipper = None;
        }
    }

    /// Somebody looks: what can be seen could have been delivered.
    fn peek(&mut self) {
        for entry in self.read_all() {
            self.oracle.show(&entry);
        }
    }

    /// Up to where the sensor knows that the shipper has come.
    pub(crate) fn passed(&self) -> Option<Key> {
        cursor::durable(&self.disk.other(), "local").unwrap().map(|at| (at.epoch, at.seq))
    }

    fn read_all(&self) -> Vec<Entry> {
        let mut reader = Reader::new(self.disk.clone(), None);
        let (mut all, mut errors) = (Vec::new(), 0);
        while errors < 20 {
            match reader.next_batch(50, 1 << 20) {
                Ok(batch) if batch.entries.is_empty() => break,
                Ok(batch) => all.extend(batch.entries),
                Err(_) => errors += 1,
            }
        }
        all
    }

    /// Once in a while only: it reads everything.
    fn count_visible(&mut self) -> usize {
        if self.disk.is_down() || !self.random.chance(100) { usize::MAX } else { self.read_all().len() }
    }

    /// The disk is well again and everything is delivered: now nothing may be missing without a word.
    pub(crate) fn settle(&mut self) -> Vec<Key> {
        self.disk.crash_after(None);
        self.faults = Faults { ignores_sync: self.faults.ignores_sync, ..Faults::default() };
        self.disk.set_faults(self.faults);
        self.stop();
        if self.random.chance(700) {
            self.disk.reboot();
        }
        self.start();
        let drafts = [self.draft()];
        self.append_these(&drafts);
        let present: BTreeMap<Key, Vec<u8>> = self
            .read_all()
            .into_iter()
            .inspect(|entry| self.oracle.show(entry))
            .map(|entry| ((entry.position.epoch, entry.position.seq), entry.line))
            .collect();
        self.oracle.check_chain(&present);
        self.count_gaps(&present);
        let mut lost = self.oracle.lost(&present);
        // And the shipper, from where it stands, comes to the same.
        for _ in 0..present.len() * 2 + 20 {
            self.ship();
        }
        lost.extend(self.oracle.lost(&BTreeMap::new()));
        lost
    }

    fn count_gaps(&mut self, present: &BTreeMap<Key, Vec<u8>>) {
        for line in present.values() {
            let record = record::parse(line).unwrap();
            let cause = (record.kind == Kind::Gap).then(|| Gap::parse(record.body).unwrap().cause);
            self.met.drops += u64::from(cause == Some(Cause::JournalFull));
            self.met.damage_told += u64::from(cause == Some(Cause::Damaged));
        }
    }
}
