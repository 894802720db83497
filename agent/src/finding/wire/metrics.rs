//! A heartbeat as metrics: what a fleet's dashboards and alarms count, in CloudWatch's embedded metric format.
//!
//! An event of its own beside the record, which stays what it is. The only dimension is the fleet: each value of a
//! dimension is a metric that costs as much as a host, and a host's own numbers are in its records.

use serde::Deserialize;
use serde_json::json;

use super::record::{Kind, Record};

/// The event for a heartbeat; `None` for any other record. The same record makes the same bytes.
pub fn event(record: &Record<'_>, namespace: &str, fleet: &str) -> Option<String> {
    if record.kind != Kind::Heartbeat {
        return None;
    }
    let beat: Beat = serde_json::from_str(record.body).ok()?;
    let time: jiff::Timestamp = record.time.parse().ok()?;
    let metrics: Vec<_> = METRICS.iter().map(|name| json!({"Name": name})).collect();
    let event = json!({
        "_aws": {
            "Timestamp": time.as_millisecond(),
            "CloudWatchMetrics": [{"Namespace": namespace, "Dimensions": [["fleet"]], "Metrics": metrics}],
        },
        "fleet": fleet,
        "agent": record.agent.to_string(),
        "of": record.seq,
        "Heartbeats": 1,
        "Failing": beat.counts.fail,
        "Unknown": beat.counts.unknown,
        "Undelivered": beat.backlog.bytes,
        "Lost": beat.dropped,
    });
    Some(event.to_string())
}

#[derive(Deserialize)]
struct Beat {
    counts: Counts,
    backlog: Backlog,
    dropped: u64,
}

#[derive(Deserialize)]
struct Counts {
    fail: u64,
    unknown: u64,
}

#[derive(Deserialize)]
struct Backlog {
    bytes: u64,
}

/// As few as answer what a fleet is asked: is it there, is it sound, does it arrive. The day has a budget of bytes.
const METRICS: &[&str] = &["Heartbeats", "Failing", "Unknown", "Undelivered", "Lost"];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests {
    use std::time::Duration;

    use super::super::body::Heartbeat;
    use super::super::record::{self, Hash, Id, Speaker};
    use super::*;
    use crate::finding::Summary;

    #[test]
    fn a_heartbeat_counts_for_its_fleet_and_never_for_its_host() {
        let speaker = Speaker {
            agent: Id::new([1; 8]),
            epoch: Id::new([2; 8]),
            boot: "0badcafe".into(),
            instance: Some("i-0123456789abcdef0".into()),
            account: None,
            region: None,
        };
        let body = Heartbeat {
            posture: Summary { fail: 3, unknown: 2, ..Summary::default() },
            version: "1",
            policy: [0; 32],
            backlog_records: 1,
            backlog_bytes: 500,
            gaps: 4,
            dropped: 5,
            cpu: Duration::ZERO,
            rss: 1,
            up: Duration::ZERO,
        };
        let now = jiff::Timestamp::from_millisecond(1_700_000_000_123).unwrap();
        let line = record::line(&speaker, 9, &Hash::NONE, now, Kind::Heartbeat, &body.to_json()).unwrap();
        let event: serde_json::Value =
            serde_json::from_str(&event(&record::parse(&line).unwrap(), "Guestward", "web").unwrap())
                .unwrap();
        assert_eq!(event["_aws"]["Timestamp"], 1_700_000_000_123_u64);
        assert_eq!(event["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["fleet"]]));
        assert_eq!(
            (&event["Failing"], &event["Unknown"], &event["Undelivered"]),
            (&json!(3), &json!(2), &json!(500))
        );
        for metric in event["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap() {
            assert!(event[metric["Name"].as_str().unwrap()].is_u64(), "{metric} has a number");
        }
        let other = record::line(&speaker, 9, &Hash::NONE, now, Kind::Finding, "{}").unwrap();
        assert_eq!(super::event(&record::parse(&other).unwrap(), "Guestward", "web"), None);
    }
}
