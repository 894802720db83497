//! What is true of this machine. Facts only; opinions live in `check`.
//!
//! [`Host::at`] is the machine below a root directory, and the one seam for tests: a fixture is a small
//! tree. Every path is resolved beneath the root (`host/beneath.rs`), every read has a bound, and nothing
//! is opened that could block: a FIFO, a device or a socket in place of a file is an answer, not a trap.

pub mod accounts;
pub mod actor;
pub mod apt_conf;
pub mod auto_updates;
mod beneath;
pub mod credentials;
pub mod delivery;
pub mod facts;
pub mod files;
pub mod glob;
pub mod identity;
pub mod imds;
pub mod integrity;
pub mod kernel;
pub mod logging;
pub mod network;
pub mod object;
pub mod packages;
pub mod planted;
pub mod powers;
pub mod processes;
mod procfs;
pub mod running;
pub mod services;
pub mod ssh_keys;
pub mod sshd;
pub mod sudoers;
pub mod surroundings;
pub mod sysctl;
pub mod systemd;
pub mod text;
mod trace;
pub mod trail;
pub mod tree;
pub mod units;

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;

use beneath::Resolver;
pub use facts::{Facts, Wanted};
pub use identity::Identity;
pub use surroundings::Surroundings;
pub use text::Text;

/// The machine below a root directory.
#[derive(Debug)]
pub struct Host {
    root: OwnedFd,
    root_path: PathBuf,
    resolver: Resolver,
    has_kernel: bool,
    imds: Option<imds::Endpoint>,
    /// The agent's own.
    state: PathBuf,
    is_to_deliver: bool,
    /// What is touched, where somebody wants to know.
    notes: Option<trace::Notes>,
    known: Option<Arc<packages::Known>>,
}

impl Host {
    /// The machine below `root`; `/` is the one we run on.
    pub fn at(root: impl AsRef<Path>) -> Result<Self, Unreadable> {
        Self::with_resolver(root.as_ref(), Resolver::for_this_kernel())
    }

    /// As [`Host::at`], but resolving paths without `openat2`, as kernels before 5.6 need it.
    pub fn at_by_hand(root: impl AsRef<Path>) -> Result<Self, Unreadable> {
        Self::with_resolver(root.as_ref(), Resolver::ByHand)
    }

    fn with_resolver(root: &Path, resolver: Resolver) -> Result<Self, Unreadable> {
        let fd = beneath::open_root(root).map_err(|errno| match errno {
            // Elsewhere a file in place of a folder means that what is asked for is absent; here it is a mistake.
            Errno::ENOTDIR => Unreadable::new(root, Cause::Os(errno)),
            errno => Unreadable::from_errno(root, errno),
        })?;
        let root_path = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let has_kernel = root_path == Path::new("/");
        Ok(Self {
            root: fd,
            root_path,
            resolver,
            has_kernel,
            imds: None,
            state: STATE.into(),
            is_to_deliver: false,
            notes: None,
            known: None,
        })
    }

    /// Whether this is the running system's own root, so that an absent `/proc` is a defect and not a property.
    pub fn is_live(&self) -> bool {
        self.root_path == Path::new("/")
    }

    /// The directory that all paths are below, as this machine calls it.
    pub fn root_path(&self) -> &Path {
        &self.root_path
    }

    /// Takes the running kernel for this tree's own, although its root is elsewhere: what netlink tells is told of it.
    #[must_use]
    pub fn with_kernel(mut self) -> Self {
        self.has_kernel = true;
        self
    }

    /// Asks for instance metadata there, whatever this machine is; nothing else moves that question.
    #[must_use]
    pub fn imds_at(mut self, endpoint: imds::Endpoint) -> Self {
        self.imds = Some(endpoint);
        self
    }

    /// Where to ask for instance metadata, if that was given by hand.
    pub fn imds(&self) -> Option<imds::Endpoint> {
        self.imds
    }

    /// The agent that looks after this machine keeps its state there, beneath the root, and not in the usual place.
    #[must_use]
    pub fn state_at(mut self, directory: impl Into<PathBuf>) -> Self {
        self.state = directory.into();
        self
    }

