//! The lane `seal-key`.

use std::fs;
use std::time::Duration;

use guestward::finding::Severity;
use guestward::finding::wire::key::FirstKey;
use guestward::finding::wire::record::{Id, Kind};
use guestward::journal::handover::Handover;
use guestward::journal::{Directory, Draft};
use guestward::ship::seal_key::SealKey;
use guestward::ship::{Delivered, Shipper as _, Trouble};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{Cloud, INSTANCE};
use crate::support::aws::{Fault, Kind as Wrong};

const NAME: &str = "/guestward/seal/i-0123456789abcdef0/0202020202020202";

fn lane(cloud: &Cloud) -> SealKey {
    let template = "/guestward/seal/{instance}/{epoch}".to_owned();
    let lane = SealKey::new(template, cloud.client(Some(INSTANCE)), cloud.matters(), cloud.cursors());
    lane.with_patience(Duration::ZERO)
}

/// As the sensor leaves it.
fn offer(cloud: &Cloud) -> FirstKey {
    let (agent, epoch) = (Id::new([1; 8]), Id::new([2; 8]));
    let first = FirstKey { agent, epoch, from_seq: 2, index: 0, key: Zeroizing::new([7; 32]) };
    let handover = Handover::at(Directory::create(&cloud.cursors(), 0o770, None).unwrap());
    handover.prepare(&first).unwrap();
    handover.offer().unwrap();
    first
}

fn wake(lane: &mut SealKey, cloud: &mut Cloud) -> Result<Delivered, Trouble> {
    let time = jiff::Timestamp::now();
    let body = r#"{"event":"key-created","from_seq":2}"#.to_owned();
    let entries = cloud.record(&[Draft { time, kind: Kind::Lifecycle, severity: Severity::Medium, body }]);
    lane.deliver(&entries)
}

