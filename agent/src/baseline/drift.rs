//! Drift: how an object differs from what was agreed.

use std::fmt;

pub use super::matter::Matter;
use crate::finding::Severity;
use crate::host::object::Object;

/// One object that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    pub path: Vec<u8>,
    pub change: Change,
    pub fields: Fields,
    /// As agreed; `None` where nothing was.
    pub before: Option<Object>,
    /// As it is; `None` where nothing is.
    pub after: Option<Object>,
    pub severity: Severity,
    /// Why it matters more than its rule says.
    pub matter: Option<Matter>,
    pub package: Option<Accounted>,
    /// Lines that went and came, secrets taken out; where a rule asks for it.
    pub text: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    Added,
    Removed,
    Modified,
    /// It changed whenever it was read, or could not be read: nothing is known of its content.
    Unstable,
}

impl Change {
    pub const ALL: [Self; 4] = [Self::Added, Self::Removed, Self::Modified, Self::Unstable];

    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Modified => "modified",
            Self::Unstable => "unstable",
        }
    }
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Fields(pub u16);

impl Fields {
    pub const CONTENT: Self = Self(1);
    pub const SIZE: Self = Self(1 << 1);
    pub const TYPE: Self = Self(1 << 2);
    pub const MODE: Self = Self(1 << 3);
    pub const OWNER: Self = Self(1 << 4);
    pub const GROUP: Self = Self(1 << 5);
    pub const TARGET: Self = Self(1 << 6);
    pub const LINKS: Self = Self(1 << 7);
    pub const DEVICE: Self = Self(1 << 8);
    pub const XATTRS: Self = Self(1 << 9);
    pub const ACL: Self = Self(1 << 10);
    pub const SELINUX: Self = Self(1 << 11);
    pub const CAPABILITIES: Self = Self(1 << 12);
    pub const FLAGS: Self = Self(1 << 13);
    pub const MTIME: Self = Self(1 << 14);
    pub const VERITY: Self = Self(1 << 15);
    pub const NAMES: [(Self, &'static str); 16] = [
        (Self::CONTENT, "content"),
        (Self::SIZE, "size"),
        (Self::TYPE, "type"),
        (Self::MODE, "mode"),
        (Self::OWNER, "owner"),
        (Self::GROUP, "group"),
        (Self::TARGET, "target"),
        (Self::LINKS, "links"),
        (Self::DEVICE, "device"),
        (Self::XATTRS, "xattrs"),
        (Self::ACL, "acl"),
        (Self::SELINUX, "selinux"),
        (Self::CAPABILITIES, "capabilities"),
        (Self::FLAGS, "flags"),
        (Self::MTIME, "mtime"),
        (Self::VERITY, "verity"),
    ];

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(field, _)| self.contains(*field)).map(|(_, name)| name)
    }
}

/// What a package says of an object that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounted {
    /// `openssl:amd64 3.0.17-1~deb12u2`; the package that has it now, or had it.
    pub package: String,
    pub records: Records,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Records {
    /// It is as the package records it: the difference is explained.
    Same,
    /// A configuration file, changed by hand.
    Configuration,
    /// It is not what the package records.
    Differs,
    /// The package has it, and records nothing that could be compared.
    Listed,
    /// What the package records cannot be read yet.
    Unknown,
}

impl Records {
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Configuration => "configuration",
            Self::Differs => "differs",
            Self::Listed => "listed",
            Self::Unknown => "unknown",
        }
    }
}

impl Drift {
    /// Whether a package's update accounts for it.
    pub fn is_explained(&self) -> bool {
        self.package.as_ref().is_some_and(|accounted| accounted.records == Records::Same)
    }
}

/// What could not be looked at: what is there may differ, and is not called verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    pub path: Vec<u8>,
    pub why: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
