//! What rpm accounts for. It records the content of a file, as dpkg does, and also what dpkg does not: its type, mode and
//! owners, and where a link leads.
//!
//! So more is explained than with dpkg, a directory, a link, an owner and a change of a mode, and less: what has
//! the recorded content and another mode is as nobody made it, even where that mode is the one that was agreed. With
//! dpkg, for which nothing says what the mode ought to be, that passes.
//!
//! rpm --verify looks away where a package asks for that (`%verify(not md5)`); here such a file differs.

use super::has_usual_attributes;
use crate::baseline::drift::{Change, Drift, Fields, Records};
use crate::host::Kind;
use crate::host::object::{Content, Object};
use crate::host::packages::recorded::{Made, Record, Recorded};

pub(super) fn records(recorded: &Recorded, record: &Record<'_>, made: &Made, drift: &Drift) -> Records {
    let Some(after) = &drift.after else {
        return match (record.is_configuration, made.may_be_missing) {
            // Somebody removed it: rpm puts it back with the next version only.
            (true, _) => Records::Configuration,
            (false, true) => Records::Listed,
            (false, false) => Records::Differs,
        };
    };
    match (content(record, after), is_as_made(recorded, made, after)) {
        (Some(false), _) | (_, Some(false)) if record.is_configuration => Records::Configuration,
        (Some(false), _) | (_, Some(false)) => Records::Differs,
        (Some(true), Some(true)) if says_all(drift, after) => Records::Same,
        _ => Records::Listed,
    }
}

/// Whether it is the recorded one; `None` if that cannot be told, or the rule does not ask for it.
fn content(record: &Record<'_>, after: &Object) -> Option<bool> {
    match (after.kind, &record.digest) {
        (Kind::File, Some(digest)) => match after.content {
            // Its rule is about permissions.
            Content::Unasked => Some(true),
            _ => Some(after.has_digest(digest).unwrap_or(false)),
        },
        // Nobody says what is to be in it: a ghost's, or a digest of a kind that is not computed here.
        (Kind::File, None) => Some(false),
        _ => Some(true),
    }
}

/// Whether its type, mode, owners and target are the recorded ones; `None` if some of that cannot be told.
fn is_as_made(recorded: &Recorded, made: &Made, after: &Object) -> Option<bool> {
    // The kernel gives each link the same mode, and asks nobody.
    let is_link = after.kind == Kind::SymbolicLink;
    let has_mode = made.mode.map(|mode| is_link || u32::from(mode) & 0o7777 == after.mode & 0o7777);
    let leads = match &after.target {
        Some(target) => made.is_link().then(|| recorded.leads(made, target)),
        None => Some(true),
    };
    let all = [
        Some(made.kind().is_none_or(|kind| kind == after.kind)),
        has_mode,
        leads,
        made.uid.map(|uid| uid == after.uid),
        made.gid.map(|gid| gid == after.gid),
    ];
    if all.contains(&Some(false)) { Some(false) } else { all.iter().all(Option::is_some).then_some(true) }
}

/// Whether nothing differs that rpm says nothing of, or that is told whoever brings it: a program that runs as another
/// user from now on.
fn says_all(drift: &Drift, after: &Object) -> bool {
    let is_set_id = after.kind == Kind::File && after.mode & 0o6000 != 0;
    if is_set_id && (drift.change == Change::Added || drift.fields.contains(Fields::MODE)) {
        return false;
    }
    if drift.change == Change::Added {
        let is_read = after.kind != Kind::File || after.content != Content::Unasked;
        return is_read && has_usual_attributes(after);
    }
    drift.fields.0 & !SAID.0 == 0
}

const SAID: Fields = Fields(
    Fields::CONTENT.0
        | Fields::SIZE.0
        | Fields::TYPE.0
        | Fields::MODE.0
        | Fields::OWNER.0
        | Fields::GROUP.0
        | Fields::TARGET.0
        | Fields::LINKS.0
        | Fields::MTIME.0,
);
