//! Everything that the checks may know, gathered before any of them is asked.
//!
//! A subject that nobody asked for is `NotAsked`, so a check that forgets to ask gets an unknown and never a pass.

use jiff::Timestamp;

use super::accounts::Accounts;
use super::auto_updates::AutoUpdates;
use super::packages::{Packages, Restart};
use super::processes::Processes;
use super::ssh_keys::{KeySources, SshKeys};
use super::sshd::Sshd;
use super::sudoers::Sudo;
use super::{Host, Identity, Unreadable};

/// Which subjects to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    pub accounts: bool,
    pub packages: bool,
    pub processes: bool,
    pub sshd: bool,
    pub sudo: bool,
}

impl Wanted {
    pub const NONE: Self =
        Self { accounts: false, packages: false, processes: false, sshd: false, sudo: false };

    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            accounts: self.accounts || other.accounts,
            packages: self.packages || other.packages,
            processes: self.processes || other.processes,
            sshd: self.sshd || other.sshd,
            sudo: self.sudo || other.sudo,
        }
    }
}

#[derive(Debug)]
pub struct Facts {
    /// When we looked; ages are measured against it.
    pub now: Timestamp,
    pub identity: Identity,
    pub accounts: Accounts,
    pub auto_updates: Result<AutoUpdates, Unreadable>,
    pub packages: Packages,
    pub processes: Result<Processes, Unreadable>,
    pub ssh_keys: SshKeys,
    /// `Ok(None)`: no sshd is installed.
    pub sshd: Result<Option<Sshd>, Unreadable>,
    pub sudo: Sudo,
}

impl Facts {
    /// Looks at what is wanted. `progress` is told what is being read.
    pub fn gather(host: &Host, wanted: Wanted, now: Timestamp, progress: &mut dyn FnMut(&str)) -> Self {
        let mut look = |wanted: bool, what: &str| {
            if wanted {
                progress(what);
            }
            wanted
        };
        let accounts =
            if look(wanted.accounts, "accounts") { Accounts::of(host) } else { Accounts::not_asked() };
        let sudo = if look(wanted.sudo, "sudo") { Sudo::of(host) } else { Sudo::not_asked() };
        let (sshd, ssh_keys) = if look(wanted.sshd, "sshd") {
            let sshd = Sshd::of(host, &accounts);
            let sources = KeySources::of(host, &sshd, &accounts);
            (sshd, SshKeys::of(host, &accounts, &sources))
        } else {
            (Err(Unreadable::not_asked("sshd")), SshKeys::not_asked())
        };
        let (packages, auto_updates) = if look(wanted.packages, "packages") {
            (Packages::of(host), AutoUpdates::of(host))
        } else {
            (Packages::not_asked(), Err(Unreadable::not_asked("automatic updates")))
        };
        let processes = if look(wanted.processes, "processes") {
            Processes::of(host)
        } else {
            Err(Unreadable::not_asked("processes"))
        };
        let identity = Identity::of(host);
        Self { now, identity, accounts, auto_updates, packages, processes, ssh_keys, sshd, sudo }
    }

    /// The processes that run what an update has replaced.
    pub fn restarts(&self) -> Result<Vec<Restart>, &Unreadable> {
        let processes = self.processes.as_ref()?;
        Ok(processes.outdated.iter().map(Restart::of).collect())
    }
}
