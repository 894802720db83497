//! `/proc/PID/maps` and `/proc/PID/mountinfo`, line by line: proc_pid_maps(5), proc_pid_mountinfo(5).

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::host::{Cause, Host, Unreadable};

/// The files that are executed from, are gone, and lie where packages put code.
pub(super) fn gone(host: &Host, maps: &Path) -> Result<BTreeSet<PathBuf>, Unreadable> {
    let mut gone = BTreeSet::new();
    each_line(host, maps, |number, line| {
        let mapping =
            Mapping::parse(line).ok_or_else(|| Unreadable::malformed(maps, number, "not a mapping"))?;
        if let Some(path) = mapping.gone_from().map(path_of)
            && !gone.contains(&path)
            && !is_named_so(host, &mapping)
        {
            gone.insert(path);
        }
        Ok(())
    })?;
    Ok(gone)
}

/// Whether the file is there, and its name really ends in "(deleted)".
fn is_named_so(host: &Host, mapping: &Mapping<'_>) -> bool {
    host.lstat(path_of(mapping.path)).is_ok_and(|meta| meta.ino == mapping.inode)
}

pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// A path without the kernel's mark; nothing if it has none.
pub(super) fn without_mark(path: &[u8]) -> Option<&[u8]> {
    path.strip_suffix(MARK)
}

/// Whether a line is a mapping.
pub(super) fn is_understood(line: &[u8]) -> bool {
    Mapping::parse(line).is_some()
}

/// Whether a line is one of executable code that bears the mark of what is gone, where packages put code; `None` if it
/// is no mapping.
pub(super) fn is_gone(line: &[u8]) -> Option<bool> {
    Some(Mapping::parse(line)?.gone_from().is_some())
}

/// Packages put no code there: memory files, devices, and what is made at run time (JIT caches, unpacked libraries).
pub(super) fn is_packaged_place(path: &[u8]) -> bool {
    path.starts_with(b"/") && !ELSEWHERE.iter().any(|place| path.starts_with(place))
}

#[derive(Debug, PartialEq, Eq)]
struct Mapping<'a> {
    is_executable: bool,
    inode: u64,
    path: &'a [u8],
}

impl<'a> Mapping<'a> {
    /// `START-END rwxp OFFSET MAJOR:MINOR INODE      PATH`
    fn parse(line: &'a [u8]) -> Option<Self> {
        let (range, rest) = field(line)?;
        let (permissions, rest) = field(rest)?;
        let (offset, rest) = field(rest)?;
        let (device, rest) = field(rest)?;
        let (inode, rest) = field(rest)?;
        let path = &rest[rest.iter().position(|&byte| byte != b' ').unwrap_or(rest.len())..];
        let is_good = is_pair(range, b'-') && is_pair(device, b':') && is_hex(offset);
        let [_, _, executable, _] = permissions else { return None };
        let inode = std::str::from_utf8(inode).ok()?.parse().ok()?;
        is_good.then_some(Self { is_executable: *executable == b'x', inode, path })
    }

    fn gone_from(&self) -> Option<&'a [u8]> {
        // An inode of 0 is no file.
        let path = without_mark(self.path).filter(|_| self.is_executable && self.inode != 0)?;
        is_packaged_place(path).then_some(path)
    }
}

/// The next word, and what follows its blank.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
    let rest = line.get(end + 1..).unwrap_or_default();
    (end > 0).then_some((&line[..end], rest))
}

fn is_hex(digits: &[u8]) -> bool {
    !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit)
}

fn is_pair(word: &[u8], between: u8) -> bool {
    let mut parts = word.split(|&byte| byte == between);
    let both = parts.next().is_some_and(is_hex) && parts.next().is_some_and(is_hex);
    both && parts.next().is_none()
}

/// What is mounted at a process's root: device and directory. Empty in a chroot that is no mount.
pub(super) fn root_mount(host: &Host, mountinfo: &Path) -> Result<Vec<u8>, Unreadable> {
    let mut root = Vec::new();
    each_line(host, mountinfo, |number, line| {
        let mut words = line.split(|&byte| byte == b' ').skip(2);
        let (Some(device), Some(directory), Some(point)) = (words.next(), words.next(), words.next()) else {
            return Err(Unreadable::malformed(mountinfo, number, "not a mount"));
        };
        if point == b"/" {
            // The last one covers those before it.
            root = [device, b" ", directory].concat();
        }
        Ok(())
    })?;
    Ok(root)
}

/// Reads a file of /proc, which has no size, in lines.
fn each_line(
    host: &Host,
    path: &Path,
    mut each: impl FnMut(usize, &[u8]) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let (file, _) = host.open(path)?;
    let mut rest = BufReader::new(file).take(MAX_BYTES + 1);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let count = (&mut rest).take(MAX_LINE as u64).read_until(b'\n', &mut line);
        if count.map_err(|error| Unreadable::from_io(path, &error))? == 0 {
            break;
        }
        if rest.limit() == 0 {
            return Err(Unreadable::new(path, Cause::TooLarge { limit: MAX_BYTES }));
        }
        match line.strip_suffix(b"\n") {
            Some(line) => each(number, line)?,
            None => return Err(Unreadable::malformed(path, number, "a line without an end")),
        }
    }
    Ok(())
}

/// Behind the path of a file that has no name any more (the kernel's fs/d_path.c).
pub(super) const MARK: &[u8] = b" (deleted)";
const ELSEWHERE: [&[u8]; 9] =
    [b"/memfd:", b"/dev/", b"/SYSV", b"/tmp/", b"/run/", b"/var/", b"/proc/", b"/anon_hugepage", b"/[aio]"];
/// As many mappings as a process may have by default (vm.max_map_count), with room for those that raised it.
pub(super) const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// PATH_MAX, each byte escaped to four, twice, and the numbers before.
pub(super) const MAX_LINE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_executable_mappings_of_files_that_are_gone_count() {
        let gone = |line: &'static str| {
            Mapping::parse(line.as_bytes())
                .unwrap()
                .gone_from()
                .map(|path| std::str::from_utf8(path).unwrap())
        };
        assert_eq!(
            gone("7f00-7f01 r-xp 00001000 fe:01 1234   /usr/lib/a b.so (deleted)"),
            Some("/usr/lib/a b.so")
        );
        assert_eq!(gone("7f00-7f01 r--p 00001000 fe:01 1234   /usr/lib/a.so (deleted)"), None);
        assert_eq!(gone("7f00-7f01 r-xp 00001000 fe:01 1234   /usr/lib/a.so"), None);
        assert_eq!(gone("7f00-7f01 rwxp 00000000 00:01 9      /memfd:jit (deleted)"), None);
        assert_eq!(gone("7f00-7f01 rwxp 00000000 fe:01 9      /tmp/jna1.so (deleted)"), None);
        assert_eq!(gone("7f00-7f01 rwxp 00000000 00:00 0"), None);
    }

    #[test]
    fn what_is_no_mapping_is_refused() {
        for line in
            ["", "x", "7f00 r-xp 0 fe:01 1 /x", "7f00-7f01 r-xp 0 fe:01 x /x", "7f00-7f01 rp 0 fe:01 1 /x"]
        {
            assert_eq!(Mapping::parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn every_mapping_of_this_process_is_understood() {
        let text = std::fs::read("/proc/self/maps").unwrap();
        let lines: Vec<_> = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).collect();
        assert!(lines.len() > 10 && lines.iter().all(|line| Mapping::parse(line).is_some()));
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Mapping::parse(&line);
        }
    }
}
