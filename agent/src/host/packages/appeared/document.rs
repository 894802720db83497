//! The memory as it lies on the disk: schema `guestward.appeared/1`, one JSON document.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Appeared, MAX_PACKAGES, MAX_VERSIONS, Version, Waiting};
use crate::host::packages::advisory::Interval;

#[derive(Serialize, Deserialize)]
struct Document {
    schema: String,
    lists: BTreeMap<String, String>,
    /// Sixteen hexadecimal digits for each package.
    installed: String,
    waiting: Vec<Package>,
    recorded: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Package {
    name: String,
    arch: String,
    installed: String,
    versions: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    version: String,
    security: bool,
    not_before: Option<String>,
    not_after: Option<String>,
}

impl Appeared {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut installed = String::with_capacity(self.installed.len() * DIGITS);
        for mark in &self.installed {
            let _ = write!(installed, "{mark:016x}");
        }
        let document = Document {
            schema: SCHEMA.to_owned(),
            lists: self.lists.iter().map(|(name, date)| (name.clone(), date.to_string())).collect(),
            installed,
            waiting: self.waiting.iter().map(Package::of).collect(),
            recorded: self.recorded.clone(),
        };
        // Texts and lists of them: nothing here can fail to be written.
        serde_json::to_vec(&document).unwrap_or_default()
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if document.schema != SCHEMA {
            return Err(format!("it is not {SCHEMA}"));
        }
        let lists = document.lists.iter().map(|(name, date)| Some((name.clone(), time(date)?)));
        let waiting = document.waiting.into_iter().take(MAX_PACKAGES).map(Package::into_waiting);
        Ok(Self {
            lists: lists.collect::<Option<_>>().ok_or("a list's date is no time")?,
            installed: marks(&document.installed).ok_or("what was installed cannot be read")?,
            waiting: waiting.collect::<Option<_>>().ok_or("an update's date is no time")?,
            recorded: document.recorded,
        })
    }
}

impl Package {
    fn of(((name, arch), waiting): (&(String, String), &Waiting)) -> Self {
        Self {
            name: name.clone(),
            arch: arch.clone(),
            installed: waiting.installed.clone(),
            versions: waiting.versions.iter().map(Entry::of).collect(),
        }
    }

    fn into_waiting(self) -> Option<((String, String), Waiting)> {
        let versions: Option<Vec<Version>> =
            self.versions.into_iter().take(MAX_VERSIONS).map(Entry::into_version).collect();
        Some(((self.name, self.arch), Waiting { installed: self.installed, versions: versions? }))
    }
}

impl Entry {
    fn of(version: &Version) -> Self {
        let Version { version, is_security, interval: Interval { not_before, not_after } } = version;
        Self {
            version: version.clone(),
            security: *is_security,
            not_before: not_before.map(|time| time.to_string()),
            not_after: not_after.map(|time| time.to_string()),
        }
    }

    fn into_version(self) -> Option<Version> {
        let end = |text: Option<String>| match text {
            None => Some(None),
            Some(text) => time(&text).map(Some),
        };
        let interval = Interval { not_before: end(self.not_before)?, not_after: end(self.not_after)? };
        Some(Version { version: self.version, is_security: self.security, interval })
    }
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn marks(text: &str) -> Option<BTreeSet<u64>> {
    if !text.is_ascii() || text.len() % DIGITS != 0 {
        return None;
    }
    let all = (0..text.len()).step_by(DIGITS).take(MAX_PACKAGES);
    all.map(|at| u64::from_str_radix(text.get(at..at + DIGITS)?, 16).ok()).collect()
}

const SCHEMA: &str = "guestward.appeared/1";
const DIGITS: usize = 16;
