//! Who AWS says that this instance is, in every record from the moment on that it is known, and never before.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::rig::{OFTEN, ROOTS, Rig, SELDOM, until};
use crate::support::metadata_loopback::{Fault, INSTANCE, Metadata};

#[test]
fn records_say_account_region_and_instance_once_aws_has_said_them() {
    let service = Metadata::start("111122223333", "eu-central-1");
    let rig = rig(&service, OFTEN);
    let sensor = rig.start("run");
    let first = rig.record_from(1, "an account", |record| !record["account"].is_null());
    let from = first["seq"].as_u64().unwrap();
    rig.record_from(from, "a heartbeat with it", |record| record["kind"] == "heartbeat");
    sensor.stop();
    for record in &rig.records() {
        let is_known = record["seq"].as_u64().unwrap() >= from;
        let expected = |text: &str| if is_known { Value::from(text) } else { Value::Null };
        assert_eq!(record["account"], expected("111122223333"), "{record}");
        assert_eq!(record["region"], expected("eu-central-1"), "{record}");
        assert_eq!(record["instance"], expected(INSTANCE), "{record}");
    }
    assert_eq!(troubles(&rig), Vec::<String>::new());
    assert_eq!(service.asked().len(), 3, "once it is known nothing is asked: {:?}", service.asked());
    rig.assert_whole(&[]);
}

#[test]
fn what_is_not_aws_is_not_believed_and_that_is_told_once() {
    for (fault, word) in
        [(Fault::Tampered, "not the one that was signed"), (Fault::Forged, "not signed with AWS's key")]
    {
        let service = Metadata::start("111122223333", "eu-central-1");
        service.set_fault(Some(fault));
        let rig = rig(&service, OFTEN);
        let sensor = rig.start("run");
        rig.record_from(1, "a trouble", |record| record["body"]["event"] == "trouble");
        until("it is asked again", || (service.asked().len() > 3).then_some(()));
        let after = rig.records().len() as u64;
        rig.record_from(after + 1, "a heartbeat", |record| record["kind"] == "heartbeat");
        let told = troubles(&rig);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(word), "{told:?}");
        assert!(rig.records().iter().all(|record| record["account"].is_null() && record["region"].is_null()));
        // Once the right one answers, it is believed without anybody doing anything.
        service.set_fault(None);
        rig.record_from(after + 1, "an account", |record| record["account"] == "111122223333");
        sensor.stop();
        rig.assert_whole(&[]);
    }
}

#[test]
fn a_service_that_says_nothing_delays_nothing() {
    let service = Metadata::start("111122223333", "eu-central-1");
    service.set_fault(Some(Fault::Silent));
    let rig = rig(&service, SELDOM);
    let began = Instant::now();
    let sensor = rig.start("run");
    rig.wait_for_first_look();
    // It takes a second or two; the rest is for a machine that does much else.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    until("it is asked all the same", || (!service.asked().is_empty()).then_some(()));
    let (status, took) = sensor.terminate();
    assert!(status.success() && took < Duration::from_secs(10), "{status}: {took:?}");
    assert!(rig.records().iter().all(|record| record["account"].is_null()));
    assert_eq!(troubles(&rig), Vec::<String>::new(), "silence at the start is nothing to speak of");
}

#[test]
fn the_document_of_another_instance_is_told_and_not_taken() {
    let service = Metadata::start("111122223333", "eu-central-1");
    let rig = rig(&service, OFTEN);
    let sensor = rig.start("run");
    rig.record_from(1, "an account", |record| !record["account"].is_null());
    sensor.stop();
    let before = rig.records().len() as u64;
    service.set_instance("i-00000000000000001");
    let sensor = rig.start("run");
    let trouble = rig.record_from(before + 1, "a trouble", |record| record["body"]["event"] == "trouble");
    sensor.stop();
    let reason = trouble["body"]["reason"].as_str().unwrap();
    assert!(reason.contains("i-00000000000000001") && reason.contains(INSTANCE), "{reason}");
    let later = rig.records();
    let mut later = later.iter().filter(|record| record["seq"].as_u64() > Some(before));
    assert!(later.all(|record| record["account"].is_null() && record["instance"] == INSTANCE));
    rig.assert_whole(&[]);
}

#[test]
fn off_ec2_nobody_is_asked_and_far_away_neither() {
    let mut rig = Rig::new(&[ROOTS], SELDOM);
    rig.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://192.0.2.80");
    let sensor = rig.start("run");
    let trouble = rig.record_from(1, "a trouble", |record| record["body"]["event"] == "trouble");
    assert!(trouble["body"]["reason"].as_str().unwrap().contains("neither a loopback"), "{trouble}");
    sensor.stop();
}

fn rig(service: &Metadata, settings: &str) -> Rig {
    let certificate = service.certificate().to_str().unwrap();
    let settings = format!("{settings}\n[aws]\nidentity-certificate = \"{certificate}\"\n");
    let mut rig = Rig::new(&[ROOTS], &settings);
    rig.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &service.url());
    rig
}

/// The reasons of all troubles that were recorded.
fn troubles(rig: &Rig) -> Vec<String> {
    let records = rig.records();
    let troubles = records.iter().filter(|record| record["body"]["event"] == "trouble");
    troubles.map(|record| record["body"]["reason"].as_str().unwrap().to_owned()).collect()
}
