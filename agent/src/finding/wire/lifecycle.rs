//! What happened to the agent itself: the bodies of `lifecycle` records that the journal writes.

use serde::Serialize;

use super::record::Id;

/// Why an epoch was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpochCause {
    FirstStart,
    /// The state belongs to another machine: this one is a copy of it.
    OtherMachine,
    NewKey,
}

/// The epoch before this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parent {
    pub agent: Id,
    pub epoch: Id,
    pub instance: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event<'a> {
    /// The first record of each epoch.
    Epoch { cause: EpochCause, from: Option<&'a Parent> },
    /// A write or a sync failed; what had been accepted before stands, and the rest was written elsewhere.
    SegmentLost { segment: String, error: String },
}

impl Event<'_> {
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_says_where_it_comes_from() {
        let parent = Parent { agent: Id::new([1; 8]), epoch: Id::new([2; 8]), instance: None };
        assert_eq!(
            Event::Epoch { cause: EpochCause::OtherMachine, from: Some(&parent) }.to_json(),
            r#"{"event":"epoch","cause":"other-machine","from":{"agent":"0101010101010101","epoch":"0202020202020202","instance":null}}"#
        );
        assert_eq!(
            Event::SegmentLost { segment: "0000000001-0.seg".into(), error: "EIO".into() }.to_json(),
            r#"{"event":"segment-lost","segment":"0000000001-0.seg","error":"EIO"}"#
        );
    }
}
