//! The configuration files of all packages, as dpkg's status has them.

use std::collections::HashMap;
use std::path::Path;

use super::parse;
use crate::host::packages::dpkg::{JOURNAL, MAX_STATUS, STATUS, STATUS_PARTS, files, is_number, is_part};
use crate::host::packages::stanza::{Stanza, Stanzas};
use crate::host::{Host, Unreadable};

/// By package, `name:architecture`.
pub(super) type Conffiles = HashMap<Vec<u8>, Vec<([u8; 16], Box<[u8]>)>>;

/// In the order in which `dpkg.rs` reads: what comes later goes over what came before.
pub(super) fn of(host: &Host) -> Result<Conffiles, Unreadable> {
    let mut found = Conffiles::new();
    if host.exists(STATUS)? {
        read(host, Path::new(STATUS), &mut found)?;
    }
    for file in files(host, JOURNAL, is_number)?.iter().chain(&files(host, STATUS_PARTS, is_part)?) {
        read(host, file, &mut found)?;
    }
    Ok(found)
}

fn read(host: &Host, path: &Path, found: &mut Conffiles) -> Result<(), Unreadable> {
    let (file, _) = match host.open(path) {
        Err(cause) if cause.is_absent() => return Ok(()),
        opened => opened?,
    };
    let mut stanzas = Stanzas::new(file, MAX_STATUS);
    while let Some(stanza) = stanzas.next().map_err(|error| Unreadable::from_io(path, &error))? {
        one(&stanza, found);
    }
    Ok(())
}

fn one(stanza: &Stanza<'_>, found: &mut Conffiles) {
    let (mut package, mut architecture, mut conffiles) = (&b""[..], &b""[..], &b""[..]);
    for field in stanza.fields().flatten() {
        match field.name {
            name if name.eq_ignore_ascii_case(b"Package") => package = field.value,
            name if name.eq_ignore_ascii_case(b"Architecture") => architecture = field.value,
            name if name.eq_ignore_ascii_case(b"Conffiles") => conffiles = field.value,
            _ => {}
        }
    }
    let key = [package, b":", architecture].concat();
    if conffiles.is_empty() {
        found.remove(&key);
        return;
    }
    let lines = conffiles.split(|&byte| byte == b'\n').filter_map(parse::conffile);
    found.insert(key, lines.map(|(digest, path)| (digest, path.into())).collect());
}
