//! What packages account for: each object that differs, beside what its package records of it.

mod made;

use super::drift::{Accounted, Change, Drift, Fields, Records};
use crate::host::object::Object;
use crate::host::packages::recorded::{Record, Recorded};
use crate::host::{Cause, Kind, Unreadable};

/// Puts beside each difference what a package says of it; returns how many are explained by that.
pub(super) fn account(
    recorded: Result<Option<&Recorded>, &Unreadable>,
    drifts: &mut [Drift],
    owner: impl Fn(&Drift) -> Option<String>,
) -> u64 {
    for drift in drifts.iter_mut() {
        drift.package = match recorded {
            Ok(None) => None,
            Ok(Some(recorded)) => of(recorded, drift, &owner),
            Err(cause) => Some(unknown(cause)),
        };
    }
    drifts.iter().filter(|drift| drift.is_explained()).count() as u64
}

fn of(recorded: &Recorded, drift: &Drift, owner: &impl Fn(&Drift) -> Option<String>) -> Option<Accounted> {
    let accounted = |record: Record<'_>| Accounted {
        package: format!("{} {}", record.owner.package, record.owner.version),
        records: records(recorded, &record, drift),
    };
    let mut all = recorded.each(&drift.path).map(accounted);
    if let Some(first) = all.next() {
        // Several packages may have a directory, each with another mode: the last one to be installed made it.
        let same = Some(&first).filter(|first| first.records == Records::Same).cloned();
        return same.or_else(|| all.find(|other| other.records == Records::Same)).or(Some(first));
    }
    // It was a package's, and no package has it any more.
    let package = owner(drift)?;
    let records = if drift.change == Change::Removed { Records::Same } else { Records::Differs };
    Some(Accounted { package, records })
}

fn records(recorded: &Recorded, record: &Record<'_>, drift: &Drift) -> Records {
    if let Some(made) = &record.made {
        return made::records(recorded, record, made, drift);
    }
    let Some(after) = &drift.after else {
        // A configuration file that somebody removed stays so: dpkg respects it.
        return if record.is_configuration { Records::Configuration } else { Records::Differs };
    };
    let Some(recorded) = record.digest else {
        return if after.kind == Kind::File { Records::Differs } else { Records::Listed };
    };
    match after.has_digest(&recorded) {
        // dpkg records the content, and no mode or owner.
        Some(true) if is_told_by_content(drift.fields) && is_plain(drift.change, after) => Records::Same,
        Some(true) => Records::Listed,
        _ if record.is_configuration => Records::Configuration,
        _ => Records::Differs,
    }
}

/// Whether all that differs follows from another content having been installed.
fn is_told_by_content(fields: Fields) -> bool {
    let follows = Fields::CONTENT.0 | Fields::SIZE.0 | Fields::MTIME.0 | Fields::LINKS.0;
    fields.0 & !follows == 0
}

/// Of what is new nobody agreed on the mode, so the usual one it must be.
fn is_plain(change: Change, after: &Object) -> bool {
    let is_usual =
        after.mode & 0o6022 == 0 && after.uid == 0 && after.gid == 0 && has_usual_attributes(after);
    change != Change::Added || is_usual
}

/// None, but for the label that the machine's own policy gives to everything that is installed.
fn has_usual_attributes(after: &Object) -> bool {
    after.xattrs.iter().all(|xattr| &*xattr.name == b"security.selinux")
}

fn unknown(cause: &Unreadable) -> Accounted {
    let package = match &cause.cause {
        Cause::Unsupported(what) => what.clone(),
        _ => cause.to_string(),
    };
    Accounted { package, records: Records::Unknown }
}
