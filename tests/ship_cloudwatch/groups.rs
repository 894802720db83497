//! Groups, classes, streams, and whose account they are in.

use super::super::support::aws::Class;
use super::super::support::journal::{drafts, until};
use super::{Cloud, GROUP};
use guestward::finding::Severity;
use guestward::finding::wire::record::{self, Kind};
use guestward::journal::Draft;
use jiff::Timestamp;

fn heartbeat() -> Draft {
    let body = r#"{"counts":{"pass":1,"fail":2,"unknown":3,"not_applicable":0,"suppressed":0},"worst":null,"version":"0","policy":"x","backlog":{"records":0,"bytes":7},"gaps":0,"dropped":0,"cpu_s":0.1,"rss":1,"up_s":1}"#;
    Draft {
        time: Timestamp::now(),
        kind: Kind::Heartbeat,
        severity: Severity::Informational,
        body: body.to_owned(),
    }
}

#[test]
fn a_group_of_class_infrequent_access_takes_the_records_too() {
    let cloud = Cloud::new("");
    cloud.aws.group(GROUP).class(Class::InfrequentAccess);
    cloud.record(0..100);
    let _shipper = cloud.ship();
    cloud.until_delivered();
    cloud.assert_sound();
}

#[test]
fn the_alarm_group_gets_critical_findings_and_heartbeats_with_metrics_of_the_fleet_alone() {
    let cloud = Cloud::new(
        "alarm-group = \"/guestward/alarms\"\ncheckpoint-group = \"/guestward/checkpoints\"\nmetrics = \"Guestward\"\nfleet = \"web\"",
    );
    cloud.aws.group("/guestward/alarms");
    cloud.aws.group("/guestward/checkpoints");
    cloud.record(0..20);
    cloud.append(drafts(20..21, Severity::Critical));
    cloud.append(vec![heartbeat()]);
    let _shipper = cloud.ship();
    cloud.until_delivered();
    until("the alarms are there", || cloud.aws.events("/guestward/alarms").len() == 3);
    let alarms = cloud.aws.events("/guestward/alarms");
    let kinds: Vec<Option<Kind>> = alarms
        .iter()
        .map(|event| record::parse(event.message.as_bytes()).ok().map(|record| record.kind))
        .collect();
    assert_eq!(kinds, [Some(Kind::Finding), Some(Kind::Heartbeat), None]);
    let metrics: serde_json::Value = serde_json::from_str(&alarms[2].message).unwrap();
    assert_eq!(metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"], serde_json::json!([["fleet"]]));
    assert_eq!((&metrics["fleet"], &metrics["Failing"]), (&"web".into(), &2.into()));
    assert!(
        cloud.events().iter().all(|event| !event.message.contains("_aws")),
        "the records' group has none"
    );
    assert!(cloud.aws.events("/guestward/checkpoints").is_empty(), "there was no checkpoint");
    cloud.assert_sound();
}

#[test]
fn a_missing_group_is_named_and_nothing_is_lost_until_somebody_makes_it() {
    let cloud = Cloud::new("group = \"/guestward/{account}\"");
    cloud.record(0..10);
    let _shipper = cloud.ship();
    until("it says so", || {
        cloud.state.said().contains("there is no log group /guestward/111122223333 in eu-central-1")
    });
    let left =
        || std::fs::read_to_string(cloud.state.path().join("cursors/delivery.json")).unwrap_or_default();
    until("the sensor can read it", || left().contains("\"logs\""));
    cloud.aws.group("/guestward/111122223333");
    until("all are there", || cloud.aws.events("/guestward/111122223333").len() == cloud.lines().len());
    until("and it is over", || !left().contains("\"logs\""));
}

#[test]
fn credentials_of_another_account_send_nothing() {
    let cloud = Cloud::new("");
    let policy = std::fs::read_to_string(cloud.state.path().join("policy.toml")).unwrap();
    std::fs::write(cloud.state.path().join("policy.toml"), policy.replace("111122223333", "999988887777"))
        .unwrap();
    cloud.record(0..10);
    let _shipper = cloud.ship();
    until("it says so", || cloud.state.said().contains("999988887777: nothing is sent"));
    let left = std::fs::read_to_string(cloud.state.path().join("cursors/delivery.json")).unwrap();
    assert!(left.contains("\"account\""), "{left}");
    let services: Vec<_> = cloud.aws.calls().into_iter().map(|call| call.action).collect();
    assert!(services.iter().all(|action| action == "GetCallerIdentity"), "{services:?}");
}
