//! `guestward baseline`: file integrity by hand.

mod accept;
mod create;
mod diff;
mod look;
mod seal;
mod show;
mod text;
mod verify;

use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

use super::args::{BaselineAction, BaselineArgs};
use super::{Exit, Failure};
use crate::finding::Text;
use crate::finding::wire::object::hex;
use crate::host::{Host, integrity};
use crate::journal::Directory;
use crate::journal::places::Places;

pub(super) fn run(args: &BaselineArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    match &args.action {
        BaselineAction::Create(args) => create::run(args, out),
        BaselineAction::Diff(args) => diff::run(args, out),
        BaselineAction::Accept(args) => accept::run(args, out),
        BaselineAction::Seal(args) => seal::run(args, out),
        BaselineAction::Verify(args) => verify::run(args, out),
        BaselineAction::Show(args) => show::run(args, out),
    }
}

fn host_at(root: &Path) -> Result<Host, Failure> {
    Host::at(root).map_err(|cause| Failure::trouble(format!("--root: {cause}")))
}

/// Where the baseline of the machine below this root is kept: on that machine, unless the environment says otherwise.
fn places(root: &Path) -> Places {
    if root == Path::new("/") || std::env::var_os("GUESTWARD_STATE").is_some_and(|state| !state.is_empty()) {
        return Places::from_env();
    }
    Places::at(&root.join("var/lib/guestward"))
}

/// Paths as a walk knows them.
fn paths(given: &[PathBuf]) -> Result<Vec<Vec<u8>>, Failure> {
    let path = |given: &PathBuf| {
        let bytes = given.as_os_str().as_encoded_bytes();
        let is_plain = !bytes.split(|&byte| byte == b'/').any(|part| part == b".." || part == b".");
        match given.is_absolute() && is_plain {
            true => Ok(bytes.to_vec()),
            false => Err(Failure::trouble(format!(
                "'{}' is no absolute path below the root; write it from the first slash, without '.' and '..'",
                Text::from_bytes(bytes)
            ))),
        }
    };
    given.iter().map(path).collect()
}

/// The directory that the state is in, made if it is not there.
fn made(directory: &Path) -> Result<(), Failure> {
    let above = directory.parent().unwrap_or(directory);
    let made = Directory::create(above, 0o755, None).and_then(|_| Directory::create(directory, 0o750, None));
    made.map(drop).map_err(|error| {
        let directory = Text::from_bytes(directory.as_os_str().as_encoded_bytes());
        Failure::trouble(format!("cannot keep a baseline in {directory}: {error}"))
    })
}

/// What the last comparison of everything came to, as it was left beside the baseline.
fn last(directory: &Path) -> Option<serde_json::Value> {
    let file = std::fs::File::open(directory.join(integrity::FILE)).ok()?;
    serde_json::from_reader(file.take(MAX_LAST)).ok()
}

/// Who it is that decides: the one who logged in, where sudo tells.
fn who() -> String {
    let user = std::env::var("SUDO_USER").ok().filter(|name| !name.is_empty());
    let uid = nix::unistd::getuid();
    let own = nix::unistd::User::from_uid(uid).ok().flatten().map(|user| user.name);
    let own = own.unwrap_or_else(|| uid.to_string());
    match user {
        Some(user) if user != own => format!("{user} (as {own})"),
        _ => own,
    }
}

/// The summary has twenty paths at most.
const MAX_LAST: u64 = 1 << 20;
