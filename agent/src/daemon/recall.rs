//! What the sensor remembers from the run before: the state's file, and what the journal has taken since.

use std::io;

use crate::finding::wire::body::{DriftBody, FindingBody};
use crate::finding::wire::record::{self, Id, Kind};
use crate::journal::places::Places;
use crate::journal::{Directory, Journal, Position, Reader, Storage as _};
use crate::state::drift::{self, DriftState};
use crate::state::{self, State};

/// What the sensor remembers.
pub(super) struct Recalled {
    pub(super) state: State,
    pub(super) drift: DriftState,
    /// Whether the run before ended by itself; `None` if there was none.
    pub(super) was_clean: Option<bool>,
    /// Why it remembers nothing, if it ought to.
    pub(super) lost: Option<String>,
}

/// What was open when the agent was last here: the states' files, and what the journal has taken since.
pub(super) fn recall(files: &StateFile, places: &Places, journal: &Journal<Directory>) -> Recalled {
    let id = journal.speaker().epoch;
    let epoch = id.to_string();
    let (mut state, lost) = match files.read() {
        Ok(Some(state)) if state.epoch() == epoch => (state, None),
        // Another epoch's findings are another machine's, or have another proof: they are told anew.
        Ok(_) => (State::new(&epoch), None),
        Err(reason) => (State::new(&epoch), Some(reason)),
    };
    let (mut drift, lost_drift) = match files.read_drift() {
        Ok(Some(drift)) if drift.epoch() == epoch => (drift, None),
        Ok(_) => (DriftState::new(&epoch), None),
        Err(reason) => (DriftState::new(&epoch), Some(reason)),
    };
    let lost = lost.or(lost_drift);
    match replay(&mut state, &mut drift, places, id) {
        Ok(was_clean) => Recalled { state, drift, was_clean, lost },
        Err(error) => {
            let unread = format!("cannot read back what was recorded; it may be told twice: {error}");
            Recalled { state, drift, was_clean: Some(false), lost: lost.or(Some(unread)) }
        }
    }
}

/// Returns whether the last that was recorded is that the agent stopped; `None` if it never started.
fn replay(state: &mut State, drift: &mut DriftState, places: &Places, epoch: Id) -> io::Result<Option<bool>> {
    let after = Position { segment: 0, epoch, seq: state.seq().min(drift.seq()) };
    let mut reader = Reader::new(Directory::open(&places.journal())?, Some(after));
    let mut was_clean = (state.seq() > 0).then_some(false);
    loop {
        let batch = reader.next_batch(REPLAYED, REPLAYED_BYTES)?;
        if batch.entries.is_empty() {
            return Ok(was_clean);
        }
        for entry in batch.entries.iter().filter(|entry| entry.position.epoch == epoch) {
            let Ok(record) = record::parse(&entry.line) else { continue };
            match entry.kind {
                Kind::Finding => {
                    if let (Ok(body), Ok(time)) = (FindingBody::parse(record.body), record.time.parse()) {
                        state.replay(record.seq, time, &body);
                    }
                }
                Kind::Drift => {
                    if let Ok(body) = DriftBody::parse(record.body) {
                        drift.replay(record.seq, &body);
                    }
                }
                Kind::Lifecycle if record.body.starts_with(r#"{"event":"stop""#) => was_clean = Some(true),
                Kind::Lifecycle if record.body.starts_with(r#"{"event":"start""#) => was_clean = Some(false),
                _ => {}
            }
        }
    }
}

/// The file that remembers what is open.
#[derive(Debug)]
pub(super) struct StateFile(pub(super) Directory);

impl StateFile {
    fn read(&self) -> Result<Option<State>, String> {
        let bytes = match self.0.read(NAME, 0, state::MAX_BYTES + 1) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("cannot read what was open: {error}")),
        };
        State::from_bytes(&bytes)
            .map(Some)
            .map_err(|_| "what was open is damaged; every finding is told anew".to_owned())
    }

    fn read_drift(&self) -> Result<Option<DriftState>, String> {
        let bytes = match self.0.read(DRIFT, 0, drift::MAX_BYTES + 1) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("cannot read what differed: {error}")),
        };
        DriftState::from_bytes(&bytes)
            .map(Some)
            .map_err(|_| "what differed is damaged; every difference is told anew".to_owned())
    }

    /// Each of them whole or the one before, whatever happens in between.
    pub(super) fn write(&self, state: &State, drift: &DriftState) -> io::Result<()> {
        self.replace(NAME, &state.to_bytes())?;
        self.replace(DRIFT, &drift.to_bytes())
    }

    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let next = format!("{name}.next");
        let _ = self.0.remove(&next);
        let mut file = self.0.create(&next)?;
        self.0.append(&mut file, bytes)?;
        self.0.sync(&mut file)?;
        self.0.rename(&next, name)?;
        self.0.sync_names()
    }
}

const NAME: &str = "open.json";
const DRIFT: &str = "drift.json";
const REPLAYED: usize = 1_000;
const REPLAYED_BYTES: usize = 1024 * 1024;
