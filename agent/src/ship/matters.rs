//! What stands in the way of delivery, left where the sensor finds it: it makes a finding of it, and this cannot.
//!
//! One small file in the cursors' directory, written when something changed and, to show that somebody is there, from
//! time to time. `host/delivery.rs` reads it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::finding::Text;
use crate::finding::wire::rfc3339_millis;
use crate::journal::{Directory, Storage as _, handover};

/// Shared by all who deliver.
#[derive(Debug, Clone)]
pub struct Matters(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    place: Option<PathBuf>,
    open: BTreeMap<(Matter, String), Open>,
    written: Option<Instant>,
}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matter {
    /// The credentials belong to another account.
    Account,
    /// CloudWatch Logs takes nothing.
    Logs,
    /// Systems Manager takes nothing.
    Ssm,
    /// The parameter for the first key holds something else.
    SealKey,
    /// Records that a destination will never take.
    Refused,
}

impl Matter {
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Logs => "logs",
            Self::Ssm => "ssm",
            Self::SealKey => "seal-key",
            Self::Refused => "refused",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    observed: String,
    expected: String,
    since: Timestamp,
}

impl Matters {
    /// Kept in the cursors' directory. Records that were refused stay so when the shipper is started anew, and a key that
    /// is somebody else's does; whatever else stood in the way is found again if it still does.
    pub fn at(cursors: &Path) -> Self {
        let (place, open) = (Some(cursors.to_owned()), remembered(cursors));
        Self(Arc::new(Mutex::new(Kept { place, open, written: None })))
    }

    /// Kept nowhere, for whoever only asks.
    pub fn nowhere() -> Self {
        Self(Arc::new(Mutex::new(Kept { place: None, open: BTreeMap::new(), written: None })))
    }

    /// Something stands in the way. `subject` is what of it: a group, a parameter, a shipper.
    pub fn open(&self, matter: Matter, subject: &str, observed: &str, expected: &str) {
        self.change(|open| {
            let key = (matter, subject.to_owned());
            let since = open.get(&key).map_or_else(Timestamp::now, |before| before.since);
            let observed = Text::new(observed).as_str().to_owned();
            open.insert(key, Open { observed, expected: expected.to_owned(), since });
        });
    }

    pub fn close(&self, matter: Matter, subject: &str) {
        self.change(|open| drop(open.remove(&(matter, subject.to_owned()))));
    }

    pub fn is_open(&self, matter: Matter, subject: &str) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.open.contains_key(&(matter, subject.to_owned()))
    }

    /// Nothing goes to AWS any more, so that nothing stands in its way.
    pub fn remove(cursors: &Path) {
        // Where there is none, nothing needs to be removed.
        let _ = Directory::open(cursors).and_then(|directory| directory.remove(FILE));
    }

    /// Says that somebody is there, if that was not said for a while.
    pub fn beat(&self) {
        self.change(|_| {});
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<(Matter, String), Open>)) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.open.clone();
        change(&mut kept.open);
        while kept.open.len() > MAX_OPEN {
            kept.open.pop_last();
        }
        let is_due = kept.written.is_none_or(|written| written.elapsed() > BEAT);
        if before == kept.open && !is_due {
            return;
        }
        // A disk that does not take it is told of by the cursors, which live there, too; it is tried again.
        kept.written = kept.write().ok().map(|()| Instant::now());
    }
}

impl Kept {
    /// All of it or the one before, whatever happens in between.
    fn write(&self) -> io::Result<()> {
        let Some(place) = &self.place else { return Ok(()) };
        let directory = Directory::create(place, 0o750, None)?;
        let _ = directory.remove(NEXT);
        let mut file = directory.create(NEXT)?;
        directory.append(&mut file, self.to_json().as_bytes())?;
        directory.sync(&mut file)?;
        directory.rename(NEXT, FILE)
    }

    fn to_json(&self) -> String {
        let matters: Vec<_> = self
            .open
            .iter()
            .map(|((matter, subject), open)| {
                json!({
                    "matter": matter.name(),
                    "subject": subject,
                    "observed": open.observed,
                    "expected": open.expected,
                    "since": rfc3339_millis(open.since),
                })
            })
            .collect();
        json!({"schema": "guestward.delivery/1", "time": rfc3339_millis(Timestamp::now()), "matters": matters}).to_string()
    }
}

/// What the file of the run before says, and nobody could find again.
fn remembered(cursors: &Path) -> BTreeMap<(Matter, String), Open> {
    let Ok(directory) = Directory::open(cursors) else { return BTreeMap::new() };
    // A key that is not waiting any more is in nobody's place.
    let has_key = directory.size(handover::FILE).is_ok();
    let read = || -> Option<serde_json::Value> {
        serde_json::from_slice(&directory.read(FILE, 0, MAX_FILE).ok()?).ok()
    };
    let kept = read().unwrap_or_default();
    let matters = kept["matters"].as_array().into_iter().flatten();
    let known =
        |name: &str| [Matter::Refused, Matter::SealKey].into_iter().find(|matter| matter.name() == name);
    let read = matters.filter_map(|of| {
        let text = |name: &str| of[name].as_str().map(|text| Text::new(text).as_str().to_owned());
        let matter = known(of["matter"].as_str()?)?;
        let since: Timestamp = of["since"].as_str()?.parse().ok()?;
        let is_recent = Timestamp::now().duration_since(since) < REMEMBERED;
        let open = Open { observed: text("observed")?, expected: text("expected")?, since };
        (if matter == Matter::SealKey { has_key } else { is_recent })
            .then_some(((matter, text("subject")?), open))
    });
    read.take(MAX_OPEN).collect()
}

/// In the cursors' directory.
pub const FILE: &str = "delivery.json";
const NEXT: &str = "delivery.json.next";
/// A shipper that is silent for three times this is taken for gone.
const BEAT: Duration = Duration::from_secs(3600);
/// After a week whoever wanted to look has looked.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// [`MAX_OPEN`] matters of bounded texts have less.
const MAX_FILE: usize = 256 * 1024;
/// A handful of destinations, and what each can have.
const MAX_OPEN: usize = 64;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_way_is_in_the_file_until_it_does_not() {
        let place = tempfile::tempdir().unwrap();
        let matters = Matters::at(place.path());
        let read = || -> serde_json::Value {
            serde_json::from_slice(&std::fs::read(place.path().join(FILE)).unwrap()).unwrap()
        };
        matters.open(Matter::Logs, "/guestward/records", "AccessDenied\n\u{1b}[2J", "that it is taken");
        let first = read()["matters"][0]["since"].clone();
        assert_eq!(read()["matters"][0]["matter"], "logs");
        assert!(!read()["matters"][0]["observed"].as_str().unwrap().contains('\u{1b}'));
        matters.open(Matter::Logs, "/guestward/records", "Throttling", "that it is taken");
        assert_eq!(
            (&read()["matters"][0]["since"], &read()["matters"][0]["observed"]),
            (&first, &"Throttling".into())
        );
        matters.close(Matter::Logs, "/guestward/records");
        assert_eq!(read()["matters"], json!([]));
        matters.open(Matter::Refused, "/guestward/records", "seq 7", "that it is taken");
        matters.open(Matter::Ssm, "ssm", "denied", "that it is taken");
        let again = Matters::at(place.path());
        again.open(Matter::Logs, "other", "x", "y");
        let names: Vec<_> =
            read()["matters"].as_array().unwrap().iter().map(|m| m["matter"].clone()).collect();
        assert_eq!(names, ["logs", "refused"], "what was refused is remembered, and the rest is found anew");
    }
}
