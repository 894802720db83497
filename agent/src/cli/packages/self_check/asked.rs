//! What the package manager itself answers, to hold our own answer against it.
//!
//! The one place that runs a package manager, and only when somebody asks for it: without the network (it simulates, from
//! what is on the disk), with nothing of ours in its environment, in a time and a size that are bounded. What it wants to
//! write goes into a directory that is thrown away.

mod apt;
mod child;
mod dnf;
mod place;
mod zypper;

use std::process::Command;

use crate::host::Host;
use crate::host::packages::compared::Answer;
use crate::host::packages::{Manager, Metadata};

/// `Err` says why there is no answer. The metadata is what our own list was made of.
pub(super) fn ask(host: &Host, manager: Manager, metadata: &Metadata) -> Result<Answer, String> {
    match manager {
        Manager::Apt => apt::ask(host),
        Manager::Dnf => dnf::ask(host),
        Manager::Zypper => zypper::ask(host, metadata),
        Manager::None => Err("there is no package manager".to_owned()),
    }
}

/// Where rpm's database is in another root, and not where this machine has its own: for a home that is in its place.
fn database(host: &Host) -> Option<String> {
    let found = DATABASES.into_iter().find(|path| host.exists(path).unwrap_or(false))?;
    Some(format!("%_dbpath {found}\n"))
}

/// A program of the system, with nothing of our environment.
fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear().envs([("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C")]);
    command
}

const DATABASES: [&str; 2] = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"];
