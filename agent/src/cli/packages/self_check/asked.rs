//! What the package manager itself answers, to hold our own answer against it.
//!
//! The one place that runs a package manager, and only when somebody asks for it: without the network (it simulates, from
//! what is on the disk), with nothing of ours in its environment, in a time and a size that are bounded. What it wants to
//! write goes into a directory that is thrown away.

mod apt;
mod child;
mod dnf;
mod place;

use std::process::Command;

use crate::host::Host;
use crate::host::packages::Manager;
use crate::host::packages::compared::Answer;

/// `Err` says why there is no answer.
pub(super) fn ask(host: &Host, manager: Manager) -> Result<Answer, String> {
    match manager {
        Manager::Apt => apt::ask(host),
        Manager::Dnf => dnf::ask(host),
        Manager::Zypper => Err("zypper is not asked yet".to_owned()),
        Manager::None => Err("there is no package manager".to_owned()),
    }
}

/// A program of the system, with nothing of our environment.
fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear().envs([("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C")]);
    command
}
