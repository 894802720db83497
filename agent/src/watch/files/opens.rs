//! Decoys that were opened: each process is told at once, and not a thousand times.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::Opened;
use super::pace::Pace;
use crate::host::actor::Actor;

#[derive(Debug)]
pub(super) struct Opens {
    waiting: HashMap<Key, Opened>,
    pace: Pace<Key>,
}

type Key = (Arc<[u8]>, u32);

impl Opens {
    pub(super) fn new() -> Self {
        Self { waiting: HashMap::new(), pace: Pace::new(MAX) }
    }

    pub(super) fn take(&mut self, path: Arc<[u8]>, pid: u32, actor: Option<Arc<Actor>>, at: Timestamp) {
        // More at once are counted as one whom nobody knows.
        let pid = if self.waiting.len() < MAX { pid } else { 0 };
        let opened = Opened { path: path.to_vec(), at, actor, count: 0 };
        self.waiting.entry((path, pid)).or_insert(opened).count += 1;
    }

    pub(super) fn due(&self) -> Option<Instant> {
        // What was never told is due since it came; any time before now says so.
        self.waiting.keys().map(|key| self.pace.not_before(key).unwrap_or(self.pace.origin())).min()
    }

    pub(super) fn next(&mut self, now: Instant) -> Option<Opened> {
        self.pace.forget(now);
        let is_due = |key: &&Key| self.pace.not_before(key).is_none_or(|due| due <= now);
        let key = self.waiting.keys().find(is_due)?.clone();
        let opened = self.waiting.remove(&key)?;
        self.pace.went(key, now);
        Some(opened)
    }
}

const MAX: usize = 1_024;
