//! A record that is longer than a destination takes: as much of it as fits, and the hash of all of it.
//!
//! The journal's own bound is a quarter of what CloudWatch Logs takes, so that no record of this version is ever cut;
//! the rule is here for the day when one of the two numbers changes.

use serde::{Deserialize, Serialize};

use super::record::{Hash, Record};

/// A line of at most `limit` bytes in place of a longer one. The text ends at a character boundary.
pub fn cut(record: &Record<'_>, line: &[u8], limit: usize) -> String {
    let whole = String::from_utf8_lossy(line);
    let mut written = Written {
        v: 1,
        agent: record.agent.to_string(),
        epoch: record.epoch.to_string(),
        seq: record.seq,
        prev: record.prev,
        time: record.time.to_owned(),
        kind: record.kind.name().to_owned(),
        truncated_from: line.len() as u64,
        sha256: Hash::of(line),
        text: String::new(),
    };
    let empty = written.to_json().len();
    let mut room = limit.saturating_sub(empty);
    for c in whole.chars() {
        // As JSON writes it: what is escaped takes more.
        let size = serde_json::to_string(&c).map_or(8, |text| text.len() - 2);
        if size > room {
            break;
        }
        room -= size;
        written.text.push(c);
    }
    written.to_json()
}

#[derive(Serialize, Deserialize)]
struct Written {
    v: u8,
    agent: String,
    epoch: String,
    seq: u64,
    prev: Hash,
    time: String,
    kind: String,
    truncated_from: u64,
    sha256: Hash,
    text: String,
}

impl Written {
    fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests {
    use super::super::record::{self, Id, Kind, Speaker};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_cut_fits_and_says_from_what(text in "[a\"\\\\é漢🦀\u{1}]{0,300}", limit in 400usize..700) {
            let speaker = Speaker {
                agent: Id::new([1; 8]), epoch: Id::new([2; 8]), boot: "0badcafe".into(),
                instance: None, account: None, region: None,
            };
            let body = serde_json::json!({"text": text}).to_string();
            let line = record::line(&speaker, 3, &Hash::NONE, jiff::Timestamp::UNIX_EPOCH, Kind::Drift, &body).unwrap();
            let short = cut(&record::parse(&line).unwrap(), &line, limit);
            prop_assert!(short.len() <= limit, "{} of {limit}", short.len());
            let read: Written = serde_json::from_str(&short).unwrap();
            prop_assert!(std::str::from_utf8(&line).unwrap().starts_with(&read.text));
            prop_assert_eq!((read.truncated_from, read.sha256), (line.len() as u64, Hash::of(&line)));
        }
    }
}
