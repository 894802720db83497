//! sshd: which release it is and what it is configured to do, by the rules that it follows itself.
//!
//! Its own answer, `sshd -T`, needs a process, host keys and a directory that exists only while it runs, shows
//! one connection at a time and never says which line decided. So the configuration is read here: every file
//! and Include into a tree (`sshd/tree.rs`), and [`Config::evaluate`] says what it comes to for a connection.

mod access;
mod algorithms;
mod criteria;
mod defaults;
mod evaluate;
mod invocation;
mod keyword;
mod lex;
mod numbers;
pub mod pattern;
mod people;
mod print;
mod release;
mod services;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests;
mod tree;
mod value;
mod version;
mod witness;

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::accounts::{Accounts, User};
use super::{Host, Text, Unreadable};
pub use access::TurnedAway;
pub use criteria::Criterion;
use evaluate::Settings;
pub use evaluate::{Context, Effective};
pub use invocation::Invocation;
pub use release::Release;
use services::Services;
pub use tree::Directive;
use tree::{Builder, Node};
use value::Surroundings;
pub use version::Version;
pub use witness::Witness;

/// An sshd that is installed.
#[derive(Debug)]
pub struct Sshd {
    pub binary: PathBuf,
    pub version: Version,
    pub config: Result<Config, ConfigError>,
    /// The connections worth asking about; without a configuration there are none.
    pub witnesses: Result<Vec<Witness>, Unreadable>,
}

impl Sshd {
    /// `Ok(None)`: there is no sshd here.
    pub fn of(host: &Host, accounts: &Accounts) -> Result<Option<Self>, Unreadable> {
        for binary in BINARIES {
            let bytes = match host.read(binary, MAX_BINARY) {
                Ok(bytes) => bytes,
                Err(cause) if cause.is_absent() => continue,
                Err(cause) => return Err(cause),
            };
            let release = Release::in_binary(bytes)
                .ok_or_else(|| Unreadable::malformed(*binary, 0, "it does not say which OpenSSH it is"))?;
            let version = release.version;
            let invocation = Invocation::of_listener(host, Path::new(binary))?;
            let config = Config::read(host, release, &Homes::of(accounts), &invocation);
            let witnesses = match &config {
                Ok(config) => witness::witnesses(config, accounts),
                Err(_) => Ok(Vec::new()),
            };
            return Ok(Some(Self { binary: PathBuf::from(binary), version, config, witnesses }));
        }
        Ok(None)
    }
}

/// Every line that sshd reads, and what it makes of them.
#[derive(Debug)]
pub struct Config {
    pub version: Version,
    /// Every file that was read, in order.
    pub files: Vec<PathBuf>,
    /// The directories whose files an Include takes.
    pub directories: Vec<PathBuf>,
    release: Release,
    directives: Vec<Directive>,
    nodes: Vec<Node>,
    global: Settings,
}

impl Config {
    pub fn read(
        host: &Host,
        mut release: Release,
        homes: &Homes,
        invocation: &Invocation,
    ) -> Result<Self, ConfigError> {
        let version = release.version;
        let services = Services::of(host);
        let mut builder =
            Builder::new(host, Surroundings { version, release: &release, homes, services: &services });
        for option in &invocation.options {
            builder.command_line(option)?;
        }
        builder.ports_are_fixed = invocation.ports_are_fixed;
        let main = invocation.file.as_deref().unwrap_or(Path::new(MAIN_FILE));
        let nodes = builder.main_file(main)?;
        let Builder { directives, files, directories, global, .. } = builder;
        release.forget_binary();
        let config = Self { version, release, files, directories, directives, nodes, global };
        config.outside_match().check_global().map_err(ConfigError::Invalid)?;
        Ok(config)
    }
}