fn hash(first: &FirstKey) -> String {
    Sha256::digest(first.to_json().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn stored(cloud: &Cloud) -> Vec<(String, String, String)> {
    cloud.aws.parameters().into_iter().map(|each| (each.name, each.kind, each.value)).collect()
}

fn wanted(first: &FirstKey) -> Vec<(String, String, String)> {
    vec![
        (format!("{NAME}/key"), "SecureString".to_owned(), first.to_json().to_string()),
        (format!("{NAME}/sha256"), "String".to_owned(), hash(first)),
    ]
}

/// Nothing of it lies about, and nothing of it was said.
fn assert_gone(cloud: &Cloud) {
    let names =
        fs::read_dir(cloud.cursors()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!names.into_iter().any(|name| name.contains("first-key")));
}

#[test]
fn a_first_key_is_handed_over_once_and_then_it_is_gone_from_here() {
    let mut cloud = Cloud::new();
    let mut lane = lane(&cloud);
    assert!(wake(&mut lane, &mut cloud).is_ok());
    assert_eq!(cloud.aws.calls().len(), 0, "there is nothing to carry");
    let first = offer(&cloud);
    assert!(wake(&mut lane, &mut cloud).is_ok());
    assert_eq!(stored(&cloud), wanted(&first));
    assert_gone(&cloud);
    let calls = cloud.aws.calls().len();
    assert!(wake(&mut lane, &mut cloud).is_ok());
    assert_eq!((cloud.aws.calls().len(), cloud.count("GetParameter")), (calls, 0));
    assert_eq!(cloud.open(), []);
}

/// The record of it was delivered long ago, by a process that was killed then.
#[test]
fn a_key_that_waits_here_since_before_is_fetched_at_the_start() {
    let cloud = Cloud::new();
    let first = offer(&cloud);
    lane(&cloud).resume(None);
    assert_eq!(stored(&cloud), wanted(&first));
    assert_gone(&cloud);
}

#[test]
fn a_reply_that_was_lost_is_no_other_key() {
    for has_hash in [false, true] {
        let mut cloud = Cloud::new();
        let (mut lane, first) = (lane(&cloud), offer(&cloud));
        if has_hash {
            cloud.aws.put_parameter(&format!("{NAME}/sha256"), &hash(&first));
            cloud.aws.faults().push(Fault::times(1, Wrong::Failure).on("PutParameter"));
            assert!(matches!(wake(&mut lane, &mut cloud), Err(Trouble::Retry { .. })));
        }
        cloud.aws.faults().push(Fault::times(1, Wrong::LostReply).on("PutParameter"));
        // Where it already is, the lost reply is a refusal that was lost.
        let lost = wake(&mut lane, &mut cloud);
        assert!(matches!(lost, Err(Trouble::Retry { .. })), "{lost:?}");
        assert!(wake(&mut lane, &mut cloud).is_ok());
        let values: Vec<String> = stored(&cloud).into_iter().map(|(_, _, value)| value).collect();
        assert_eq!(values, [first.to_json().to_string(), hash(&first)]);
        assert_gone(&cloud);
        assert_eq!(cloud.open(), []);
    }
}

/// Both were put, and the process was killed before it removed the file.
#[test]
fn a_key_that_is_there_already_is_not_put_again() {
    let mut cloud = Cloud::new();
    let (mut lane, first) = (lane(&cloud), offer(&cloud));
    cloud.aws.put_parameter(&format!("{NAME}/sha256"), &hash(&first));
    cloud.aws.put_parameter(&format!("{NAME}/key"), "ours, as far as anybody can tell");
    assert!(wake(&mut lane, &mut cloud).is_ok());
    assert_gone(&cloud);
    assert_eq!(cloud.open(), []);
}

#[test]
fn another_key_in_its_place_is_a_matter_and_nothing_is_overwritten() {
    let mut cloud = Cloud::new();
    let (mut lane, first) = (lane(&cloud), offer(&cloud));
    let name = format!("{NAME}/sha256");
    cloud.aws.put_parameter(&name, "somebody else's");
    assert!(wake(&mut lane, &mut cloud).is_ok(), "no record waits for it");
    let (matter, observed) = cloud.open().remove(0);
    assert!(matter == "seal-key" && observed.contains("somebody else's"), "{matter} {observed}");
    assert_eq!(stored(&cloud), [(name, "String".to_owned(), "somebody else's".to_owned())]);
    let path = cloud.cursors().join("first-key.json");
    assert_eq!(fs::read_to_string(&path).unwrap(), *first.to_json());
}

/// The key is there, and its hash was not: nobody here can have put it.
#[test]
fn a_key_that_was_there_before_ours_was_told_is_somebody_elses() {
    let mut cloud = Cloud::new();
    offer(&cloud);
    cloud.aws.put_parameter(&format!("{NAME}/key"), "somebody else's");
    for _ in 0..3 {
        // Begun anew each time: by the second our hash is there.
        let mut lane = lane(&cloud);
        assert!(wake(&mut lane, &mut cloud).is_ok());
        assert_eq!(cloud.open()[0].0, "seal-key");
        assert!(cloud.cursors().join("first-key.json").exists());
    }
}

#[test]
fn whoever_may_not_put_it_is_told_and_the_key_stays_until_it_may() {
    let mut cloud = Cloud::new();
    let (mut lane, first) = (lane(&cloud), offer(&cloud));
    cloud.aws.deny("ssm:PutParameter");
    assert!(wake(&mut lane, &mut cloud).is_ok());
    let (matter, observed) = cloud.open().remove(0);
    assert!(matter == "seal-key" && observed.contains("AccessDenied"), "{matter} {observed}");
    assert!(!observed.contains("\"key\"") && !format!("{lane:?}").contains("\"key\""));
    cloud.aws.allow("ssm:PutParameter");
    assert!(wake(&mut lane, &mut cloud).is_ok());
    assert_eq!(stored(&cloud), wanted(&first));
    assert_eq!(cloud.open(), []);
    assert_gone(&cloud);
}

#[test]
fn a_file_that_holds_no_key_is_a_matter_and_stays() {
    let mut cloud = Cloud::new();
    let mut lane = lane(&cloud);
    let path = cloud.cursors().join("first-key.json");
    fs::write(&path, "no key").unwrap();
    assert!(wake(&mut lane, &mut cloud).is_ok());
    assert_eq!(cloud.open(), [("seal-key".to_owned(), "first-key.json is no first key".to_owned())]);
    assert!(path.exists() && cloud.aws.calls().is_empty());
}
