//! What the sensor remembers from the run before: the state's file, and what the journal has taken since.

use std::io;

use crate::finding::wire::body::FindingBody;
use crate::finding::wire::record::{self, Id, Kind};
use crate::journal::places::Places;
use crate::journal::{Directory, Journal, Position, Reader, Storage as _};
use crate::state::{self, State};

/// What the sensor remembers.
pub(super) struct Recalled {
    pub(super) state: State,
    /// Whether the run before ended by itself; `None` if there was none.
    pub(super) was_clean: Option<bool>,
    /// Why it remembers nothing, if it ought to.
    pub(super) lost: Option<String>,
}

/// What was open when the agent was last here: the state's file, and what the journal has taken since.
pub(super) fn recall(file: &StateFile, places: &Places, journal: &Journal<Directory>) -> Recalled {
    let epoch = journal.speaker().epoch;
    let (mut state, lost) = match file.read() {
        Ok(Some(state)) if state.epoch() == epoch.to_string() => (state, None),
        // Another epoch's findings are another machine's, or have another proof: they are told anew.
        Ok(_) => (State::new(&epoch.to_string()), None),
        Err(reason) => (State::new(&epoch.to_string()), Some(reason)),
    };
    match replay(&mut state, places, epoch) {
        Ok(was_clean) => Recalled { state, was_clean, lost },
        Err(error) => {
            let unread = format!("cannot read back what was recorded; it may be told twice: {error}");
            Recalled { state, was_clean: Some(false), lost: lost.or(Some(unread)) }
        }
    }
}

/// Returns whether the last that was recorded is that the agent stopped; `None` if it never started.
fn replay(state: &mut State, places: &Places, epoch: Id) -> io::Result<Option<bool>> {
    let after = Position { segment: 0, epoch, seq: state.seq() };
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

    /// All of it or the one before, whatever happens in between.
    pub(super) fn write(&self, state: &State) -> io::Result<()> {
        let _ = self.0.remove(NEXT);
        let mut file = self.0.create(NEXT)?;
        self.0.append(&mut file, &state.to_bytes())?;
        self.0.sync(&mut file)?;
        self.0.rename(NEXT, NAME)?;
        self.0.sync_names()
    }
}

const NAME: &str = "open.json";
const NEXT: &str = "open.json.next";
const REPLAYED: usize = 1_000;
const REPLAYED_BYTES: usize = 1024 * 1024;
