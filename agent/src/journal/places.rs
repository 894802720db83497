//! Where the agent keeps what it must not forget, and where it can be asked.

use std::env;
use std::path::{Path, PathBuf};

/// The directories of one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    state: PathBuf,
    run: PathBuf,
    is_usual: bool,
}

impl Places {
    /// Everything below one directory.
    pub fn at(state: &Path) -> Self {
        Self { state: state.to_owned(), run: state.join("run"), is_usual: false }
    }

    /// `$GUESTWARD_STATE`, or the system's own.
    pub fn from_env() -> Self {
        match env::var_os("GUESTWARD_STATE").filter(|state| !state.is_empty()) {
            Some(state) => Self::at(&std::path::absolute(&state).unwrap_or_else(|_| PathBuf::from(&state))),
            None => Self::usual(),
        }
    }

    /// The system's own, as the package makes them.
    pub fn usual() -> Self {
        Self { state: STATE.into(), run: RUN.into(), is_usual: true }
    }

    pub fn state(&self) -> &Path {
        &self.state
    }

    pub fn journal(&self) -> PathBuf {
        self.state.join("journal")
    }

    pub fn cursors(&self) -> PathBuf {
        self.state.join("cursors")
    }

    /// The key that seals checkpoints. Only the sensor may read it.
    pub fn seal(&self) -> PathBuf {
        self.state.join("seal")
    }

    /// What was agreed of the files.
    pub fn baseline(&self) -> PathBuf {
        self.state.join("baseline")
    }

    /// What is open.
    pub fn open_findings(&self) -> PathBuf {
        self.state.join("state")
    }

    /// Sockets.
    pub fn run(&self) -> &Path {
        &self.run
    }

    pub fn sensor_socket(&self) -> PathBuf {
        self.run.join("sensor.sock")
    }

    pub fn shipper_socket(&self) -> PathBuf {
        self.run.join("shipper.sock")
    }

    /// The file of the local shipper, where the policy names none.
    pub fn records(&self) -> PathBuf {
        match self.is_usual {
            true => RECORDS.into(),
            false => self.state.join("log/records.jsonl"),
        }
    }
}

const STATE: &str = "/var/lib/guestward";
const RUN: &str = "/run/guestward";
const RECORDS: &str = "/var/log/guestward/records.jsonl";
