//! What the journal says about itself, read back: where an epoch came from, and when the sensor was there.

use serde::Deserialize;

use super::record::{Id, Malformed};

/// What a lifecycle record says that the proof needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// The first record of an epoch, and the epoch before it.
    Epoch {
        from: Option<(Id, Id)>,
    },
    /// The sensor started or stopped: a silence here has its reason.
    StartOrStop,
    KeyLost,
    Other,
}

impl Lifecycle {
    /// From a lifecycle's body.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        let read: ReadLifecycle<'_> = serde_json::from_str(body).map_err(|_| NOT_A_LIFECYCLE)?;
        Ok(match read.event {
            "epoch" => {
                let from =
                    read.from.map(|from| Ok((from.agent.parse()?, from.epoch.parse()?))).transpose()?;
                Self::Epoch { from }
            }
            "start" | "stop" => Self::StartOrStop,
            "key-lost" => Self::KeyLost,
            _ => Self::Other,
        })
    }
}

#[derive(Deserialize)]
struct ReadLifecycle<'a> {
    event: &'a str,
    #[serde(borrow, default, deserialize_with = "origin")]
    from: Option<ReadOrigin<'a>>,
}

#[derive(Deserialize)]
struct ReadOrigin<'a> {
    agent: &'a str,
    epoch: &'a str,
}

/// Another event's `from` may be anything.
fn origin<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<ReadOrigin<'de>>, D::Error> {
    let raw = <&serde_json::value::RawValue>::deserialize(from)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

const NOT_A_LIFECYCLE: Malformed = Malformed("a lifecycle record that cannot be read");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_says_where_it_came_from() {
        let ids = (Id::new([1; 8]), Id::new([2; 8]));
        let body = format!(
            r#"{{"event":"epoch","from":{{"agent":"{}","epoch":"{}","instance":null}},"cause":"other-instance"}}"#,
            ids.0, ids.1
        );
        assert_eq!(Lifecycle::parse(&body), Ok(Lifecycle::Epoch { from: Some(ids) }));
        for body in [r#"{"event":"epoch","from":null,"cause":"first-start"}"#, r#"{"event":"epoch"}"#] {
            assert_eq!(Lifecycle::parse(body), Ok(Lifecycle::Epoch { from: None }));
        }
        assert_eq!(Lifecycle::parse(r#"{"event":"stop","from":3}"#), Ok(Lifecycle::StartOrStop));
        assert!(Lifecycle::parse(r#"{"even":"stop"}"#).is_err());
    }
}
