//! The kernel's own `/proc`, in which a file is opened in one step.
//!
//! [`Host::open`] first asks what a path is, because a root may hold a FIFO in the place of a file; that is most of what
//! reading a few bytes of each process costs. The kernel puts no such traps below the numbers of its processes.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2, readlinkat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};

use super::Host;
use super::beneath::Resolver;

/// A look that may be refused for any reason: whoever is told an error asks the [`Host`], which knows what it means.
#[derive(Debug)]
pub(super) struct Procfs(OwnedFd);

impl Host {
    /// Nothing in a tree on a disk, on kernels without `openat2`, and where somebody wants to know what is touched.
    pub(super) fn procfs(&self) -> Option<Procfs> {
        if self.resolver != Resolver::Kernel || self.notes.is_some() {
            return None;
        }
        let handle = self.resolve(Path::new("/proc"), true).ok()?;
        (fstatfs(&handle).ok()?.filesystem_type() == PROC_SUPER_MAGIC).then_some(Procfs(handle))
    }
}

impl Procfs {
    /// A file, by its path below `/proc`. Not what somebody has mounted over it, nor what a link leads to.
    pub(super) fn open(&self, path: &str) -> Result<File, Errno> {
        let stays =
            ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        openat2(&self.0, path, OpenHow::new().flags(flags).resolve(stays)).map(File::from)
    }

    /// What a link says, by its path below `/proc`.
    pub(super) fn read_link(&self, path: &str) -> Result<OsString, Errno> {
        readlinkat(&self.0, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn it_is_the_kernels_or_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("proc")).unwrap();
        assert!(Host::at(folder.path()).unwrap().procfs().is_none());
        assert!(Host::at_by_hand("/").unwrap().procfs().is_none());
        let live = Host::at("/").unwrap();
        assert!(live.noting().unwrap().procfs().is_none());
        if live.resolver == Resolver::Kernel {
            assert!(live.procfs().is_some());
        }
    }

    #[test]
    fn files_and_links_are_those_of_the_process_and_nothing_leads_out() {
        let Some(procfs) = Host::at("/").unwrap().procfs() else { return };
        let pid = std::process::id();
        let mut name = String::new();
        procfs.open(&format!("{pid}/comm")).unwrap().read_to_string(&mut name).unwrap();
        assert_eq!(name, std::fs::read_to_string("/proc/self/comm").unwrap());
        let program = procfs.read_link(&format!("{pid}/exe")).unwrap();
        assert_eq!(program, std::env::current_exe().unwrap());
        for path in [
            format!("{pid}/exe"),
            format!("{pid}/root/etc/passwd"),
            "self/comm".into(),
            "../etc/passwd".into(),
        ] {
            assert!(procfs.open(&path).is_err(), "{path}");
        }
    }
}
