//! The body of a `lifecycle` record: what became of the agent itself.

use serde::Serialize;

use super::words::Told;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Lifecycle {
    Start {
        version: &'static str,
        /// Whether the run before ended by itself; `None` at the first start.
        clean: Option<bool>,
    },
    Stop {
        reason: Told,
    },
    /// The first record of each epoch.
    Epoch {
        from: Option<Former>,
        cause: EpochCause,
    },
    /// Another policy is in force.
    Policy {
        digest: String,
        sources: Vec<Told>,
    },
    /// The policy could not be read; the one before stays in force.
    PolicyRefused {
        error: Told,
    },
    SegmentLost {
        name: Told,
        reason: Told,
    },
    KeyCreated {
        from_seq: u64,
    },
    KeyLost {
        reason: Told,
    },
    /// Something that the agent needs is missing or was lost.
    Trouble {
        reason: Told,
    },
}

/// Who wrote the records before this epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Former {
    pub agent: Told,
    pub epoch: Told,
    pub instance: Option<Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpochCause {
    FirstStart,
    OtherInstance,
    NewKey,
}

impl Lifecycle {
    /// Another policy. A policy in more files than anybody has is named by the first of them.
    pub fn policy(digest: &[u8; 32], sources: &[String]) -> Self {
        let sources = sources.iter().take(MAX_SOURCES).map(|source| Told::new(source)).collect();
        Self::Policy { digest: super::base64url(digest), sources }
    }

    pub fn to_json(&self) -> String {
        super::json(self)
    }
}

const MAX_SOURCES: usize = 20;
