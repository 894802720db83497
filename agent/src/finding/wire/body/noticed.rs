//! What the events tell of a difference beside the difference itself: who did what, how often, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::actor::{ActorBody, OtherActor, maybe};
use super::words::Told;

/// All of it is absent where nobody saw it happen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Noticed {
    /// Who did it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Box<ActorBody>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherActor>,
    /// How many more there were.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_actors: u64,
    /// `written`, `attributes`, `deleted`…
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub how: Vec<Told>,
    /// How many events that were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "maybe")]
    pub first: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "maybe")]
    pub last: Option<Timestamp>,
    /// By which other name of the same file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<Told>,
    /// What it came about in, without being explained by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Claims>,
    /// Of what claims an update: whether the package manager's own program did it, and not one that it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_manager: Option<bool>,
    /// It is as a package records it, and was not written by any package manager.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disputed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seen {
    /// As it happened.
    Event,
    /// Afterwards, by looking at everything.
    Sweep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Claims {
    Update,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
