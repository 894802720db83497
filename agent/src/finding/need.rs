//! What the agent needs to run, to see, to keep and to ship, one by one, and whether it is there.

use std::time::Duration;

use super::Text;

/// One thing that is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub id: String,
    pub area: Area,
    pub state: State,
    /// What was found.
    pub detail: String,
    /// What mends it, to be pasted where it is a command or a document.
    pub remedy: Option<String>,
    /// How long finding it out took.
    pub took: Duration,
}

/// What it is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// To be started, held to its bounds, and kept from what it has no business with.
    Run,
    See,
    Keep,
    Ship,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ok,
    /// The agent does its work without it, and does less: no reason to call this host unfit.
    Degraded,
    Missing,
    /// It could not be told. Never a pass.
    Unknown,
    /// The policy does not ask for it, or this machine has no such thing.
    Off,
}

impl Area {
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::See => "see",
            Self::Keep => "keep",
            Self::Ship => "ship",
        }
    }
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Off => "off",
        }
    }
}

impl Need {
    pub fn ok(id: impl Into<String>, area: Area, detail: &str) -> Self {
        Self::new(id, area, State::Ok, detail)
    }

    pub fn degraded(id: impl Into<String>, area: Area, detail: &str, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..Self::new(id, area, State::Degraded, detail) }
    }

    pub fn missing(id: impl Into<String>, area: Area, detail: &str, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..Self::new(id, area, State::Missing, detail) }
    }

    pub fn unknown(id: impl Into<String>, area: Area, detail: &str) -> Self {
        Self::new(id, area, State::Unknown, detail)
    }

    pub fn off(id: impl Into<String>, area: Area, detail: &str) -> Self {
        Self::new(id, area, State::Off, detail)
    }

    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    #[must_use]
    pub fn in_time(mut self, took: Duration) -> Self {
        self.took = took;
        self
    }

    pub fn is_ok(&self) -> bool {
        self.state == State::Ok
    }

    /// What others answered stands in the detail: no control byte of theirs reaches a terminal.
    fn new(id: impl Into<String>, area: Area, state: State, detail: &str) -> Self {
        let detail = Text::new(detail).to_string();
        Self { id: id.into(), area, state, detail, remedy: None, took: Duration::ZERO }
    }
}
