//! The way from the root to an object, with everything on it that could be exchanged for something else.
//!
//! Whoever may write in a directory on the way decides what is at its end; whether a file is safe is therefore
//! a question about all of them. Links are resolved as realpath(3) does, beneath the host's root.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::beneath::push_components;
use super::{Cause, Host, Kind, Meta, Unreadable};

/// The real path of an object: the root first, the object last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    pub places: Vec<Place>,
}

/// One directory or file on a trail; its path has no links in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    pub meta: Meta,
}

impl Trail {
    /// The trail to what `path` (absolute) names.
    pub fn to(host: &Host, path: &Path) -> Result<Self, Unreadable> {
        let mut pending: VecDeque<OsString> = VecDeque::new();
        push_components(&mut pending, path);
        let mut places = vec![place(host, PathBuf::from("/"))?];
        let mut links = 0;
        while let Some(name) = pending.pop_front() {
            // The root is never popped.
            let Some(here) = places.last() else { break };
            if name == "." || name == ".." {
                if !here.meta.is_directory() {
                    return Err(Unreadable::new(path, Cause::Absent));
                }
                if name == ".." && places.len() > 1 {
                    places.pop();
                }
                continue;
            }
            let next = place(host, here.path.join(&name))?;
            if next.meta.kind != Kind::SymbolicLink {
                places.push(next);
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(Unreadable::new(path, Cause::Loop));
            }
            let target = host.read_link(&next.path)?;
            if target.is_absolute() {
                places.truncate(1);
            }
            push_components(&mut pending, &target);
        }
        Ok(Self { places })
    }

    /// The object itself.
    pub fn end(&self) -> Option<&Place> {
        self.places.last()
    }
}

fn place(host: &Host, path: PathBuf) -> Result<Place, Unreadable> {
    let meta = host.lstat(&path)?;
    Ok(Place { path, meta })
}

/// As the kernel's own limit (path_resolution(7)).
const MAX_LINKS: u32 = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_walked_and_not_named() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("srv/keys")).unwrap();
        std::fs::write(root.path().join("srv/keys/bob"), "").unwrap();
        symlink("/srv/../../srv/keys", root.path().join("etc")).unwrap();
        let trail = Trail::to(&Host::at(root.path()).unwrap(), Path::new("/etc/bob")).unwrap();
        let paths: Vec<_> = trail.places.iter().map(|place| place.path.to_str().unwrap()).collect();
        assert_eq!(paths, ["/", "/srv", "/srv/keys", "/srv/keys/bob"]);
    }

    #[test]
    fn a_loop_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        symlink("b", root.path().join("a")).unwrap();
        symlink("a", root.path().join("b")).unwrap();
        let error = Trail::to(&Host::at(root.path()).unwrap(), Path::new("/a")).unwrap_err();
        assert_eq!(error.cause, Cause::Loop);
    }
}
