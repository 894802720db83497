//! The vendor's notices about a repository's packages, `updateinfo.xml`: only those that name an installed package are
//! understood at all.

use std::io::{self, Read};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use memchr::{memchr, memmem};

use super::super::advisory::{Advisory, Kind, Urgency};
use super::elements;
use super::wanted::{Evr, Wanted};
use super::xml::{Attributes, Node, each_node};

/// A notice, and which packages it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) advisory: Advisory,
    pub(super) packages: Vec<Fixed>,
}

/// A package as the notice brings it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fixed {
    pub(super) name: String,
    pub(super) architecture: String,
    pub(super) evr: Evr,
    /// The streams of modules that it is for; for everybody, if there are none.
    pub(super) modules: Vec<(String, String)>,
}

/// Hands out every notice that names an installed package, with those packages alone.
pub(super) fn each(
    source: impl Read,
    wanted: &Wanted<'_>,
    mut each: impl FnMut(Notice) -> Result<(), String>,
) -> io::Result<()> {
    let package = memmem::Finder::new(b"<package");
    elements::each(source, "updates", "update", |bytes| {
        if !names_any(bytes, &package, wanted) {
            return Ok(());
        }
        let notice = understand(bytes, wanted)?;
        if !notice.packages.is_empty() && !notice.is_withdrawn {
            each(notice.notice())?;
        }
        Ok(())
    })
}

/// Whether any package of it may be installed; where that is not plain to see, one may.
fn names_any(bytes: &[u8], package: &memmem::Finder<'_>, wanted: &Wanted<'_>) -> bool {
    package.find_iter(bytes).any(|begin| {
        let tag = bytes.get(begin + package.needle().len()..).unwrap_or_default();
        name(tag).is_none_or(|name| wanted.has_bytes(name) || memchr(b'&', name).is_some())
    })
}

/// The value of `name` among the attributes that these bytes begin with; `None` where that cannot be told.
fn name(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let attribute = bytes.trim_ascii_start();
        if attribute.len() == bytes.len() {
            return None;
        }
        let equals = memchr(b'=', attribute)?;
        let (key, value) = (attribute.get(..equals)?, attribute.get(equals + 1..)?.trim_ascii_start());
        let quote = *value.first().filter(|quote| matches!(quote, b'"' | b'\''))?;
        let value = value.get(1..)?;
        let end = memchr(quote, value)?;
        if key.trim_ascii_end() == b"name" {
            return value.get(..end);
        }
        bytes = value.get(end + 1..)?;
    }
}

#[derive(Default)]
struct Reading {
    id: String,
    kind: Option<String>,
    severity: String,
    issued: Option<Timestamp>,
    updated: Option<Timestamp>,
    cves: Vec<String>,
    packages: Vec<Fixed>,
    modules: Vec<(String, String)>,
    /// SUSE takes a notice back by saying so in a later edition of it.
    is_withdrawn: bool,
}

fn understand(bytes: &[u8], wanted: &Wanted<'_>) -> Result<Reading, String> {
    let mut reading = Reading::default();
    let mut first_of_collection = 0;
    each_node(bytes, |node| {
        match node {
            Node::Open { depth: 0, attributes, .. } => {
                reading.kind = attributes.get("type")?;
                reading.is_withdrawn = attributes.get("status")?.as_deref() == Some("retracted");
            }
            Node::Close { depth: 1, name: "id", text } => reading.id = text.trim().to_owned(),
            Node::Close { depth: 1, name: "severity", text } => reading.severity = text.trim().to_owned(),
            Node::Open { depth: 1, name: "issued", attributes } => {
                reading.issued = date(&attributes.get("date")?.unwrap_or_default());
            }
            Node::Open { depth: 1, name: "updated", attributes } => {
                reading.updated = date(&attributes.get("date")?.unwrap_or_default());
            }
            Node::Open { depth: 2, name: "reference", attributes } => reading.cve(&attributes)?,
            Node::Open { depth: 2, name: "collection", .. } => {
                first_of_collection = reading.packages.len();
                reading.modules.clear();
            }
            Node::Open { depth: 3, name: "module", attributes } => {
                reading.modules.push((attributes.needed("name")?, attributes.needed("stream")?));
            }
            Node::Open { depth: 3, name: "package", attributes } => {
                let name = attributes.needed("name")?;
                if wanted.has(&name) {
                    reading.packages.push(fixed(name, &attributes)?);
                }
            }
            Node::Close { depth: 2, name: "collection", .. } => {
                // The module may stand after the packages.
                let packages = reading.packages.get_mut(first_of_collection..).unwrap_or_default();
                packages.iter_mut().for_each(|package| package.modules.clone_from(&reading.modules));
            }
            _ => {}
        }
        Ok(())
    })?;
    if reading.id.is_empty() {
        return Err("a notice has no id".to_owned());
    }
    Ok(reading)
}

fn fixed(name: String, attributes: &Attributes<'_>) -> Result<Fixed, String> {
    let (version, release) = (attributes.needed("version")?, attributes.needed("release")?);
    let evr = Evr::new(attributes.get("epoch")?.as_deref(), &version, &release)?;
    Ok(Fixed { name, architecture: attributes.needed("arch")?, evr, modules: Vec::new() })
}

impl Reading {
    fn cve(&mut self, attributes: &Attributes<'_>) -> Result<(), String> {
        if attributes.get("type")?.is_some_and(|kind| kind.eq_ignore_ascii_case("cve"))
            && let Some(id) = attributes.get("id")?
        {
            self.cves.push(id);
        }
        Ok(())
    }

    fn notice(mut self) -> Notice {
        self.cves.sort_unstable();
        self.cves.dedup();
        let advisory = Advisory {
            kind: kind(self.kind.as_deref().unwrap_or_default()),
            urgency: Urgency::from_vendor(&self.severity),
            issued: self.issued.or(self.updated),
            cves: self.cves,
            id: self.id,
        };
        Notice { advisory, packages: self.packages }
    }
}

/// SUSE's words as well.
fn kind(word: &str) -> Kind {
    match word {
        "security" => Kind::Security,
        "bugfix" | "recommended" => Kind::Bugfix,
        "enhancement" | "newpackage" | "optional" | "feature" => Kind::Enhancement,
        _ => Kind::Other,
    }
}

/// Seconds since 1970, or a day, with a time or without; in UTC, for no vendor says where else.
fn date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Timestamp::from_second(text.parse().ok()?).ok();
    }
    let text = text.trim_end_matches(" UTC");
    let zoned = |time: DateTime| time.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp());
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().and_then(zoned))
        .or_else(|| DateTime::strptime("%Y-%m-%d %H:%M", text).ok().and_then(zoned))
        .or_else(|| text.get(..10)?.parse::<Date>().ok().map(|day| day.at(0, 0, 0, 0)).and_then(zoned))
}

#[cfg(test)]
#[path = "updateinfo/tests.rs"]
mod tests;
