//! Everything that the checks may know, gathered before any of them is asked.
//!
//! A subject that nobody asked for is `NotAsked`, so a check that forgets to ask gets an unknown and never a pass.

use std::sync::Arc;

use jiff::Timestamp;

use super::accounts::Accounts;
use super::auto_updates::AutoUpdates;
use super::credentials::Credentials;
use super::delivery::Word;
use super::files::Files;
use super::imds::Imds;
use super::integrity::Integrity;
use super::kernel::KernelState;
use super::logging::Logging;
use super::network::Network;
use super::packages::{Packages, Restart};
use super::processes::Processes;
use super::running::Running;
use super::services::Services;
use super::ssh_keys::{KeySources, SshKeys};
use super::sshd::Sshd;
use super::sudoers::Sudo;
use super::{Host, Identity, Surroundings, Unreadable};

/// Which subjects to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    pub accounts: bool,
    pub credentials: bool,
    pub delivery: bool,
    pub files: bool,
    pub imds: bool,
    pub integrity: bool,
    pub kernel: bool,
    pub logging: bool,
    pub network: bool,
    pub packages: bool,
    pub processes: bool,
    pub running: bool,
    pub services: bool,
    pub sshd: bool,
    pub sudo: bool,
}

impl Wanted {
    pub const NONE: Self = Self {
        accounts: false,
        credentials: false,
        delivery: false,
        files: false,
        imds: false,
        integrity: false,
        kernel: false,
        logging: false,
        network: false,
        packages: false,
        processes: false,
        running: false,
        services: false,
        sshd: false,
        sudo: false,
    };

    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            accounts: self.accounts || other.accounts,
            credentials: self.credentials || other.credentials,
            delivery: self.delivery || other.delivery,
            files: self.files || other.files,
            imds: self.imds || other.imds,
            integrity: self.integrity || other.integrity,
            kernel: self.kernel || other.kernel,
            logging: self.logging || other.logging,
            network: self.network || other.network,
            packages: self.packages || other.packages,
            processes: self.processes || other.processes,
            running: self.running || other.running,
            services: self.services || other.services,
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
    /// Always looked at: which questions arise here at all.
    pub surroundings: Result<Surroundings, Unreadable>,
    pub accounts: Accounts,
    pub auto_updates: Result<AutoUpdates, Unreadable>,
    pub credentials: Result<Credentials, Unreadable>,
    pub delivery: Result<Word, Unreadable>,
    pub files: Result<Files, Unreadable>,
    pub imds: Result<Imds, Unreadable>,
    pub integrity: Integrity,
    pub kernel: Result<KernelState, Unreadable>,
    pub logging: Result<Logging, Unreadable>,
    pub network: Result<Network, Unreadable>,
    pub packages: Arc<Packages>,
    pub processes: Result<Processes, Unreadable>,
    pub running: Result<Running, Unreadable>,
    pub services: Result<Services, Unreadable>,
    pub ssh_keys: SshKeys,
    /// `Ok(None)`: no sshd is installed.
    pub sshd: Result<Option<Sshd>, Unreadable>,
    pub sudo: Sudo,
}

impl Facts {
    /// Looks at what is wanted. `progress` is told what is being read.
    pub fn gather(host: &Host, wanted: Wanted, now: Timestamp, progress: &mut dyn FnMut(&str)) -> Self {
        let mut look = Look { progress };
        let accounts =
            if look.at(wanted.accounts, "accounts") { Accounts::of(host) } else { Accounts::not_asked() };
        let sudo = if look.at(wanted.sudo, "sudo") { Sudo::of(host) } else { Sudo::not_asked() };
        let (sshd, ssh_keys) = if look.at(wanted.sshd, "sshd") {
            let sshd = Sshd::of(host, &accounts);
            let sources = KeySources::of(host, &sshd, &accounts);
            (sshd, SshKeys::of(host, &accounts, &sources))
        } else {
            (Err(Unreadable::not_asked("sshd")), SshKeys::not_asked())
        };
        let (packages, auto_updates) = if look.at(wanted.packages, "packages") {
            (Packages::now(host), AutoUpdates::of(host))
        } else {
            (Arc::new(Packages::not_asked()), Err(Unreadable::not_asked("automatic updates")))
        };
        let running = look.result(wanted.running, "running programs", || Running::of(host));
        Self {
            now,
            identity: Identity::of(host),
            surroundings: Surroundings::of(host),
            processes: look.result(wanted.processes, "processes", || Processes::of(host)),
            credentials: look.result(wanted.credentials, "credentials", || Credentials::of(host)),
            delivery: look.result(wanted.delivery, "delivery", || Word::of(host)),
            imds: look.result(wanted.imds, "instance metadata", || Imds::of(host)),
            kernel: look.result(wanted.kernel, "kernel", || KernelState::of(host)),
            logging: look.result(wanted.logging, "logging", || Logging::of(host)),
            network: look.result(wanted.network, "network", || Network::of(host)),
            services: look.result(wanted.services, "services", || Services::of(host)),
            files: if look.at(wanted.files, "files") {
                Files::of(host, look.progress)
            } else {
                Err(Unreadable::not_asked("files"))
            },
            integrity: if look.at(wanted.integrity, "file integrity") {
                Integrity::of(host)
            } else {
                Integrity::not_asked()
            },
            accounts,
            auto_updates,
            packages,
            running,
            ssh_keys,
            sshd,
            sudo,
        }
    }

    /// The processes that run what an update has replaced.
    pub fn restarts(&self) -> Result<Vec<Restart>, &Unreadable> {
        let processes = self.processes.as_ref()?;
        Ok(processes.outdated.iter().map(Restart::of).collect())
    }
}

struct Look<'a> {
    progress: &'a mut dyn FnMut(&str),
}

impl Look<'_> {
    fn at(&mut self, wanted: bool, what: &str) -> bool {
        if wanted {
            (self.progress)(what);
        }
        wanted
    }

    fn result<T>(
        &mut self,
        wanted: bool,
        what: &str,
        look: impl FnOnce() -> Result<T, Unreadable>,
    ) -> Result<T, Unreadable> {
        if self.at(wanted, what) { look() } else { Err(Unreadable::not_asked(what)) }
    }
}
