//! The record as it is written: one JSON object on one line, chained to the record before it.
//!
//! What CloudWatch Logs receives, what the local file holds and what `guestward journal verify` reads is these
//! very bytes. A duplicate is byte-identical, so `(agent, epoch, seq)` removes it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::rfc3339_millis;
use crate::finding::Severity;

/// What a record is about. The order is that of the codes in the journal's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Finding,
    Drift,
    Detection,
    Gap,
    Heartbeat,
    Inventory,
    Enforcement,
    Checkpoint,
    Lifecycle,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::Finding,
        Self::Drift,
        Self::Detection,
        Self::Gap,
        Self::Heartbeat,
        Self::Inventory,
        Self::Enforcement,
        Self::Checkpoint,
        Self::Lifecycle,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Drift => "drift",
            Self::Detection => "detection",
            Self::Gap => "gap",
            Self::Heartbeat => "heartbeat",
            Self::Inventory => "inventory",
            Self::Enforcement => "enforcement",
            Self::Checkpoint => "checkpoint",
            Self::Lifecycle => "lifecycle",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a journal without room keeps it to the last: without these nobody could tell what is missing.
    pub fn is_about_the_journal(self) -> bool {
        matches!(self, Self::Gap | Self::Checkpoint | Self::Lifecycle)
    }
}

/// Eight random bytes, written as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 8]);

impl Id {
    pub fn new(random: [u8; 8]) -> Self {
        Self(random)
    }

    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:016x}", u64::from_be_bytes(self.0)))
    }
}

impl FromStr for Id {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let is_plain =
            text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let number = u64::from_str_radix(text, 16).ok().filter(|_| is_plain);
        number.map(|number| Self(number.to_be_bytes())).ok_or(Malformed("an id has 16 hexadecimal digits"))
    }
}

/// A SHA-256, or a MAC of that size, written as base64url without padding: 43 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What stands before the first record of an epoch.
    pub const NONE: Self = Self([0; 32]);

    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&BASE64.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let bytes = BASE64.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(Malformed("a hash has 43 characters of base64url"))
    }
}

/// Who speaks: the same for all records of an epoch, but for the boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    pub agent: Id,
    pub epoch: Id,
    /// The first eight digits of the kernel's boot id.
    pub boot: String,
    pub instance: Option<String>,
    pub account: Option<String>,
    pub region: Option<String>,
}

#[derive(Serialize)]
struct Written<'a> {
    v: u8,
    agent: String,
    epoch: String,
    seq: u64,
    prev: String,
    time: String,
    boot: &'a str,
    instance: Option<&'a str>,
    account: Option<&'a str>,
    region: Option<&'a str>,
    kind: &'static str,
    body: &'a RawValue,
}

/// A record's line, without the newline. `body` is a JSON object on one line.
pub fn line(
    speaker: &Speaker,
    seq: u64,
    prev: &Hash,
    time: Timestamp,
    kind: Kind,
    body: &str,
) -> Result<Vec<u8>, Malformed> {
    // What stands here came from our own serialiser; a body that is none would break the reader's line.
    let is_object = body.starts_with('{') && !body.contains('\n');
    let body: &RawValue = serde_json::from_str(body).ok().filter(|_| is_object).ok_or(NOT_AN_OBJECT)?;
    let written = Written {
        v: VERSION,
        agent: speaker.agent.to_string(),
        epoch: speaker.epoch.to_string(),
        seq,
        prev: prev.to_string(),
        time: rfc3339_millis(time),
        boot: &speaker.boot,
        instance: speaker.instance.as_deref(),
        account: speaker.account.as_deref(),
        region: speaker.region.as_deref(),
        kind: kind.name(),
        body,
    };
    let mut line = Vec::with_capacity(body.get().len() + ENVELOPE);
    serde_json::to_writer(&mut line, &written).map_err(|_| NOT_AN_OBJECT)?;
    Ok(line)
}

/// A record read back. Members that a later version adds are ignored; a later version itself is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    pub agent: Id,
    pub epoch: Id,
    pub seq: u64,
    pub prev: Hash,
    pub time: &'a str,
    pub instance: Option<String>,
    pub kind: Kind,
    /// The body's exact JSON.
    pub body: &'a str,
}

