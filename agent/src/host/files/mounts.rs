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
    /// Major and minor number of the file system's device, as mountinfo has it.
    pub device: (u32, u32),
    /// Which directory of its file system it shows: the root, but for bind mounts and subvolumes.
    pub root: PathBuf,
    pub point: PathBuf,
    /// `nosuid`, `nodev` and their like: those of this mount, not of its file system.
    pub options: Vec<Text>,
    /// The file system's type: `ext4`.
    pub kind: Text,
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

    /// Every path by which an object can be reached that this mount shows at `path`: the same directory may be mounted in
    /// several places. `path` itself is the first.
    pub fn aliases(&self, mount: &Mount, path: &Path) -> Vec<PathBuf> {
        let mut aliases = vec![path.to_owned()];
        let Ok(within) = path.strip_prefix(&mount.point) else { return aliases };
        let inside = mount.root.join(within);
        let others = self.list.iter().filter(|other| other.device == mount.device && other.id != mount.id);
        for other in others {
            if let Ok(rest) = inside.strip_prefix(&other.root) {
                // Joined with nothing, a file would get a slash behind it.
                let alias =
                    if rest.as_os_str().is_empty() { other.point.clone() } else { other.point.join(rest) };
                if !aliases.contains(&alias) {
                    aliases.push(alias);
                }
            }
        }
        aliases
    }
}

impl Mount {
    fn parse(line: &[u8], number: usize) -> Option<Self> {
        let mut fields = line.split(|&byte| byte == b' ');
        let id = decimal(fields.next()?)?;
        let parent = decimal(fields.next()?)?;
        let (major, minor) = split_once(fields.next()?, b':')?;
        let device = (decimal(major)?, decimal(minor)?);
        let root = unescaped(fields.next()?);
        let point = unescaped(fields.next()?);
        let options = fields.next()?.split(|&byte| byte == b',').map(Text::from_bytes).collect();
        // Any number of optional fields stands before the dash.
        fields.find(|field| *field == b"-")?;
        let kind = Text::from_bytes(fields.next()?);
        let _source = fields.next()?;
        point.is_absolute().then_some(Self { id, parent, device, root, point, options, kind, line: number })
    }

    pub fn has(&self, option: &str) -> bool {
        self.options.iter().any(|known| known.as_str() == option)
    }

    /// Whether its files are this machine's own, on a disk of its own.
    pub fn is_local_disk(&self) -> bool {
        Self::is_local(self.kind.as_str())
    }

    /// As [`Mount::is_local_disk`], of a file system's type.
    pub(in crate::host) fn is_local(kind: &str) -> bool {
        LOCAL.contains(&kind)
    }
}

fn split_once(field: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = field.iter().position(|&byte| byte == at)?;
    Some((&field[..at], &field[at + 1..]))
}

fn decimal(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
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
const OWN_MOUNTS: &str = "/proc/self/mountinfo";
/// The kernel allows 100,000 mounts (fs.mount-max) of a few hundred bytes each.
const MAX_MOUNTS: u64 = 64 * 1024 * 1024;
const MAX_LINES: usize = 100_000;
/// File systems on disks of this machine's own. Others are somebody else's (nfs, cifs, fuse), gone with the next start
/// (tmpfs), or no files at all (proc).
const LOCAL: &[&str] =
    &["bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "reiserfs", "xfs", "zfs"];

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
    }

    #[test]
    fn what_is_mounted_in_several_places_has_several_paths() {
        let text = b"1 0 8:1 / / rw - ext4 a rw\n2 1 8:1 /srv/www /var/www rw - ext4 a rw\n\
                     3 1 8:1 /srv/www/key /etc/key rw - ext4 a rw\n4 1 8:2 / /data rw - ext4 b rw\n";
        let mounts = Mounts::parse(text).unwrap();
        let of = |mount: usize, path: &str| mounts.aliases(&mounts.list[mount], Path::new(path));
        assert_eq!(of(0, "/srv/www/a"), [Path::new("/srv/www/a"), Path::new("/var/www/a")]);
        assert_eq!(of(0, "/srv/www"), [Path::new("/srv/www"), Path::new("/var/www")]);
        let key = ["/srv/www/key", "/var/www/key", "/etc/key"].map(Path::new);
        assert_eq!(of(0, "/srv/www/key"), key);
        assert_eq!(of(0, "/srv/www2/a"), [Path::new("/srv/www2/a")]);
        assert_eq!(of(3, "/data/srv/www/a"), [Path::new("/data/srv/www/a")]);
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
