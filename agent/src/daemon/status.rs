//! How the sensor is, for whoever asks.

use super::{Connection, Daemon, shippers};
use crate::finding::wire;
use crate::finding::wire::status::{Looked, Sensor, ShipperBacklog};
use crate::journal::Sealing as _;
use crate::sys::own::Own;
use crate::sys::sandbox;

impl Daemon {
    pub(super) fn answer(&mut self, connection: Connection) {
        let document = self.status().to_json();
        // Whoever did not take it may ask again.
        let _ = connection.answer(document.as_bytes());
    }

    fn status(&mut self) -> Sensor {
        let cost = self.own.as_mut().and_then(Own::cost);
        let speaker = self.journal.speaker();
        let head = self.journal.head();
        let totals = self.journal.totals();
        Sensor {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            up_s: self.began.elapsed().as_secs(),
            rss: cost.map(|cost| cost.rss),
            cpu_s: cost.map(|cost| cost.cpu.as_secs_f64()),
            agent: speaker.agent,
            epoch: speaker.epoch,
            instance: speaker.instance.clone(),
            policy: self.policy_digest,
            policy_sources: self.policy.sources.clone(),
            last_seq: head.seq,
            last_record: self.last_record.map(wire::rfc3339_millis),
            journal_bytes: self.journal.bytes(),
            backlog: shippers(&self.policy).into_iter().map(|name| self.told_backlog(name)).collect(),
            waiting: self.waiting.len(),
            gaps: totals.gaps,
            dropped: totals.dropped,
            posture: self.state.counts(),
            last_look: self.last_look.as_ref().map(|look| Looked {
                time: wire::rfc3339_millis(look.time),
                took_s: look.took.as_secs_f64(),
                is_whole: look.is_whole,
            }),
            looking: self.under_way.is_some(),
            files: self.files.status(),
            key: self.key.as_ref().map(|key| key.index()),
            trouble: self
                .trouble
                .iter()
                .chain(&self.key_trouble)
                .cloned()
                .chain(self.files.troubles())
                .collect(),
            confinement: sandbox::applied().map(Into::into),
        }
    }

    fn told_backlog(&self, shipper: &'static str) -> ShipperBacklog {
        let backlog = self.backlog(shipper);
        let oldest = backlog.oldest.map(wire::rfc3339_millis);
        ShipperBacklog { shipper, records: backlog.records, bytes: backlog.bytes, oldest }
    }
}