#[derive(Deserialize)]
struct Read<'a> {
    v: u64,
    #[serde(borrow)]
    agent: &'a str,
    #[serde(borrow)]
    epoch: &'a str,
    seq: u64,
    #[serde(borrow)]
    prev: &'a str,
    #[serde(borrow)]
    time: &'a str,
    instance: Option<String>,
    #[serde(borrow)]
    kind: &'a str,
    #[serde(borrow)]
    body: &'a RawValue,
}

pub fn parse(line: &[u8]) -> Result<Record<'_>, Malformed> {
    if line.len() > MAX_LINE {
        return Err(Malformed("longer than any record"));
    }
    let read: Read<'_> = serde_json::from_slice(line).map_err(|_| Malformed("not a record"))?;
    if read.v != u64::from(VERSION) {
        return Err(Malformed("a record of another version"));
    }
    if read.seq == 0 {
        return Err(Malformed("seq starts at 1"));
    }
    Ok(Record {
        agent: read.agent.parse()?,
        epoch: read.epoch.parse()?,
        seq: read.seq,
        prev: read.prev.parse()?,
        time: read.time,
        instance: read.instance,
        kind: Kind::from_name(read.kind).ok_or(Malformed("a kind that this version does not know"))?,
        body: read.body.get(),
    })
}

/// What a checkpoint says beside its `seq` and `prev`, which are the sealed head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checkpoint {
    pub baseline: Option<Hash>,
    /// Of the very files that the baseline is kept in. Earlier versions did not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_state: Option<Hash>,
    pub policy: Option<Hash>,
    /// Records in the epoch, this one among them.
    pub records: u64,
    /// Of those, how many were given up for want of room.
    pub dropped: u64,
    /// How many of them are gaps.
    pub gaps: u64,
    /// Which state of the ratchet sealed it.
    pub key: Option<u64>,
}

impl Checkpoint {
    pub fn to_json(self) -> String {
        serde_json::to_string(&self).unwrap_or_default()
    }

    /// From a checkpoint's body.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        serde_json::from_str(body).map_err(|_| Malformed("not a checkpoint"))
    }
}

/// Puts a checkpoint's MAC in its place, the last member of its body.
pub fn seal(line: &mut Vec<u8>, mac: impl FnOnce(&[u8]) -> Hash) {
    let Some(end) = line.len().checked_sub(CLOSING.len()).filter(|&end| &line[end..] == CLOSING) else {
        return;
    };
    line.truncate(end);
    let mac = mac(line);
    line.extend_from_slice(format!("{MAC}{mac}\"}}}}").as_bytes());
}

/// What a MAC covers, and the MAC; `None` when there is none in its place.
pub fn sealed(line: &[u8]) -> Option<(&[u8], Hash)> {
    let end = line.len().checked_sub(MAC.len() + HASH_TEXT + "\"}}".len())?;
    let (covered, rest) = line.split_at(end);
    let mac = rest.strip_prefix(MAC.as_bytes())?.strip_suffix(b"\"}}")?;
    Some((covered, std::str::from_utf8(mac).ok()?.parse().ok()?))
}

/// Ids and hashes stand in JSON as their text.
macro_rules! as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

as_text!(Id);
as_text!(Hash);

/// A line that is no record of ours, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

/// How urgent a kind's records are where they do not say so themselves.
pub fn usual_severity(kind: Kind) -> Severity {
    if kind.is_about_the_journal() { Severity::Critical } else { Severity::Informational }
}