    /// Where the agent keeps its state, beneath the root.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Its policy would have it deliver to AWS.
    #[must_use]
    pub fn to_deliver(mut self, is_to_deliver: bool) -> Self {
        self.is_to_deliver = is_to_deliver;
        self
    }

    /// Its packages are not read again where nothing that they come from has changed since `known` last read them.
    #[must_use]
    pub fn with_known(mut self, known: Arc<packages::Known>) -> Self {
        self.known = Some(known);
        self
    }

    pub fn is_to_deliver(&self) -> bool {
        self.is_to_deliver
    }

    /// Whether questions to the running kernel are questions about this machine.
    pub fn has_kernel(&self) -> bool {
        self.has_kernel
    }

    /// A regular file's bytes. More than `limit` of them is an error, not a truncation.
    pub fn read(&self, path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>, Unreadable> {
        let path = path.as_ref();
        let (file, meta) = self.open(path)?;
        if meta.size > limit {
            return Err(Unreadable::new(path, Cause::TooLarge { limit }));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(meta.size).unwrap_or(0));
        // Files in /proc claim to be empty, and a log may grow under the read: the bound counts bytes, not claims.
        file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| Unreadable::from_io(path, &error))?;
        if bytes.len() as u64 > limit {
            return Err(Unreadable::new(path, Cause::TooLarge { limit }));
        }
        Ok(bytes)
    }

    /// A regular file for streaming, with what it is. The caller bounds the stream.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<(File, Meta), Unreadable> {
        let path = path.as_ref();
        let fail = |errno| Unreadable::from_errno(path, errno);
        let handle = self.resolve(path, true).map_err(fail)?;
        let meta = beneath::stat(&handle).map_err(fail)?;
        if meta.kind != Kind::File {
            return Err(Unreadable::new(path, Cause::NotRegular(meta.kind)));
        }
        let fd = beneath::reopen(self.resolver, &self.root, path, &handle, &meta).map_err(fail)?;
        Ok((File::from(fd), meta))
    }

    /// What a path is, symbolic links followed (beneath the root).
    pub fn stat(&self, path: impl AsRef<Path>) -> Result<Meta, Unreadable> {
        self.meta(path.as_ref(), true)
    }

    /// What a path is, a final symbolic link not followed.
    pub fn lstat(&self, path: impl AsRef<Path>) -> Result<Meta, Unreadable> {
        self.meta(path.as_ref(), false)
    }

    fn meta(&self, path: &Path, follow: bool) -> Result<Meta, Unreadable> {
        let fail = |errno| Unreadable::from_errno(path, errno);
        let handle = self.resolve(path, follow).map_err(fail)?;
        beneath::stat(&handle).map_err(fail)
    }

    pub fn exists(&self, path: impl AsRef<Path>) -> Result<bool, Unreadable> {
        match self.stat(path) {
            Ok(_) => Ok(true),
            Err(cause) if cause.is_absent() => Ok(false),
            Err(cause) => Err(cause),
        }
    }

    pub fn read_link(&self, path: impl AsRef<Path>) -> Result<PathBuf, Unreadable> {
        let path = path.as_ref();
        let fail = |errno| Unreadable::from_errno(path, errno);
        let handle = self.resolve(path, false).map_err(fail)?;
        nix::fcntl::readlinkat(&handle, "").map(PathBuf::from).map_err(fail)
    }

    /// The names in a directory in byte order, without `.` and `..`. More than `limit` is an error.
    pub fn list(&self, path: impl AsRef<Path>, limit: usize) -> Result<Vec<OsString>, Unreadable> {
        let path = path.as_ref();
        let fail = |errno| Unreadable::from_errno(path, errno);
        let handle = self.resolve(path, true).map_err(fail)?;
        let mut directory = beneath::open_directory(&handle).map_err(fail)?;
        let mut names = Vec::new();
        for entry in directory.iter() {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if names.len() == limit {
                return Err(Unreadable::new(path, Cause::TooMany { limit }));
            }
            names.push(OsString::from_vec(name.to_vec()));
        }
        names.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        Ok(names)
    }
}

