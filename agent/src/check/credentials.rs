//! Access keys that lie about: a guest on EC2 has a role, and needs none of them.

mod environment;
mod files;
mod guarded;
mod keys;

use super::Topic;
use crate::host::Wanted;

pub(super) const TOPIC: Topic = Topic {
    name: "credentials",
    title: "Long-lived credentials",
    needs: Wanted { credentials: true, ..Wanted::NONE },
    lists: &[
        &[files::HOMES, environment::ENVIRONMENT, files::SYSTEM, files::HISTORIES],
        &[files::CLOUD_INIT, files::APPLICATIONS, guarded::FILE_MODES, guarded::GIT_REMOTES],
    ],
};
