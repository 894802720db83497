//! An object of a file system as records and commands tell it: bounded, readable, and safe to show whatever it is called.

mod attributes;
mod fields;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::body::Told;
use super::{BASE64, rfc3339_nanos};
use crate::host::Kind;
use crate::host::object::{Algorithm, Content, Moment, Object, Verity};
use attributes::Attributes;
pub use attributes::{Attribute, acl, capabilities};
use base64::Engine as _;

/// What somebody wants to know of an object when it is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    #[serde(rename = "type")]
    pub kind: Told,
    /// Octal, as chmod(1) takes it.
    pub mode: Told,
    pub owner: u32,
    pub group: u32,
    /// Of a regular file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Hexadecimal, as sha256sum(1) and b3sum(1) print it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blake3: Option<Told>,
    /// How many bytes from the start the hash is of, where these are not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashed: Option<u64>,
    /// Of a file that fs-verity sealed: `sha256:` and hexadecimal, as fsverity(1) prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verity: Option<Told>,
    /// Why there is no hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Told>,
    /// The exact bytes, where the text is not all that there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_b64: Option<String>,
    /// Of a device: `8:1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Told>,
    pub links: u32,
    pub inode: u64,
    pub mtime: Told,
    pub ctime: Told,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub btime: Option<Told>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Told>,
    #[serde(flatten)]
    pub attributes: Attributes,
}

impl Described {
    pub fn of(object: &Object) -> Self {
        let target = object.target.as_deref();
        let hash = |wanted| match object.content {
            Content::Hashed { algorithm, digest, .. } if algorithm == wanted => {
                Some(Told::new(&hex(&digest)))
            }
            _ => None,
        };
        Self {
            kind: Told::new(kind_name(object.kind)),
            mode: Told::new(&format!("{:04o}", object.mode & 0o7777)),
            owner: object.uid,
            group: object.gid,
            size: (object.kind == Kind::File).then_some(object.size),
            sha256: hash(Algorithm::Sha256),
            blake3: hash(Algorithm::Blake3),
            hashed: match object.content {
                Content::Hashed { length, .. } if length != object.size => Some(length),
                _ => None,
            },
            verity: object.verity.as_deref().map(verity),
            unread: match object.content {
                Content::Unread(trouble) => Some(Told::new(&trouble.to_string())),
                _ => None,
            },
            target: target.map(text),
            target_b64: target.and_then(exact),
            device: device(object),
            links: object.links,
            inode: object.inode,
            mtime: time(object.modified),
            ctime: time(object.changed),
            btime: object.born.map(time),
            flags: object.flags.names().map(Told::new).collect(),
            attributes: Attributes::of(object),
        }
    }
}

/// One word for what an object is.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::BlockDevice => "block-device",
        Kind::CharacterDevice => "character-device",
        Kind::Directory => "directory",
        Kind::Fifo => "fifo",
        Kind::File => "file",
        Kind::Socket => "socket",
        Kind::SymbolicLink => "symbolic-link",
        Kind::Other => "other",
    }
}

/// Bytes as a text that is safe to show.
pub fn text(bytes: &[u8]) -> Told {
    Told::from(&crate::host::Text::from_bytes_within(bytes, LONGEST))
}

/// The bytes themselves, where [`text`] does not tell them.
pub fn exact(bytes: &[u8]) -> Option<String> {
    let is_told = std::str::from_utf8(bytes).is_ok_and(|raw| text(bytes).as_str() == raw);
    (!is_told && bytes.len() <= LONGEST).then(|| BASE64.encode(bytes))
}

/// The bytes that a text and what [`exact`] made of them stand for.
pub fn bytes_of(text: &Told, exact: Option<&str>) -> Option<Vec<u8>> {
    match exact {
        Some(exact) => BASE64.decode(exact).ok(),
        None => Some(text.as_str().as_bytes().to_vec()),
    }
}

fn time(moment: Moment) -> Told {
    let nanos = i32::try_from(moment.nanos).unwrap_or(0);
    match Timestamp::new(moment.seconds, nanos) {
        Ok(time) => Told::new(&rfc3339_nanos(time)),
        // A file system may tell a time that no calendar has.
        Err(_) => Told::new(&format!("@{}.{:09}", moment.seconds, moment.nanos)),
    }
}

fn verity(verity: &Verity) -> Told {
    Told::new(&format!("{}:{}", verity.algorithm_name(), hex(&verity.digest)))
}

fn device(object: &Object) -> Option<Told> {
    let is_device = matches!(object.kind, Kind::BlockDevice | Kind::CharacterDevice);
    let (major, minor) = (nix::sys::stat::major(object.rdev), nix::sys::stat::minor(object.rdev));
    is_device.then(|| Told::new(&format!("{major}:{minor}")))
}

/// In hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `PATH_MAX` of Linux: what is longer is no path.
const LONGEST: usize = 4_096;

#[cfg(test)]
pub(crate) mod tests;
