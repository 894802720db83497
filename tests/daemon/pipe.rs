//! The whole way: what changes on the machine stands in the delivered file, whoever is killed in between.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::rig::{OFTEN, ROOTS, Rig, until};
use crate::support::binary::text;

#[test]
fn whoever_is_killed_the_delivered_file_holds_every_record_and_verifies() {
    let small = "\n[ship.local]\nmax-bytes = \"64KiB\"\nkeep = 1000";
    let rig = Rig::with_etc(&[ROOTS], &format!("{OFTEN}{small}"));
    let key = rig.folder().join("first.key");
    assert!(rig.output(&["journal", "init-key", key.to_str().unwrap()]).status.success());
    let (mut sensor, mut shipper) = (Some(rig.start("run")), Some(rig.start("ship")));
    // The same made-up moments each time.
    let mut dice = 0x2545_f491_4f6c_dd1d_u64;
    for cycle in 0..10 {
        rig.append_to_etc("passwd", &format!("toor{cycle}:x:0:0::/root:/bin/sh\n"));
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        std::thread::sleep(Duration::from_millis(dice % 1500));
        let (which, name) = if dice & 1 == 0 { (&mut sensor, "run") } else { (&mut shipper, "ship") };
        which.take().unwrap().kill();
        *which = Some(rig.start(name));
    }
    // The other one of the two at least once, whatever the dice said.
    sensor.take().unwrap().kill();
    shipper.take().unwrap().kill();
    let (sensor, shipper) = (rig.start("run"), rig.start("ship"));
    until("every account is told", || {
        let findings = rig.findings();
        (0..10).all(|n| findings.iter().any(|found| found.2 == format!("user:toor{n}"))).then_some(())
    });
    sensor.signal(Signal::SIGTERM);
    sensor.stop();
    let lines = rig.lines();
    let last = lines.last().unwrap().clone();
    until("the last record is delivered", || delivered(&rig).ends_with(&(last.clone() + "\n")).then_some(()));
    shipper.stop();

    let verified = rig.verify(&[&key], &files(&rig));
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified.stdout));
    let mut arrived: Vec<String> = delivered(&rig).lines().map(str::to_owned).collect();
    // A batch that was on its way may have come twice; in one place and byte for byte.
    arrived.dedup();
    let mut once = std::collections::BTreeSet::new();
    arrived.retain(|line| once.insert(line.clone()));
    assert_eq!(arrived, lines);

    // One byte of one record.
    let newest = files(&rig).last().unwrap().clone();
    let text_before = fs::read_to_string(&newest).unwrap();
    let line = text_before.lines().find(|line| line.contains("\"event\":\"stop\"")).unwrap();
    let seq = serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].clone();
    let forged = line.replace("SIGTERM", "SIGTERn");
    assert_ne!(line, forged);
    fs::write(&newest, text_before.replace(line, &forged)).unwrap();
    let verified = rig.verify(&[&key], &files(&rig));
    assert_eq!(verified.status.code(), Some(1));
    assert!(
        text(&verified.stdout).contains(&format!("record {seq} is not")),
        "{seq}: {}",
        text(&verified.stdout)
    );
}

/// The delivered files, oldest first.
fn files(rig: &Rig) -> Vec<PathBuf> {
    let folder = rig.state().join("log");
    let Ok(entries) = fs::read_dir(&folder) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("records.jsonl")).collect();
    let age = |name: &str| name.rsplit('.').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
    names.sort_by_key(|name| std::cmp::Reverse(age(name)));
    names.into_iter().map(|name| folder.join(name)).collect()
}

fn delivered(rig: &Rig) -> String {
    files(rig).iter().map(|file| fs::read_to_string(file).unwrap_or_default()).collect()
}
