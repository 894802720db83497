//! A folder that the sensor watches, with a baseline of it, and what is told of it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::rig::{Rig, SELDOM};
use crate::support::binary::text;

pub(super) const CHECKS: &[&str] = &["files-integrity-checked", "files-drift"];

/// What the policy says of the folder, beside its own rule; `seldom` looks so seldom that only events tell.
pub(super) fn settings(watched: &Path, more: &str) -> String {
    format!(
        "[files]\nbuilt-in-rules = false\n{more}\n[[files.rules]]\npaths = [\"{}/**\"]\ncompare = \"content\"\n\
         severity = \"high\"\n{SELDOM}",
        watched.display()
    )
}

/// Nothing but events tells of a change within the time of a test.
pub(super) const EVENTS_ALONE: &str = "sweep = \"1h\"\ninterval = \"1h\"";

/// A folder with these files, each with its name for its content, and a baseline of them.
pub(super) fn watching(names: &[&str], more: &str) -> (Rig, PathBuf) {
    let rig = Rig::new(&["files-integrity-checked"], "");
    let watched = rig.folder().join("watched");
    fs::create_dir(&watched).unwrap();
    for name in names {
        let path = watched.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    rig.write_policy(CHECKS, &settings(&watched, more));
    succeed(&rig, &["baseline", "create"]);
    assert_eq!(fs::metadata(rig.state().join("baseline")).unwrap().mode() & 0o777, 0o750);
    (rig, watched)
}

pub(super) fn succeed(rig: &Rig, args: &[&str]) {
    let output = rig.output(args);
    assert!(output.status.success(), "{args:?}: {}{}", text(&output.stdout), text(&output.stderr));
}

/// The record that this became of this path, as soon as there is one.
pub(super) fn of_path(rig: &Rig, path: &Path, change: &str) -> Value {
    rig.record_from(1, &format!("{change}: {}", path.display()), |record| {
        record["kind"] == "drift"
            && record["body"]["change"] == change
            && record["body"]["path"] == path.to_str().unwrap()
    })
}

/// What became of the baseline itself.
pub(super) fn event(rig: &Rig, change: &str) -> Value {
    rig.record_from(1, &format!("the baseline is {change}"), |record| {
        record["body"]["about"] == "baseline" && record["body"]["change"] == change
    })
}

/// The bodies of all drift of this kind.
pub(super) fn about(rig: &Rig, about: &str) -> Vec<Value> {
    let records = rig.records().into_iter();
    let mut bodies: Vec<Value> = records
        .filter(|record| record["kind"] == "drift" && record["body"]["about"] == about)
        .map(|record| record["body"].clone())
        .collect();
    bodies.dedup();
    bodies
}
