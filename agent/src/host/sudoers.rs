//! sudoers(5): who may run what as whom, read as sudo reads it.
//!
//! Every rule keeps the file and line it was written on. A line that sudo would not understand is a defect and
//! never silently nothing: sudo itself skips it (since 1.9.3) or refuses to work (before).
//! Words are in `sudoers/token.rs` (`rules.rs`, `shape.rs`), sentences in `sudoers/parse.rs`, files in `sudoers/files.rs`.

pub mod alias;
mod files;
mod parse;
mod rules;
mod shape;
mod token;
mod values;

use std::path::Path;
use std::sync::Arc;

use super::{Host, Meta, Unreadable};

/// What this machine's sudo is, and what it was told.
#[derive(Debug)]
pub struct Sudo {
    /// Whether there is a sudo program.
    pub program: Result<bool, Unreadable>,
    /// The version that the program says it has: `(1, 9, 13)`.
    pub version: Result<Version, Unreadable>,
    pub sudoers: Result<Sudoers, Unreadable>,
    /// Sources of rules other than files, that nsswitch.conf(5) names: `sss`, `ldap`.
    pub other_sources: Result<Vec<Vec<u8>>, Unreadable>,
}

impl Sudo {
    pub fn of(host: &Host) -> Self {
        let mut sudoers = files::read(host, SUDOERS);
        if let Ok(sudoers) = &mut sudoers {
            alias::note_defects(sudoers);
        }
        Self {
            program: host.exists(PROGRAM),
            version: files::version(host),
            sudoers,
            other_sources: files::other_sources(host),
        }
    }

    pub fn not_asked() -> Self {
        Self {
            program: Err(Unreadable::not_asked(PROGRAM)),
            version: Err(Unreadable::not_asked(PROGRAM)),
            sudoers: Err(Unreadable::not_asked(SUDOERS)),
            other_sources: Err(Unreadable::not_asked(SUDOERS)),
        }
    }

    /// Neither program nor configuration is here.
    pub fn is_absent(&self) -> bool {
        matches!(self.program, Ok(false)) && self.sudoers.as_ref().is_err_and(Unreadable::is_absent)
    }
}

/// `(major, minor, micro)`.
pub type Version = (u32, u32, u32);

/// All that was read, in sudo's order.
#[derive(Debug, Default)]
pub struct Sudoers {
    pub rules: Vec<Rule>,
    pub aliases: Vec<Alias>,
    pub settings: Vec<Setting>,
    pub defects: Vec<Defect>,
    pub files: Vec<Included>,
}

impl Sudoers {
    /// What one file's bytes say; files that it includes are not looked for.
    pub fn of_bytes(path: &Path, bytes: &[u8]) -> Self {
        files::without_includes(path, bytes)
    }

    /// The last thing said to everybody about a setting.
    pub fn global(&self, name: &[u8]) -> Option<&Setting> {
        self.settings.iter().rev().find(|setting| setting.scope == Scope::Everyone && setting.name == name)
    }
}

/// A file or a directory that was read, or was to be.
#[derive(Debug, Clone)]
pub struct Included {
    pub path: Arc<Path>,
    pub meta: Result<Meta, Unreadable>,
}

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: Arc<Path>,
    /// Counted from 1; 0 means the whole file.
    pub line: usize,
}

/// Something that is not as sudoers(5) has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    pub place: Place,
    pub what: String,
    pub kind: DefectKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefectKind {
    /// sudo drops the line.
    Syntax,
    /// sudo takes the line; visudo(8) complains.
    Warning,
    /// A file that belongs to the configuration could not be read.
    File,
}

/// An item of a list, perhaps with a `!` in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    pub negated: bool,
    pub item: T,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    All,
    Alias(Vec<u8>),
    Gid(u32),
    Group(Vec<u8>),
    /// Whoever runs sudo: `()` as the list of targets.
    Invoker,
    Netgroup(Vec<u8>),
    /// `%:name` or `%:#id`, for a plug-in to resolve.
    NonUnixGroup(Vec<u8>),
    Uid(u32),
    User(Vec<u8>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    Address(Vec<u8>),
    Alias(Vec<u8>),
    All,
    Host(Vec<u8>),
    Netgroup(Vec<u8>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Alias(Vec<u8>),
    All,
    /// A path, a directory (`/bin/`), a regular expression, `sudoedit` or `list`. No arguments means any; `""` none.
    Command {
        path: Vec<u8>,
        arguments: Option<Vec<u8>>,
    },
}

/// A command, with the digests its file must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub what: What,
    pub digests: Vec<(&'static str, Vec<u8>)>,
}

/// One command of one user specification, with all that it inherits from the commands before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub place: Place,
    pub users: Arc<[Listed<Who>]>,
    pub hosts: Arc<[Listed<Where>]>,
    /// `None`: the default target, which is root unless `runas_default` says otherwise.
    pub runas_users: Option<Arc<[Listed<Who>]>>,
    pub runas_groups: Option<Arc<[Listed<Who>]>>,
    pub tags: Tags,
    pub options: Options,
    pub command: Listed<Command>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    Exec,
    Follow,
    Intercept,
    LogInput,
    LogOutput,
    Mail,
    Password,
    SetEnvironment,
}

/// What the tags of a rule say; `None` leaves it to the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tags {
    pub exec: Option<bool>,
    pub follow: Option<bool>,
    pub intercept: Option<bool>,
    pub log_input: Option<bool>,
    pub log_output: Option<bool>,
    pub mail: Option<bool>,
    pub password: Option<bool>,
    pub set_environment: Option<bool>,
    /// `ALL` brings SETENV with it, and does not hand it on.
    pub set_environment_is_implied: bool,
}

/// What stands as `NAME=value` in front of a command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    pub apparmor_profile: Option<Vec<u8>>,
    pub chroot: Option<Vec<u8>>,
    pub cwd: Option<Vec<u8>>,
    pub not_after: Option<Vec<u8>>,
    pub not_before: Option<Vec<u8>>,
    pub role: Option<Vec<u8>>,
    pub selinux_type: Option<Vec<u8>>,
    /// In seconds.
    pub timeout: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AliasKind {
    Command,
    Host,
    Runas,
    User,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    pub place: Place,
    pub name: Vec<u8>,
    pub members: Members,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    Commands(Vec<Listed<Command>>),
    Hosts(Vec<Listed<Where>>),
    Runas(Vec<Listed<Who>>),
    Users(Vec<Listed<Who>>),
}

impl Members {
    pub fn kind(&self) -> AliasKind {
        match self {
            Self::Commands(_) => AliasKind::Command,
            Self::Hosts(_) => AliasKind::Host,
            Self::Runas(_) => AliasKind::Runas,
            Self::Users(_) => AliasKind::User,
        }
    }
}

/// One assignment of a `Defaults` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub place: Place,
    pub scope: Scope,
    pub name: Vec<u8>,
    pub value: Value,
}

/// Whom a setting is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Commands(Arc<[Listed<Command>]>),
    Everyone,
    Hosts(Arc<[Listed<Where>]>),
    Runas(Arc<[Listed<Who>]>),
    Users(Arc<[Listed<Who>]>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Flag(bool),
    Set(Vec<u8>),
    Add(Vec<u8>),
    Remove(Vec<u8>),
}

pub const SUDOERS: &str = "/etc/sudoers";
pub const PROGRAM: &str = "/usr/bin/sudo";
