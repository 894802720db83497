//! A disk that is full, or turns read-only: records wait, nothing is lost unsaid, and the sensor goes on looking.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::rig::{OFTEN, ROOTS, Rig, SELDOM, until};

#[test]
fn a_full_disk_makes_records_wait_and_room_brings_all_of_them_in_order() {
    let rig = small_disk("1m", OFTEN);
    let mut sensor = rig.start("run");
    rig.wait_for_first_look();
    let before = rig.status()["sensor"]["up_s"].as_u64().unwrap();
    fill(&rig);
    let full = rig.sensor_until("records wait", |sensor| sensor["waiting"].as_u64() >= Some(4));
    let trouble = full["trouble"][0].as_str().unwrap();
    assert!(trouble.contains("No space left on device"), "{trouble}");
    assert_eq!(rig.output(&["status"]).status.code(), Some(1), "trouble is not well");
    assert!(sensor.is_running());
    let waiting = full["waiting"].as_u64().unwrap();
    let up = full["up_s"].as_u64().unwrap();

    empty(&rig);
    let after = rig.sensor_until("nothing waits", |sensor| sensor["waiting"] == 0);
    assert_eq!((&after["trouble"], &after["dropped"]), (&serde_json::json!([]), &0.into()));
    let records = rig.records();
    assert!(records.iter().all(|record| record["kind"] != "gap"), "{records:#?}");
    let beats: Vec<u64> = records.iter().filter_map(|record| record["body"]["up_s"].as_u64()).collect();
    assert!(beats.is_sorted(), "{beats:?}");
    let meanwhile = beats.iter().filter(|beat| (before..=up).contains(beat)).count() as u64;
    assert!(meanwhile >= waiting, "{waiting} waited, {beats:?}");
    sensor.stop();
    rig.assert_whole(&[]);
}

/// More changes than memory keeps: what is lost is counted exactly, and what was lost of the findings is found anew.
#[test]
fn what_no_memory_could_keep_is_a_gap_with_its_numbers_and_is_found_anew() {
    const MANY: usize = 5_000;
    let rig = small_disk("24m", SELDOM);
    let sensor = rig.start("run");
    rig.wait_for_first_look();
    fill(&rig);
    let accounts: String = (0..MANY).map(|n| format!("toor{n}:x:0:0::/root:/bin/sh\n")).collect();
    rig.append_to_etc("passwd", &accounts);
    rig.sensor_until("more than memory keeps", |sensor| sensor["waiting"].as_u64() > Some(1000));
    empty(&rig);
    rig.sensor_until("nothing waits", |sensor| sensor["waiting"] == 0);
    let gap = rig.record_from(1, "a gap", |record| record["kind"] == "gap");
    assert_eq!(gap["body"]["cause"], "disk");
    let lost = gap["body"]["lost"].as_array().unwrap();
    let lost: BTreeMap<(String, String), u64> = lost
        .iter()
        .map(|lost| {
            let word = |key: &str| lost[key].as_str().unwrap().to_owned();
            ((word("kind"), word("severity")), lost["count"].as_u64().unwrap())
        })
        .collect();
    let told = until("all are told", || {
        let toors: Vec<Value> = rig.records().into_iter().filter(is_toor).collect();
        (toors.len() >= MANY).then_some(toors)
    });
    // Those in the first batch and those that were found anew are all of them, and no one is told twice.
    assert_eq!(told.len(), MANY);
    let at = gap["seq"].as_u64().unwrap();
    let first_look = told[0]["time"].clone();
    let kept = told.iter().filter(|record| record["time"] == first_look).count() as u64;
    let anew = told.iter().filter(|record| record["time"] != first_look).count() as u64;
    assert!(told.iter().all(|record| record["seq"].as_u64().unwrap() > at), "what was lost is told first");
    assert_eq!(
        lost.get(&("finding".into(), "critical".into())).copied(),
        Some(anew),
        "{kept} were kept: {lost:?}"
    );
    let total: u64 = lost.values().sum();
    assert_eq!(rig.status()["sensor"]["dropped"], total);
    sensor.stop();
    rig.assert_whole(&[]);
}

/// As a file system does when it finds itself damaged. It comes back with the next mount, and so does the sensor.
#[test]
fn a_disk_that_turned_read_only_crashes_nothing_and_the_next_run_goes_on() {
    let mount = "mkdir \"$1/state\"; truncate -s 8M \"$1/image\"; mkfs.ext4 -q -O ^has_journal \"$1/image\"; \
                 mount -o loop,errors=remount-ro \"$1/image\" \"$1/state\"";
    let rig = Rig::with_mounts(&[ROOTS], OFTEN, mount);
    let mounts = rig.mounts.as_ref().unwrap();
    let mut sensor = rig.start("run");
    rig.wait_for_first_look();
    let state = rig.state().display().to_string();
    mounts.shell(&format!(
        "echo test > /sys/fs/ext4/$(basename $(findmnt -no SOURCE {state}))/trigger_fs_error"
    ));
    let hurt = rig.sensor_until("records wait", |sensor| sensor["waiting"].as_u64() >= Some(3));
    assert!(!hurt["trouble"][0].as_str().unwrap().is_empty());
    assert!(sensor.is_running());
    let before = rig.lines();
    let (status, _) = sensor.terminate();
    assert_eq!(status.code(), Some(0), "an end in good order, though nobody can write that down");

    mounts.shell(&format!("umount {state}; mount -o loop {state}/../image {state}"));
    let sensor = rig.start("run");
    rig.wait_for_first_look();
    let start =
        rig.record_from(before.len() as u64 + 1, "a start", |record| record["body"]["event"] == "start");
    assert_eq!(start["body"]["clean"], false, "nothing says that the last one ended well");
    sensor.stop();
    assert_eq!(rig.lines()[..before.len()], before, "whatever was accepted is still there");
    rig.assert_whole(&[]);
}

fn is_toor(record: &Value) -> bool {
    record["body"]["subject"].as_str().is_some_and(|subject| subject.starts_with("user:toor"))
}

fn small_disk(size: &str, settings: &str) -> Rig {
    let mount = format!("mkdir \"$1/state\"; mount -t tmpfs -o size={size} tmpfs \"$1/state\"");
    Rig::with_mounts(&[ROOTS], settings, &mount)
}

fn fill(rig: &Rig) {
    let fill = filler(rig);
    // Until nothing more fits, not even a byte.
    for block in [65_536, 4096, 1] {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&fill).unwrap();
        while std::io::Write::write(&mut file, &vec![0; block]).is_ok_and(|count| count > 0) {}
    }
}

fn empty(rig: &Rig) {
    fs::remove_file(filler(rig)).unwrap();
}

fn filler(rig: &Rig) -> PathBuf {
    rig.mounts.as_ref().unwrap().path(&rig.state().join("fill"))
}
