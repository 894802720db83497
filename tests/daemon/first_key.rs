//! `guestward journal init-key`: a first key is told once, to a new file, and never for what another key has sealed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use super::rig::{OFTEN, ROOTS, Rig, SELDOM};
use crate::support::binary::text;

#[test]
fn a_first_key_is_told_once_to_a_file_of_its_own() {
    let rig = Rig::new(&[ROOTS], SELDOM);
    let (first, second) = (rig.folder().join("first.key"), rig.folder().join("second.key"));
    let said = init(&rig, &first, &[], 0);
    assert!(said.contains("Move it off this machine"), "{said}");
    assert_eq!(fs::metadata(&first).unwrap().permissions().mode() & 0o777, 0o600);
    let key: Value = serde_json::from_slice(&fs::read(&first).unwrap()).unwrap();
    assert_eq!((&key["schema"], &key["index"]), (&"guestward.key/1".into(), &0.into()));
    let records = rig.records();
    let created = records.last().unwrap();
    assert_eq!((&created["body"]["event"], &created["seq"]), (&"key-created".into(), &key["from_seq"]));

    let said = init(&rig, &second, &[], 2);
    assert!(said.contains("--new-epoch"), "{said}");
    assert!(!second.exists(), "nothing is made by what is refused");
    assert_eq!(rig.records(), records);

    let said = init(&rig, &second, &["--new-epoch"], 0);
    let other: Value = serde_json::from_slice(&fs::read(&second).unwrap()).unwrap();
    assert!(said.contains(other["epoch"].as_str().unwrap()) && other["epoch"] != key["epoch"], "{said}");
    let records = rig.records();
    let epoch = records.iter().find(|record| record["epoch"] == other["epoch"]).unwrap();
    assert_eq!((&epoch["seq"], &epoch["body"]["cause"]), (&1.into(), &"new-key".into()));
    assert_eq!(epoch["body"]["from"]["epoch"], key["epoch"]);
    rig.assert_whole(&[&first, &second]);
}

/// What is refused must not cost the key that there is.
#[test]
fn a_file_that_exists_is_refused_and_nothing_changes() {
    let rig = Rig::new(&[ROOTS], OFTEN);
    let first = rig.folder().join("first.key");
    let taken = rig.folder().join("taken");
    fs::write(&taken, "somebody's\n").unwrap();
    init(&rig, &first, &[], 0);
    let records = rig.records();
    for args in [[].as_slice(), &["--new-epoch"]] {
        for file in [&taken, &rig.folder().join("no such folder/key")] {
            let said = init(&rig, file, args, 2);
            assert!(args.is_empty() || said.contains(&file.display().to_string()), "{said}");
            assert_eq!(rig.records(), records, "{args:?}");
        }
    }
    assert_eq!(fs::read_to_string(&taken).unwrap(), "somebody's\n");
    let sensor = rig.start("run");
    let sealed = rig.record_from(1, "a checkpoint", |record| record["kind"] == "checkpoint");
    assert_eq!(sealed["body"]["key"], 0, "the key is still there");
    sensor.stop();
    rig.assert_whole(&[&first]);
}

#[test]
fn while_the_sensor_runs_no_key_is_made_and_its_process_is_named() {
    let rig = Rig::new(&[ROOTS], SELDOM);
    let sensor = rig.start("run");
    let file = rig.folder().join("first.key");
    let said = init(&rig, &file, &[], 2);
    assert!(said.contains(&format!("process {}", sensor.pid())), "{said}");
    assert!(!file.exists());
}

fn init(rig: &Rig, file: &Path, args: &[&str], code: i32) -> String {
    let output = rig.output(&[&["journal", "init-key", file.to_str().unwrap()], args].concat());
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}
