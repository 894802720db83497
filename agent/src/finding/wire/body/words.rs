//! Single words of a body: texts with an end, verdicts, severities and times.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::finding::{Severity, Text, Verdict};

/// A text as a record carries it: safe to show, and at most 512 characters long.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Told(String);

impl Told {
    pub fn new(raw: &str) -> Self {
        // Escapes only ever add characters, so what is behind the limit stays there.
        let head: String = raw.chars().take(MAX_CHARACTERS + 1).collect();
        Self(cut(Text::new(&head).as_str(), MAX_CHARACTERS))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Told {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl From<&Text> for Told {
    fn from(text: &Text) -> Self {
        Self(cut(text.as_str(), MAX_CHARACTERS))
    }
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::new(&text))
    }
}

/// At most `limit` characters, the last of which is '…' where something was left out. Cutting twice changes nothing.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.char_indices().nth(limit).is_none() {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| de::Error::custom("no severity"))
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Verdict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let all = [Self::Pass, Self::Fail, Self::NotApplicable, Self::Unknown];
        all.into_iter().find(|verdict| verdict.name() == name).ok_or_else(|| de::Error::custom("no verdict"))
    }
}

/// A time in a record: RFC 3339 in UTC with milliseconds.
pub(in crate::finding::wire) mod moment {
    use super::{Deserialize as _, Deserializer, Serializer, Timestamp, de};
    use crate::finding::wire::rfc3339_millis;

    pub(in crate::finding::wire) fn serialize<S: Serializer>(
        time: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339_millis(*time))
    }

    pub(in crate::finding::wire) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = text.parse().ok().filter(|time| rfc3339_millis(*time) == text);
        // Another way to write it would be written back differently, and what was told would not be what is kept.
        time.ok_or_else(|| de::Error::custom("no time as records have it"))
    }
}

/// A reader of a record wants to know what it is about; the whole text is on the machine.
pub(super) const MAX_CHARACTERS: usize = 512;
