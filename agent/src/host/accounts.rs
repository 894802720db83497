//! passwd(5), shadow(5) and group(5): who exists on this machine.
//!
//! Names stay bytes: nothing makes them UTF-8. A line that libc would skip is kept as a defect, because
//! another reader may not skip it.

use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use super::{Host, Text, Unreadable};

#[derive(Debug, Clone)]
pub struct Accounts {
    pub users: Result<Vec<User>, Unreadable>,
    pub groups: Result<Vec<Group>, Unreadable>,
    pub shadow: Result<Vec<Shadow>, Unreadable>,
    /// Lines of the three files that are not entries.
    pub defects: Vec<Unreadable>,
}

impl Accounts {
    pub fn of(host: &Host) -> Self {
        let mut defects = Vec::new();
        Self {
            users: read(host, PASSWD, User::parse, &mut defects),
            groups: read(host, GROUP, Group::parse, &mut defects),
            shadow: read(host, SHADOW, Shadow::parse, &mut defects),
            defects,
        }
    }

    pub fn not_asked() -> Self {
        Self {
            users: Err(Unreadable::not_asked(PASSWD)),
            groups: Err(Unreadable::not_asked(GROUP)),
            shadow: Err(Unreadable::not_asked(SHADOW)),
            defects: Vec::new(),
        }
    }

    pub fn user(&self, name: &[u8]) -> Option<&User> {
        self.users.as_ref().ok()?.iter().find(|user| user.name == name)
    }

    /// The names of the groups that a user is in, the primary one included, as getgrouplist(3) finds them.
    pub fn groups_of(&self, user: &User) -> Result<Vec<&[u8]>, &Unreadable> {
        let groups = self.groups.as_ref()?;
        Ok(groups
            .iter()
            .filter(|group| group.gid == user.gid || group.members.contains(&user.name))
            .map(|group| group.name.as_slice())
            .collect())
    }
}

/// A line of passwd(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub name: Vec<u8>,
    pub password: Vec<u8>,
    pub uid: u32,
    pub gid: u32,
    pub home: PathBuf,
    pub shell: PathBuf,
    /// Counted from 1.
    pub line: usize,
}

impl User {
    fn parse(line: usize, fields: &[&[u8]]) -> Result<Self, String> {
        let [name, password, uid, gid, _gecos, home, shell] = fields else {
            return Err(format!("{} fields instead of 7", fields.len()));
        };
        Ok(Self {
            name: name.to_vec(),
            password: password.to_vec(),
            uid: number(uid)?,
            gid: number(gid)?,
            home: path(home),
            shell: path(shell),
            line,
        })
    }
}

/// A line of group(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub name: Vec<u8>,
    pub password: Vec<u8>,
    pub gid: u32,
    pub members: Vec<Vec<u8>>,
    pub line: usize,
}

impl Group {
    fn parse(line: usize, fields: &[&[u8]]) -> Result<Self, String> {
        let [name, password, gid, members] = fields else {
            return Err(format!("{} fields instead of 4", fields.len()));
        };
        let members =
            members.split(|&byte| byte == b',').filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect();
        Ok(Self { name: name.to_vec(), password: password.to_vec(), gid: number(gid)?, members, line })
    }
}

/// A line of shadow(5); the hash never leaves this type whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Shadow {
    pub name: Vec<u8>,
    pub hash: Vec<u8>,
    /// Days since 1970-01-01 on which the account expires.
    pub expires: Option<i64>,
    pub line: usize,
}

impl std::fmt::Debug for Shadow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shadow").field("name", &self.name).field("line", &self.line).finish_non_exhaustive()
    }
}

impl Shadow {
    fn parse(line: usize, fields: &[&[u8]]) -> Result<Self, String> {
        let [name, hash, _changed, _min, _max, _warn, _inactive, expires, _reserved] = fields else {
            return Err(format!("{} fields instead of 9", fields.len()));
        };
        let expires = match *expires {
            b"" => None,
            digits => Some(i64::from(number(digits)?)),
        };
        Ok(Self { name: name.to_vec(), hash: hash.to_vec(), expires, line })
    }
}

fn read<T>(
    host: &Host,
    path: &str,
    parse: fn(usize, &[&[u8]]) -> Result<T, String>,
    defects: &mut Vec<Unreadable>,
) -> Result<Vec<T>, Unreadable> {
    let bytes = host.read(path, LIMIT)?;
    let mut entries = Vec::new();
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let fields: Vec<&[u8]> = line.split(|&byte| byte == b':').collect();
        match parse(index + 1, &fields) {
            Ok(entry) => entries.push(entry),
            Err(what) => defects.push(Unreadable::malformed(path, index + 1, what)),
        }
    }
    Ok(entries)
}

fn number(digits: &[u8]) -> Result<u32, String> {
    std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| format!("'{}' is not an id", Text::from_bytes(digits)))
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()))
}

pub const PASSWD: &str = "/etc/passwd";
pub const GROUP: &str = "/etc/group";
pub const SHADOW: &str = "/etc/shadow";
/// A million accounts fit.
const LIMIT: u64 = 64 * 1024 * 1024;
