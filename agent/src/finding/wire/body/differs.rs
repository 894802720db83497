//! What of a difference has it told anew when it changes. What passes by itself, as a log's length does, is not in it.

use sha2::{Digest as _, Sha256};

use super::super::base64url;
use crate::baseline::drift::{Change, Drift, Fields};
use crate::host::object::{Content, Object, Value};

/// Of everything that is told, but for times, inodes and sizes that are no difference themselves; and for what packages say
/// of it beyond explaining it: their next version does not change what it does not bring, nor a moment in which they cannot be read.
pub fn digest(drift: &Drift) -> String {
    let mut hash = Sha256::new();
    part(&mut hash, drift.change.name().as_bytes());
    part(&mut hash, &drift.fields.0.to_le_bytes());
    part(&mut hash, drift.severity.name().as_bytes());
    part(&mut hash, &[u8::from(drift.is_explained())]);
    let fields = told(drift);
    for side in [&drift.before, &drift.after] {
        part(&mut hash, &[u8::from(side.is_some())]);
        if let Some(object) = side {
            object_in(&mut hash, object, fields);
        }
    }
    short(&hash.finalize())
}

/// Of what one package explains: `paths` with the digest of each, in their order.
pub fn digest_of_all<'a>(drifts: impl Iterator<Item = &'a Drift>) -> String {
    let mut hash = Sha256::new();
    for drift in drifts {
        part(&mut hash, &drift.path);
        part(&mut hash, digest(drift).as_bytes());
    }
    short(&hash.finalize())
}

fn told(drift: &Drift) -> Fields {
    let whole = [
        Fields::CONTENT,
        Fields::TYPE,
        Fields::MODE,
        Fields::OWNER,
        Fields::GROUP,
        Fields::TARGET,
        Fields::DEVICE,
        Fields::XATTRS,
        Fields::FLAGS,
    ];
    match drift.change {
        Change::Modified => drift.fields,
        Change::Added | Change::Removed => Fields(whole.iter().fold(0, |all, field| all | field.0)),
        // It is told once that nothing is known of its content, however often that changes.
        Change::Unstable => Fields(drift.fields.0 & !(Fields::CONTENT.0 | Fields::SIZE.0 | Fields::MTIME.0)),
    }
}

fn object_in(hash: &mut Sha256, object: &Object, fields: Fields) {
    let mut when = |field, bytes: &[u8]| {
        if fields.contains(field) {
            part(hash, bytes);
        }
    };
    when(Fields::CONTENT, &content(&object.content));
    when(Fields::SIZE, &object.size.to_le_bytes());
    when(Fields::TYPE, object.kind.to_string().as_bytes());
    when(Fields::MODE, &object.mode.to_le_bytes());
    when(Fields::OWNER, &object.uid.to_le_bytes());
    when(Fields::GROUP, &object.gid.to_le_bytes());
    when(Fields::TARGET, object.target.as_deref().unwrap_or_default());
    when(Fields::LINKS, &object.links.to_le_bytes());
    when(Fields::DEVICE, &object.rdev.to_le_bytes());
    when(Fields::FLAGS, &[object.flags.0]);
    when(Fields::MTIME, &object.modified.seconds.to_le_bytes());
    when(Fields::MTIME, &object.modified.nanos.to_le_bytes());
    let attributes = [Fields::XATTRS, Fields::ACL, Fields::SELINUX, Fields::CAPABILITIES];
    if attributes.into_iter().any(|field| fields.contains(field)) {
        for xattr in &object.xattrs {
            part(hash, &xattr.name);
            match &xattr.value {
                Value::Whole(value) => part(hash, value),
                Value::Digest { digest, .. } => part(hash, digest),
            }
        }
    }
}

fn content(content: &Content) -> Vec<u8> {
    match content {
        Content::Unasked => Vec::new(),
        Content::Hashed { digest, .. } => digest.to_vec(),
        Content::Unread(trouble) => trouble.to_string().into_bytes(),
    }
}

/// Parts that are put one after the other must not make another part.
fn part(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

fn short(hash: &[u8]) -> String {
    base64url(&hash[..KEPT])
}

/// Half a SHA-256: it tells a difference from the one before it, of the same path.
const KEPT: usize = 16;
