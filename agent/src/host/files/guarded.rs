//! Files that root executes or reads as commands, by group: who owns them and who may write them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::mounts::Mounts;
use super::survey::{Kept, Object, Reach};
use super::walk::{Follower, Walker};
use crate::host::{Cause, Host, Kind, Meta, Unreadable};

/// One group of such files.
#[derive(Debug, Default)]
pub struct Guarded {
    /// How many were looked at; none means that the machine has nothing of the kind.
    pub count: u64,
    /// Those that are not root's, or that a group or everybody may write.
    pub loose: Kept<Object>,
    pub unread: Kept<Unreadable>,
}

impl Guarded {
    pub(super) fn of(host: &Host, mounts: &Mounts, places: &[&str]) -> Self {
        let mut follower = Following { host, guarded: Self::default(), links: Vec::new() };
        let mut walker = Walker::new(mounts);
        for place in places {
            follower.start(place, &mut walker);
        }
        follower.links();
        follower.guarded
    }

    fn take(&mut self, path: PathBuf, meta: &Meta) {
        match meta.kind {
            Kind::File | Kind::Directory => {
                self.count += 1;
                if meta.uid != 0 || meta.mode & 0o022 != 0 {
                    self.loose.keep(MAX_KEPT, || Object { path, meta: *meta, reach: Reach::Everybody });
                }
            }
            kind => self.unread.keep(MAX_KEPT, || Unreadable::new(path, Cause::NotRegular(kind))),
        }
    }
}

struct Following<'a> {
    host: &'a Host,
    guarded: Guarded,
    links: Vec<PathBuf>,
}

impl Following<'_> {
    fn start(&mut self, place: &str, walker: &mut Walker<'_>) {
        match self.host.lstat(place) {
            Ok(meta) if meta.is_directory() => {
                if let Err(cause) = walker.walk(self.host, place, self, &mut |_| {}) {
                    self.unread(cause);
                }
            }
            Ok(meta) if meta.kind == Kind::SymbolicLink => self.links.push(place.into()),
            Ok(meta) => self.guarded.take(place.into(), &meta),
            Err(cause) if cause.is_absent() => {}
            Err(cause) => self.unread(cause),
        }
    }

    /// Links count as what they lead to: systemd and cron follow them.
    fn links(&mut self) {
        for link in std::mem::take(&mut self.links) {
            match self.host.stat(&link) {
                // A unit that is masked.
                Ok(meta) if meta.kind == Kind::CharacterDevice => {}
                Ok(meta) => self.guarded.take(link, &meta),
                Err(cause) if cause.is_absent() => {}
                Err(cause) => self.unread(cause),
            }
        }
    }
}

impl Follower for Following<'_> {
    fn found(&mut self, path: &[u8], meta: &Meta, _: Reach) -> bool {
        let path = Path::new(OsStr::from_bytes(path));
        match meta.kind {
            Kind::SymbolicLink if self.links.len() < MAX_LINKS => self.links.push(path.to_owned()),
            Kind::SymbolicLink => {
                self.unread(Unreadable::new(path, Cause::TooMany { limit: MAX_LINKS }));
            }
            _ => self.guarded.take(path.to_owned(), meta),
        }
        true
    }

    fn capable(&mut self, _: &[u8], _: &Meta, _: &[u8]) {}

    fn unread(&mut self, cause: Unreadable) {
        self.guarded.unread.keep(MAX_KEPT, || cause);
    }

    // What is mounted there is the machine's own business: /run is a tmpfs on every machine.
    fn other(&mut self, _path: &[u8], _kind: &str) {}
}

/// What cron(8) and anacron(8) execute. Root's table is in one of the last two.
pub(super) const CRON: &[&str] = &[
    "/etc/crontab",
    "/etc/anacrontab",
    "/etc/cron.d",
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
    "/etc/cron.yearly",
    "/etc/cron.allow",
    "/etc/cron.deny",
    "/var/spool/cron",
];
/// Where systemd.unit(5) and systemd.generator(7) look, but for what belongs to a user.
pub(super) const UNITS: &[&str] = &[
    "/etc/systemd",
    "/run/systemd/generator",
    "/run/systemd/generator.early",
    "/run/systemd/generator.late",
    "/run/systemd/system",
    "/run/systemd/system-generators",
    "/run/systemd/transient",
    "/usr/local/lib/systemd",
    "/usr/lib/systemd",
    "/lib/systemd",
];
/// What a shell of root's reads as commands, and pam_env(8) as its environment.
pub(super) const PROFILE: &[&str] = &[
    "/etc/bash.bash_logout",
    "/etc/bash.bashrc",
    "/etc/bashrc",
    "/etc/csh.cshrc",
    "/etc/csh.login",
    "/etc/environment",
    "/etc/profile",
    "/etc/profile.d",
    "/etc/security/pam_env.conf",
    "/etc/zsh",
    "/etc/zshenv",
    "/etc/zshrc",
    "/root/.bash_login",
    "/root/.bash_logout",
    "/root/.bash_profile",
    "/root/.bashrc",
    "/root/.cshrc",
    "/root/.login",
    "/root/.profile",
    "/root/.tcshrc",
    "/root/.zshenv",
    "/root/.zshrc",
];
/// What ld.so(8) and ldconfig(8) read.
pub(super) const LOADER: &[&str] =
    &["/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.cache"];

const MAX_KEPT: usize = 200;
/// Enabled units are links; a large server has some hundreds.
const MAX_LINKS: usize = 20_000;
