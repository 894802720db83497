//! What yum 3.4 does otherwise than dnf: its plugins, each a program and a file that enables it (yum's plugins.py), and
//! among them those that keep packages back.

use std::path::{Path, PathBuf};

use super::config::Config;
use super::ini::{Ini, Section};
use super::pattern::Pattern;
use super::rules::Rules;
use crate::host::{Cause, Host, Unreadable};

/// What counts where several repositories have a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priorities {
    /// Of each name, the best repository that offers any of it: dnf's and zypper's own.
    Own,
    /// None: yum without the plugin.
    None,
    /// yum's plugin (yum-utils' plugins/priorities/priorities.py).
    Plugin {
        /// Only packages of the same architecture are kept back.
        same_architecture: bool,
        /// Nothing takes the place of what a better repository has.
        obsoletes: bool,
    },
}

impl Priorities {
    pub(super) fn of(host: &Host, config: &Config) -> Result<Self, Unreadable> {
        if !config.is_yum {
            return Ok(Self::Own);
        }
        let Some((main, _)) = plugin(host, config, "priorities")? else { return Ok(Self::None) };
        let is_true = |key| main.is_true(key) == Some(true);
        Ok(Self::Plugin {
            same_architecture: is_true("only_samearch"),
            obsoletes: is_true("check_obsoletes"),
        })
    }
}

/// Adds what the plugin versionlock keeps back: of each name in its list, every version that is not in it
/// (yum-utils' plugins/versionlock/versionlock.py).
pub(super) fn add_locks(host: &Host, config: &Config, rules: &mut Rules) -> Result<(), Unreadable> {
    let Some((main, conf)) = plugin(host, config, "versionlock")? else { return Ok(()) };
    let Some(list) = main.value("locklist").map(|list| list.strip_prefix("file:").unwrap_or(list)) else {
        return Err(Unreadable::malformed(conf, 0, "it names no list, and yum ends"));
    };
    if !list.starts_with('/') {
        let what = "its list is not on this machine".to_owned();
        return Err(Unreadable::new(conf, Cause::Unsupported(what)));
    }
    // `file:///etc/x` is `/etc/x`.
    let file = PathBuf::from(format!("/{}", list.trim_start_matches('/')));
    // Unless it is told to follow them, yum lets another package take the place of a locked one.
    rules.locks_replaced = main.is_true("follow_obsoletes") == Some(true);
    rules.add_list(host, &file, |line| (!line.starts_with('#')).then(|| Pattern::of_yum(line)).flatten())
}

/// What enables a plugin, and where it stands; `None` where yum does not load it.
fn plugin(host: &Host, config: &Config, name: &str) -> Result<Option<(Section, PathBuf)>, Unreadable> {
    if config.main.is_true("plugins") != Some(true) {
        return Ok(None);
    }
    let mut is_there = false;
    for directory in config.places("pluginpath", &PROGRAMS) {
        is_there |= host.exists(directory.join(format!("{name}.py")))?;
    }
    for directory in config.places("pluginconfpath", &[SETTINGS]).iter().filter(|_| is_there) {
        let file = directory.join(format!("{name}.conf"));
        if let Some(ini) = Ini::of(host, &file)? {
            let main = ini.section("main").filter(|main| main.is_true("enabled") == Some(true));
            return Ok(main.map(|main| (main.clone(), file)));
        }
    }
    Ok(None)
}

/// yum 3.4 is there, and dnf is not: RHEL 8 has a yum that is dnf.
pub(super) fn is_used(host: &Host, conf: &Path) -> Result<bool, Unreadable> {
    Ok(conf == Path::new("/etc/yum.conf") && !host.exists("/etc/dnf")?)
}

const PROGRAMS: [&str; 2] = ["/usr/share/yum-plugins", "/usr/lib/yum-plugins"];
const SETTINGS: &str = "/etc/yum/pluginconf.d";
