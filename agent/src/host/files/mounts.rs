//! What is mounted where, and how: proc_pid_mountinfo(5).

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::host::{Cause, Host, Text, Unreadable};

/// The mounts of PID 1, in the order in which the kernel tells them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mounts {
    pub list: Vec<Mount>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub id: u32,
    pub parent: u32,
    /// The file system's number, `st_dev` of its files; btrfs gives each subvolume another one.
    pub device: (u32, u32),
    /// Which directory of its file system lies there.
    pub root: PathBuf,
    pub point: PathBuf,
    /// `nosuid`, `nodev` and their like: those of this mount, not of its file system.
    pub options: Vec<Text>,
    /// The file system's type: `ext4`.
    pub kind: Text,
    /// Of an overlay: where that is written which is changed in it.
    pub upper: Option<PathBuf>,
    /// The line in mountinfo.
    pub line: usize,
}

impl Mounts {
    /// Empty where nothing runs below this root.
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        match host.read(MOUNTS, MAX_MOUNTS) {
            Ok(bytes) => Self::parse(&bytes),
            // Some containers hide PID 1; ours is the same view then.
            Err(cause) if cause.is_absent() || cause.is_denied() => match host.read(OWN_MOUNTS, MAX_MOUNTS) {
                Ok(bytes) => Self::parse(&bytes),
                Err(own) if own.is_absent() && cause.is_absent() && !host.is_live() => Ok(Self::default()),
                Err(_) => Err(cause),
            },
            Err(cause) => Err(cause),
        }
    }

    /// The mounts that this very process sees.
    pub(in crate::host) fn own(host: &Host) -> Result<Self, Unreadable> {
        Self::parse(&host.read(OWN_MOUNTS, MAX_MOUNTS)?)
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut list = Vec::new();
        for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            if list.len() == MAX_LINES {
                return Err(Unreadable::new(MOUNTS, Cause::TooMany { limit: MAX_LINES }));
            }
            let mount = Mount::parse(line, index + 1);
            list.push(mount.ok_or_else(|| Unreadable::malformed(MOUNTS, index + 1, "not a mount"))?);
        }
        Ok(Self { list })
    }

    /// What is mounted on exactly this path and can be seen there: of several, the one that no other lies on.
    pub fn on(&self, path: &Path) -> Option<&Mount> {
        let here = || self.list.iter().filter(|mount| mount.point == path);
        // Mounts moved since may stand in any order; a loop of them, which no kernel makes, leaves the last.
        here()
            .rev()
            .find(|mount| !here().any(|other| other.parent == mount.id))
            .or_else(|| here().next_back())
    }
}

impl Mount {
    fn parse(line: &[u8], number: usize) -> Option<Self> {
        let mut fields = line.split(|&byte| byte == b' ');
        let id = decimal(fields.next()?)?;
        let parent = decimal(fields.next()?)?;
        let device = numbers(fields.next()?)?;
        let root = unescaped(fields.next()?);
        let point = unescaped(fields.next()?);
        let options = fields.next()?.split(|&byte| byte == b',').map(Text::from_bytes).collect();
        // Any number of optional fields stands before the dash.
        fields.find(|field| *field == b"-")?;
        let kind = Text::from_bytes(fields.next()?);
        let _source = fields.next()?;
        let mut settings = fields.next().unwrap_or_default().split(|&byte| byte == b',');
        let upper = settings.find_map(|setting| setting.strip_prefix(b"upperdir=")).map(unescaped);
        point.is_absolute().then_some(Self {
            id,
            parent,
            device,
            root,
            point,
            options,
            kind,
            upper,
            line: number,
        })
    }

    pub fn has(&self, option: &str) -> bool {
        self.options.iter().any(|known| known.as_str() == option)
    }

    /// Whether its files are this machine's own, on a disk of its own.
    pub fn is_local_disk(&self) -> bool {
        Self::is_local(self.kind.as_str())
    }

    /// As [`Mount::is_local_disk`], of a file system's type.
    pub fn is_local(kind: &str) -> bool {
        LOCAL.contains(&kind)
    }
}

fn decimal(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// `8:1`.
fn numbers(field: &[u8]) -> Option<(u32, u32)> {
    let colon = field.iter().position(|&byte| byte == b':')?;
    Some((decimal(&field[..colon])?, decimal(&field[colon + 1..])?))
}

/// The kernel writes blank, tab, newline, backslash and # as three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut path = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let octal = after.get(..3).filter(|digits| digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        let code =
            octal.map(|digits| digits.iter().fold(0_u32, |code, digit| code * 8 + u32::from(digit - b'0')));
        match (first, code.and_then(|code| u8::try_from(code).ok())) {
            (b'\\', Some(byte)) => {
                path.push(byte);
                rest = &after[3..];
            }
            _ => {
                path.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(OsString::from_vec(path))
}

/// Whether `path` is `place` or below it.
pub(super) fn is_within(path: &Path, place: &str) -> bool {
    let (path, place) = (path.as_os_str().as_bytes(), place.as_bytes());
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

pub const MOUNTS: &str = "/proc/1/mountinfo";
pub const OWN_MOUNTS: &str = "/proc/self/mountinfo";
/// The kernel allows 100,000 mounts (fs.mount-max) of a few hundred bytes each.
const MAX_MOUNTS: u64 = 64 * 1024 * 1024;
const MAX_LINES: usize = 100_000;
/// File systems on disks of this machine's own. Others are somebody else's (nfs, cifs, fuse), gone with the next start
/// (tmpfs), or no files at all (proc).
const LOCAL: &[&str] =
    &["bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "reiserfs", "xfs", "zfs"];
/// On disks of this machine, and without set-id files of their own: start-up files, and images that are read only.
pub const LOCAL_TOO: &[&str] = &["erofs", "exfat", "squashfs", "vfat"];
/// File systems that answer at once.
pub const MEMORY: &[&str] = &["ramfs", "tmpfs"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn of_two_mounts_on_one_place_the_upper_one_counts() {
        let text = b"1 0 8:1 / / rw - ext4 a rw\n2 1 0:1 / /tmp rw,nosuid shared:1 master:2 - tmpfs t rw\n\
                     3 2 0:2 / /tmp rw - ext4 b rw\n4 1 0:3 / /a\\040b\\134c rw - nfs4 s:/x rw\n";
        let mounts = Mounts::parse(text).unwrap();
        assert_eq!(mounts.on(Path::new("/tmp")).unwrap().kind.as_str(), "ext4");
        let odd = mounts.on(Path::new("/a b\\c")).unwrap();
        assert!(!odd.is_local_disk() && odd.line == 4);
        assert!(mounts.list[1].has("nosuid") && !mounts.list[2].has("nosuid"));
        assert_eq!((mounts.list[0].device, mounts.list[0].root.as_path()), ((8, 1), Path::new("/")));
    }

    #[test]
    fn an_overlay_says_where_it_is_written() {
        let line = b"9 1 0:9 / /m rw - overlay o rw,lowerdir=/a:/b,upperdir=/up\\040per,workdir=/w\n";
        let mounts = Mounts::parse(line).unwrap();
        assert_eq!(mounts.list[0].upper.as_deref(), Some(Path::new("/up per")));
    }

    #[test]
    fn half_a_line_is_an_error() {
        assert!(Mounts::parse(b"1 0 8:1 / / rw - ext4 a rw\n2 1 0:1 / /tm").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Mounts::parse(&bytes);
            let _ = unescaped(&bytes);
            let _ = Mounts::parse(&[b"1 0 8:1 / /".as_slice(), &bytes, b" rw - ext4 a rw"].concat());
        }
    }
}
