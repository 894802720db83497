//! What a host costs where nothing happens: 32 KiB a day at most.

use guestward::finding::wire::{metrics, record};
use serde_json::{Value, json};

use super::rig::{OFTEN, Rig};

/// From the sizes of this machine's own records, all topics on, with an instance's identity where this machine has none.
#[test]
fn a_quiet_day_ships_no_more_than_32_kib() {
    let every: Vec<&str> = guestward::check::TOPICS.iter().map(|topic| topic.name).collect();
    let rig = Rig::new(&every, OFTEN);
    let key = rig.folder().join("first.key");
    assert!(rig.output(&["journal", "init-key", key.to_str().unwrap()]).status.success());
    let sensor = rig.start("run");
    rig.record_from(1, "a heartbeat", |record| record["kind"] == "heartbeat");
    rig.record_from(1, "a seal", |record| !record["body"]["mac"].is_null());
    sensor.stop();
    let lines = rig.lines();
    let largest = |what: &str, is_it: &dyn Fn(&Value) -> bool| -> usize {
        let sizes =
            lines.iter().filter(|line| is_it(&serde_json::from_str(line).unwrap())).map(|line| on_ec2(line));
        sizes.max().unwrap_or_else(|| panic!("no {what}"))
    };
    let kind = |kind: &'static str| move |record: &Value| record["kind"] == kind;
    let (heartbeat, checkpoint) =
        (largest("heartbeat", &kind("heartbeat")), largest("checkpoint", &kind("checkpoint")));
    // What is outstanding is told when it changes, and so not on a quiet day.
    let verdicts = |record: &Value| record["kind"] == "inventory" && record["body"]["of"].is_null();
    let (inventory, lifecycle) = (largest("inventory", &verdicts), largest("lifecycle", &kind("lifecycle")));
    // An epoch, a start and a stop; each record grows by what a larger seq, backlog and uptime take.
    let day =
        24 * (heartbeat + checkpoint) + inventory + 3 * lifecycle + (24 + 24 + 1 + 3) * (EVENT + GROWTH);
    println!(
        "a quiet day: {day} bytes ({heartbeat} a heartbeat, {checkpoint} a checkpoint, {inventory} an inventory, \
         {lifecycle} a lifecycle record)"
    );
    assert!(day <= 32 * 1024, "{day} bytes");
    // Whoever wants metrics pays for them: an event more for each heartbeat.
    let metric =
        |line: &String| metrics::event(&record::parse(line.as_bytes()).ok()?, "Guestward", "production");
    let metric = lines.iter().filter_map(metric).map(|event| event.len()).max().unwrap();
    println!("and with metrics: {} bytes ({metric} an event)", day + 24 * (metric + EVENT + GROWTH));
}

/// How long the line is with the values that it has on EC2.
fn on_ec2(line: &str) -> usize {
    let nulls = ["\"instance\":null", "\"account\":null", "\"region\":null"];
    let values = [json!("i-0123456789abcdef0"), json!("123456789012"), json!("ap-southeast-2")];
    let mut longer = line.len();
    for (null, value) in nulls.iter().zip(values) {
        if line.contains(null) {
            longer += value.to_string().len() - "null".len();
        }
    }
    longer
}

/// What CloudWatch Logs charges for each event beside its bytes.
const EVENT: usize = 26;
/// Digits that a seq, a backlog and an uptime may have more than here.
const GROWTH: usize = 20;
