//! What one run of a package manager changed, and what a look after a loss came to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::object::{bytes_of, exact, text};
use super::actor::ActorBody;
use super::words::{Told, moment};
use super::{MAX_BODY, json};
use crate::finding::Severity;

/// One run, or a part of what is to be told of it: what does not fit into one record is in the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateDrift {
    pub change: Applied,
    /// `dpkg`.
    pub manager: Told,
    pub severity: Severity,
    /// The first process of it.
    pub actor: Box<ActorBody>,
    #[serde(with = "moment")]
    pub began: Timestamp,
    #[serde(with = "moment")]
    pub ended: Timestamp,
    /// Which part of how many; the numbers are of all of them.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub part: u32,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub parts: u32,
    /// How many objects are not as agreed since, and are accounted for.
    pub count: u64,
    pub added: u64,
    pub removed: u64,
    pub modified: u64,
    /// How many are told one by one, because nothing accounts for them.
    pub unexplained: u64,
    /// There was too much of it to keep, or it went on for longer than we wait.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
    /// What they explain is told of them from then on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<Updated>,
    /// What else belongs to it, by what it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub byproducts: Vec<Byproduct>,
    /// Those of them that are in this part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Accounted>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Applied {
    Applied,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Updated {
    pub package: Told,
    pub count: u64,
    /// Of all that it explains.
    pub digest: Told,
    /// What stands behind what dpkg records of it, which lies on the machine and is unsigned: `index` (the archive is still at
    /// hand, is the one of the index that apt verified, and says the same), `unlisted`, `absent` (no archive at hand),
    /// `differs` or `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched: Option<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Byproduct {
    /// `initramfs`; `listed` is what a package has and records nothing of that could be compared.
    pub kind: Told,
    pub count: u64,
}

/// An object that an update accounts for although no package records what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounted {
    pub path: Told,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
    /// Of how it differs.
    pub digest: Told,
}

impl Accounted {
    pub fn new(path: &[u8], digest: &str) -> Self {
        Self { path: text(path), path_b64: exact(path), digest: Told::new(digest) }
    }

    pub fn path_bytes(&self) -> Option<Vec<u8>> {
        bytes_of(&self.path, self.path_b64.as_deref())
    }
}

impl UpdateDrift {
    /// As many records as it takes, each below [`MAX_BODY`].
    pub fn in_parts(mut self) -> Vec<Self> {
        let (packages, paths) = (std::mem::take(&mut self.packages), std::mem::take(&mut self.paths));
        let room = MAX_BODY.saturating_sub(json(&self).len() + RESERVE);
        let mut parts = vec![self.clone()];
        let mut left = room;
        let mut place = |size: usize, parts: &mut Vec<Self>| {
            if size > left {
                let next = Self { byproducts: Vec::new(), ..self.clone() };
                parts.push(next);
                left = room;
            }
            left = left.saturating_sub(size);
        };
        for package in packages {
            place(json(&package).len() + 1, &mut parts);
            parts.iter_mut().next_back().into_iter().for_each(|part| part.packages.push(package.clone()));
        }
        for path in paths {
            place(json(&path).len() + 1, &mut parts);
            parts.iter_mut().next_back().into_iter().for_each(|part| part.paths.push(path.clone()));
        }
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        for (part, number) in parts.iter_mut().zip(1..) {
            (part.part, part.parts) = (number, count);
        }
        parts
    }
}

/// A look at everything, or at a part of it, because changes there went unseen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recheck {
    pub change: Rechecked,
    pub severity: Severity,
    pub why: Told,
    /// Where; everything if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Told>,
    #[serde(with = "moment")]
    pub began: Timestamp,
    pub took_s: f64,
    pub objects: u64,
    /// How many differ; what was not told before is told by itself.
    pub drifts: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rechecked {
    Looked,
}

impl Recheck {
    pub fn of(
        why: &str,
        places: &[Vec<u8>],
        began: Timestamp,
        took: std::time::Duration,
        (objects, drifts): (u64, u64),
    ) -> Self {
        Self {
            change: Rechecked::Looked,
            severity: Severity::Informational,
            why: Told::new(why),
            places: super::first(places.iter().map(Vec::as_slice)),
            began: Timestamp::from_millisecond(began.as_millisecond()).unwrap_or(began),
            took_s: (took.as_secs_f64() * 1_000.0).round() / 1_000.0,
            objects,
            drifts,
        }
    }
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_one(number: &u32) -> bool {
    *number == 1
}

/// For two numbers, two names and the brackets of lists.
const RESERVE: usize = 256;