/// What the file system says about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    pub kind: Kind,
    /// Permission bits, set-id and sticky included (`0o7777`).
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    pub dev: u64,
    pub ino: u64,
    /// Seconds since 1970.
    pub mtime: i64,
}

impl Meta {
    pub fn is_group_writable(&self) -> bool {
        self.mode & 0o020 != 0
    }

    pub fn is_world_writable(&self) -> bool {
        self.mode & 0o002 != 0
    }

    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    BlockDevice,
    CharacterDevice,
    Directory,
    Fifo,
    File,
    Socket,
    SymbolicLink,
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BlockDevice => "a block device",
            Self::CharacterDevice => "a character device",
            Self::Directory => "a directory",
            Self::Fifo => "a FIFO",
            Self::File => "a regular file",
            Self::Socket => "a socket",
            Self::SymbolicLink => "a symbolic link",
            Self::Other => "of an unknown type",
        })
    }
}

/// Why a fact could not be had. Absence is one of the answers, and often not a defect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub path: PathBuf,
    pub cause: Cause,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    Absent,
    Denied,
    /// More symbolic links than the kernel would follow.
    Loop,
    /// The bytes are there and are not what the format allows; `line` counts from 1, 0 means no line.
    Malformed {
        line: usize,
        what: String,
    },
    /// Nobody looked: the caller did not ask for this subject.
    NotAsked,
    NotRegular(Kind),
    Os(Errno),
    TooLarge {
        limit: u64,
    },
    TooMany {
        limit: usize,
    },
    /// guestward does not know this form yet.
    Unsupported(String),
}

impl Unreadable {
    pub fn new(path: impl Into<PathBuf>, cause: Cause) -> Self {
        Self { path: path.into(), cause }
    }

    pub fn malformed(path: impl Into<PathBuf>, line: usize, what: impl Into<String>) -> Self {
        Self::new(path, Cause::Malformed { line, what: what.into() })
    }

    pub fn not_asked(subject: &str) -> Self {
        Self::new(subject, Cause::NotAsked)
    }

    pub fn from_errno(path: &Path, errno: Errno) -> Self {
        let cause = match errno {
            Errno::ENOENT | Errno::ENOTDIR => Cause::Absent,
            Errno::EACCES | Errno::EPERM => Cause::Denied,
            Errno::ELOOP => Cause::Loop,
            other => Cause::Os(other),
        };
        Self::new(path, cause)
    }

    pub fn from_io(path: &Path, error: &std::io::Error) -> Self {
        match error.raw_os_error() {
            Some(errno) => Self::from_errno(path, Errno::from_raw(errno)),
            // Decompressors report damage as io::Error without an errno.
            None => Self::malformed(path, 0, error.to_string()),
        }
    }

    pub fn is_absent(&self) -> bool {
        self.cause == Cause::Absent
    }

    /// Whether running as root would show more.
    pub fn is_denied(&self) -> bool {
        self.cause == Cause::Denied
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = Text::from_bytes(self.path.as_os_str().as_bytes());
        match &self.cause {
            Cause::Absent => write!(f, "{path} does not exist"),
            Cause::Denied => write!(f, "no permission to read {path}"),
            Cause::Loop => write!(f, "{path} runs through too many symbolic links"),
            Cause::Malformed { line: 0, what } => write!(f, "cannot understand {path}: {what}"),
            Cause::Malformed { line, what } => write!(f, "cannot understand {path}:{line}: {what}"),
            Cause::NotAsked => write!(f, "{path} was not looked at"),
            Cause::NotRegular(kind) => write!(f, "{path} is {kind}, not a regular file"),
            Cause::Os(errno) => write!(f, "cannot read {path}: {}", errno.desc()),
            Cause::TooLarge { limit } => write!(f, "{path} is larger than {limit} bytes"),
            Cause::TooMany { limit } => write!(f, "{path} has more than {limit} entries"),
            Cause::Unsupported(what) => write!(f, "{path}: {what}"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Where the agent keeps its state, unless it is told otherwise.
const STATE: &str = "/var/lib/guestward";
