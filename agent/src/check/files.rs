//! Who may change system files, which programs run as somebody else, and how temporary directories are mounted.

mod capabilities;
mod guarded;
mod integrity;
mod mounts;
mod owners;
mod preload;
mod set_id;
mod shipped;
mod writable;

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::Topic;
use crate::finding::{Evidence, Outcome, Source, Text};
use crate::host::files::{Files, Kept, Survey};
use crate::host::{Facts, Unreadable, Wanted};

pub(super) const TOPIC: Topic = Topic {
    name: "files",
    title: "Files and mounts",
    needs: Wanted { accounts: true, files: true, integrity: true, ..Wanted::NONE },
    lists: &[&[
        set_id::UNPACKAGED,
        set_id::MODE,
        capabilities::CAPABILITIES,
        writable::FILES,
        writable::DIRECTORIES,
        owners::NO_OWNER,
        owners::UNPACKAGED_PROGRAMS,
        preload::PRELOAD,
        guarded::CRON,
        guarded::UNITS,
        guarded::PROFILE,
        mounts::TMP,
        mounts::VAR_TMP,
        mounts::SHM,
        integrity::CHECKED,
        integrity::DRIFT,
    ]],
};

/// What the walk found, or the answer that is due without it.
fn survey(facts: &Facts) -> Result<(&Files, &Survey), Vec<Outcome>> {
    let files = facts.files.as_ref().map_err(|cause| vec![Outcome::unreadable(SUBJECT, cause)])?;
    // The root itself is one.
    if files.survey.objects <= 1 {
        let reason = if files.survey.unread.is_empty() {
            return Err(vec![Outcome::not_applicable(SUBJECT, "there are no system files below this root")]);
        } else {
            &files.survey.unread
        };
        return Err(vec![cannot_look(SUBJECT, reason)]);
    }
    Ok((files, &files.survey))
}

/// A pass, unless a place could not be looked into: what is there might have failed.
fn pass_if_all_was_seen(survey: &Survey) -> Outcome {
    if !survey.unread.is_empty() {
        return cannot_look(SUBJECT, &survey.unread);
    }
    let others = survey.others.list.iter().take(MAX_EVIDENCE);
    Outcome::pass(SUBJECT).with_all(others.map(|(path, kind)| {
        Evidence::new(Source::path(path), format!("not looked into: {kind}"), "a local disk")
    }))
}

/// What stood in the way, the first of all.
fn cannot_look(subject: &str, unread: &Kept<Unreadable>) -> Outcome {
    let first = unread.list.first().map_or_else(String::new, Unreadable::to_string);
    let count = unread.list.len() as u64 + unread.more;
    let reason = if count > 1 { format!("{first}, and {} more places", count - 1) } else { first };
    let mut outcome = Outcome::unknown(subject, reason);
    outcome.denied = unread.list.iter().any(Unreadable::is_denied);
    outcome
}

/// Evidence for the first of many, and a last line that counts the rest.
fn bounded(evidence: Vec<Evidence>, more: u64) -> Vec<Evidence> {
    let left = evidence.len().saturating_sub(MAX_EVIDENCE) as u64 + more;
    let mut evidence = evidence;
    evidence.truncate(MAX_EVIDENCE);
    if left > 0 {
        evidence.push(Evidence::new(Source::named("and more"), format!("{left} more"), "none"));
    }
    evidence
}

fn shown(path: &Path) -> Text {
    Text::from_bytes_within(path.as_os_str().as_bytes(), MAX_SHOWN)
}

/// The name of an account or a group, or its number where it has none.
fn user_name(facts: &Facts, uid: u32) -> String {
    let users = facts.accounts.users.as_deref().unwrap_or_default();
    let user = users.iter().find(|user| user.uid == uid);
    user.map_or_else(|| uid.to_string(), |user| Text::from_bytes(&user.name).to_string())
}

fn group_name(facts: &Facts, gid: u32) -> String {
    let groups = facts.accounts.groups.as_deref().unwrap_or_default();
    let group = groups.iter().find(|group| group.gid == gid);
    group.map_or_else(|| gid.to_string(), |group| Text::from_bytes(&group.name).to_string())
}

fn is_below(path: &Path, places: &[&str]) -> bool {
    places.iter().any(|place| path.starts_with(place))
}

const SUBJECT: &str = "files";
/// As many pieces of evidence as a reader looks at.
const MAX_EVIDENCE: usize = 20;
/// A path of a few thousand bytes says no more than its beginning.
const MAX_SHOWN: usize = 200;
/// Where what is executed as root lies, or what says how.
const SYSTEM: &[&str] =
    &["/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/root", "/sbin", "/usr"];
