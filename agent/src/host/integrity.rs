//! Whether this machine's files are compared with what was agreed of them: what our own last comparison left
//! (`finding/wire/integrity.rs` writes it), and whether another checker is set to do it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde_json::Value;

use super::units::Units;
use super::{Cause, Host, Kind, Text, Unreadable};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integrity {
    /// `Ok(None)`: nothing was ever compared, as there is no baseline.
    pub last: Result<Option<Last>, Unreadable>,
    /// What sets off another checker at regular times.
    pub other: Result<Option<PathBuf>, Unreadable>,
}

/// The last comparison that came to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    pub path: PathBuf,
    pub time: Timestamp,
    /// Nothing was out of sight, and everything that differs was found.
    pub is_complete: bool,
    pub unseen: u64,
    /// Why the baseline cannot be trusted.
    pub damaged: Option<Text>,
    /// How many differences no package explains, by the name of their severity.
    pub unexplained: BTreeMap<String, u64>,
    /// The first of them, the worst before the others.
    pub drifts: Vec<Differs>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    /// The exact bytes.
    pub path: Vec<u8>,
    pub change: Text,
    pub fields: Vec<Text>,
    pub severity: String,
}

impl Integrity {
    pub fn of(host: &Host) -> Self {
        Self { last: Last::of(host), other: other(host) }
    }

    pub fn not_asked() -> Self {
        let not_asked = Unreadable::not_asked("file integrity");
        Self { last: Err(not_asked.clone()), other: Err(not_asked) }
    }
}

impl Last {
    fn of(host: &Host) -> Result<Option<Self>, Unreadable> {
        let path = host.state().join(DIRECTORY).join(FILE);
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
        let document: Value = serde_json::from_slice(bytes)
            .map_err(|error| Unreadable::malformed(path, error.line(), "this is not JSON"))?;
        if document["schema"] != SCHEMA {
            let what = format!("its schema is not {SCHEMA}, the one that is known here");
            return Err(Unreadable::new(path, Cause::Unsupported(what)));
        }
        // What is not understood could be the gravest of it.
        Self::understood(path, &document)
            .ok_or_else(|| Unreadable::malformed(path, 0, "one of its members is not understood"))
    }

    fn understood(path: &Path, document: &Value) -> Option<Self> {
        let damaged = match document.get("damaged")? {
            Value::Null => None,
            reason => Some(text(reason)?),
        };
        let unexplained = document["unexplained"].as_object()?.iter();
        let drifts = document["drifts"].as_array()?;
        if drifts.len() > MAX_DRIFTS {
            return None;
        }
        Some(Self {
            path: path.to_owned(),
            time: document["time"].as_str()?.parse().ok()?,
            is_complete: document["complete"].as_bool()?,
            unseen: document["counts"]["unseen"].as_u64()?,
            damaged,
            unexplained: unexplained
                .map(|(severity, count)| Some((known_severity(severity)?, count.as_u64()?)))
                .collect::<Option<_>>()?,
            drifts: drifts.iter().map(Differs::of).collect::<Option<_>>()?,
        })
    }
}

impl Differs {
    fn of(value: &Value) -> Option<Self> {
        let path = match value.get("path_b64") {
            Some(exact) => BASE64.decode(exact.as_str()?).ok()?,
            None => value["path"].as_str()?.as_bytes().to_vec(),
        };
        Some(Self {
            path,
            change: text(&value["change"])?,
            fields: value["fields"].as_array()?.iter().map(text).collect::<Option<_>>()?,
            severity: known_severity(value["severity"].as_str()?)?,
        })
    }
}

fn text(value: &Value) -> Option<Text> {
    value.as_str().map(|text| Text::from_bytes_within(text.as_bytes(), MAX_TEXT))
}

fn known_severity(name: &str) -> Option<String> {
    SEVERITIES.contains(&name).then(|| name.to_owned())
}

/// A timer or a script that sets off a checker which is not ours.
fn other(host: &Host) -> Result<Option<PathBuf>, Unreadable> {
    for script in SCRIPTS {
        match host.stat(script) {
            // run-parts(8) runs what is a program, and no FIFO.
            Ok(meta) if meta.kind == Kind::File && meta.mode & 0o111 != 0 => return Ok(Some(script.into())),
            Ok(_) => {}
            Err(cause) if cause.is_absent() => {}
            Err(cause) => return Err(cause),
        }
    }
    let units = match Units::of(host) {
        Ok(units) => units,
        Err(cause) if cause.is_absent() => return Ok(None),
        Err(cause) => return Err(cause),
    };
    for unit in UNITS {
        if let Some(path) = units.starts(unit)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Below the state directory.
pub const DIRECTORY: &str = "baseline";
pub const FILE: &str = "last.json";
pub const SCHEMA: &str = "guestward.integrity/1";
/// Of AIDE as Debian, Ubuntu and CIS have it, of Tripwire, Samhain and Integrit.
const SCRIPTS: [&str; 4] = [
    "/etc/cron.daily/aide",
    "/etc/cron.daily/dailyaidecheck",
    "/etc/cron.daily/tripwire",
    "/etc/cron.daily/integrit",
];
const UNITS: [&str; 3] = ["dailyaidecheck.timer", "aidecheck.timer", "samhain.service"];
const SEVERITIES: [&str; 5] = ["informational", "low", "medium", "high", "critical"];
/// Many times what is written at most.
const MAX_BYTES: u64 = 1024 * 1024;
/// Twenty are written.
const MAX_DRIFTS: usize = 100;
/// Of a reason, more tells nobody anything.
const MAX_TEXT: usize = 512;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"{"schema":"guestward.integrity/1","time":"2026-11-22T01:02:03.004Z","complete":true,"counts":{"unseen":0},"unexplained":{"high":1},"drifts":[{"path":"/a","change":"modified","fields":["content"],"severity":"high"}],"damaged":null}"#;

    #[test]
    fn what_is_not_understood_is_said_and_never_left_out() {
        assert!(parse(GOOD).is_ok());
        for key in
            ["schema", "time", "complete", "unseen", "unexplained", "drifts", "damaged", "change", "fields"]
        {
            assert!(parse(&GOOD.replace(&format!("\"{key}\""), "\"other\"")).is_err(), "{key}");
        }
        for (what, with) in
            [("\"high\"", "\"grave\""), ("true", "1"), (":1}", ":-1}"), ("[\"content\"]", "[7]")]
        {
            assert!(parse(&GOOD.replace(what, with)).is_err(), "{what}");
        }
        for text in ["", "{", "[]", "null", &GOOD.replace("integrity/1", "integrity/2")] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_cut_and_no_flip_of_a_good_one_panics(at in 0_usize..240, byte in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = GOOD.as_bytes().to_vec();
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            let _ = Last::parse(Path::new("/x"), &bytes);
        }
    }

    fn parse(text: &str) -> Result<Last, Unreadable> {
        Last::parse(Path::new("/x"), text.as_bytes())
    }
}
