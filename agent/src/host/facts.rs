//! Everything that the checks may know, gathered before any of them is asked.
//!
//! A subject that nobody asked for is `NotAsked`, so a check that forgets to ask gets an unknown and never a pass.

use jiff::Timestamp;

use super::accounts::Accounts;
use super::packages::Packages;
use super::sudoers::Sudo;
use super::{Host, Identity};
use super::sshd::Sshd;
use super::auto_updates::AutoUpdates;
use super::processes::Processes;
use super::ssh_keys::{KeySources, SshKeys};
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
    pub packages: Packages,
    /// `Ok(None)`: no sshd is installed.
    pub sshd: Result<Option<Sshd>, Unreadable>,
    pub sudo: Sudo,
    pub auto_updates: Result<AutoUpdates, Unreadable>,
    pub processes: Result<Processes, Unreadable>,
    pub ssh_keys: SshKeys,
}

impl Facts {
    /// Looks at what is wanted. `progress` is told what is being read.
    pub fn gather(host: &Host, wanted: Wanted, now: Timestamp, progress: &mut dyn FnMut(&str)) -> Self {
        let accounts = if wanted.accounts {
            progress("accounts");
            Accounts::of(host)
        } else {
            Accounts::not_asked()
        };
        let packages = if wanted.packages {
            progress("packages");
            Packages::of(host)
        } else {
            Packages::not_asked()
        };
        Self { now, identity: Identity::of(host), accounts, packages }
        let sshd = if wanted.sshd {
            progress("sshd");
            Sshd::of(host, &accounts)
        } else {
            Err(Unreadable::not_asked("sshd"))
        };
        Self { now, identity: Identity::of(host), accounts, sshd }
        let sudo = if wanted.sudo {
            progress("sudo");
            Sudo::of(host)
        } else {
            Sudo::not_asked()
        };
        Self { now, identity: Identity::of(host), accounts, sudo }
        let ssh_keys = if wanted.sshd {
            progress("ssh keys");
            SshKeys::of(host, &accounts, &KeySources::defaults(host))
        } else {
            SshKeys::not_asked()
        };
        let auto_updates = if wanted.packages {
            progress("automatic updates");
            AutoUpdates::of(host)
        } else {
            Err(Unreadable::not_asked("automatic updates"))
        };
        let processes = if wanted.processes {
            progress("processes");
            Processes::of(host)
        } else {
            Err(Unreadable::not_asked("processes"))
        };
        Self { now, identity: Identity::of(host), accounts, auto_updates, processes, ssh_keys }
    }
}
