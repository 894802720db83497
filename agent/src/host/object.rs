//! The full state of one object of a file system: what a baseline records, and what a later look is compared with.
//!
//! Paths are bytes, absolute below the root and without a slash at the end. An object is named by its directory and its
//! name in it: the root itself is `` and ``, `/usr` is `` and `usr`, `/usr/bin` is `/usr` and `bin`.

use std::cmp::Ordering;
use std::fmt;

use super::Kind;
use super::packages::recorded::Digest;

/// Everything that is known of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub kind: Kind,
    /// The permission bits with set-uid, set-gid and sticky.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    /// The device that holds it, major and minor as makedev(3) packs them.
    pub device: u64,
    pub inode: u64,
    pub links: u32,
    /// What a device file stands for.
    pub rdev: u64,
    pub modified: Moment,
    pub changed: Moment,
    /// Not every file system tells.
    pub born: Option<Moment>,
    pub flags: Flags,
    pub content: Content,
    /// Where a symbolic link leads.
    pub target: Option<Box<[u8]>>,
    /// Sorted by name. Empty where nobody asked.
    pub xattrs: Vec<Xattr>,
    /// Why the extended attributes are not all there.
    pub xattr_trouble: Option<Trouble>,
    /// What fs-verity measured when it sealed the file, where it did.
    pub verity: Option<Box<Verity>>,
    /// Of the content, where that was asked for: what dpkg records.
    pub md5: Option<[u8; 16]>,
    /// Of the content, where that was asked for and `content` has another hash: what rpm records. Never kept.
    pub sha256: Option<Box<[u8; 32]>>,
    /// The first bytes of the content, where they were asked for. Never recorded as they are.
    pub text: Option<Box<[u8]>>,
}

impl Object {
    /// Whether this is the digest of its content, as far as that was read.
    pub fn has_digest(&self, recorded: &Digest) -> Option<bool> {
        match recorded {
            Digest::Md5(recorded) => self.md5.map(|md5| md5 == *recorded),
            Digest::Sha256(recorded) => self.sha256().map(|sha256| sha256 == recorded),
        }
    }

    fn sha256(&self) -> Option<&[u8; 32]> {
        match &self.content {
            // Of a log, it may be that of its beginning.
            Content::Hashed { algorithm: Algorithm::Sha256, digest, length } if *length == self.size => {
                Some(digest)
            }
            _ => self.sha256.as_deref(),
        }
    }
}

/// The digest by which the kernel checks each block of a sealed file as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verity {
    /// As the kernel numbers them: 1 is SHA-256, 2 SHA-512.
    pub algorithm: u16,
    /// No longer than [`MAX_VERITY`].
    pub digest: Box<[u8]>,
}

impl Verity {
    pub fn algorithm_name(&self) -> &'static str {
        match self.algorithm {
            1 => "sha256",
            2 => "sha512",
            _ => "unknown",
        }
    }
}

/// FS_VERITY_MAX_DIGEST_SIZE.
pub const MAX_VERITY: usize = crate::sys::verity::MAX;

/// A time as the file system tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Moment {
    pub seconds: i64,
    pub nanos: u32,
}

/// Inode flags as statx(2) tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Flags(pub u8);

impl Flags {
    pub const IMMUTABLE: Self = Self(1);
    pub const APPEND: Self = Self(2);
    pub const VERITY: Self = Self(4);
    pub const NODUMP: Self = Self(8);
    pub const ENCRYPTED: Self = Self(16);
    pub const COMPRESSED: Self = Self(32);
    const NAMES: [(Self, &'static str); 6] = [
        (Self::IMMUTABLE, "immutable"),
        (Self::APPEND, "append-only"),
        (Self::VERITY, "verity"),
        (Self::NODUMP, "nodump"),
        (Self::ENCRYPTED, "encrypted"),
        (Self::COMPRESSED, "compressed"),
    ];

    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, name)| name)
    }
}

/// Which hash a content has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Algorithm {
    #[default]
    Sha256,
    Blake3,
}

impl Algorithm {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Blake3 => "blake3",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// No regular file, or nobody asked.
    Unasked,
    Hashed {
        algorithm: Algorithm,
        digest: [u8; 32],
        /// How many bytes from the start; the size, but for an append-only log.
        length: u64,
    },
    Unread(Trouble),
}

/// Why something of an object is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    Denied,
    /// It changed each time it was read.
    Unstable,
    /// Another object took its name meanwhile.
    Replaced,
    /// It went.
    Gone,
    /// Larger than the policy lets us read.
    TooLarge,
    /// More extended attributes than any object should have.
    TooMany,
    /// errno.
    Failed(i32),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied => f.write_str("permission denied"),
            Self::Unstable => f.write_str("it changes while it is read"),
            Self::Replaced => f.write_str("it was replaced while it was looked at"),
            Self::Gone => f.write_str("it went while it was looked at"),
            Self::TooLarge => f.write_str("larger than files.max-file of the policy"),
            Self::TooMany => f.write_str("too many extended attributes"),
            Self::Failed(errno) => write!(f, "{}", nix::errno::Errno::from_raw(*errno).desc()),
        }
    }
}

/// An extended attribute, xattr(7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xattr {
    pub name: Box<[u8]>,
    pub value: Value,
}

/// As it stands, or, where it is long, what identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Whole(Box<[u8]>),
    /// SHA-256.
    Digest {
        length: u32,
        digest: [u8; 32],
    },
}

/// A value up to this length is kept as it stands: POSIX ACLs, labels and capabilities are shorter.
pub const MAX_WHOLE: usize = 512;

/// The order of a baseline: directories depth first, then names by their bytes.
pub fn order(a: (&[u8], &[u8]), b: (&[u8], &[u8])) -> Ordering {
    directories(a.0, b.0).then_with(|| a.1.cmp(b.1))
}

/// Depth first: what is below a directory follows it before anything else does.
pub fn directories(a: &[u8], b: &[u8]) -> Ordering {
    // Where they differ first decides; up to there nothing has to be weighed.
    let Some(at) = a.iter().zip(b).position(|(a, b)| a != b) else { return a.len().cmp(&b.len()) };
    let key = |byte: u8| if byte == b'/' { 0_u16 } else { u16::from(byte) + 1 };
    key(a[at]).cmp(&key(b[at]))
}

/// The path of an object.
pub fn path(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if name.is_empty() {
        return b"/".to_vec();
    }
    let mut path = Vec::with_capacity(directory.len() + 1 + name.len());
    path.extend_from_slice(directory);
    path.push(b'/');
    path.extend_from_slice(name);
    path
}

/// The directory and the name of a path.
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_a_directory_follows_it_at_once() {
        let mut directories_ = vec![&b"/a-b"[..], b"/a", b"", b"/a/b/c", b"/b", b"/a/b", b"/a.d/x"];
        directories_.sort_by(|a, b| directories(a, b));
        assert_eq!(directories_, [&b""[..], b"/a", b"/a/b", b"/a/b/c", b"/a-b", b"/a.d/x", b"/b"]);
    }

    #[test]
    fn a_path_is_its_directory_and_its_name() {
        for (of, directory, name) in [("/", "", ""), ("/usr", "", "usr"), ("/usr/bin", "/usr", "bin")] {
            assert_eq!(split(of.as_bytes()), (directory.as_bytes(), name.as_bytes()));
            assert_eq!(path(directory.as_bytes(), name.as_bytes()), of.as_bytes());
        }
    }
}
