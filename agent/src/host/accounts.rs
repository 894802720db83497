//! passwd(5), shadow(5) and group(5): who exists on this machine.
//!
//! Names stay bytes: nothing makes them UTF-8. A line that libc would skip is kept as a defect, because
//! another reader may not skip it.

pub mod hash;
pub mod homes;

use std::collections::HashMap;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

pub use hash::{Password, Scheme};
pub use homes::{Home, Homes};

use super::{Host, Meta, Text, Unreadable};

#[derive(Debug, Clone)]
pub struct Accounts {
    pub users: Result<Vec<User>, Unreadable>,
    pub groups: Result<Vec<Group>, Unreadable>,
    pub shadow: Result<Vec<Shadow>, Unreadable>,
    /// Lines of the three files that are not entries, or not whole ones; the first thousand.
    pub defects: Vec<Unreadable>,
    /// `+name`, `-@group`: lines that hand the rest over to NIS where nsswitch.conf says `compat`.
    pub compat: Vec<Unreadable>,
    /// The files themselves, gshadow and the backups included, as far as they exist.
    pub files: Vec<(&'static str, Result<Meta, Unreadable>)>,
    pub homes: Homes,
}

impl Accounts {
    pub fn of(host: &Host) -> Self {
        let mut odd = Odd::default();
        let users = read(host, PASSWD, User::parse, &mut odd);
        let files = FILES.iter().map(|path| (*path, host.stat(path)));
        Self {
            homes: Homes::of(host, users.as_deref()),
            users,
            groups: read(host, GROUP, Group::parse, &mut odd),
            shadow: read(host, SHADOW, Shadow::parse, &mut odd),
            defects: odd.defects,
            compat: odd.compat,
            files: files.filter(|(_, meta)| !meta.as_ref().is_err_and(Unreadable::is_absent)).collect(),
        }
    }

    pub fn not_asked() -> Self {
        Self {
            users: Err(Unreadable::not_asked(PASSWD)),
            groups: Err(Unreadable::not_asked(GROUP)),
            shadow: Err(Unreadable::not_asked(SHADOW)),
            defects: Vec::new(),
            compat: Vec::new(),
            files: Vec::new(),
            homes: Homes::not_asked(),
        }
    }

    pub fn user(&self, name: &[u8]) -> Option<&User> {
        self.users.as_ref().ok()?.iter().find(|user| user.name == name)
    }

    /// What each account's password field comes to, and where that field is; in the order of passwd(5).
    ///
    /// `x` in passwd(5) sends the reader to shadow(5); a name that is missing there has no password at all.
    pub fn passwords(&self) -> Result<Vec<Credential<'_>>, &Unreadable> {
        let users = self.users.as_ref()?;
        let shadow = self.shadow.as_ref();
        let mut by_name: HashMap<&[u8], &Shadow> = HashMap::new();
        for entry in shadow.map(Vec::as_slice).unwrap_or_default() {
            by_name.entry(&entry.name).or_insert(entry);
        }
        users
            .iter()
            .map(|user| {
                if user.password != b"x" {
                    return Ok(Credential { user, password: Password::of(&user.password), shadow: None });
                }
                // Without shadow(5) nothing can be said of an account that points there.
                shadow?;
                let entry = by_name.get(user.name.as_slice()).copied();
                let password = entry.map_or(Password::Unmatchable, |entry| Password::of(&entry.hash));
                Ok(Credential { user, password, shadow: entry })
            })
            .collect()
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

/// An account with its password field.
#[derive(Debug, Clone, Copy)]
pub struct Credential<'a> {
    pub user: &'a User,
    pub password: Password,
    /// The entry that decides, when it is not passwd(5) itself.
    pub shadow: Option<&'a Shadow>,
}

impl Credential<'_> {
    /// The file and line that decide.
    pub fn place(&self) -> (&'static str, usize) {
        self.shadow.map_or((PASSWD, self.user.line), |entry| (SHADOW, entry.line))
    }

