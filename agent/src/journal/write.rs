//! Writing: drafts become records, groups of them share a sync, and what a disk refuses goes to a new segment.

use std::io;

use jiff::Timestamp;

use super::frame::{self, Content};
use super::segment::{self, Name};
use super::storage::Storage;
use super::{Digests, Draft, Head, Journal, Refused, Rendered, Sealing, Segment};
use crate::finding::Severity;
use crate::finding::wire::body::{Lifecycle, Told};
use crate::finding::wire::gap::{Cause, Gap};
use crate::finding::wire::record::{self, Checkpoint, Kind, MAX_LINE};

impl<S: Storage> Journal<S> {
    /// Accepts all of the drafts, in groups that share a sync. When it returns they survive a power cut.
    pub fn append(&mut self, drafts: &[Draft], now: Timestamp) -> Result<Head, Refused> {
        let mut accepted = 0;
        let refused = |accepted, cause| Refused { accepted, cause };
        self.write_notes(now).map_err(|cause| refused(0, cause))?;
        while accepted < drafts.len() {
            let group = group(&drafts[accepted..]);
            self.make_room(size_of(group), now).map_err(|cause| refused(accepted, cause))?;
            let rendered = self.render(group);
            self.write(rendered, now).map_err(|cause| refused(accepted, cause))?;
            accepted += group.len();
        }
        Ok(self.head)
    }

    /// A summary of the epoch up to here, sealed with the key of its turn where there is one.
    pub fn checkpoint(
        &mut self,
        digests: Digests,
        mut key: Option<&mut dyn Sealing>,
        now: Timestamp,
    ) -> Result<Head, Refused> {
        let refused = |cause| Refused { accepted: 0, cause };
        self.write_notes(now).map_err(refused)?;
        self.make_room(ENVELOPE as u64 * 2, now).map_err(refused)?;
        let seq = self.head.seq + 1;
        let checkpoint = Checkpoint {
            baseline: digests.baseline,
            baseline_state: digests.baseline_state,
            policy: digests.policy,
            records: seq,
            dropped: self.totals.dropped,
            gaps: self.totals.gaps,
            key: key.as_ref().map(|key| key.index()),
        };
        let body = checkpoint.to_json();
        let line = record::line(&self.speaker, seq, &self.head.hash, now, Kind::Checkpoint, &body);
        let mut line = line.map_err(|cause| refused(io::Error::other(cause)))?;
        if let Some(key) = &key {
            record::seal(&mut line, |covered| key.mac(covered));
        }
        let mut rendered = Rendered::after(self.head);
        rendered.push(Kind::Checkpoint, Severity::Critical, &line);
        self.write(rendered, now).map_err(refused)?;
        if let Some(key) = &mut key {
            self.sealed = Some(key.index());
            // The checkpoint stands; a key that could not move on is moved on when the journal is opened again.
            key.advance().map_err(refused)?;
        }
        Ok(self.head)
    }

    /// Which state of the key sealed the last checkpoint: the next one needs the state after it.
    pub fn sealed(&self) -> Option<u64> {
        self.sealed
    }

    /// What the journal has to say of itself is said before anything else.
    fn write_notes(&mut self, now: Timestamp) -> io::Result<()> {
        while !self.notes.is_empty() {
            let notes = std::mem::take(&mut self.notes);
            let written = self.make_room(size_of(&notes), now).and_then(|()| {
                let rendered = self.render(&notes);
                self.write(rendered, now)
            });
            if let Err(cause) = written {
                self.notes.splice(0..0, notes);
                return Err(cause);
            }
        }
        Ok(())
    }

    pub(super) fn render(&self, drafts: &[Draft]) -> Rendered {
        let mut rendered = Rendered::after(self.head);
        for draft in drafts {
            let (seq, prev) = (rendered.head.seq + 1, rendered.head.hash);
            let line = record::line(&self.speaker, seq, &prev, draft.time, draft.kind, &draft.body)
                .ok()
                .filter(|line| line.len() <= MAX_LINE);
            match line {
                Some(line) => rendered.push(draft.kind, draft.severity, &line),
                None => self.render_oversize(draft, &mut rendered),
            }
            if draft.kind == Kind::Gap {
                let lost = Gap::parse(&draft.body);
                // Damage is not a decision to drop.
                let dropped =
                    lost.ok().filter(|gap| gap.cause != Cause::Damaged).map_or(0, |gap| gap.total());
                rendered.totals.dropped = rendered.totals.dropped.saturating_add(dropped);
            }
        }
        rendered
    }

    /// A record that is too long, or whose body is none, is a loss like any other.
    fn render_oversize(&self, draft: &Draft, rendered: &mut Rendered) {
        let mut gap = Gap::new(Cause::Oversize);
        gap.count(Some(draft.kind), Some(draft.severity), 1);
        rendered.totals.dropped += 1;
        let (seq, prev) = (rendered.head.seq + 1, rendered.head.hash);
        if let Ok(line) = record::line(&self.speaker, seq, &prev, draft.time, Kind::Gap, &gap.to_json()) {
            rendered.push(Kind::Gap, Severity::Critical, &line);
        }
    }

