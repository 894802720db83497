//! Whose the state is: what one user made the other cannot go on with.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::disk::directories;
use super::see::AS_ROOT;
use crate::finding::need::{Area, Need};
use crate::host::Host;
use crate::host::accounts::Accounts;
use crate::journal::places::Places;

pub(super) fn need(places: &Places) -> Need {
    let id = "state-owner";
    let state = places.state();
    let strangers = owner_of(state).and_then(|owner| Ok((owner, strangers(places, owner)?)));
    let (owner, strangers) = match strangers {
        Ok(found) => found,
        Err(Trouble { path, cause }) if cause.kind() == io::ErrorKind::NotFound => {
            return Need::off(id, Area::Keep, &format!("there is no {}", path.display()));
        }
        Err(Trouble { path, cause }) => {
            let why = format!("{}: {cause}", path.display());
            return Need::unknown(id, Area::Keep, &why).with_remedy(AS_ROOT);
        }
    };
    let here = state.display();
    if let Some(wanted) = packaged(places).filter(|&wanted| wanted != owner) {
        let why = format!("{here} is uid {owner}'s, and the sensor runs as {USER}, uid {wanted}");
        return Need::missing(id, Area::Keep, &why, format!("chown {USER}:{USER} {here}"));
    }
    match strangers.first() {
        None => Need::ok(id, Area::Keep, &format!("{here} and what is in it are uid {owner}'s")),
        Some((path, other)) => {
            let (path, many) = (path.display(), strangers.len());
            let others = if many > 1 { format!(", and {} more are not", many - 1) } else { String::new() };
            let why = format!("{path} is uid {other}'s, and {here} uid {owner}'s{others}");
            Need::missing(id, Area::Keep, &why, format!("chown --reference={here} {path}"))
        }
    }
}

/// What belongs to another user than the state itself does.
fn strangers(places: &Places, owner: u32) -> Result<Vec<(PathBuf, u32)>, Trouble> {
    let mut found = Vec::new();
    for (directory, _) in directories(places).into_iter().skip(1) {
        match owner_of(&directory) {
            Ok(other) if other != owner => found.push((directory.clone(), other)),
            Ok(_) => {}
            Err(trouble) if trouble.cause.kind() == io::ErrorKind::NotFound => continue,
            Err(trouble) => return Err(trouble),
        }
        // The shipper, another user of the same group, keeps its cursors beside the sensor's.
        if directory == places.cursors() {
            continue;
        }
        let trouble = |cause| Trouble { path: directory.clone(), cause };
        for entry in fs::read_dir(&directory).map_err(trouble)?.take(MAX_FILES) {
            let path = entry.map_err(trouble)?.path();
            match owner_of(&path) {
                Ok(other) if other != owner => found.push((path, other)),
                // One that went while we looked is nobody's.
                _ => {}
            }
        }
    }
    Ok(found)
}

/// The user whom the package makes, if it made this state, too.
fn packaged(places: &Places) -> Option<u32> {
    if *places != Places::usual() {
        return None;
    }
    let accounts = Accounts::of(&Host::at("/").ok()?);
    accounts.user(USER.as_bytes()).map(|user| user.uid)
}

fn owner_of(path: &Path) -> Result<u32, Trouble> {
    let meta = fs::symlink_metadata(path);
    meta.map(|meta| meta.uid()).map_err(|cause| Trouble { path: path.to_owned(), cause })
}

struct Trouble {
    path: PathBuf,
    cause: io::Error,
}

const USER: &str = "guestward";
/// More segments than a journal has.
const MAX_FILES: usize = 10_000;
