//! The home directories of accounts that somebody can log in to, and the `.ssh` in them.

use std::path::{Path, PathBuf};

use super::User;
use crate::host::{Host, Meta, Unreadable};

#[derive(Debug, Clone)]
pub struct Homes {
    pub homes: Vec<Home>,
    /// How many more accounts there are than were looked at.
    pub left_out: usize,
}

#[derive(Debug, Clone)]
pub struct Home {
    pub account: Vec<u8>,
    pub uid: u32,
    /// The line in passwd(5).
    pub line: usize,
    pub path: PathBuf,
    pub meta: Result<Meta, Unreadable>,
    pub ssh: Result<Meta, Unreadable>,
}

impl Homes {
    pub fn of(host: &Host, users: Result<&[User], &Unreadable>) -> Self {
        let users = users.unwrap_or_default();
        let mut homes = Vec::new();
        let mut left_out = 0;
        for user in users.iter().filter(|user| user.has_login_shell()) {
            if homes.len() == MAX_HOMES {
                left_out += 1;
                continue;
            }
            homes.push(Home {
                account: user.name.clone(),
                uid: user.uid,
                line: user.line,
                path: user.home.clone(),
                meta: stat(host, &user.home),
                ssh: stat(host, &user.home.join(".ssh")),
            });
        }
        Self { homes, left_out }
    }

    pub fn not_asked() -> Self {
        Self { homes: Vec::new(), left_out: 0 }
    }
}

/// A home that is not absolute is nobody's: login(1) would take it from wherever it stands.
fn stat(host: &Host, path: &Path) -> Result<Meta, Unreadable> {
    if path.is_absolute() {
        host.stat(path)
    } else {
        Err(Unreadable::malformed(path, 0, "a home directory is an absolute path"))
    }
}

/// Three look-ups each; more accounts than this on one guest come from a directory service and not from passwd(5).
const MAX_HOMES: usize = 10_000;
