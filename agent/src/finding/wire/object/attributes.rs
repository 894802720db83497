//! Extended attributes in words: ACLs as getfacl(1) shows them, labels, capabilities; of the others their beginning.

use serde::{Deserialize, Serialize};

use super::{BASE64, Told, exact, hex, text};
use crate::host::files::Capabilities;
use crate::host::object::{Object, Value, Xattr};
use base64::Engine as _;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attributes {
    /// `user::rw-,user:1000:r--,group::r--,mask::r--,other::---`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl: Option<Told>,
    /// Of a directory: what those get that are made in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_acl: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selinux: Option<Told>,
    /// `cap_net_raw=ep`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Told>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub xattrs: Vec<Attribute>,
    /// How many are left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_xattrs: usize,
    /// Why they are not all known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xattr_trouble: Option<Told>,
}

/// One that has no words of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    pub name: Told,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_b64: Option<String>,
    /// Of a long one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
}

impl Attributes {
    pub(super) fn of(object: &Object) -> Self {
        let mut told = Self {
            xattr_trouble: object.xattr_trouble.map(|trouble| Told::new(&trouble.to_string())),
            ..Self::default()
        };
        for xattr in &object.xattrs {
            if !told.in_words(xattr) {
                told.xattrs.push(Attribute::of(xattr));
            }
        }
        told.more_xattrs = told.xattrs.len().saturating_sub(MOST);
        told.xattrs.truncate(MOST);
        told
    }

    /// Whether it is one of those that we can tell.
    fn in_words(&mut self, xattr: &Xattr) -> bool {
        let Value::Whole(value) = &xattr.value else { return false };
        let (place, words) = match &*xattr.name {
            b"system.posix_acl_access" => (&mut self.acl, acl(value)),
            b"system.posix_acl_default" => (&mut self.default_acl, acl(value)),
            b"security.selinux" => (&mut self.selinux, label(value)),
            b"security.capability" => (&mut self.capabilities, capabilities(value)),
            _ => return false,
        };
        *place = words.as_deref().map(Told::new);
        place.is_some()
    }
}

impl Attribute {
    fn of(xattr: &Xattr) -> Self {
        let mut told =
            Self { name: text(&xattr.name), value: None, value_b64: None, sha256: None, length: None };
        match &xattr.value {
            Value::Whole(value) if exact(value).is_none() => told.value = Some(text(value)),
            Value::Whole(value) => told.value_b64 = Some(BASE64.encode(&value[..value.len().min(SHOWN)])),
            Value::Digest { length, digest } => {
                told.sha256 = Some(Told::new(&hex(digest)));
                told.length = Some(*length);
            }
        }
        told
    }
}

/// The bytes of an ACL, linux/posix_acl_xattr.h; `None` if they are none.
pub fn acl(bytes: &[u8]) -> Option<String> {
    let (version, entries) = bytes.split_first_chunk::<4>()?;
    let is_whole = u32::from_le_bytes(*version) == 2 && entries.len() % ENTRY == 0;
    if !is_whole {
        return None;
    }
    let entries: Option<Vec<String>> = entries.chunks_exact(ENTRY).map(acl_entry).collect();
    Some(entries?.join(","))
}

fn acl_entry(entry: &[u8]) -> Option<String> {
    let number = |at: usize| Some(u16::from_le_bytes(*entry.get(at..)?.first_chunk()?));
    let id = u32::from_le_bytes(*entry.get(4..)?.first_chunk()?);
    let who = match number(0)? {
        0x01 => "user:".to_owned(),
        0x02 => format!("user:{id}"),
        0x04 => "group:".to_owned(),
        0x08 => format!("group:{id}"),
        0x10 => "mask:".to_owned(),
        0x20 => "other:".to_owned(),
        _ => return None,
    };
    let bits = number(2)?;
    let may: String = [(4, 'r'), (2, 'w'), (1, 'x')]
        .map(|(bit, letter)| if bits & bit == 0 { '-' } else { letter })
        .iter()
        .collect();
    (bits <= 7).then(|| format!("{who}:{may}"))
}

/// What `security.capability` gives, as getcap(8) writes it.
pub fn capabilities(bytes: &[u8]) -> Option<String> {
    let capabilities = Capabilities::parse(bytes)?;
    let root = capabilities.root.map_or_else(String::new, |root| format!(" [rootid={root}]"));
    Some(format!("{capabilities}{root}"))
}

fn label(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// struct posix_acl_xattr_entry.
const ENTRY: usize = 8;
/// More than any object has that nobody attacks with them.
const MOST: usize = 16;
/// A value's beginning tells whose it is.
const SHOWN: usize = 128;
