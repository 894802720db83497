//! What the shipper says stands in the way of delivery (`ship/matters.rs` writes it), so that checks can judge it.
//!
//! Its directory is the shipper's, which is less trusted than we are: the file is taken as any other from outside.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::{Cause, Host, Kind, Text, Unreadable};

/// What is known of the shipper here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Nothing is meant for AWS, or no agent ever ran here that could have anything to deliver.
    NotMeant,
    /// Records are meant for AWS and no shipper was ever heard, since then.
    Awaited {
        since: Timestamp,
    },
    Heard(Delivery),
}

impl Word {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        if let Some(delivery) = Delivery::of(host)? {
            return Ok(Self::Heard(delivery));
        }
        if !host.is_to_deliver() {
            return Ok(Self::NotMeant);
        }
        // The sensor makes it at its first start, and puts a file there for a new epoch at most; the shipper's are next to
        // the one that is missing here.
        let cursors = host.state().join(CURSORS);
        match host.lstat(&cursors) {
            Ok(meta) => {
                let since = Timestamp::from_second(meta.mtime)
                    .map_err(|_| Unreadable::malformed(&cursors, 0, "its time cannot be"))?;
                Ok(Self::Awaited { since })
            }
            Err(cause) if cause.is_absent() => Ok(Self::NotMeant),
            Err(cause) => Err(cause),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub path: PathBuf,
    /// When the shipper was last heard.
    pub heard: Timestamp,
    pub matters: Vec<Matter>,
}

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter {
    pub about: About,
    /// What of it: a group, a parameter.
    pub subject: Text,
    pub observed: Text,
    pub expected: Text,
    pub since: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    Account,
    Logs,
    Ssm,
    SealKey,
    Refused,
}

impl About {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "account" => Self::Account,
            "logs" => Self::Logs,
            "ssm" => Self::Ssm,
            "seal-key" => Self::SealKey,
            "refused" => Self::Refused,
            _ => return None,
        })
    }
}

impl Delivery {
    /// `Ok(None)`: no shipper ever had anything to deliver to AWS from here.
    fn of(host: &Host) -> Result<Option<Self>, Unreadable> {
        let path = host.state().join(CURSORS).join(FILE);
        match host.lstat(&path) {
            Ok(meta) if meta.kind == Kind::File => {}
            // A link would have us read what somebody else chose.
            Ok(meta) => return Err(Unreadable::new(path, Cause::NotRegular(meta.kind))),
            Err(cause) if cause.is_absent() => return Ok(None),
            Err(cause) => return Err(cause),
        }
        let bytes = host.read(&path, MAX_BYTES)?;
        Self::parse(&path, &bytes).map(Some)
    }

    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, Unreadable> {
        let strange = |what: &str| Unreadable::malformed(path, 0, what);
        let document: Value = serde_json::from_slice(bytes)
            .map_err(|error| Unreadable::malformed(path, error.line(), "this is not JSON"))?;
        if document["schema"] != SCHEMA {
            let what = format!("its schema is not {SCHEMA}, the one that is known here");
            return Err(Unreadable::new(path, Cause::Unsupported(what)));
        }
        let heard = time(&document["time"]).ok_or_else(|| strange("it does not say when it was written"))?;
        let matters = document["matters"].as_array().ok_or_else(|| strange("it has no list of matters"))?;
        if matters.len() > MAX_MATTERS {
            return Err(Unreadable::new(path, Cause::TooMany { limit: MAX_MATTERS }));
        }
        // One that is not understood could be the gravest of them.
        let matters: Option<_> = matters.iter().map(Matter::of).collect();
        let matters = matters.ok_or_else(|| strange("one of its matters is not understood"))?;
        Ok(Self { path: path.to_owned(), heard, matters })
    }
}

impl Matter {
    fn of(value: &Value) -> Option<Self> {
        let text =
            |key: &str| value[key].as_str().map(|text| Text::from_bytes_within(text.as_bytes(), MAX_TEXT));
        Some(Self {
            about: About::from_name(value["matter"].as_str()?)?,
            subject: text("subject")?,
            observed: text("observed")?,
            expected: text("expected")?,
            since: time(&value["since"])?,
        })
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// Below the state directory.
const CURSORS: &str = "cursors";
const FILE: &str = "delivery.json";
const SCHEMA: &str = "guestward.delivery/1";
/// Many times what the shipper writes at most.
const MAX_BYTES: u64 = 256 * 1024;
/// It keeps 64 open.
const MAX_MATTERS: usize = 256;
/// Of an answer's text, more tells nobody anything.
const MAX_TEXT: usize = 512;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_is_cut_and_harmless() {
        let long = format!("\u{1b}[2J{}", "x".repeat(5000));
        let delivery = parse(&document(&json!({
            "matter": "logs", "subject": long, "observed": long, "expected": long,
            "since": "2026-11-22T01:02:03.004Z", "of a later release": true,
        })));
        let matter = &delivery.unwrap().matters[0];
        for text in [&matter.subject, &matter.observed, &matter.expected] {
            assert!(text.as_str().starts_with("\\x1b[2Jxxx") && text.as_str().len() < 600, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said_and_never_left_out() {
        let matter = json!({
            "matter": "logs", "subject": "g", "observed": "o", "expected": "e", "since": "2026-11-22T01:02:03.004Z",
        });
        assert_eq!(parse(&document(&matter)).unwrap().matters.len(), 1);
        for key in ["matter", "subject", "observed", "expected", "since"] {
            let mut broken = matter.clone();
            broken[key] = json!("\u{0}not this");
            let is_free = ["subject", "observed", "expected"].contains(&key);
            assert_eq!(parse(&document(&broken)).is_ok(), is_free, "{key}");
            broken[key] = json!(7);
            assert!(parse(&document(&broken)).is_err(), "{key}");
        }
        let whole = document(&matter);
        for text in [
            "",
            "{",
            "[]",
            "null",
            &whole.replace("delivery/1", "delivery/2"),
            &whole.replace("time", "tide"),
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let many: Vec<_> = (0..=MAX_MATTERS).map(|_| &matter).collect();
        let many = json!({"schema": SCHEMA, "time": "2026-11-22T01:02:03.004Z", "matters": many});
        assert!(parse(&many.to_string()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&String::from_utf8_lossy(&bytes));
            let _ = Delivery::parse(Path::new("/x"), &bytes);
        }

        #[test]
        fn no_cut_and_no_flip_of_a_good_one_panics(at in 0_usize..260, byte in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = document(&json!({
                "matter": "seal-key", "subject": "/guestward/é", "observed": "o", "expected": "e",
                "since": "2026-11-22T01:02:03.004Z",
            })).into_bytes();
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            let _ = Delivery::parse(Path::new("/x"), &bytes);
        }
    }

    fn parse(text: &str) -> Result<Delivery, Unreadable> {
        Delivery::parse(Path::new("/x"), text.as_bytes())
    }

    fn document(matter: &Value) -> String {
        json!({"schema": SCHEMA, "time": "2026-11-22T01:02:03.004Z", "matters": [matter]}).to_string()
    }
}
