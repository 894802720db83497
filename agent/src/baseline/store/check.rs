//! What can be kept at all. Whoever is attacked owns names and attributes: nothing is written that would be refused when
//! it is read.

use super::Entry;
use super::header::Header;

/// Why an entry cannot be kept.
pub(super) fn entry(directory: &[u8], name: &[u8], entry: &Entry) -> Result<(), String> {
    let told =
        || String::from_utf8_lossy(&crate::host::object::path(directory, name)).escape_debug().to_string();
    let is_root = directory.is_empty() && name.is_empty();
    if !is_root && (name.is_empty() || name.contains(&b'/') || name.len() > MAX_NAME) {
        return Err(format!("{} has no name that an object can have", told()));
    }
    let is_path = directory.is_empty() || directory.starts_with(b"/") && !directory.ends_with(b"/");
    if !is_path || memchr::memmem::find(directory, b"//").is_some() || directory.len() > MAX_DIRECTORY {
        return Err(format!("{} is not where an object can be", told()));
    }
    let object = &entry.object;
    let attributes: usize =
        object.xattrs.iter().map(|xattr| xattr.name.len() + value(&xattr.value) + 16).sum();
    let size = attributes
        + object.target.as_ref().map_or(0, |target| target.len())
        + entry.text.as_ref().map_or(0, |text| text.len())
        + entry.owner.as_ref().map_or(0, |owner| owner.package.len());
    if size > MAX_ENTRY { Err(format!("what is known of {} is too much", told())) } else { Ok(()) }
}

fn value(value: &crate::host::object::Value) -> usize {
    match value {
        crate::host::object::Value::Whole(bytes) => bytes.len(),
        crate::host::object::Value::Digest { .. } => 0,
    }
}

pub(super) fn header(header: &Header) -> Result<(), String> {
    words(&header.who, &header.why)?;
    let fits =
        header.root.len() <= MAX_DIRECTORY && header.agent.len() <= MAX_NAME && header.boot.len() <= MAX_NAME;
    if fits { Ok(()) } else { Err("what is to be said of the baseline is too much".to_owned()) }
}

/// The name and the reason of whoever accepts.
pub(super) fn words(who: &str, why: &str) -> Result<(), String> {
    for (what, text, most) in [("the name of who does it", who, MAX_WHO), ("the reason", why, MAX_WHY)] {
        if text.chars().count() > most {
            return Err(format!("{what} is longer than {most} characters"));
        }
    }
    Ok(())
}

/// NAME_MAX.
const MAX_NAME: usize = 255;
/// Sixteen times PATH_MAX: a tree can be deeper than a path can be long.
const MAX_DIRECTORY: usize = 64 * 1024;
/// All that has no bound of its own: a block is read at once.
const MAX_ENTRY: usize = 1024 * 1024;
const MAX_WHO: usize = 256;
const MAX_WHY: usize = 1000;