impl Config {
    /// Where it listens, as far as its own configuration says.
    pub fn ports(&self) -> Vec<u16> {
        let settings = self.outside_match();
        let number = |port: &[u8]| std::str::from_utf8(port).ok()?.parse().ok();
        let mut ports: Vec<u16> = settings.values("Port").iter().filter_map(|port| number(port)).collect();
        let mut listens = Vec::new();
        let mut without_port = false;
        for directive in settings.directives("ListenAddress") {
            match directive.values.get(1).and_then(|port| number(port)) {
                Some(port) => listens.push(port),
                None => without_port = true,
            }
        }
        // An address with a port of its own does not listen on the others.
        if !listens.is_empty() && !without_port {
            ports.clear();
        }
        for port in listens {
            if !ports.contains(&port) {
                ports.push(port);
            }
        }
        ports
    }

    /// What it comes to for one user, whatever the Match blocks say about other things.
    ///
    /// Which source and which port matters rarely; where it does, `evaluate` each of [`Sshd::witnesses`].
    pub fn for_user(&self, user: &User, accounts: &Accounts) -> Result<Effective<'_>, ConfigError> {
        let context = Context::of_user(user, accounts).map_err(ConfigError::Unreadable)?;
        self.evaluate(&context).map_err(ConfigError::Invalid)
    }

    /// Whether a Match block may set this keyword.
    pub fn varies(&self, name: &str) -> bool {
        let all = self.directives.iter().filter(|directive| directive.keyword.name == name).count();
        all > self.global.directives(name).len()
    }

    /// The files of its host keys.
    pub fn host_keys(&self) -> Vec<PathBuf> {
        let none = |path: &[u8]| path.eq_ignore_ascii_case(b"none");
        let values = self.outside_match().values("HostKey");
        values.iter().filter(|path| !none(path)).map(|path| path_of(path)).collect()
    }
}

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// We could not read it.
    Unreadable(Unreadable),
    /// sshd itself would refuse it.
    Invalid(Defect),
}

/// What sshd refuses, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    pub origin: Origin,
    pub what: String,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.what)
    }
}

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Line { file: Arc<Path>, line: usize },
    CommandLine,
    Default(Version),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use std::os::unix::ffi::OsStrExt as _;
        match self {
            Self::Line { file, line } => {
                write!(f, "{}:{line}", Text::from_bytes(file.as_os_str().as_bytes()))
            }
            Self::CommandLine => f.write_str("sshd's command line"),
            Self::Default(version) => write!(f, "default of OpenSSH {version}"),
        }
    }
}

/// Where users' homes are, for paths with `~`; sshd runs as root.
#[derive(Debug, Clone, Default)]
pub struct Homes(Vec<(Vec<u8>, Vec<u8>)>);

impl Homes {
    pub fn of(accounts: &Accounts) -> Self {
        use std::os::unix::ffi::OsStrExt as _;
        let users = accounts.users.as_deref().unwrap_or_default();
        Self(users.iter().map(|u| (u.name.clone(), u.home.as_os_str().as_bytes().to_vec())).collect())
    }

    fn expand(&self, word: &[u8]) -> Result<Vec<u8>, String> {
        let Some(rest) = word.strip_prefix(b"~") else { return Ok(word.to_vec()) };
        let end = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
        let name = if end == 0 { &b"root"[..] } else { &rest[..end] };
        let home = self.0.iter().find(|(user, _)| user == name).map(|(_, home)| home.as_slice());
        let home = match home {
            Some(home) => home,
            None if name == b"root" => b"/root",
            None => return Err(format!("there is no user '{}'", Text::from_bytes_within(name, 60))),
        };
        let rest = rest[end..].strip_prefix(b"/").unwrap_or_default();
        let slash: &[u8] = if home.ends_with(b"/") { b"" } else { b"/" };
        Ok([home, slash, rest].concat())
    }
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

pub const MAIN_FILE: &str = "/etc/ssh/sshd_config";
/// The package's, then the one that somebody built.
const BINARIES: &[&str] = &["/usr/sbin/sshd", "/usr/local/sbin/sshd"];
/// It is about a megabyte; with everything linked in statically, a few.
const MAX_BINARY: u64 = 64 * 1024 * 1024;
