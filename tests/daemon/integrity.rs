//! The sensor compares the files with the baseline, and tells what differs once.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;

use super::rig::{Rig, until};
use super::watched::{self, event, of_path, succeed};
use crate::support::binary::text;

#[test]
fn a_difference_is_told_once_and_its_end_is_also_over_a_restart() {
    let (rig, watched) = watching();
    let sensor = rig.start("run");
    let created = event(&rig, "created");
    assert_eq!((&created["body"]["version"], &created["body"]["reason"]), (&1.into(), &Value::Null));
    let state = created["body"]["state"].clone();
    rig.record_from(1, "a checkpoint that vouches for the baseline", |record| {
        record["kind"] == "checkpoint"
            && record["body"]["baseline"] == created["body"]["root"]
            && record["body"]["baseline_state"] == state
    });
    fs::write(watched.join("one"), "another").unwrap();
    fs::set_permissions(watched.join("two"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::remove_file(watched.join("three")).unwrap();
    fs::write(watched.join("four"), "new").unwrap();
    for (name, drift, field, severity) in [
        ("one", "modified", "content", "high"),
        // Whatever the rule says: with set-uid it is a way to become somebody else.
        ("two", "modified", "mode", "critical"),
        ("three", "removed", "", "high"),
        ("four", "added", "", "high"),
    ] {
        let body = of_path(&rig, &watched.join(name), "new")["body"].clone();
        assert_eq!((&body["drift"], &body["severity"]), (&drift.into(), &severity.into()), "{body}");
        let fields = body["fields"].as_array().cloned().unwrap_or_default();
        assert!(field.is_empty() || fields.contains(&field.into()), "{body}");
    }
    let mode = of_path(&rig, &watched.join("two"), "new")["body"]["after"]["mode"].clone();
    assert_eq!(mode, "4755");
    let status = rig.sensor_until("four differ", |sensor| sensor["files"]["open"] == 4);
    assert_eq!(
        (&status["files"]["worst"], &status["files"]["baseline"]["state"]),
        (&"critical".into(), &state)
    );
    sensor.kill();

    let sensor = rig.start("run");
    fs::remove_file(watched.join("four")).unwrap();
    of_path(&rig, &watched.join("four"), "reverted");
    assert_eq!(told(&rig, "new"), 4, "a restart tells nothing again");
    assert_eq!(events(&rig).len(), 1);
    // What the events told a comparison confirms before long.
    let last = until("the next comparison", || {
        let bytes = fs::read(rig.state().join("baseline/last.json")).ok()?;
        let last: Value = serde_json::from_slice(&bytes).ok()?;
        (last["unexplained"]["high"] == 2).then_some(last)
    });
    sensor.stop();
    rig.assert_whole(&[]);
    assert_eq!((&last["unexplained"]["high"], &last["complete"]), (&2.into(), &true.into()), "{last}");
    let output = rig.output(&["check", "files-drift", "--format", "json"]);
    let posture: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    assert_eq!(posture["findings"][0]["verdict"], "fail", "{posture}");
}

#[test]
fn what_somebody_accepts_is_told_with_his_name_and_settles_it() {
    let (rig, watched) = watching();
    let sensor = rig.start("run");
    let one = watched.join("one");
    fs::write(&one, "another").unwrap();
    of_path(&rig, &one, "new");
    succeed(&rig, &["baseline", "accept", "--reason", "meant so", one.to_str().unwrap()]);
    let accepted =
        rig.record_from(1, "an acceptance", |record| record["body"]["about"] == "acceptance")["body"].clone();
    assert_eq!((&accepted["why"], &accepted["count"]), (&"meant so".into(), &1.into()), "{accepted}");
    of_path(&rig, &one, "settled");
    sensor.stop();
}

#[test]
fn a_baseline_that_is_damaged_or_gone_is_told_and_never_made_anew() {
    let (rig, watched) = watching();
    let sensor = rig.start("run");
    event(&rig, "created");
    let base = rig.state().join("baseline/base.1");
    let good = fs::read(&base).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    fs::write(&base, &bad).unwrap();
    assert_eq!(event(&rig, "damaged")["body"]["version"], Value::Null);
    rig.sensor_until("it is a trouble", |sensor| {
        sensor["trouble"].as_array().is_some_and(|troubles| !troubles.is_empty())
    });
    assert_eq!(fs::read(&base).unwrap(), bad);
    fs::write(&base, &good).unwrap();
    event(&rig, "restored");
    fs::remove_dir_all(rig.state().join("baseline")).unwrap();
    let gone = event(&rig, "missing");
    assert!(gone["body"]["reason"].as_str().unwrap().contains("gone"), "{gone}");
    let verdict = |rig: &Rig| -> Value {
        let output = rig.output(&["check", "files-integrity-checked", "--format", "json"]);
        let posture: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        posture["findings"][0]["verdict"].clone()
    };
    until("the check fails", || (verdict(&rig) == "fail").then_some(()));
    assert!(!base.exists() && watched.exists());
    sensor.stop();
}

/// A folder with three files that a rule is about, and a baseline of them.
fn watching() -> (Rig, PathBuf) {
    watched::watching(&["one", "two", "three"], "interval = \"5s\"")
}

fn events(rig: &Rig) -> Vec<Value> {
    rig.records().into_iter().filter(|record| record["body"]["about"] == "baseline").collect()
}

fn told(rig: &Rig, change: &str) -> usize {
    let is_it = |record: &&Value| record["body"]["about"] == "object" && record["body"]["change"] == change;
    rig.records().iter().filter(is_it).count()
}
