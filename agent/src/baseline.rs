//! File integrity: what was agreed, and its difference from now.
//!
//! The machine as it was agreed is a [`store`]; a walk below the root makes one ([`create`]) or is compared with it
//! ([`diff`]), and what differs is [`drift`]. Nothing here decides when, and nothing is learned without being asked for.

pub mod accept;
mod account;
pub mod agreed;
pub mod byproducts;
mod clock;
mod compare;
mod comparing;
pub mod create;
pub mod diff;
pub mod drift;
mod found;
pub mod last;
pub mod live;
pub mod matter;
mod runs;
mod selection;
mod slice;
pub mod standing;
pub mod store;
pub mod text;

use std::sync::atomic::AtomicBool;

use crate::host::Host;
use crate::host::files::Mounts;
use crate::host::tree::{Crew, Limits, Pace, Totals, Walk};
use crate::policy::Policy;

fn walk<'a>(
    host: &'a Host,
    mounts: &'a Mounts,
    policy: &'a Policy,
    pace: Option<&'a Pace>,
    crew: Crew,
    is_over: &'a AtomicBool,
    tell: &'a (dyn Fn(Totals) + Sync),
) -> Walk<'a> {
    let limits = Limits { max_file: policy.files_max_bytes(), is_watched: false };
    let file_systems = policy.network_file_systems();
    Walk { host, mounts, crew, pace, limits, file_systems, is_over, tell }
}

/// Of somebody who waits for the answer.
fn crew() -> Crew {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    Crew { first: processors, most: (2 * processors).max(16) }
}

/// So few that the work spreads.
const NAMES_WITH_CONTENT: usize = 64;
/// Who cannot look at a thousand places cannot look at all.
const MAX_UNSEEN: usize = 1_000;
