//! Where apt keeps the packages that it has fetched, and what it calls them.

use std::path::{Path, PathBuf};

use crate::host::packages::config::Config;
use crate::host::{Cause, Host, Kind, Unreadable};

/// The directory of fetched packages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Archives(Option<PathBuf>);

impl Archives {
    pub(super) fn of(host: &Host) -> Result<Self, Unreadable> {
        let config = Config::of(host)?;
        let cache = config.value("dir::cache").unwrap_or("var/cache/apt");
        Self::beneath(cache, config.value("dir::cache::archives").unwrap_or("archives"))
    }

    /// As apt's Configuration::FindFile puts settings together: one that begins with a slash stands for itself, any other is
    /// in what it belongs to.
    fn beneath(cache: &str, archives: &str) -> Result<Self, Unreadable> {
        let directory = Path::new("/").join(cache).join(archives);
        if directory.starts_with("/dev/null") {
            return Ok(Self(None));
        }
        // `./`, `../` and `~/` are of whoever runs apt, and where that is nobody knows.
        let is_of_the_caller =
            |setting: &str| ["./", "../", "~/"].iter().any(|prefix| setting.starts_with(prefix));
        if is_of_the_caller(archives) || (!archives.starts_with('/') && is_of_the_caller(cache)) {
            let what = "Dir::Cache::archives depends on where apt is run".to_owned();
            return Err(Unreadable::new("/etc/apt/apt.conf", Cause::Unsupported(what)));
        }
        Ok(Self(Some(directory)))
    }

    /// The .deb of that version with its size, or `None`.
    pub(super) fn find(
        &self,
        host: &Host,
        name: &str,
        version: &str,
        architecture: &str,
    ) -> Result<Option<(PathBuf, u64)>, Unreadable> {
        let Some(directory) = &self.0 else { return Ok(None) };
        for file in names(name, version, architecture) {
            let path = directory.join(file);
            match host.stat(&path) {
                Ok(meta) if meta.kind == Kind::File => return Ok(Some((path, meta.size))),
                Ok(meta) => return Err(Unreadable::new(path, Cause::NotRegular(meta.kind))),
                // A name that no file can have is nowhere.
                Err(cause)
                    if cause.is_absent() || cause.cause == Cause::Os(nix::errno::Errno::ENAMETOOLONG) => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(None)
    }
}

/// As apt names it, as somebody may who fetched it by hand, and as `dpkg-deb --build` does: without the epoch.
fn names(name: &str, version: &str, architecture: &str) -> Vec<String> {
    let without_epoch = version.split_once(':').map_or(version, |(_, rest)| rest);
    let mut names = vec![
        format!("{}_{}_{}.deb", quoted(name, b"_:"), quoted(version, b"_:"), quoted(architecture, b"_:.")),
        format!("{name}_{version}_{architecture}.deb"),
        format!("{name}_{without_epoch}_{architecture}.deb"),
    ];
    names.dedup();
    names
}

/// As apt's QuoteString does, with the characters that pkgAcqArchive gives it.
fn quoted(text: &str, bad: &[u8]) -> String {
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        if bad.contains(&byte) || byte == b'%' || !byte.is_ascii_graphic() {
            quoted.push_str(&format!("%{byte:02x}"));
        } else {
            quoted.push(char::from(byte));
        }
    }
    quoted
}

/// Whether this can be a name, a version or an architecture, and a part of a file's name.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apt_quotes_a_colon_and_an_underscore_and_people_do_not() {
        assert_eq!(
            names("vim", "2:9.0~x+1-2", "amd64"),
            ["vim_2%3a9.0~x+1-2_amd64.deb", "vim_2:9.0~x+1-2_amd64.deb", "vim_9.0~x+1-2_amd64.deb"]
        );
        assert_eq!(names("a", "1", "all"), ["a_1_all.deb"]);
        assert_eq!(quoted("a_b:c%d.e", b"_:."), "a%5fb%3ac%25d%2ee");
    }

    #[test]
    fn a_path_is_no_word() {
        assert!(is_word("libc6") && is_word("1:2-3"));
        for wrong in ["", "a/b", "..\n", "a b", "ä"] {
            assert!(!is_word(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_directory_is_put_together_as_apt_does() {
        let at = |cache: &str, archives: &str| Archives::beneath(cache, archives).map(|archives| archives.0);
        let is_at = |cache: &str, archives: &str, expected: &str| {
            assert_eq!(at(cache, archives).unwrap(), Some(PathBuf::from(expected)));
        };
        is_at("var/cache/apt", "archives", "/var/cache/apt/archives");
        is_at("/srv/apt", "debs/", "/srv/apt/debs");
        is_at("./here", "/srv/debs", "/srv/debs");
        assert_eq!(at("/dev/null", "archives").unwrap(), None);
        assert_eq!(at("var", "/dev/null").unwrap(), None);
        assert!(at("~/apt", "archives").is_err() && at("var", "../x").is_err());
    }
}