const NOT_AN_OBJECT: Malformed = Malformed("a body is a JSON object on one line");
const VERSION: u8 = 1;
/// A quarter of what CloudWatch Logs takes as one event, so that no shipper ever has to cut one.
pub const MAX_LINE: usize = 256 * 1024;
/// What the other members take, with room for the longest names.
const ENVELOPE: usize = 384;
const MAC: &str = ",\"mac\":\"";
const CLOSING: &[u8] = b"}}";
const HASH_TEXT: usize = 43;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn speaker() -> Speaker {
        Speaker {
            agent: Id::new([0xab; 8]),
            epoch: Id::new([1, 2, 3, 4, 5, 6, 7, 8]),
            boot: "0badcafe".into(),
            instance: Some("i-0123456789abcdef0".into()),
            account: None,
            region: Some("eu-central-1".into()),
        }
    }

    fn written(kind: Kind, body: &str) -> Vec<u8> {
        line(&speaker(), 7, &Hash::of(b"before"), Timestamp::UNIX_EPOCH, kind, body).unwrap()
    }

    #[test]
    fn a_record_is_one_line_with_its_members_in_order() {
        assert_eq!(
            String::from_utf8(written(Kind::Lifecycle, r#"{"event":"start"}"#)).unwrap(),
            concat!(
                r#"{"v":1,"agent":"abababababababab","epoch":"0102030405060708","seq":7,"#,
                r#""prev":"bbfYA-dPH_p9j1rcC_lbPhW_TINz__rfVGInzGxnQss","time":"1970-01-01T00:00:00.000Z","#,
                r#""boot":"0badcafe","instance":"i-0123456789abcdef0","account":null,"region":"eu-central-1","#,
                r#""kind":"lifecycle","body":{"event":"start"}}"#
            )
        );
    }

    #[test]
    fn a_record_is_read_back() {
        let bytes = written(Kind::Finding, r#"{"check":"ssh-password"}"#);
        let record = parse(&bytes).unwrap();
        assert_eq!((record.seq, record.kind, record.body), (7, Kind::Finding, r#"{"check":"ssh-password"}"#));
        assert_eq!((record.agent, record.epoch), (speaker().agent, speaker().epoch));
        assert_eq!(record.instance.as_deref(), Some("i-0123456789abcdef0"));
    }

    #[test]
    fn a_body_that_would_break_the_line_is_refused() {
        for body in ["", "3", "{\n}", "{}{}", "{\"a\":1"] {
            assert!(
                line(&speaker(), 1, &Hash::NONE, Timestamp::UNIX_EPOCH, Kind::Drift, body).is_err(),
                "{body}"
            );
        }
    }

    #[test]
    fn a_checkpoint_says_which_baseline_it_vouches_for_and_those_before_it_are_read_still() {
        let before = r#"{"baseline":null,"policy":null,"records":7,"dropped":0,"gaps":0,"key":null}"#;
        let checkpoint = Checkpoint { records: 7, ..Checkpoint::default() };
        assert_eq!(checkpoint.to_json(), before);
        assert_eq!(Checkpoint::parse(before), Ok(checkpoint));
        let (root, state) = (Some(Hash([0; 32])), Some(Hash([1; 32])));
        let checkpoint = Checkpoint { baseline: root, baseline_state: state, ..checkpoint };
        let text = r#"{"baseline":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","baseline_state":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","policy":null,"records":7,"dropped":0,"gaps":0,"key":null}"#;
        assert_eq!(checkpoint.to_json(), text);
        assert_eq!(Checkpoint::parse(text), Ok(checkpoint));
    }

    #[test]
    fn a_seal_covers_everything_before_it() {
        let checkpoint =
            Checkpoint { policy: Some(Hash::of(b"p")), records: 7, key: Some(3), ..Checkpoint::default() };
        let mut bytes = written(Kind::Checkpoint, &checkpoint.to_json());
        let before = bytes[..bytes.len() - 2].to_vec();
        seal(&mut bytes, Hash::of);
        assert_eq!(sealed(&bytes), Some((&before[..], Hash::of(&before))));
        assert_eq!(Checkpoint::parse(parse(&bytes).unwrap().body).unwrap(), checkpoint);
        assert_eq!(sealed(&written(Kind::Finding, "{}")), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0usize..300, with in any::<u8>()) {
            let _ = (parse(&bytes), sealed(&bytes));
            let mut record = written(Kind::Gap, r#"{"cause":"damaged"}"#);
            let at = at % record.len();
            record[at] = with;
            let _ = (parse(&record), sealed(&record));
        }
    }
}
