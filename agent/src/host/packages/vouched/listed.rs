//! What apt's lists say of packages at hand, in one pass, and whether the archive's own head names the list.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::host::packages::LISTS;
use crate::host::packages::lists::{List, MAX_LISTS};
use crate::host::packages::release::{NAMES, Release};
use crate::host::packages::stanza::{Stanza, word};
use crate::host::{Cause, Host, Text, Unreadable};

/// A package that a list may have.
#[derive(Debug)]
pub(super) struct Sought {
    pub(super) name: String,
    pub(super) architecture: String,
    pub(super) version: String,
    /// Of the .deb at hand: one of another size is another one.
    pub(super) size: u64,
}

/// What a list says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) sha256: [u8; 32],
    /// Why the list is not to be believed.
    pub(super) doubt: Option<String>,
}

/// What all lists say.
#[derive(Debug)]
pub(super) struct Lists {
    /// For each package that was sought.
    pub(super) found: Vec<Vec<Listed>>,
    /// The first list that could not be read to its end.
    pub(super) unread: Option<Unreadable>,
}

/// Reads every list that apt has, once.
pub(super) fn read(host: &Host, sought: &[Sought]) -> Result<Lists, Unreadable> {
    let heads = heads(host)?;
    let mut by_name: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (index, sought) in sought.iter().enumerate() {
        by_name.entry(sought.name.as_bytes()).or_default().push(index);
    }
    let mut lists = Lists { found: vec![Vec::new(); sought.len()], unread: None };
    for (name, list) in List::all(host)? {
        let mut sha256 = Sha256::new();
        let mut digests = Vec::new();
        let read = list.read_past(
            host,
            |bytes| sha256.update(bytes),
            |stanza| {
                let places = stanza.package().and_then(|name| by_name.get(name));
                for &index in places.into_iter().flatten() {
                    digests.extend(digest(stanza, &sought[index]).map(|digest| (index, digest)));
                }
                Ok(())
            },
        );
        if let Err(cause) = read {
            lists.unread.get_or_insert(cause);
            continue;
        }
        if digests.is_empty() {
            continue;
        }
        let doubt = check(host, &heads, &name, &sha256.finalize()).err().map(|cause| cause.to_string());
        for (index, sha256) in digests {
            lists.found[index].push(Listed { sha256, doubt: doubt.clone() });
        }
    }
    Ok(lists)
}

/// The digest that a stanza records of this package, if it is about it.
fn digest(stanza: &Stanza<'_>, sought: &Sought) -> Option<[u8; 32]> {
    let is = |field: &str, value: &str| stanza.field(field).is_some_and(|found| found == value.as_bytes());
    let size = || stanza.text("Size").and_then(|size| size.parse::<u64>().ok());
    let is_meant = is("Version", &sought.version)
        && is("Architecture", &sought.architecture)
        && size() == Some(sought.size);
    if !is_meant {
        return None;
    }
    let digits = word(stanza.field("SHA256")?)?;
    let mut digest = [0; 32];
    for (byte, two) in digest.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()?;
    }
    (digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(digest)
}

/// An error says why a list is not to be believed: the head of its archive does not name it with this digest.
fn check(host: &Host, heads: &[String], name: &str, sha256: &[u8]) -> Result<(), Unreadable> {
    let doubt = |what| Err(Unreadable::new(Path::new(LISTS).join(name), Cause::Unsupported(what)));
    // An archive may lie beneath another one.
    let head = heads.iter().filter(|head| name.starts_with(*head)).max_by_key(|head| head.len());
    let release = head.map(|head| Release::with_prefix(host, head)).transpose()?.flatten();
    let Some((head, release)) = head.zip(release) else {
        return doubt("there is no InRelease that names it".to_owned());
    };
    let path = Text::from_bytes(release.path.as_os_str().as_bytes());
    let digits: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    match release.sha256(&within(&name[head.len()..])) {
        Some(named) if named.eq_ignore_ascii_case(&digits) => Ok(()),
        Some(_) => doubt(format!("it is not what {path} names")),
        // Not every archive names what a list has when it is unpacked.
        None => doubt(format!("{path} has no digest of it")),
    }
}

/// What the head calls a list, out of the end of its file's name: `sources::file_name` backwards.
fn within(end: &str) -> String {
    let mut parts = end.split('%');
    let mut name = parts.next().unwrap_or_default().replace('_', "/").into_bytes();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let rest = part.get(2..).unwrap_or_default();
        name.push(byte.unwrap_or(b'%'));
        name.extend_from_slice(rest.replace('_', "/").as_bytes());
    }
    String::from_utf8_lossy(&name).into_owned()
}

/// With what the names of archives' heads begin.
fn heads(host: &Host) -> Result<Vec<String>, Unreadable> {
    let names = match host.list(LISTS, MAX_LISTS) {
        Err(cause) if cause.is_absent() => return Ok(Vec::new()),
        names => names?,
    };
    let head = |name: &str| {
        NAMES
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .filter(|head| head.ends_with('_'))
            .map(str::to_owned)
    };
    Ok(names.iter().filter_map(|name| name.to_str()).filter_map(head).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::packages::sources;

    #[test]
    fn the_name_of_a_list_is_read_backwards() {
        for name in ["main/binary-amd64/Packages", "a_b/c~d/binary-all/Packages", "Packages"] {
            assert_eq!(within(&sources::file_name(&format!("x:{name}"))), name);
        }
        assert_eq!(within("%"), "%");
        assert_eq!(within("a%zz_b"), "a%/b");
    }

    #[test]
    fn a_stanza_is_of_one_version_architecture_and_size() {
        let digits = "0f".repeat(32);
        let text = format!("Package: a\nVersion: 1\nArchitecture: all\nSize: 7\nSHA256: {digits}\n");
        let stanza = Stanza { bytes: text.as_bytes(), line: 0 };
        let found = |version: &str, architecture: &str, size| {
            let (version, architecture) = (version.to_owned(), architecture.to_owned());
            digest(&stanza, &Sought { name: "a".to_owned(), architecture, version, size })
        };
        assert_eq!(found("1", "all", 7), Some([0x0f; 32]));
        assert!(found("2", "all", 7).is_none() && found("1", "amd64", 7).is_none());
        assert!(found("1", "all", 8).is_none());
    }

    #[test]
    fn a_digest_that_is_none_is_none() {
        for digits in ["", "0f", "+f", &"0f".repeat(33), &"g0".repeat(32), &"+f".repeat(32)] {
            let text = format!("Package: a\nVersion: 1\nArchitecture: all\nSize: 7\nSHA256: {digits}\n");
            let sought = Sought {
                name: "a".to_owned(),
                architecture: "all".to_owned(),
                version: "1".to_owned(),
                size: 7,
            };
            assert!(digest(&Stanza { bytes: text.as_bytes(), line: 0 }, &sought).is_none(), "{digits}");
        }
    }
}
