//! What stands in the way of delivery is written by the shipper and told by the sensor: they share a file and no more.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use guestward::host::Host;
use guestward::host::delivery::{About, Delivery, Word};
use guestward::ship::matters::{Matter, Matters};

use super::rig::{Rig, SELDOM};
use crate::support::binary::text;

/// Every kind of matter, its check, and what the sensor's own words for it are.
const KINDS: [(Matter, About, &str); 5] = [
    (Matter::Account, About::Account, "logging-delivery-account"),
    (Matter::Logs, About::Logs, "logging-delivery-logs"),
    (Matter::Ssm, About::Ssm, "logging-delivery-ssm"),
    (Matter::Refused, About::Refused, "logging-delivery-complete"),
    (Matter::SealKey, About::SealKey, "logging-seal-key"),
];

#[test]
fn what_the_shipper_writes_the_sensor_reads() {
    let folder = tempfile::tempdir().unwrap();
    let matters = Matters::at(&folder.path().join("cursors"));
    for (matter, about, _) in KINDS {
        matters.open(matter, "é\u{1b}", &"ö".repeat(9000), "that it is taken");
        let delivery = heard(folder.path());
        assert!(delivery.matters.iter().any(|matter| matter.about == about), "{about:?}: {delivery:?}");
    }
    let delivery = heard(folder.path());
    assert_eq!(delivery.matters.len(), KINDS.len());
    assert!(delivery.matters.iter().all(|matter| matter.observed.as_str().len() < 2000), "{delivery:?}");
}

/// What the shipper's file says.
fn heard(state: &Path) -> Delivery {
    match Word::of(&Host::at("/").unwrap().state_at(state)).unwrap() {
        Word::Heard(delivery) => delivery,
        other => panic!("{other:?}"),
    }
}

/// The sensor looks by itself once an hour, so what is told here was noticed.
#[test]
fn a_matter_becomes_a_finding_and_is_resolved_when_it_closes() {
    let checks: Vec<&str> = KINDS.iter().map(|(_, _, check)| *check).collect();
    let rig = Rig::new(&checks, SELDOM);
    let _sensor = rig.start("run");
    rig.wait_for_first_look();
    assert!(rig.findings().is_empty(), "{:?}", rig.findings());

    let matters = Matters::at(&rig.state().join("cursors"));
    matters.beat();
    let mut from = 1;
    for (matter, _, check) in KINDS.into_iter().filter(|(matter, ..)| *matter != Matter::Logs) {
        let mut follows = |change: &str| {
            let told = rig.record_from(from, &format!("{check} {change}"), |record| {
                record["kind"] == "finding" && record["body"]["change"] == change
            });
            assert_eq!(
                (&told["body"]["check"], &told["body"]["subject"]),
                (&check.into(), &"what of it".into())
            );
            from = told["seq"].as_u64().unwrap() + 1;
        };
        matters.open(matter, "what of it", "AccessDenied", "that it is taken");
        follows("new");
        matters.close(matter, "what of it");
        follows("resolved");
    }
    // An outage that has just begun is no finding.
    matters.open(Matter::Logs, "/guestward/records", "ServiceUnavailable", "that it is taken");
    matters.open(Matter::Ssm, "the last", "AccessDenied", "that it is taken");
    rig.record_from(from, "the last", |record| record["body"]["subject"] == "the last");
    assert!(
        rig.findings().iter().all(|(_, check, _)| check != "logging-delivery-logs"),
        "{:?}",
        rig.findings()
    );
}

#[test]
fn a_posture_by_hand_finds_the_file_where_the_state_is() {
    let rig = Rig::new(&[], "");
    Matters::at(&rig.state().join("cursors")).open(Matter::Account, "sts", "another", "our own");
    let fails =
        |args: &[&str]| text(&rig.output(args).stdout).contains("The credentials belong to another account");
    assert!(fails(&["check", "logging-delivery-account"]));
    // Another tree is another machine, whatever our environment says.
    let other = tempfile::tempdir().unwrap();
    let root = other.path().display().to_string();
    assert!(!fails(&["check", "logging-delivery-account", "--root", &root]));
    Matters::at(&other.path().join(Path::new("var/lib/guestward/cursors"))).open(
        Matter::Account,
        "sts",
        "a",
        "b",
    );
    assert!(fails(&["check", "logging-delivery-account", "--root", &root]));
}

#[test]
fn a_shipper_that_is_wanted_and_never_came_is_told() {
    let rig = Rig::new(&["logging-delivery-logs"], TO_AWS);
    let says = |exit: i32, words: &str| {
        let output = rig.output(&["check", "logging-delivery-logs", "--all"]);
        let said = text(&output.stdout);
        assert!(output.status.code() == Some(exit) && said.contains(words), "{words}: {said}");
    };
    says(0, "nothing is delivered to AWS from here");
    let cursors = rig.state().join("cursors");
    fs::create_dir_all(&cursors).unwrap();
    says(0, "only about to begin");
    let ten_minutes = Duration::from_secs(600);
    // A clock that was ahead when the sensor began is no reason to wait until it is right.
    for then in [SystemTime::now() - ten_minutes, SystemTime::now() + ten_minutes] {
        fs::File::open(&cursors).unwrap().set_modified(then).unwrap();
        says(3, "no shipper was heard since");
    }
    rig.write_policy(&["logging-delivery-logs"], "");
    says(0, "nothing is delivered to AWS from here");
}

const TO_AWS: &str = "[aws]\ncredentials = \"default-chain\"\naccount = \"111122223333\"\n\
                      region = \"eu-central-1\"\n[ship.cloudwatch]\nenabled = true\n";
