//! The list of a repository's packages, `primary.xml`: only what is installed, or would take an installed package's
//! place, is understood at all.

use std::cmp::Ordering;
use std::io::{self, Read};

use memchr::memmem;

use super::super::rpm::version::compare_evr;
use super::elements;
use super::wanted::{Evr, Wanted};
use super::xml::{Attributes, Node, each_node};

/// A package that a repository offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Offered {
    pub(super) name: String,
    pub(super) architecture: String,
    pub(super) evr: Evr,
    pub(super) vendor: String,
    pub(super) obsoletes: Vec<Relation>,
    /// The names that it provides.
    pub(super) provides: Vec<String>,
}

/// `name`, or `name` with versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) name: String,
    versions: Option<(Flag, Evr, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flag {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Relation {
    fn of(attributes: &Attributes<'_>) -> Result<Self, String> {
        Self::new(attributes.needed("name")?, |key| attributes.get(key))
    }

    /// Of what is said beside the name: `flags`, `epoch`, `ver` and `rel`.
    pub(super) fn new(
        name: String,
        said: impl Fn(&str) -> Result<Option<String>, String>,
    ) -> Result<Self, String> {
        let flag = match said("flags")?.as_deref() {
            None => None,
            Some("LT") => Some(Flag::Less),
            Some("LE") => Some(Flag::LessOrEqual),
            Some("EQ") => Some(Flag::Equal),
            Some("GE") => Some(Flag::GreaterOrEqual),
            Some("GT") => Some(Flag::Greater),
            Some(_) => return Err("a relation between versions is none that is known".to_owned()),
        };
        let Some(flag) = flag else { return Ok(Self { name, versions: None }) };
        let release = said("rel")?;
        let version = said("ver")?.unwrap_or_default();
        let evr = Evr::new(said("epoch")?.as_deref(), &version, release.as_deref().unwrap_or_default())?;
        Ok(Self { name, versions: Some((flag, evr, release.is_some())) })
    }

    /// Whether it is about something that is installed.
    pub(super) fn replaces(&self, wanted: &Wanted<'_>) -> bool {
        wanted.all(&self.name).any(|(_, evr)| self.meets(evr))
    }

    /// Where no release is said, none is compared.
    pub(super) fn meets(&self, evr: &Evr) -> bool {
        let Some((flag, other, has_release)) = &self.versions else { return true };
        let order = if *has_release {
            evr.compare(other)
        } else {
            compare_evr((evr.epoch, &evr.version, ""), (other.epoch, &other.version, ""))
        };
        match flag {
            Flag::Less => order == Ordering::Less,
            Flag::LessOrEqual => order != Ordering::Greater,
            Flag::Equal => order == Ordering::Equal,
            Flag::GreaterOrEqual => order != Ordering::Less,
            Flag::Greater => order == Ordering::Greater,
        }
    }
}

/// Hands out every package with an installed name, and those that would take an installed package's place.
pub(super) fn each(
    source: impl Read,
    wanted: &Wanted<'_>,
    mut each: impl FnMut(Offered) -> Result<(), String>,
) -> io::Result<()> {
    let finders = (memmem::Finder::new(b"<name>"), memmem::Finder::new(b"obsoletes"));
    elements::each(source, "metadata", "package", |bytes| {
        let is_named = is_named(bytes, &finders.0, wanted);
        if !is_named && finders.1.find(bytes).is_none() {
            return Ok(());
        }
        let Some(offered) = understand(bytes)? else { return Ok(()) };
        if wanted.has(&offered.name) || offered.obsoletes.iter().any(|relation| relation.replaces(wanted)) {
            each(offered)?;
        }
        Ok(())
    })
}

/// Nobody installs them.
pub(super) fn is_source(architecture: &str) -> bool {
    matches!(architecture, "src" | "nosrc")
}

/// Whether its name may be an installed one; where that is not plain to see, it may.
fn is_named(bytes: &[u8], name: &memmem::Finder<'_>, wanted: &Wanted<'_>) -> bool {
    let Some(begin) = name.find(bytes) else { return true };
    let rest = bytes.get(begin + name.needle().len()..).unwrap_or_default();
    let end = memchr::memchr2(b'<', b'&', rest).unwrap_or(rest.len());
    let (text, after) = (rest.get(..end).unwrap_or_default(), rest.get(end..).unwrap_or_default());
    !after.starts_with(b"</name>")
        || text.first().is_none_or(u8::is_ascii_whitespace)
        || wanted.has_bytes(text)
}

/// `None` for sources.
fn understand(bytes: &[u8]) -> Result<Option<Offered>, String> {
    let mut offered = Offered::default();
    let mut has_version = false;
    let mut list = "";
    each_node(bytes, |node| {
        match node {
            Node::Open { depth: 1, name: "version", attributes } => {
                let (version, release) = (attributes.needed("ver")?, attributes.needed("rel")?);
                offered.evr = Evr::new(attributes.get("epoch")?.as_deref(), &version, &release)?;
                has_version = true;
            }
            Node::Open { depth: 2, name, .. } => {
                list = match name {
                    "obsoletes" => "obsoletes",
                    "provides" => "provides",
                    _ => "",
                }
            }
            Node::Open { depth: 3, name: "entry", attributes } => match list {
                "obsoletes" => offered.obsoletes.push(Relation::of(&attributes)?),
                "provides" => offered.provides.push(attributes.needed("name")?),
                _ => {}
            },
            Node::Close { depth: 1, name: "name", text } => offered.name = text.trim().to_owned(),
            Node::Close { depth: 1, name: "arch", text } => offered.architecture = text.trim().to_owned(),
            Node::Close { depth: 2, name: "vendor", text } => offered.vendor = text.trim().to_owned(),
            _ => {}
        }
        Ok(())
    })?;
    if offered.name.is_empty() || offered.architecture.is_empty() || !has_version {
        return Err("a package has no name, architecture or version".to_owned());
    }
    Ok((!is_source(&offered.architecture)).then_some(offered))
}

#[cfg(test)]
#[path = "primary/tests.rs"]
pub(super) mod tests;
