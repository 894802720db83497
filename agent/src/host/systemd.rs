//! Which systemd this is, without asking it or starting a program.
//!
//! Its own library has the number in its name. PID 1 maps the one that runs; whoever may not look there can still see
//! which one is installed.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Host, Unreadable};

/// The version that runs, or the one that is installed; `None` where neither can be told.
pub fn version(host: &Host) -> Result<Option<u32>, Unreadable> {
    let running = match host.read(MAPS, MAX_MAPS) {
        Ok(maps) => version_in(&maps),
        Err(cause) if cause.is_absent() || cause.is_denied() => None,
        Err(cause) => return Err(cause),
    };
    // Files are no witness for what runs, and the best that there is.
    running.map_or_else(|| installed(host), |version| Ok(Some(version)))
}

fn installed(host: &Host) -> Result<Option<u32>, Unreadable> {
    let mut versions = BTreeSet::new();
    for place in PLACES {
        match host.list(place, MAX_FILES) {
            Ok(names) => versions.extend(names.iter().filter_map(|name| version_in(name.as_encoded_bytes()))),
            Err(cause) if cause.is_absent() => {}
            Err(cause) => return Err(cause),
        }
    }
    // In the middle of an upgrade there are two.
    let only = if versions.len() == 1 { versions.pop_first() } else { None };
    Ok(only)
}

/// The number in the first `libsystemd-shared-252.so`, `libsystemd-shared-252.4-6.el9.so`, and so on.
pub fn version_in(bytes: &[u8]) -> Option<u32> {
    let at = memchr::memmem::find(bytes, LIBRARY)? + LIBRARY.len();
    let digits = bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(bytes.get(at..at + digits)?).ok()?.parse().ok()
}

/// Which unit a process is of, if it is of one: proc_pid_cgroup(5).
pub fn unit_of(host: &Host, pid: u32) -> Result<Option<super::Text>, Unreadable> {
    let path = PathBuf::from(format!("/proc/{pid}/cgroup"));
    Ok(super::processes::unit_of(&host.read(path, MAX_CGROUP)?))
}

const LIBRARY: &[u8] = b"libsystemd-shared-";
const MAPS: &str = "/proc/1/maps";
/// PID 1 has some two hundred mappings of a hundred bytes each.
const MAX_MAPS: u64 = 4 * 1024 * 1024;
/// Where distributions keep what only systemd's own programs use.
const PLACES: [&str; 5] = [
    "/usr/lib/systemd",
    "/lib/systemd",
    "/usr/lib64/systemd",
    "/usr/lib/x86_64-linux-gnu/systemd",
    "/usr/lib/aarch64-linux-gnu/systemd",
];
const MAX_FILES: usize = 10_000;
/// A line for each hierarchy, a path in each.
const MAX_CGROUP: u64 = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    #[test]
    fn the_version_is_in_the_librarys_name() {
        for (text, version) in [
            ("libsystemd-shared-252.so", Some(252)),
            ("7f0 r-xp 0 fe:01 9 /usr/lib/systemd/libsystemd-shared-247.so\n", Some(247)),
            ("libsystemd-shared-252.4-598.13.hs.el9.so", Some(252)),
            ("libsystemd-shared-.so", None),
            ("libsystemd-shared-99999999999.so", None),
            ("libsystemd.so.0", None),
        ] {
            assert_eq!(version_in(text.as_bytes()), version, "{text}");
        }
    }

    #[test]
    fn what_runs_counts_more_than_what_is_installed_and_two_are_none() {
        let root = tempfile::tempdir().unwrap();
        let file = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let told = || version(&Host::at(root.path()).unwrap()).unwrap();
        assert_eq!(told(), None);
        file("usr/lib/systemd/libsystemd-shared-252.so", "");
        assert_eq!(told(), Some(252));
        file("usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.so", "");
        assert_eq!(told(), None);
        file("proc/1/maps", "7f0 r-xp 0 fe:01 9 /usr/lib/systemd/libsystemd-shared-252.so (deleted)\n");
        assert_eq!(told(), Some(252));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), version in 0..100_000_u32) {
            let _ = version_in(&bytes);
            let name = [LIBRARY, version.to_string().as_bytes(), b".", &bytes].concat();
            prop_assert_eq!(version_in(&name), Some(version));
        }
    }
}
