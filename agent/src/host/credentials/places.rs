//! Where keys are left: homes, histories, system configuration, cloud-init, applications.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::names::{
    is_configuration, is_kernels, is_own, is_systems, is_telling, is_unit, is_written_by_hand,
};
use super::search::{Limit, Rules, Search, note};
use super::{Credentials, Looked, guarded};
use crate::host::accounts::User;
use crate::host::{Cause, Unreadable, glob};

/// The homes of all accounts, each once.
pub(super) fn homes(search: &mut Search<'_>, users: &[User], credentials: &mut Credentials) {
    let mut done: BTreeSet<PathBuf> = BTreeSet::new();
    for user in users {
        let home = PathBuf::from(user.home.components().as_path());
        if !home.is_absolute() || is_kernels(&home) || !done.insert(home.clone()) {
            continue;
        }
        if done.len() > MAX_HOMES {
            note(&mut credentials.homes, Unreadable::new("/etc/passwd", Cause::TooMany { limit: MAX_HOMES }));
            return;
        }
        home_of(search, user, &home, credentials);
    }
}

fn home_of(search: &mut Search<'_>, user: &User, home: &Path, credentials: &mut Credentials) {
    let names = match search.host.list(home, MAX_NAMES) {
        Ok(names) => names,
        Err(cause) => {
            note(&mut credentials.histories, cause.clone());
            if !cause.is_absent() {
                credentials.guarded.push(Err(cause.clone()));
            }
            return note(&mut credentials.homes, cause);
        }
    };
    credentials.home_count += 1;
    guarded::of_home(search.host, &user.name, home, &mut credentials.guarded);
    let has = |name: &str| names.iter().any(|there| there == name.split('/').next().unwrap_or(name));
    for name in HISTORIES.iter().filter(|name| has(name)) {
        search.file(&home.join(name), WHOLE, &mut credentials.histories);
    }
    for name in IN_HOMES.iter().filter(|name| has(name)) {
        search.file(&home.join(name), WHOLE, &mut credentials.homes);
    }
    let all = Rules { depth: 2, limit: WHOLE, is_wanted: |_| true, is_entered: |_| true };
    for name in TREES_IN_HOMES.iter().filter(|name| has(name)) {
        tree(search, &home.join(name), all, &mut credentials.homes);
    }
    // What is a home only by name is the system's own, with its thousands of files.
    if !is_systems(home) {
        let rules = Rules {
            depth: DEPTH_OF_HOMES,
            limit: Limit::Settings,
            is_wanted: is_telling,
            is_entered: is_own,
        };
        search.tree(home, rules, &mut credentials.homes);
    }
}

/// What is set for the whole system: environment, profiles, cron, units, and every service's own in /etc.
pub(super) fn system(search: &mut Search<'_>) -> Looked {
    let mut looked = Looked::default();
    let rules = Rules {
        depth: DEPTH_OF_ETC,
        limit: WHOLE,
        is_wanted: is_written_by_hand,
        is_entered: is_configuration,
    };
    for place in SYSTEM {
        tree(search, Path::new(place), rules, &mut looked);
    }
    for place in SCRIPTS {
        tree(search, Path::new(place), Rules { limit: Limit::Settings, ..rules }, &mut looked);
    }
    let units = Rules { is_wanted: is_unit, ..rules };
    for place in UNITS {
        tree(search, Path::new(place), units, &mut looked);
    }
    for pattern in std::mem::take(&mut search.environment_files) {
        match glob::expand(search.host, &pattern) {
            Ok(paths) => paths.iter().for_each(|path| search.file(path, WHOLE, &mut looked)),
            Err(cause) => note(&mut looked, cause),
        }
    }
    looked
}

/// What the instance was started with, and what came of it.
pub(super) fn cloud_init(search: &mut Search<'_>) -> Looked {
    let mut looked = Looked::default();
    let rules = Rules { depth: 3, limit: WHOLE, is_wanted: |_| true, is_entered: |_| true };
    for place in CLOUD_INIT {
        tree(search, Path::new(place), rules, &mut looked);
    }
    for log in CLOUD_INIT_LOGS {
        search.file(Path::new(log), WHOLE, &mut looked);
    }
    looked
}

