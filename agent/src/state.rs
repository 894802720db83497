//! What is open: posture after posture becomes changes, and only changes are told.
//!
//! No I/O here. The daemon writes [`State::to_bytes`] now and then; what the journal took since is replayed, through
//! the same [`State::apply`] that a comparison goes through, so that a crash between the two repeats nothing.

pub mod drift;
mod told;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;

use crate::finding::wire::body::{Change, FindingBody, Told, badness};
pub use crate::finding::wire::open::Damaged;
use crate::finding::wire::open::{Document, Entry, Past};
use crate::finding::{Finding, Severity, Summary, Verdict};
pub use told::PASSING;
use told::{Matter, matters};

/// Every matter that is open, and those that were until lately.
#[derive(Debug, Clone)]
pub struct State {
    epoch: String,
    /// The last record of the epoch that is in here.
    seq: u64,
    open: BTreeMap<Key, Open>,
    /// The last to be resolved is the last.
    resolved: VecDeque<(Key, Timestamp)>,
    /// The latest counts of each check. Not kept: a run begins with a look at everything.
    counts: BTreeMap<&'static str, Summary>,
    /// How many matters had no room at the latest look.
    left_out: u64,
    max_open: usize,
}

/// What a matter is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub check: Told,
    pub subject: Told,
}

/// A matter that fails, or that nobody could look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    pub verdict: Verdict,
    pub severity: Severity,
    /// Of all that was told.
    pub digest: Told,
    pub title: Told,
    /// When it was first seen; that it was resolved between then and now does not change it.
    pub since: Timestamp,
    /// When it was last told.
    pub changed: Timestamp,
}

/// A posture, or a part of one.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    /// The checks that were asked this time. Of the others this posture says nothing.
    pub asked: BTreeSet<&'static str>,
    /// The checks that the policy leaves on.
    pub enabled: BTreeSet<&'static str>,
    pub findings: &'a [Finding],
}

impl State {
    pub fn new(epoch: &str) -> Self {
        Self {
            epoch: epoch.to_owned(),
            seq: 0,
            open: BTreeMap::new(),
            resolved: VecDeque::new(),
            counts: BTreeMap::new(),
            left_out: 0,
            max_open: MAX_OPEN,
        }
    }

    /// What is to be told of this posture: first what it does not name any more, then what is resolved, then the rest,
    /// the worst first.
    pub fn compare(&mut self, judged: &Judged<'_>, now: Timestamp) -> Vec<FindingBody> {
        // As exact as a record tells it, so that what is read back is the same.
        let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        self.count(judged);
        let seen = matters(judged.findings);
        let mut changes = self.absent(judged, &seen);
        let mut present = self.present(&seen, now);
        present.sort_by_key(|change| {
            (change.change != Change::Resolved, Reverse(change.severity), Key::of(change))
        });
        // What is out of sight goes before the unknown that hides it: if the journal takes only the first part, the
        // next look must not take that unknown for an old one.
        changes.extend(present);
        for change in &changes {
            self.apply(change, now);
        }
        self.left_out = self.trim();
        changes
            .retain(|change| change.change == Change::Resolved || self.open.contains_key(&Key::of(change)));
        changes
    }

    /// The matters of this posture that were not open, or were told differently.
    fn present(&self, seen: &BTreeMap<Key, Matter<'_>>, now: Timestamp) -> Vec<FindingBody> {
        let past: BTreeMap<&Key, Timestamp> =
            self.resolved.iter().map(|(key, since)| (key, *since)).collect();
        seen.iter()
            .filter_map(|(key, matter)| {
                let change = match (matter.is_open(), self.open.get(key)) {
                    (true, None) => match past.get(key) {
                        Some(since) => (Change::Reopened, *since, matter.digest.as_str()),
                        None => (Change::New, now, matter.digest.as_str()),
                    },
                    (true, Some(open)) if open.digest.as_str() != matter.digest => {
                        (Change::Changed, open.since, matter.digest.as_str())
                    }
                    (false, Some(open)) => (Change::Resolved, open.since, open.digest.as_str()),
                    (true, Some(_)) | (false, None) => return None,
                };
                let (change, since, digest) = change;
                Some(FindingBody::of(change, matter.lead, matter.evidence(), since, digest))
            })
            .collect()
    }

