//! A baseline, made from what is there now.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::compare::is_same_by_metadata;
use super::comparing::want;
use super::diff::{CannotCompare, Identity, Progress};
use super::drift::Unseen;
use super::selection::{Scope, Selection};
use super::store::{Draft, Entry, Header, Owner};
use super::text::{self, Texts};
use crate::host::files::Mounts;
use crate::host::object::{self, Algorithm, Content, Object, Trouble};
use crate::host::packages::recorded::Table;
use crate::host::tree::{Totals, Visitor, Want};
use crate::host::{Host, Kind, Unreadable};
use crate::policy::Policy;
use crate::policy::rules::{Compare, Rules};

/// What was made.
#[derive(Debug)]
pub struct Created {
    pub identity: Identity,
    pub entries: u64,
    /// Bytes that were hashed, not counting those that an interrupted one had hashed before.
    pub bytes: u64,
    /// How many contents an interrupted one had read already.
    pub resumed: u64,
    pub took: Duration,
    /// What could not be looked at, and so is not in it.
    pub unseen: Vec<Unseen>,
}
