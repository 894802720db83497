//! The sensor is stopped between any two steps, and starts again.

use std::fs;
use std::path::Path;

use super::*;
use crate::journal::{Claim, Limits, Reader};

struct Machine {
    folder: tempfile::TempDir,
    places: Places,
}

/// The last step before the power fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Nothing,
    Prepared,
    InForce,
    Recorded,
    Offered,
}

const STEPS: [Step; 5] = [Step::Nothing, Step::Prepared, Step::InForce, Step::Recorded, Step::Offered];

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::at(folder.path());
        Self { folder, places }
    }

    fn journal(&self) -> Journal<Directory> {
        let storage = Directory::create(&self.places.journal(), 0o750, None).unwrap();
        let mut random = || start::random().unwrap();
        Journal::open(storage, Limits::default(), Claim::default(), None, &mut random, now()).unwrap()
    }

    fn own(&self) -> OwnKey<'_> {
        let cursors = Directory::create(&self.places.cursors(), 0o770, None).unwrap();
        OwnKey { places: &self.places, handover: Handover::at(cursors) }
    }

    fn key(&self, journal: &Journal<Directory>) -> Option<Key<Directory>> {
        Key::open(start::seal(&self.places).unwrap(), journal.speaker().epoch, journal.sealed()).unwrap()
    }

    /// As the sensor does at its start.
    fn settle(&self) -> (Journal<Directory>, Option<Key<Directory>>) {
        let mut journal = self.journal();
        let mut key = self.key(&journal);
        self.own().settle(&mut journal, &mut key, true, now()).unwrap();
        (journal, key)
    }

    /// The steps of `settle` as far as that one.
    fn crash_after(&self, last: Step) {
        let own = self.own();
        let mut journal = self.journal();
        if last == Step::Nothing {
            return;
        }
        let ratchet = Ratchet::new(random_key().unwrap());
        if last == Step::Prepared {
            let speaker = journal.speaker().clone();
            return own.handover.prepare(&ratchet.first_key(speaker.agent, speaker.epoch, 2)).unwrap();
        }
        let made = own.put_in_force(&mut journal, ratchet, now()).unwrap();
        if last != Step::InForce {
            first_key::record(&mut journal, &made.first, now()).unwrap();
        }
        if last == Step::Offered {
            own.handover.offer().unwrap();
        }
    }

    fn names(&self) -> Vec<String> {
        let all = fs::read_dir(self.places.cursors()).unwrap();
        all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn lines(&self) -> Vec<String> {
        let mut reader = Reader::new(Directory::open(&self.places.journal()).unwrap(), None);
        let batch = reader.next_batch(1000, 1 << 20).unwrap();
        batch.entries.into_iter().map(|entry| String::from_utf8(entry.line).unwrap()).collect()
    }
}

fn now() -> Timestamp {
    Timestamp::now()
}

/// After each of them the key in force is the one that is offered, and nothing else lies about.
#[test]
fn a_crash_between_two_steps_leaves_no_key_that_nobody_has() {
    for step in STEPS {
        let machine = Machine::new();
        machine.crash_after(step);
        let (journal, key) = machine.settle();
        let offered = machine.own().handover.offered().unwrap().unwrap();
        assert!(is_of(&offered.first, &key.unwrap(), journal.speaker().epoch), "{step:?}");
        assert_eq!(machine.names(), [FILE], "{step:?}");
        let created = machine.lines().iter().filter(|line| line.contains("key-created")).count();
        assert_eq!(created, if step == Step::Recorded { 2 } else { 1 }, "{step:?}");
    }
}

/// A key that has sealed since, and whose first state was still on its way.
#[test]
fn a_key_that_has_moved_on_is_known_by_its_first_state() {
    let machine = Machine::new();
    machine.crash_after(Step::InForce);
    let mut journal = machine.journal();
    let mut key = machine.key(&journal).unwrap();
    journal.checkpoint(crate::journal::Digests::default(), Some(&mut key), now()).unwrap();
    drop((journal, key));
    let (journal, key) = machine.settle();
    let offered = machine.own().handover.offered().unwrap().unwrap();
    let key = key.unwrap();
    assert!(key.index() > 0 && is_of(&offered.first, &key, journal.speaker().epoch));
}

#[test]
fn what_was_handed_over_is_not_made_again() {
    let machine = Machine::new();
    drop(machine.settle());
    let handover = machine.own().handover;
    let offered = handover.offered().unwrap().unwrap();
    handover.take(&offered).unwrap();
    let (journal, key) = machine.settle();
    assert!(is_of(&offered.first, &key.unwrap(), journal.speaker().epoch));
    assert!(handover.offered().unwrap().is_none());
}

/// `journal init-key` made one meanwhile, or another machine's lies in an image.
#[test]
fn what_was_prepared_for_another_key_is_removed() {
    let machine = Machine::new();
    machine.crash_after(Step::Prepared);
    let mut journal = machine.journal();
    let other = Ratchet::new(random_key().unwrap());
    let seal = start::seal(&machine.places).unwrap();
    first_key::put_in_force(&mut journal, seal, other, |_| Ok(()), now()).unwrap();
    drop(journal);
    drop(machine.settle());
    assert_eq!(machine.names(), [""; 0]);
}

#[test]
fn another_epoch_has_a_key_of_its_own_in_place_of_the_one_that_nobody_fetched() {
    let machine = Machine::new();
    let (mut journal, _) = machine.settle();
    let old = machine.own().handover.offered().unwrap().unwrap();
    journal.new_epoch(&mut || [9; 8], now());
    let mut key = machine.key(&journal);
    assert!(key.is_none());
    machine.own().settle(&mut journal, &mut key, true, now()).unwrap();
    let new = machine.own().handover.offered().unwrap().unwrap();
    assert_eq!(new.first.epoch, journal.speaker().epoch);
    assert!(*new.text != *old.text);
}

#[test]
fn where_the_policy_does_not_seal_nothing_is_made() {
    let machine = Machine::new();
    let mut journal = machine.journal();
    machine.own().settle(&mut journal, &mut None, false, now()).unwrap();
    assert_eq!(machine.names(), [""; 0]);
    assert_eq!(fs::read_dir(machine.folder.path()).unwrap().count(), 2, "cursors and journal");
}

/// The first step that fails is the last that is tried, and the next turn does the rest.
#[test]
fn a_step_that_fails_is_done_the_next_time() {
    for blocked in ["seal/key.slots", "cursors/first-key.json.next", "cursors/first-key.json"] {
        let machine = Machine::new();
        let (mut journal, mut key) = (machine.journal(), None);
        let obstacle = machine.folder.path().join(blocked);
        fs::create_dir_all(obstacle.join("x")).unwrap();
        let error = machine.own().settle(&mut journal, &mut key, true, now()).unwrap_err().to_string();
        assert!(error.contains("key") && !error.contains("\"key\":"), "{blocked}: {error}");
        assert_eq!(key.is_some(), blocked == "cursors/first-key.json", "{blocked}");
        assert!(!machine.folder.path().join("cursors").join(FILE).is_file(), "{blocked}");
        remove(&obstacle);
        machine.own().settle(&mut journal, &mut key, true, now()).unwrap();
        let offered = machine.own().handover.offered().unwrap().unwrap();
        assert!(is_of(&offered.first, &key.unwrap(), journal.speaker().epoch), "{blocked}");
    }
}

fn remove(obstacle: &Path) {
    fs::remove_dir_all(obstacle).unwrap();
}
