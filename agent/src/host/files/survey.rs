//! What the one walk of the system's own places remembers: the few objects that a check may ask about.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::capabilities::Capabilities;
use super::mounts::{Mounts, is_within};
pub use super::walk::Reach;
use super::walk::{Follower, Walker};
use crate::host::{Host, Kind, Meta, Text, Unreadable};

#[derive(Debug, Default)]
pub struct Survey {
    /// How many objects were looked at.
    pub objects: u64,
    /// Regular files that run with their owner's or their group's rights.
    pub set_id: Kept<Object>,
    /// Programs that have capabilities of their own.
    pub capable: Kept<Capable>,
    /// Whether files could be asked for capabilities at all.
    pub asked_capabilities: bool,
    /// Regular files that anybody may write.
    pub open_files: Kept<Object>,
    /// Directories in which anybody may exchange what belongs to others: writable for all, and not sticky.
    pub open_directories: Kept<Object>,
    /// Regular files that can be executed, where only packages put them.
    pub programs: Kept<PathBuf>,
    /// Everybody who owns something, by user and by group id.
    pub users: BTreeMap<u32, Owned>,
    pub groups: BTreeMap<u32, Owned>,
    /// Places that could not be looked into, or not wholly.
    pub unread: Kept<Unreadable>,
    /// Other machines' file systems, and what is gone with the next start: not looked into.
    pub others: Kept<(PathBuf, Text)>,
    /// Whether the root itself is being listed: of the other directories there only their own modes count.
    is_at_root: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub path: PathBuf,
    pub meta: Meta,
    pub reach: Reach,
}

/// A program with capabilities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capable {
    pub path: PathBuf,
    pub meta: Meta,
    /// `None`: the attribute is there, and is not what the kernel writes.
    pub capabilities: Option<Capabilities>,
}

/// What one id owns.
#[derive(Debug, Clone, Default)]
pub struct Owned {
    pub count: u64,
    /// The first few.
    pub examples: Vec<PathBuf>,
}

/// The first of many, and the number of the rest.
#[derive(Debug, Clone)]
pub struct Kept<T> {
    pub list: Vec<T>,
    pub more: u64,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { list: Vec::new(), more: 0 }
    }
}

