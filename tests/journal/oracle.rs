//! What was promised and what was seen: every accepted record is delivered, or readable, or named by a gap.

use std::collections::{BTreeMap, BTreeSet};

use guestward::finding::wire::gap::Gap;
use guestward::finding::wire::record::{self, Hash, Id, Kind};
use guestward::journal::{Draft, Entry};

/// A record's place: its epoch and its seq.
pub(crate) type Key = (Id, u64);

#[derive(Debug, Default)]
pub(crate) struct Oracle {
    /// What was ever handed over, accepted or not.
    handed: BTreeSet<String>,
    /// What append has accepted, and under which seq.
    accepted: BTreeMap<Key, String>,
    /// Every record that was ever read, wherever.
    shown: BTreeMap<Key, Vec<u8>>,
    delivered: BTreeSet<Key>,
    complaints: Vec<String>,
    pub(crate) duplicates: u64,
    /// Whether the disk has damaged what it had kept: then a seq may have been given away twice.
    pub(crate) disk_lied: bool,
}

impl Oracle {
    pub(crate) fn hand_over(&mut self, drafts: &[Draft]) {
        self.handed.extend(drafts.iter().map(|draft| draft.body.clone()));
    }

    /// They have the last seqs of the epoch, in their order.
    pub(crate) fn accept(&mut self, epoch: Id, last: u64, drafts: &[Draft]) {
        for (seq, draft) in (1..=last).rev().zip(drafts.iter().rev()) {
            if let Some(before) = self.accepted.insert((epoch, seq), draft.body.clone()) {
                self.complain(format!("seq {seq} was given to {before} and to {}", draft.body));
            }
        }
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.len()
    }

    pub(crate) fn deliver(&mut self, entry: &Entry) {
        self.show(entry);
        if !self.delivered.insert((entry.position.epoch, entry.position.seq)) {
            self.duplicates += 1;
        }
    }

    pub(crate) fn show(&mut self, entry: &Entry) {
        let key = (entry.position.epoch, entry.position.seq);
        let Ok(record) = record::parse(&entry.line) else {
            return self.complain(format!("{key:?} is no record"));
        };
        if (record.epoch, record.seq, record.kind) != (key.0, key.1, entry.kind) {
            self.complain(format!("{key:?} says that it is {} {:?}", record.seq, record.kind));
        }
        if !record.kind.is_about_the_journal() && !self.handed.contains(record.body) {
            self.complain(format!("{key:?} was never handed over: {}", record.body));
        }
        let is_other = self.accepted.get(&key).is_some_and(|body| body != record.body);
        let forks = self.shown.get(&key).is_some_and(|line| *line != entry.line);
        if (is_other || forks) && !self.disk_lied {
            self.complain(format!("{key:?} is two records"));
        }
        self.shown.insert(key, entry.line.clone());
    }

    pub(crate) fn complain(&mut self, complaint: String) {
        self.complaints.push(complaint);
    }

    pub(crate) fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// What is lost without a word, if this is all that there is beside what was delivered.
    pub(crate) fn lost(&self, present: &BTreeMap<Key, Vec<u8>>) -> Vec<Key> {
        let delivered = self.delivered.iter().map(|key| (*key, &self.shown[key]));
        let told: Vec<(Key, &Vec<u8>)> =
            present.iter().map(|(key, line)| (*key, line)).chain(delivered).collect();
        let mut named = Vec::new();
        for ((epoch, _), line) in &told {
            let record = record::parse(line).unwrap();
            if record.kind == Kind::Gap {
                let gap = Gap::parse(record.body).unwrap();
                let epoch = gap.epoch.unwrap_or(*epoch);
                named.extend(gap.runs.into_iter().map(|run| (epoch, run)));
            }
        }
        let known: BTreeSet<Key> = told.iter().map(|(key, _)| *key).collect();
        let is_named = |key: &Key| named.iter().any(|(epoch, run)| *epoch == key.0 && run.covers(key.1));
        let all: BTreeSet<Key> = self.accepted.keys().chain(self.shown.keys()).copied().collect();
        all.into_iter().filter(|key| !known.contains(key) && !is_named(key)).collect()
    }

    /// Where neighbours are there, each holds the hash of the one before.
    pub(crate) fn check_chain(&mut self, present: &BTreeMap<Key, Vec<u8>>) {
        let pairs = present.iter().zip(present.iter().skip(1));
        for ((before, line), (key, next)) in pairs {
            let is_next = before.0 == key.0 && before.1 + 1 == key.1;
            if is_next && record::parse(next).is_ok_and(|next| next.prev != Hash::of(line)) {
                self.complain(format!("the chain is broken before {key:?}"));
            }
        }
    }
}