    /// The open matters that this posture does not name.
    fn absent(&self, judged: &Judged<'_>, seen: &BTreeMap<Key, Matter<'_>>) -> Vec<FindingBody> {
        let asked: BTreeSet<Told> = judged.asked.iter().map(|check| Told::new(check)).collect();
        let enabled: BTreeSet<Told> = judged.enabled.iter().map(|check| Told::new(check)).collect();
        let unsure = self.unsure(seen);
        self.open
            .iter()
            .filter(|(key, _)| !seen.contains_key(key))
            .filter_map(|(key, open)| {
                if !asked.contains(&key.check) {
                    return (!enabled.contains(&key.check)).then(|| open.ended(key, TURNED_OFF));
                }
                match (unsure.get(&key.check), open.verdict) {
                    (None, _) => Some(open.ended(key, GONE)),
                    // What was seen although as much was hidden then as now would be seen now.
                    (Some(Unsure::AsBefore), Verdict::Fail) => Some(open.ended(key, GONE)),
                    (Some(Unsure::Anew), Verdict::Fail) => Some(open.lost_sight(key)),
                    (Some(_), _) => None,
                }
            })
            .collect()
    }

    /// The checks that could not see everything: what they do not name may be there all the same.
    fn unsure(&self, seen: &BTreeMap<Key, Matter<'_>>) -> BTreeMap<Told, Unsure> {
        let mut unsure = BTreeMap::new();
        for (key, matter) in seen.iter().filter(|(_, matter)| matter.is_unsure()) {
            let is_as_before = self.open.get(key).is_some_and(|open| open.digest.as_str() == matter.digest);
            let entry = unsure.entry(key.check.clone()).or_insert(Unsure::AsBefore);
            if !is_as_before {
                *entry = Unsure::Anew;
            }
        }
        unsure
    }

    /// The one way in which a change becomes state.
    fn apply(&mut self, body: &FindingBody, at: Timestamp) {
        let key = Key::of(body);
        let verdict = match (body.change, body.verdict) {
            (Change::Resolved, _) | (_, None) => {
                self.open.remove(&key);
                self.resolved.retain(|(past, _)| *past != key);
                self.resolved.push_back((key, body.since));
                if self.resolved.len() > MAX_RESOLVED {
                    self.resolved.pop_front();
                }
                return;
            }
            (_, Some(verdict)) => verdict,
        };
        if body.change == Change::Reopened {
            self.resolved.retain(|(past, _)| *past != key);
        }
        let FindingBody { severity, digest, title, since, .. } = body.clone();
        self.open.insert(key, Open { verdict, severity, digest, title, since, changed: at });
    }

    /// Takes in a record that the journal had accepted when what is kept here was not yet written.
    pub fn replay(&mut self, seq: u64, time: Timestamp, body: &FindingBody) {
        if seq > self.seq {
            self.apply(body, time);
            self.trim();
            self.seq = seq;
        }
    }

    /// The journal accepted everything up to this record.
    pub fn accepted(&mut self, seq: u64) {
        self.seq = self.seq.max(seq);
    }

    /// Makes room; returns how many had to go. What was open longest of the most severe stays.
    fn trim(&mut self) -> u64 {
        let excess = self.open.len().saturating_sub(self.max_open);
        if excess > 0 {
            let kept: BTreeSet<Key> =
                self.by_weight().take(self.max_open).map(|(key, _)| key.clone()).collect();
            self.open.retain(|key, _| kept.contains(key));
        }
        u64::try_from(excess).unwrap_or(u64::MAX)
    }

    fn by_weight(&self) -> impl Iterator<Item = (&Key, &Open)> {
        let mut open: Vec<_> = self.open.iter().collect();
        open.sort_by_key(|(key, open)| (Reverse((open.severity, badness(open.verdict))), open.since, *key));
        open.into_iter()
    }

    fn count(&mut self, judged: &Judged<'_>) {
        self.counts.retain(|check, _| judged.enabled.contains(check) && !judged.asked.contains(check));
        for finding in judged.findings {
            self.counts.entry(finding.check).or_default().count(finding);
        }
    }

