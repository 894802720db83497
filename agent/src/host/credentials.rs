//! Access keys that lie about: where a long-lived key and its secret can be read, and by whom.
//!
//! No secret leaves `credentials/recognise.rs`: what is told of a key is its id, its account and a fingerprint.

mod encoded;
mod environment;
mod guarded;
mod key;
mod names;
mod places;
mod recognise;
mod remotes;
mod search;
mod token;
mod units;

use std::path::PathBuf;

use super::accounts::Accounts;
use super::{Host, Unreadable};
pub use encoded::keys;
pub use environment::{Carried, Environments};
pub use guarded::Guarded;
pub use key::{Account, Fingerprint, Key, KeyId, Kind};
pub use recognise::secrets_at as secrets;
pub use remotes::Remote;

#[derive(Debug)]
pub struct Credentials {
    /// How many homes could be entered.
    pub home_count: usize,
    /// Why the homes are not known, if passwd(5) could not be read.
    pub accounts: Option<Unreadable>,
    pub homes: Looked,
    pub histories: Looked,
    pub system: Looked,
    pub cloud_init: Looked,
    pub applications: Looked,
    pub environments: Result<Environments, Unreadable>,
    pub guarded: Vec<Result<Guarded, Unreadable>>,
    pub remotes: Vec<Remote>,
}

impl Credentials {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        let users = Accounts::of(host).users;
        let mut search = search::Search::new(host);
        let mut credentials = Self {
            home_count: 0,
            accounts: users.as_ref().err().cloned(),
            homes: Looked::default(),
            histories: Looked::default(),
            // First: what a service's home shares with the system is the system's.
            system: places::system(&mut search),
            cloud_init: places::cloud_init(&mut search),
            applications: places::applications(&mut search),
            environments: environment::Environments::of(host),
            guarded: Vec::new(),
            remotes: Vec::new(),
        };
        places::homes(&mut search, users.as_deref().unwrap_or_default(), &mut credentials);
        guarded::of_system(host, &mut credentials.guarded);
        credentials.remotes = search.remotes;
        Ok(credentials)
    }
}

/// One kind of place: what was read, what was found, what could not be read.
#[derive(Debug, Clone, Default)]
pub struct Looked {
    pub count: usize,
    pub keys: Vec<Found>,
    /// The first of them.
    pub unreadable: Vec<Unreadable>,
    pub unreadable_count: usize,
}

/// A key and where it lies.
#[derive(Debug, Clone)]
pub struct Found {
    pub path: PathBuf,
    /// Counted from 1; unknown in the tail of a file that was not read whole.
    pub line: Option<usize>,
    /// Whether every account can read the file.
    pub is_public: bool,
    /// Seconds since 1970.
    pub modified: i64,
    pub key: Key,
}
