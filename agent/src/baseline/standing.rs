//! How the baseline stands: what a look at its files tells of it, before anything is compared with it.

use std::path::Path;

use jiff::Timestamp;

use super::diff::Identity;
use super::store::Store;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stands {
    /// There is none.
    None,
    /// There is one that cannot be trusted, and why.
    Damaged(String),
    Sound(Box<Standing>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub identity: Identity,
    pub entries: u64,
    /// The state of the one that it took the place of.
    pub previous: Option<[u8; 32]>,
    /// As it was before anybody accepted anything.
    pub first_root: [u8; 32],
    pub first_state: [u8; 32],
    /// In order; the last of them made it what it is.
    pub acceptances: Vec<Accepted>,
    pub sealed: Option<Sealed>,
}

/// What somebody accepted, and what that made of the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub when: Timestamp,
    pub who: String,
    pub why: String,
    pub count: u64,
    /// The first of them.
    pub paths: Vec<Vec<u8>>,
    pub root: [u8; 32],
    pub state: [u8; 32],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub by: String,
    pub at: Timestamp,
}

impl Stands {
    /// As the files in this directory tell it.
    pub fn at(directory: &Path) -> Self {
        match Store::open(directory) {
            Ok(None) => Self::None,
            Ok(Some(store)) => Self::Sound(Box::new(store.standing())),
            Err(damage) => Self::Damaged(damage.to_string()),
        }
    }
}