    /// Whether the account's own expiry lies before the day `today` (days since 1970).
    pub fn has_expired(&self, today: i64) -> bool {
        self.shadow.and_then(|entry| entry.expires).is_some_and(|expires| expires <= today)
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
    /// libc takes a line whose last fields are missing, and so does whoever logs in with it.
    fn parse(line: usize, fields: &[&[u8]]) -> Parsed<Self> {
        let [name, password, uid, gid, rest @ ..] = fields else {
            return Err(format!("{} fields instead of 7", fields.len()));
        };
        let flaw = (fields.len() != 7).then(|| format!("{} fields instead of 7", fields.len()));
        let user = Self {
            name: name.to_vec(),
            password: password.to_vec(),
            uid: number(uid)?,
            gid: number(gid)?,
            home: path(rest.get(1).copied().unwrap_or_default()),
            shell: path(&rest.get(2..).map(|shell| shell.join(&b':')).unwrap_or_default()),
            line,
        };
        Ok((user, flaw))
    }

    /// Whether the shell lets anybody in: anything but the programs that only say no.
    pub fn has_login_shell(&self) -> bool {
        let name = self.shell.file_name().map(std::ffi::OsStr::as_bytes).unwrap_or_default();
        !REFUSING_SHELLS.contains(&name)
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
    fn parse(line: usize, fields: &[&[u8]]) -> Parsed<Self> {
        let [name, password, gid, rest @ ..] = fields else {
            return Err(format!("{} fields instead of 4", fields.len()));
        };
        let flaw = (fields.len() != 4).then(|| format!("{} fields instead of 4", fields.len()));
        let members = rest.join(&b':');
        let members =
            members.split(|&byte| byte == b',').filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect();
        let group =
            Self { name: name.to_vec(), password: password.to_vec(), gid: number(gid)?, members, line };
        Ok((group, flaw))
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
    fn parse(line: usize, fields: &[&[u8]]) -> Parsed<Self> {
        let [name, hash, rest @ ..] = fields else {
            return Err(format!("{} fields instead of 9", fields.len()));
        };
        let flaw = (fields.len() != 9).then(|| format!("{} fields instead of 9", fields.len()));
        let (expires, flaw) = match rest.get(5).copied().unwrap_or_default() {
            b"" => (None, flaw),
            digits => match days(digits) {
                Some(days) => (Some(days).filter(|&days| days >= 0), flaw),
                None => (None, Some(format!("'{}' is not a day", Text::from_bytes_within(digits, 20)))),
            },
        };
        Ok((Self { name: name.to_vec(), hash: hash.to_vec(), expires, line }, flaw))
    }
}

/// An entry, and what is wrong with its line although libc takes it.
type Parsed<T> = Result<(T, Option<String>), String>;

/// Lines that are not plain entries.
#[derive(Default)]
struct Odd {
    defects: Vec<Unreadable>,
    compat: Vec<Unreadable>,
}

fn read<T>(
    host: &Host,
    path: &str,
    parse: fn(usize, &[&[u8]]) -> Parsed<T>,
    odd: &mut Odd,
) -> Result<Vec<T>, Unreadable> {
    let bytes = host.read(path, LIMIT)?;
    let mut entries = Vec::new();
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        // As libc: blanks in front go, and an empty line or a remark says nothing.
        let line = line.trim_ascii_start();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        if line.starts_with(b"+") || line.starts_with(b"-") {
            note(&mut odd.compat, path, index + 1, "a line for NIS".to_owned());
            continue;
        }
        let fields: Vec<&[u8]> = line.split(|&byte| byte == b':').collect();
        match parse(index + 1, &fields) {
            _ if fields[0].is_empty() => note(&mut odd.defects, path, index + 1, "no name".to_owned()),
            Ok((entry, flaw)) => {
                entries.push(entry);
                if let Some(what) = flaw {
                    note(&mut odd.defects, path, index + 1, what);
                }
            }
            Err(what) => note(&mut odd.defects, path, index + 1, what),
        }
    }
    Ok(entries)
}

fn note(list: &mut Vec<Unreadable>, path: &str, line: usize, what: String) {
    if list.len() < MAX_ODD {
        list.push(Unreadable::malformed(path, line, what));
    }
}

fn days(digits: &[u8]) -> Option<i64> {
    // shadow(5) writes -1 for "never", too.
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|&days: &i64| days >= -1)
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
pub const GSHADOW: &str = "/etc/gshadow";
/// Every file whose modes matter: a backup holds the same hashes as its original.
const FILES: &[&str] =
    &[PASSWD, "/etc/passwd-", GROUP, "/etc/group-", SHADOW, "/etc/shadow-", GSHADOW, "/etc/gshadow-"];
const REFUSING_SHELLS: &[&[u8]] = &[b"nologin", b"false", b"true", b"sync", b"shutdown", b"halt"];
/// Nobody reads more, and a file may be nothing but such lines.
const MAX_ODD: usize = 1_000;
/// A million accounts fit.
const LIMIT: u64 = 64 * 1024 * 1024;
