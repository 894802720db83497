//! From one run to the next: what the first tells, how it ends, and that nothing is told twice, however it ended.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::rig::{OFTEN, ROOTS, Rig, SELDOM};

#[test]
fn a_first_run_tells_who_it_is_what_is_wrong_and_that_it_stopped() {
    let rig = bad_accounts(OFTEN);
    let sensor = rig.start("run");
    let beat = rig.record_from(1, "a heartbeat", |record| record["kind"] == "heartbeat");
    assert!(beat["body"]["counts"]["fail"].as_u64() > Some(0), "{beat}");
    rig.record_from(1, "an inventory", |record| record["kind"] == "inventory");
    let sealed = rig.record_from(1, "a checkpoint", |record| record["kind"] == "checkpoint");
    let (status, took) = sensor.terminate();
    assert_eq!(status.code(), Some(0));
    // It promises five; the rest is for a machine that does much else.
    assert!(took < Duration::from_secs(10), "{took:?}");

    let records = rig.records();
    let events = events(&records);
    assert_eq!(events[..2], ["epoch", "start"], "{events:?}");
    assert_eq!(
        (&records[0]["body"]["cause"], &records[1]["body"]["clean"]),
        (&"first-start".into(), &Value::Null)
    );
    assert!(rig.findings().contains(&extra("new", "user:toor")), "{:#?}", rig.findings());
    assert!(rig.findings().iter().all(|(change, _, _)| change == "new"));
    let first = records[1]["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let sealed = sealed["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(sealed.duration_since(first).as_secs_f64() < 20.0, "sealed a second after the first record");
    let [.., stop, checkpoint] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((&stop["body"]["event"], &checkpoint["kind"]), (&"stop".into(), &"checkpoint".into()));
    assert!(!rig.state().join("run/sensor.sock").exists());
    rig.assert_whole(&[]);
}

#[test]
fn a_second_run_knows_how_the_first_ended_and_tells_nothing_again() {
    let rig = bad_accounts(SELDOM);
    let told = |rig: &Rig| {
        let findings = rig.findings();
        let once: BTreeSet<_> = findings.iter().map(|(_, check, subject)| (check, subject)).collect();
        assert_eq!(once.len(), findings.len(), "something was told twice: {findings:#?}");
        findings.len()
    };
    let sensor = rig.start("run");
    rig.wait_for_first_look();
    sensor.stop();
    let first = told(&rig);
    assert!(first > 0);
    let early = fs::read(open(&rig)).unwrap();

    for (how, was_clean) in [("terminated", true), ("killed", false)] {
        let before = rig.records().len() as u64;
        let sensor = rig.start("run");
        let start = rig.record_from(before + 1, "a start", |record| record["body"]["event"] == "start");
        assert_eq!(start["body"]["clean"], true, "after it was terminated, {how}");
        rig.wait_for_first_look();
        assert_eq!(told(&rig), first);
        if was_clean { sensor.stop() } else { sensor.kill() }
    }
    let before = rig.records().len() as u64;
    let sensor = rig.start("run");
    let start = rig.record_from(before + 1, "a start", |record| record["body"]["event"] == "start");
    assert_eq!(start["body"]["clean"], false);
    rig.append_to_etc("passwd", "toor2:x:0:0::/root:/bin/sh\n");
    rig.record_from(before + 1, "another finding", |record| record["body"]["subject"] == "user:toor2");
    sensor.kill();

    // As if it had been killed after the journal took the finding, and before the file that remembers it was there.
    for remembered in [Some(early.as_slice()), Some(b"{\"torn"), None] {
        match remembered {
            Some(bytes) => fs::write(open(&rig), bytes).unwrap(),
            None => fs::remove_file(open(&rig)).unwrap(),
        }
        let sensor = rig.start("run");
        rig.wait_for_first_look();
        assert_eq!(told(&rig), first + 1, "{:?}", remembered.map(<[u8]>::len));
        sensor.kill();
    }
    rig.assert_whole(&[]);
}

/// What the agent remembers of what is open.
fn open(rig: &Rig) -> std::path::PathBuf {
    rig.state().join("state/open.json")
}

/// Somebody beside root is root.
fn bad_accounts(settings: &str) -> Rig {
    let rig = Rig::with_etc(&[ROOTS], settings);
    rig.append_to_etc("passwd", "toor:x:0:0::/root:/bin/sh\n");
    assert!(
        Path::new("/etc/passwd").exists() && !fs::read_to_string("/etc/passwd").unwrap().contains("toor")
    );
    rig
}

fn extra(change: &str, subject: &str) -> (String, String, String) {
    (change.to_owned(), "accounts-extra-uid-0".to_owned(), subject.to_owned())
}

fn events(records: &[Value]) -> Vec<&str> {
    records.iter().filter_map(|record| record["body"]["event"].as_str()).collect()
}
