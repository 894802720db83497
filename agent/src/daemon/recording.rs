//! What the loop found becomes durable: recorded, sealed, and remembered for the next run.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::appeared::Memory;
use super::{Daemon, least, recall, shippers};
use crate::journal::{Digests, Draft, Sealing, cursor};

impl Daemon {
    /// Durable before it returns, or waiting in memory for a disk that takes it.
    pub(super) fn record(&mut self, drafts: Vec<Draft>) {
        for draft in drafts {
            self.waiting.push(draft);
        }
        self.flush();
    }

    pub(super) fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        self.learn_delivered();
        let now = Timestamp::now();
        let batch = self.waiting.batch(now);
        match self.journal.append(&batch, now) {
            Ok(_) => {
                self.waiting.accepted(batch.len());
                self.last_record = Some(now);
                self.trouble = None;
                self.timers.recorded(Instant::now(), self.policy.checkpoint_delay());
                if self.waiting.take_lost_findings() {
                    self.find_anew();
                }
                self.save_state();
            }
            Err(refused) => {
                self.waiting.accepted(refused.accepted);
                self.trouble = Some(refused.to_string());
                self.timers.retry.set(Instant::now() + RETRY);
                self.notifier.status(&self.in_a_line());
            }
        }
    }

    /// Changes were lost that the state takes for told. It goes back to what the journal has, and what is true now is
    /// compared with that.
    fn find_anew(&mut self) {
        let recalled = recall::recall(&self.state_file, &self.places, &self.journal);
        (self.state, self.files.state) = (recalled.state, recalled.drift);
        self.memory = Memory::of(&self.state_file);
        self.look(None);
        self.timers.files.by(Instant::now() + RETRY);
    }

    pub(super) fn checkpoint(&mut self) {
        if !self.is_key_settled {
            self.settle_key();
        }
        let digests = Digests { policy: Some(self.policy_digest), ..self.files.digests() };
        let key = self.key.as_mut().map(|key| key as &mut dyn Sealing);
        let (now, head, before) = (Timestamp::now(), self.journal.head().seq, self.journal.sealed());
        let sealed = self.journal.checkpoint(digests, key, now);
        if self.journal.head().seq > head {
            self.last_record = Some(now);
        }
        match sealed {
            Ok(_) => {
                self.timers.sealed(Instant::now());
                if self.waiting.is_empty() && !self.is_unsaved {
                    self.trouble = None;
                }
            }
            // It stands, and only its key could not move on: another one would not help that.
            Err(refused) if self.journal.head().seq > head && self.journal.sealed() != before => {
                self.timers.sealed(Instant::now());
                self.trouble = Some(format!("the key stays where it was: {}", refused.cause));
            }
            Err(refused) => {
                self.timers.not_sealed(Instant::now() + RETRY);
                self.trouble = Some(refused.to_string());
            }
        }
    }

    /// The shippers' cursors, as far as they are certain, so that the journal knows what it may free first.
    fn learn_delivered(&mut self) {
        let durable = |name: &&str| cursor::durable(&self.cursors, name).ok().flatten();
        self.journal.set_delivered(least(shippers(&self.policy).iter().map(durable)));
    }

    /// Written only when the journal has everything that is in it: a change that is lost must be found anew.
    pub(super) fn save_state(&mut self) {
        if !self.is_unsaved || !self.waiting.is_empty() {
            return;
        }
        // What is not in the file yet the journal has. To write a hundred thousand files that differ takes as long as to
        // record a thousand.
        let is_large = self.files.state.count() > LARGE;
        if is_large && self.saved.is_some_and(|saved| saved.elapsed() < SELDOM) {
            return;
        }
        self.saved = Some(Instant::now());
        self.state.accepted(self.journal.head().seq);
        self.files.state.accepted(self.journal.head().seq);
        let written = self.memory.write(&self.state_file);
        match written.and_then(|()| self.state_file.write(&self.state, &self.files.state)) {
            Ok(()) => self.is_unsaved = self.memory.is_unsaved(),
            // With the next record it is tried again.
            Err(error) => self.trouble = Some(format!("cannot keep what is open: {error}")),
        }
    }
}

/// So much is written each time; more, only now and then, and when the sensor stops.
const LARGE: usize = 500;
const SELDOM: Duration = Duration::from_secs(10);
/// A full disk is asked again this soon.
const RETRY: Duration = Duration::from_secs(2);
