//! The merge of /usr: `/bin/x` and `/usr/bin/x` are one file where `/bin` is a link, and lists may have either.

use std::borrow::Cow;
use std::path::Path;

use crate::host::{Cause, Host, Unreadable};

/// Which of the directories at the root are links into /usr.
#[derive(Debug, Clone, Default)]
pub struct Merged {
    places: Vec<&'static str>,
}

impl Merged {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        let mut places = Vec::new();
        for name in MERGED {
            match host.read_link(Path::new("/").join(name)) {
                Ok(target) if is_usr(&target, name) => places.push(*name),
                Ok(_) => {}
                Err(Unreadable { cause: Cause::Absent | Cause::Os(nix::errno::Errno::EINVAL), .. }) => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(Self { places })
    }

    #[cfg(test)]
    pub(in crate::host) fn with(places: &[&'static str]) -> Self {
        Self { places: places.to_vec() }
    }

    /// The one spelling of a path: `/bin/x` becomes `/usr/bin/x` where the one is the other.
    pub fn path<'p>(&self, path: &'p [u8]) -> Cow<'p, [u8]> {
        if self.is_within(path) { Cow::Owned([b"/usr", path].concat()) } else { Cow::Borrowed(path) }
    }

    fn is_within(&self, path: &[u8]) -> bool {
        let Some(below) = path.strip_prefix(b"/") else { return false };
        // Nearly every path is below /usr already.
        if below.starts_with(b"usr/") {
            return false;
        }
        let first = &below[..memchr::memchr(b'/', below).unwrap_or(below.len())];
        self.places.iter().any(|place| place.as_bytes() == first)
    }
}

fn is_usr(target: &Path, name: &str) -> bool {
    let target = target.strip_prefix("/").unwrap_or(target);
    target == Path::new("usr").join(name)
}

const MERGED: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below_a_link_into_usr_has_two_spellings() {
        let merged = Merged::with(&["bin", "lib"]);
        for (path, one) in [
            ("/bin/sh", "/usr/bin/sh"),
            ("/bin", "/usr/bin"),
            ("/lib/x/y", "/usr/lib/x/y"),
            ("/lib64/x", "/lib64/x"),
            ("/usr/bin/sh", "/usr/bin/sh"),
            ("/binary", "/binary"),
            ("bin/sh", "bin/sh"),
            ("", ""),
        ] {
            assert_eq!(&*merged.path(path.as_bytes()), one.as_bytes());
        }
    }
}