impl<T> Kept<T> {
    pub(super) fn keep(&mut self, limit: usize, thing: impl FnOnce() -> T) {
        if self.list.len() < limit { self.list.push(thing()) } else { self.more += 1 }
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl Survey {
    pub(super) fn of(host: &Host, mounts: &Mounts, progress: &mut dyn FnMut(&str)) -> Self {
        let mut survey = Self::default();
        let mut walker = Walker::new(mounts);
        let mut told = |objects: u64| progress(&format!("files: {} looked at", grouped(objects)));
        for root in std::iter::once("/").chain(ROOTS.iter().copied()) {
            survey.is_at_root = root == "/";
            if let Err(cause) = walker.walk(host, root, &mut survey, &mut told) {
                survey.unread.keep(MAX_KEPT, || cause);
            }
        }
        survey.objects = walker.objects;
        survey.asked_capabilities = walker.asks_capabilities();
        survey
    }

    fn count(&mut self, path: &[u8], meta: &Meta) {
        for (owners, id) in [(&mut self.users, meta.uid), (&mut self.groups, meta.gid)] {
            if owners.len() >= MAX_OWNERS && !owners.contains_key(&id) {
                continue;
            }
            let owned = owners.entry(id).or_default();
            owned.count += 1;
            if owned.examples.len() < MAX_EXAMPLES {
                owned.examples.push(self::path(path));
            }
        }
    }
}

impl Follower for Survey {
    fn found(&mut self, path: &[u8], meta: &Meta, reach: Reach) -> bool {
        if self.is_at_root && meta.kind == Kind::Directory && ROOTS.iter().any(|root| root.as_bytes() == path)
        {
            // Its own walk finds it.
            return false;
        }
        self.count(path, meta);
        let object = || Object { path: self::path(path), meta: *meta, reach };
        match meta.kind {
            Kind::File => {
                if meta.mode & SET_ID != 0 {
                    self.set_id.keep(MAX_KEPT, object);
                }
                if meta.is_world_writable() {
                    self.open_files.keep(MAX_KEPT, object);
                }
                if meta.mode & 0o111 != 0 && is_packages(path) {
                    self.programs.keep(MAX_PROGRAMS, || self::path(path));
                }
                false
            }
            Kind::Directory => {
                if meta.is_world_writable() && meta.mode & STICKY == 0 {
                    self.open_directories.keep(MAX_KEPT, object);
                }
                if self.is_at_root { path == b"/" } else { !is_left_out(path) }
            }
            _ => false,
        }
    }

    fn capable(&mut self, path: &[u8], meta: &Meta, attribute: &[u8]) {
        let capabilities = Capabilities::parse(attribute);
        self.capable.keep(MAX_KEPT, || Capable { path: self::path(path), meta: *meta, capabilities });
    }

    fn unread(&mut self, cause: Unreadable) {
        self.unread.keep(MAX_KEPT, || cause);
    }

    fn other(&mut self, path: &[u8], kind: &str) {
        // /proc, /sys, /run: nobody would look for the system's files there.
        if self.is_at_root && !ROOTS.iter().any(|root| root.as_bytes() == path) {
            return;
        }
        self.others.keep(MAX_KEPT, || (self::path(path), Text::new(kind)));
    }
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// Whether only packages put programs here (FHS 3.0, chapter 4), but for what is generated on the machine.
fn is_packages(path: &[u8]) -> bool {
    let path = Path::new(OsStr::from_bytes(path));
    PACKAGES.iter().any(|place| is_within(path, place))
        && !GENERATED.iter().any(|place| is_within(path, place))
}

/// Whether a directory is looked at, and what is in it is not.
fn is_left_out(path: &[u8]) -> bool {
    CONTAINERS.iter().any(|place| place.as_bytes() == path)
        || HOME_CONTAINERS.iter().any(|end| path.ends_with(end))
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The system's own places. Where /bin and its like are links into /usr, they are no directories and so left out.
const ROOTS: &[&str] = &[
    "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libo32", "/libx32", "/boot", "/opt",
    "/root", "/srv", "/var", "/home",
];
const PACKAGES: &[&str] = &[
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/libx32",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
];
/// Made on the machine by the packages' own scripts: kernel modules built by DKMS, and the initial file systems' parts.
const GENERATED: &[&str] = &["/usr/lib/modules", "/lib/modules"];
/// What containers and machines of their own keep: other systems' files with other systems' accounts. A set-uid file in
/// an image is no set-uid file of this machine, and one agent inside would judge it better.
const CONTAINERS: &[&str] = &[
    "/var/cache/pbuilder",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/flatpak",
    "/var/lib/kubelet/pods",
    "/var/lib/libvirt/images",
    "/var/lib/lxc",
    "/var/lib/lxcfs",
    "/var/lib/lxd",
    "/var/lib/machines",
    "/var/lib/rancher",
    "/var/lib/schroot",
    "/var/lib/snapd/snap",
    "/var/snap",
];
/// The same, of those who run containers without being root.
const HOME_CONTAINERS: &[&[u8]] = &[b"/.local/share/containers", b"/.local/share/docker"];

const SET_ID: u32 = 0o6000;
const STICKY: u32 = 0o1000;
/// A reader wants twenty; a look-up of owners needs the rest, and a tree of nothing else must not fill the memory.
const MAX_KEPT: usize = 1_000;
/// All programs of a desktop with several toolchains are some 20,000.
const MAX_PROGRAMS: usize = 50_000;
/// A machine has some fifty; whoever may chown can make a file for each of four milliards.
const MAX_OWNERS: usize = 2_000;
const MAX_EXAMPLES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_in_groups() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(120_000), grouped(1_234_567)].join(" "),
            "0 999 120,000 1,234,567"
        );
    }

    #[test]
    fn images_are_left_out_and_what_looks_like_one_is_not() {
        assert!(is_left_out(b"/var/lib/docker") && is_left_out(b"/home/bob/.local/share/containers"));
        assert!(!is_left_out(b"/var/lib/docker2") && !is_left_out(b"/usr"));
    }
}