    pub(super) fn write(&mut self, rendered: Rendered, now: Timestamp) -> io::Result<()> {
        let is_full = self.segments.last().is_none_or(|segment| {
            segment.last >= segment.first
                && segment.bytes + rendered.bytes.len() as u64 > self.limits.segment_bytes
        });
        if is_full {
            self.active = None;
        }
        if let Err(cause) = self.try_write(&rendered, now) {
            // Nobody knows what of it is on the disk. The same bytes go to a new file, and that one is believed.
            if let Some(name) = self.abandon() {
                let (name, reason) = (Told::new(&name.to_string()), Told::new(&cause.to_string()));
                let event = Lifecycle::SegmentLost { name, reason };
                self.note(Kind::Lifecycle, event.to_json(), now);
            }
            self.free_first_delivered();
            if let Err(cause) = self.try_write(&rendered, now) {
                self.abandon();
                return Err(cause);
            }
        }
        self.accept(rendered);
        Ok(())
    }

    fn try_write(&mut self, rendered: &Rendered, now: Timestamp) -> io::Result<()> {
        let mut file = match self.active.take() {
            Some(file) => file,
            None => self.begin(now)?,
        };
        let written =
            self.storage.append(&mut file, &rendered.bytes).and_then(|()| self.storage.sync(&mut file));
        // Kept even if it failed, so that the caller can name the segment; it is not written to again.
        self.active = Some(file);
        written
    }

    /// Leaves the active segment as it is. One in which nothing was accepted yet goes, so that a disk that takes
    /// nothing for a day does not end up with a file for each attempt.
    fn abandon(&mut self) -> Option<Name> {
        self.active.take()?;
        let last = self.segments.last_mut()?;
        let name = last.name;
        if last.last < last.first && self.storage.remove(&name.to_string()).is_ok() {
            self.segments.pop();
        } else {
            last.is_ragged = true;
            last.bytes = self.storage.size(&name.to_string()).unwrap_or(last.bytes);
        }
        Some(name)
    }

    fn accept(&mut self, rendered: Rendered) {
        self.head = rendered.head;
        self.totals.dropped = self.totals.dropped.saturating_add(rendered.totals.dropped);
        self.totals.gaps = self.totals.gaps.saturating_add(rendered.totals.gaps);
        let mut marker = Vec::new();
        frame::push_marker(&mut marker, self.head.seq, &self.head.hash);
        if let Some(segment) = self.segments.last_mut() {
            segment.last = self.head.seq;
            segment.bytes += (rendered.bytes.len() + marker.len()) as u64;
            for (weight, added) in segment.weights.iter_mut().zip(rendered.weights) {
                weight.records += added.records;
                weight.bytes += added.bytes;
            }
        }
        // Where the marker cannot be written, the header of the next segment says the same.
        if let Some(mut file) = self.active.take()
            && self.storage.append(&mut file, &marker).is_ok()
        {
            self.active = Some(file);
        }
    }

    /// A new segment, with its header and its name on the disk.
    fn begin(&mut self, now: Timestamp) -> io::Result<S::File> {
        let name = self.next_name()?;
        let bytes = self.header_frame(now);
        let mut file = self.storage.create(&name.to_string())?;
        let written = self
            .storage
            .append(&mut file, &bytes)
            .and_then(|()| self.storage.sync(&mut file))
            .and_then(|()| self.storage.sync_names());
        if let Err(cause) = written {
            // Left behind it would be an empty segment, which is harmless.
            let _ = self.storage.remove(&name.to_string());
            return Err(cause);
        }
        self.segments.push(Segment {
            name,
            epoch: self.speaker.epoch,
            first: self.head.seq + 1,
            last: self.head.seq,
            bytes: bytes.len() as u64,
            begun: now.as_millisecond(),
            weights: Default::default(),
            is_ragged: false,
        });
        Ok(file)
    }

    pub(super) fn next_name(&mut self) -> io::Result<Name> {
        let name = Name { number: self.next_number, generation: 0 };
        if name.number > segment::MAX_NUMBER {
            return Err(io::Error::other("the journal has a segment with the last number that there is"));
        }
        self.next_number += 1;
        Ok(name)
    }

    pub(super) fn header_frame(&self, now: Timestamp) -> Vec<u8> {
        let header = self.header(now);
        let mut bytes = Vec::new();
        frame::push(&mut bytes, Content::Header, header.first, &header.to_bytes());
        bytes
    }

    pub(super) fn note(&mut self, kind: Kind, body: String, now: Timestamp) {
        self.notes.push(Draft { time: now, kind, severity: Severity::Critical, body });
    }
}

/// As many as share one sync.
fn group(drafts: &[Draft]) -> &[Draft] {
    let mut bytes = 0;
    let fits = drafts.iter().take_while(|draft| {
        bytes += estimate(draft);
        bytes <= GROUP_BYTES
    });
    &drafts[..fits.count().max(1)]
}

fn size_of(drafts: &[Draft]) -> u64 {
    drafts.iter().map(|draft| estimate(draft) as u64).sum()
}

fn estimate(draft: &Draft) -> usize {
    draft.body.len() + ENVELOPE
}

/// A sync costs milliseconds, so a group is large; a reader takes in twice as much at once, so it is not larger.
const GROUP_BYTES: usize = 1024 * 1024;
/// An upper bound of what a record and its frame add to the body.
const ENVELOPE: usize = 512;
