//! What is kept of each record until all of them are there.

use super::Where;
use super::line::Line;
use crate::finding::Text;
use crate::finding::wire::gap::{Gap, Run};
use crate::finding::wire::key::FirstKey;
use crate::finding::wire::note::Note;
use crate::finding::wire::proof::Lifecycle;
use crate::finding::wire::record::{self, Checkpoint, Hash, Id, Kind, Record};

/// One epoch's records as they came in.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) agent: Id,
    pub(super) epoch: Id,
    /// Its keys, by the first record that each can have sealed.
    pub(super) keys: Vec<FirstKey>,
    awaits_keys: bool,
    pub(super) instances: Vec<Text>,
    pub(super) facts: Vec<Fact>,
    pub(super) gaps: Vec<(Mark, Gap)>,
    /// What shippers say was not taken.
    pub(super) notes: Vec<(Note, Where)>,
    /// What gaps of another epoch say is lost of this one.
    pub(super) foreign: Vec<Run>,
    pub(super) checkpoints: Vec<Sealed>,
    pub(super) lifecycles: Vec<(Mark, Lifecycle)>,
}

/// What the chain needs of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fact {
    pub(super) seq: u64,
    pub(super) hash: Hash,
    pub(super) prev: Hash,
    pub(super) place: Where,
    pub(super) kind: Kind,
    /// Only its beginning is here; the hash is told of the whole.
    pub(super) is_cut: bool,
    /// Milliseconds of Unix time; `NO_TIME` where what stands there is none.
    pub(super) time: i64,
}

/// Which record: two may have the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) seq: u64,
    pub(super) hash: Hash,
}

/// A checkpoint, with what its seal covers where a key is there to open it.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) mark: Mark,
    pub(super) said: Checkpoint,
    pub(super) has_mac: bool,
    pub(super) seal: Option<(Box<[u8]>, Hash)>,
}

impl Gathered {
    pub(super) fn new(agent: Id, epoch: Id, keys: &[FirstKey], awaits_keys: bool) -> Self {
        let mut new = Self {
            agent,
            epoch,
            keys: Vec::new(),
            awaits_keys,
            instances: Vec::new(),
            facts: Vec::new(),
            gaps: Vec::new(),
            notes: Vec::new(),
            foreign: Vec::new(),
            checkpoints: Vec::new(),
            lifecycles: Vec::new(),
        };
        keys.iter().for_each(|key| new.add_key(key));
        new
    }

    /// Takes a key, if it is one of this epoch's.
    pub(super) fn add_key(&mut self, key: &FirstKey) {
        if (key.agent, key.epoch) == (self.agent, self.epoch) && !self.keys.contains(key) {
            self.keys.push(key.clone());
            self.keys.sort_by_key(|key| key.from_seq);
        }
    }

    /// Keeps a line; what its body makes impossible to use is said.
    pub(super) fn take(
        &mut self,
        read: Line<'_>,
        line: &[u8],
        place: Where,
    ) -> Result<(), record::Malformed> {
        match read {
            Line::Record(record) => return self.record(&record, line, place),
            Line::Cut(cut) => self.facts.push(Fact {
                seq: cut.seq,
                hash: cut.sha256,
                prev: cut.prev,
                place,
                kind: cut.kind,
                is_cut: true,
                time: cut.time.unwrap_or(NO_TIME),
            }),
            Line::Note(note) => self.notes.push((note, place)),
            Line::Metrics => {}
        }
        Ok(())
    }

    fn record(&mut self, record: &Record<'_>, line: &[u8], place: Where) -> Result<(), record::Malformed> {
        let mark = Mark { seq: record.seq, hash: Hash::of(line) };
        let time = record.time.parse().map_or(NO_TIME, jiff::Timestamp::as_millisecond);
        self.facts.push(Fact {
            seq: record.seq,
            hash: mark.hash,
            prev: record.prev,
            place,
            kind: record.kind,
            is_cut: false,
            time,
        });
        if let Some(name) = &record.instance {
            self.name(name);
        }
        match record.kind {
            Kind::Gap => {
                let mut gap = Gap::parse(record.body)?;
                gap.epoch = gap.epoch.filter(|epoch| *epoch != self.epoch);
                self.gaps.push((mark, gap));
            }
            Kind::Checkpoint => {
                let checkpoint = self.checkpoint(mark, record, line)?;
                self.checkpoints.push(checkpoint);
            }
            Kind::Lifecycle => self.lifecycles.push((mark, Lifecycle::parse(record.body)?)),
            _ => {}
        }
        Ok(())
    }

    fn checkpoint(&self, mark: Mark, record: &Record<'_>, line: &[u8]) -> Result<Sealed, record::Malformed> {
        if line.len() > LONGEST_CHECKPOINT {
            return Err(record::Malformed("a checkpoint longer than any"));
        }
        let said = Checkpoint::parse(record.body)?;
        let seal = record::sealed(line);
        let has_key = self.awaits_keys || self.keys.first().is_some_and(|key| key.from_seq <= record.seq);
        Ok(Sealed {
            mark,
            said,
            has_mac: seal.is_some(),
            seal: seal.filter(|_| has_key).map(|(covered, mac)| (covered.into(), mac)),
        })
    }

    fn name(&mut self, instance: &str) {
        let is_known = |known: &Text| known.as_str() == instance;
        if self.instances.len() < MOST_NAMES && !self.instances.iter().any(is_known) {
            let name = Text::from_bytes_within(instance.as_bytes(), LONGEST_NAME);
            if !self.instances.contains(&name) {
                self.instances.push(name);
            }
        }
    }

    /// Earliest and latest, as the records say.
    pub(super) fn times(&self) -> (Option<i64>, Option<i64>) {
        let times = || self.facts.iter().map(|fact| fact.time).filter(|&time| time != NO_TIME);
        (times().min(), times().max())
    }

    /// The epoch that the first record names.
    pub(super) fn origin(&self, main: &[Fact]) -> Option<(Id, Id)> {
        self.lifecycles.iter().find_map(|(mark, said)| match said {
            Lifecycle::Epoch { from } if mark.seq == 1 && position(main, *mark).is_some() => *from,
            _ => None,
        })
    }
}

/// Where a record stands among those of the main line, if it is one of them.
pub(super) fn position(main: &[Fact], mark: Mark) -> Option<usize> {
    let at = main.binary_search_by_key(&mark.seq, |fact| fact.seq).ok()?;
    (main[at].hash == mark.hash).then_some(at)
}

pub(super) const NO_TIME: i64 = i64::MIN;
/// Five times what the journal writes; each is kept until the end.
const LONGEST_CHECKPOINT: usize = 4096;
/// An instance has one name; a second one is worth showing, a hundredth is not.
const MOST_NAMES: usize = 4;
const LONGEST_NAME: usize = 64;