pub(super) fn applications(search: &mut Search<'_>) -> Looked {
    let mut looked = Looked::default();
    let rules = Rules {
        depth: DEPTH_OF_APPLICATIONS,
        limit: Limit::Settings,
        is_wanted: is_telling,
        is_entered: is_own,
    };
    for place in APPLICATIONS {
        tree(search, Path::new(place), rules, &mut looked);
    }
    let containers =
        Rules { depth: 1, is_wanted: |name| name == "config.v2.json", is_entered: |_| true, ..rules };
    tree(search, Path::new(CONTAINERS), containers, &mut looked);
    looked
}

/// A tree whose top may well be absent.
fn tree(search: &mut Search<'_>, top: &Path, rules: Rules, looked: &mut Looked) {
    match search.host.stat(top) {
        Ok(meta) if meta.is_directory() => search.tree(top, rules, looked),
        Ok(_) => search.file(top, rules.limit, looked),
        Err(cause) => note(looked, cause),
    }
}

const HISTORIES: &[&str] = &[
    ".bash_history",
    ".zsh_history",
    ".histfile",
    ".sh_history",
    ".history",
    ".ash_history",
    ".ksh_history",
    ".local/share/fish/fish_history",
    ".python_history",
    ".mysql_history",
    ".psql_history",
    ".sqlite_history",
    ".node_repl_history",
    ".irb_history",
    ".php_history",
    ".rediscli_history",
    ".lesshst",
    ".viminfo",
    ".wget-hsts",
];
const IN_HOMES: &[&str] = &[
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".bash_aliases",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".kshrc",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".pam_environment",
    ".envrc",
    ".config/fish/config.fish",
    ".config/rclone/rclone.conf",
    ".docker/config.json",
    ".gitconfig",
    ".git-credentials",
    ".netrc",
    ".s3cfg",
    ".boto",
    ".mc/config.json",
    ".passwd-s3fs",
    ".terraformrc",
    ".terraform.d/credentials.tfrc.json",
    ".kube/config",
    ".ssh/environment",
    ".ssh/rc",
    ".vimrc",
    ".mrjob.conf",
    ".duplicity.conf",
];
const TREES_IN_HOMES: &[&str] = &[".aws", ".config/environment.d"];
const SYSTEM: &[&str] = &[
    "/etc",
    "/var/spool/cron",
    "/usr/local/etc",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/opt/aws/amazon-cloudwatch-agent/etc",
];
/// Where packages keep their units; an administrator's own end up here, too.
const UNITS: &[&str] = &["/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
/// Scripts with a key in their first lines, among programs of any size.
const SCRIPTS: &[&str] = &["/usr/local/bin", "/usr/local/sbin"];
const CLOUD_INIT: &[&str] =
    &["/var/lib/cloud/instances", "/var/lib/cloud/scripts", "/var/lib/cloud/seed", "/run/cloud-init"];
const CLOUD_INIT_LOGS: &[&str] = &[
    "/var/log/cloud-init.log",
    "/var/log/cloud-init-output.log",
    "/var/log/user-data.log",
    "/var/log/cfn-init.log",
];
const APPLICATIONS: &[&str] = &["/opt", "/srv", "/var/www", "/app", "/data"];
const CONTAINERS: &str = "/var/lib/docker/containers";

/// Two below the home: `~/project/app/.env`.
const DEPTH_OF_HOMES: usize = 3;
const DEPTH_OF_ETC: usize = 4;
/// `/opt/vendor/app/current/config/settings.yml`
const DEPTH_OF_APPLICATIONS: usize = 4;
/// Of what is known to be somebody's own: credentials, histories, logs. Sixteen million characters are years of typing.
const WHOLE: Limit = Limit::Noted(16 * 1024 * 1024);
const MAX_NAMES: usize = 100_000;
/// More come from a directory service.
const MAX_HOMES: usize = 10_000;
