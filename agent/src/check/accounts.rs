//! Who exists, with what password, and who may become root.

mod files;
mod identity;
mod passwords;
mod sudo_files;
mod sudo_rules;
mod sudo_settings;

use super::Topic;
use crate::finding::{Outcome, Text};
use crate::host::sudoers::{DefectKind, Sudoers};
use crate::host::{Facts, Wanted};

pub(super) const TOPIC: Topic = Topic {
    name: "accounts",
    title: "Accounts and sudo",
    needs: Wanted { accounts: true, sudo: true, ..Wanted::NONE },
    lists: &[&[
        identity::EXTRA_UID_0,
        passwords::EMPTY,
        passwords::WEAK_HASH,
        passwords::LOGIN,
        passwords::UNSHADOWED,
        identity::DUPLICATE_IDS,
        identity::FILE_SYNTAX,
        files::FILE_MODES,
        files::HOME_MODES,
        sudo_rules::NOPASSWD,
        sudo_settings::USE_PTY,
        sudo_settings::LOGGING,
        sudo_files::CONFIG_VALID,
        sudo_files::FILE_MODES,
    ]],
};

fn subject(name: &[u8]) -> String {
    format!("user:{}", Text::from_bytes(name))
}

/// What was read of sudoers, or the answer that is due without it.
fn sudoers(facts: &Facts) -> Result<&Sudoers, Vec<Outcome>> {
    if facts.sudo.is_absent() {
        return Err(vec![Outcome::not_applicable("sudo", "sudo is not installed")]);
    }
    facts.sudo.sudoers.as_ref().map_err(|cause| vec![Outcome::unreadable("sudo", cause)])
}

/// A pass, unless a part of sudoers could not be read: what it says might have failed.
fn pass_if_all_was_read(sudoers: &Sudoers) -> Outcome {
    match sudoers.defects.iter().find(|defect| defect.kind != DefectKind::Warning) {
        None => Outcome::pass("sudo"),
        Some(defect) => {
            let path =
                Text::from_bytes(std::os::unix::ffi::OsStrExt::as_bytes(defect.place.path.as_os_str()));
            let reason = format!("cannot understand {path}:{}: {}", defect.place.line, defect.what);
            Outcome::unknown("sudo", reason)
        }
    }
}

/// As many pieces of evidence as a reader looks at.
const MAX_EVIDENCE: usize = 20;
