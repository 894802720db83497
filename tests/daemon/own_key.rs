//! A policy that seals: the sensor makes each epoch's key by itself, and offers its first state to the shipper.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::rig::{OFTEN, ROOTS, Rig, SELDOM, until};
use crate::support::binary::text;

const SEAL: &str = "[seal]\nparameter = \"/guestward/seal/{agent}/{epoch}\"";

fn offered(rig: &Rig) -> PathBuf {
    rig.state().join("cursors/first-key.json")
}

#[test]
fn an_epoch_is_sealed_from_its_start_and_its_first_key_is_offered() {
    let rig = Rig::new(&[ROOTS], &format!("{OFTEN}\n{SEAL}"));
    let sensor = rig.start("run");
    let sealed = rig.record_from(1, "a checkpoint", |record| record["kind"] == "checkpoint");
    assert_eq!(sealed["body"]["key"], 0);
    sensor.stop();
    let key: Value = serde_json::from_slice(&fs::read(offered(&rig)).unwrap()).unwrap();
    let records = rig.records();
    let created = records.iter().find(|record| record["body"]["event"] == "key-created").unwrap();
    assert_eq!((&created["seq"], &created["epoch"]), (&key["from_seq"], &key["epoch"]));
    assert_eq!(fs::metadata(offered(&rig)).unwrap().permissions().mode() & 0o777, 0o660);
    rig.assert_whole(&[&offered(&rig)]);

    // The next run goes on with the same key, and offers nothing once it was taken.
    let taken = rig.folder().join("taken.key");
    fs::rename(offered(&rig), &taken).unwrap();
    let sensor = rig.start("run");
    rig.wait_for_first_look();
    sensor.kill();
    assert!(!offered(&rig).exists());
    rig.assert_whole(&[&taken]);
}

#[test]
fn a_policy_that_begins_to_seal_makes_a_key_at_once() {
    let rig = Rig::new(&[ROOTS], SELDOM);
    let sensor = rig.start("run");
    rig.wait_for_first_look();
    assert!(!offered(&rig).exists());
    rig.write_policy(&[ROOTS], &format!("{SELDOM}\n{SEAL}"));
    sensor.signal(Signal::SIGHUP);
    until("the key is offered", || offered(&rig).exists().then_some(()));
    rig.record_from(1, "a sealed checkpoint", |record| record["body"]["key"] == 0);
    sensor.stop();
    rig.assert_whole(&[&offered(&rig)]);
}

/// What an operator makes by hand is his to keep, and he is told what the policy does of itself.
#[test]
fn a_key_by_hand_is_made_all_the_same_and_the_policy_is_named() {
    let rig = Rig::new(&[ROOTS], &format!("{SELDOM}\n{SEAL}"));
    let file = rig.folder().join("by hand.key");
    let output = rig.output(&["journal", "init-key", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("[seal] parameter"), "{}", text(&output.stdout));
    let sensor = rig.start("run");
    rig.wait_for_first_look();
    sensor.stop();
    assert!(!offered(&rig).exists());
    rig.assert_whole(&[&file]);
}
