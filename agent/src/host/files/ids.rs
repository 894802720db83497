//! Ids that have no line in passwd(5) or group(5) and are somebody's all the same.

use std::ops::RangeInclusive;

use crate::host::{Host, Text, Unreadable};

#[derive(Debug, Clone, Default)]
pub struct ForeignIds {
    /// subuid(5) and subgid(5): lent to the containers of users, and what systemd gives away by itself.
    pub users: Vec<RangeInclusive<u32>>,
    pub groups: Vec<RangeInclusive<u32>>,
    /// Directories that nsswitch.conf(5) asks besides the files: `sss`, `ldap`.
    pub directories: Vec<Text>,
}

impl ForeignIds {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        let mut ids = Self { users: DYNAMIC.to_vec(), groups: DYNAMIC.to_vec(), directories: Vec::new() };
        ids.users.extend(ranges(&optional(host, "/etc/subuid")?));
        ids.groups.extend(ranges(&optional(host, "/etc/subgid")?));
        ids.directories = directories(&optional(host, "/etc/nsswitch.conf")?);
        // Red Hat's lists name sss whether or not it is set up.
        if !host.exists("/etc/sssd/sssd.conf")? {
            ids.directories.retain(|name| name.as_str() != "sss");
        }
        Ok(ids)
    }
}

fn optional(host: &Host, path: &str) -> Result<Vec<u8>, Unreadable> {
    match host.read(path, MAX_FILE) {
        Err(cause) if cause.is_absent() => Ok(Vec::new()),
        bytes => bytes,
    }
}

/// `name:first:count`, a line each; others lend nothing.
pub fn ranges(bytes: &[u8]) -> Vec<RangeInclusive<u32>> {
    let range = |line: &[u8]| {
        let mut fields = std::str::from_utf8(line).ok()?.trim().split(':').skip(1);
        let (first, count): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        (first > 0 && count > 0).then(|| first..=first.saturating_add(count - 1))
    };
    bytes.split(|&byte| byte == b'\n').filter_map(range).take(MAX_RANGES).collect()
}

/// What the line for `passwd` or `group` names that keeps accounts elsewhere than in files.
pub fn directories(bytes: &[u8]) -> Vec<Text> {
    let mut found: Vec<Text> = Vec::new();
    for line in bytes.split(|&byte| byte == b'\n') {
        let line = line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii();
        let Some(names) = line.strip_prefix(b"passwd:").or_else(|| line.strip_prefix(b"group:")) else {
            continue;
        };
        // [NOTFOUND=return] and its like are no names.
        for name in
            names.split(u8::is_ascii_whitespace).filter(|name| !name.is_empty() && !name.starts_with(b"["))
        {
            let text = Text::from_bytes_within(name, 40);
            if !LOCAL.contains(&text.as_str()) && !found.contains(&text) && found.len() < MAX_DIRECTORIES {
                found.push(text);
            }
        }
    }
    found
}

/// systemd gives them to DynamicUser= services (systemd.exec(5)) and to containers (nspawn), and names them itself.
const DYNAMIC: &[RangeInclusive<u32>] = &[61_184..=65_519, 524_288..=1_879_048_191];
/// Sources that know nobody but those in the files, or those whom systemd makes up.
const LOCAL: &[&str] =
    &["altfiles", "compat", "db", "files", "myhostname", "mymachines", "systemd", "usrfiles"];
/// A line a user.
const MAX_FILE: u64 = 4 * 1024 * 1024;
const MAX_RANGES: usize = 10_000;
const MAX_DIRECTORIES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_lends_a_range() {
        assert_eq!(ranges(b"bob:100000:65536\nx\neve:0:10\n"), [100_000..=165_535]);
    }

    #[test]
    fn only_directories_elsewhere_are_named() {
        let found = directories(
            b"passwd: files systemd ldap [NOTFOUND=return] # nis\nshadow: nis\n group:files sss\n",
        );
        assert_eq!(found, [Text::new("ldap"), Text::new("sss")]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_them_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ranges(&bytes);
            let _ = directories(&bytes);
        }
    }
}
