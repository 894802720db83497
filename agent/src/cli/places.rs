//! Where guestward keeps its state: `/var/lib/guestward`, or `$GUESTWARD_STATE`.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::policy::settings::LOCAL_PATH;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    state: PathBuf,
    /// Whether somebody keeps it elsewhere: then everything else is there, too.
    is_elsewhere: bool,
}

impl Places {
    pub(super) fn from_env() -> Self {
        Self::at(std::env::var_os("GUESTWARD_STATE"))
    }

    fn at(elsewhere: Option<OsString>) -> Self {
        match elsewhere.filter(|path| !path.is_empty()) {
            Some(state) => Self { state: state.into(), is_elsewhere: true },
            None => Self { state: STATE.into(), is_elsewhere: false },
        }
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.state.join("journal")
    }

    pub(super) fn cursors(&self) -> PathBuf {
        self.state.join("cursors")
    }

    /// Where the local shipper writes when the policy does not say.
    pub(super) fn records(&self) -> PathBuf {
        if self.is_elsewhere { self.state.join("log/records.jsonl") } else { LOCAL_PATH.into() }
    }
}

const STATE: &str = "/var/lib/guestward";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_follows_the_state() {
        let elsewhere = Places::at(Some("/tmp/s".into()));
        assert_eq!(elsewhere.journal(), PathBuf::from("/tmp/s/journal"));
        assert_eq!(elsewhere.cursors(), PathBuf::from("/tmp/s/cursors"));
        assert_eq!(elsewhere.records(), PathBuf::from("/tmp/s/log/records.jsonl"));
        assert_eq!(Places::at(None).records(), PathBuf::from("/var/log/guestward/records.jsonl"));
        assert_eq!(Places::at(Some("".into())).journal(), PathBuf::from("/var/lib/guestward/journal"));
    }
}