    /// The latest counts of every check together.
    pub fn counts(&self) -> Summary {
        self.counts.values().copied().fold(Summary::default(), Summary::and)
    }

    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The last record that is in here; those after it are to be replayed.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// How many matters had no room at the latest look, and were not told.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    pub fn open(&self) -> impl Iterator<Item = (&Key, &Open)> {
        self.open.iter()
    }

    /// At most [`MAX_BYTES`]; what has no room is counted, and told anew by the look after it is read.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes_within(MAX_BYTES)
    }

    fn bytes_within(&self, limit: usize) -> Vec<u8> {
        let mut keep = self.open.len();
        loop {
            let left_out = u64::try_from(self.open.len() - keep).unwrap_or(u64::MAX);
            let bytes = self.document(keep, self.left_out.saturating_add(left_out)).to_bytes();
            if bytes.len() <= limit || keep == 0 {
                return bytes;
            }
            keep = keep / 4 * 3;
        }
    }

    fn document(&self, keep: usize, left_out: u64) -> Document {
        let open = self.by_weight().take(keep).map(|(key, open)| open.entry(key)).collect();
        let resolved = self.resolved.iter().map(|(key, since)| {
            let Key { check, subject } = key.clone();
            Past { check, subject, since: *since }
        });
        Document::new(self.epoch.clone(), self.seq, left_out, open, resolved.collect())
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let Document { epoch, seq, left_out, open, resolved, .. } = Document::from_bytes(bytes)?;
        let mut state = Self { seq, left_out, ..Self::new(&epoch) };
        state.open = open.into_iter().map(Open::keyed).collect();
        state.trim();
        let resolved =
            resolved.into_iter().map(|Past { check, subject, since }| (Key { check, subject }, since));
        state.resolved = resolved.take(MAX_RESOLVED).collect();
        Ok(state)
    }
}

/// Whether a check that could not see everything saw as little the time before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unsure {
    AsBefore,
    Anew,
}

impl Key {
    fn of(body: &FindingBody) -> Self {
        Self { check: body.check.clone(), subject: body.subject.clone() }
    }
}

impl Open {
    /// Resolved, though nobody saw it pass.
    fn ended(&self, key: &Key, reason: &str) -> FindingBody {
        FindingBody { change: Change::Resolved, verdict: None, ..self.told(key, reason) }
    }

    /// Not seen, by a look that did not see everything: no proof that it is well.
    fn lost_sight(&self, key: &Key) -> FindingBody {
        let digest = Told::new(&told::hash(&[self.digest.as_str(), OUT_OF_SIGHT]));
        FindingBody { verdict: Some(Verdict::Unknown), digest, ..self.told(key, OUT_OF_SIGHT) }
    }

    fn told(&self, key: &Key, reason: &str) -> FindingBody {
        FindingBody {
            change: Change::Changed,
            check: key.check.clone(),
            subject: key.subject.clone(),
            verdict: Some(self.verdict),
            severity: self.severity,
            title: self.title.clone(),
            evidence: Vec::new(),
            more: 0,
            reason: Some(Told::new(reason)),
            suppression: None,
            since: self.since,
            digest: self.digest.clone(),
        }
    }

    fn entry(&self, key: &Key) -> Entry {
        let Self { verdict, severity, digest, title, since, changed } = self.clone();
        let Key { check, subject } = key.clone();
        Entry { check, subject, verdict, severity, digest, title, since, changed }
    }

    fn keyed(entry: Entry) -> (Key, Self) {
        let Entry { check, subject, verdict, severity, digest, title, since, changed } = entry;
        (Key { check, subject }, Self { verdict, severity, digest, title, since, changed })
    }
}

const GONE: &str = "its subject is not there any more";
const TURNED_OFF: &str = "turned off by the policy, or no check of this version";
const OUT_OF_SIGHT: &str = "it was not seen this time, by a look that could not see everything";
/// More than any machine that is looked after has.
const MAX_OPEN: usize = 100_000;
/// A reader stops at 64 MiB.
pub const MAX_BYTES: usize = 60 * 1024 * 1024;
/// What comes back after so many others went is told as new.
const MAX_RESOLVED: usize = 1_000;

#[cfg(test)]
mod tests;
