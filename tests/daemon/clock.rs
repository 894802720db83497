//! A clock that jumps while records flow. Only the wall clock: time that passes goes on as it does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::rig::{OFTEN, ROOTS, Rig, until};

#[test]
fn a_clock_that_jumps_by_years_loses_no_record_and_breaks_no_chain() {
    let mut rig = Rig::with_etc(&[ROOTS], OFTEN);
    rig.append_to_etc("passwd", "toor:x:0:0::/root:/bin/sh\n");
    let clock = rig.folder().join("clock");
    fs::write(&clock, "+0\n").unwrap();
    assert!(Path::new(crate::support::binary::FAKETIME).exists(), "tests/all installs it");
    rig.set("LD_PRELOAD", crate::support::binary::FAKETIME);
    rig.set("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap());
    rig.set("FAKETIME_NO_CACHE", "1");
    rig.set("DONT_FAKE_MONOTONIC", "1");
    let key = rig.folder().join("first.key");
    assert!(rig.output(&["journal", "init-key", key.to_str().unwrap()]).status.success());
    let sensor = rig.start("run");
    let shipper = rig.start("ship");
    rig.wait_for_first_look();
    let told = rig.findings().len();

    let mut seen = 0;
    for (jump, year) in
        [("+10y", 2035), ("+0", 2025), ("@1970-01-01 00:01:00", 1970), ("+10y", 2035), ("-3d", 2025)]
    {
        fs::write(&clock, format!("{jump}\n")).unwrap();
        let beat = rig.record_from(seen + 1, jump, |record| {
            let this: i32 = record["time"].as_str().unwrap()[..4].parse().unwrap();
            // The tests' own year is whatever it is.
            record["kind"] == "heartbeat"
                && if year == 2025 {
                    (1971..2034).contains(&this)
                } else {
                    (year - 9..=year + 9).contains(&this) || this > 2034 && year == 2035
                }
        });
        seen = beat["seq"].as_u64().unwrap();
        rig.record_from(seen + 1, "a seal", |record| record["kind"] == "checkpoint");
    }
    sensor.stop();
    let lines = rig.lines();
    until("everything is delivered", || {
        let file = fs::read_to_string(rig.state().join("log/records.jsonl")).unwrap_or_default();
        (file.lines().count() >= lines.len()).then_some(())
    });
    shipper.stop();
    let records = rig.records();
    let seqs: Vec<u64> = records.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
    assert_eq!(
        seqs,
        (1..=seqs.len() as u64).collect::<Vec<_>>(),
        "nothing was delivered long ago, so nothing is freed"
    );
    let years: BTreeSet<&str> = records.iter().map(|record| &record["time"].as_str().unwrap()[..4]).collect();
    assert!(years.contains("1970") && years.len() >= 3, "the clock was never moved: {years:?}");
    assert_eq!(rig.findings().len(), told, "time is no finding");
    rig.assert_whole(&[&key]);
    let delivered = rig.verify(&[&key], &[rig.state().join("log/records.jsonl")]);
    assert_eq!(delivered.status.code(), Some(0));
}
