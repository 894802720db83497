//! What is outstanding is told when it changes, and since when it waits is remembered from one list to the next.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::rig::{Daemon, Rig, SELDOM};

#[test]
fn the_pending_set_is_a_record_when_it_changes_and_only_then() {
    let rig = machine();
    installed(&rig, "1");
    archive(&rig, 10, "1");
    let sensor = rig.start("run");
    let first = of_packages(&rig, 1, "the first set", |body| body["pending"] == Value::Array(vec![]));
    assert_eq!(
        (&first["body"]["installed"], &first["body"]["manager"]),
        (&1.into(), &"apt".into()),
        "{first:#}"
    );
    assert_eq!(first["body"]["metadata"]["state"], "fresh", "{first:#}");

    // The archive has a fix on the eleventh that it had not on the tenth.
    at_once(&sensor, || archive(&rig, 11, "2"));
    let second = of_packages(&rig, 1, "an update", |body| body["counts"]["security"] == 1);
    let update = second["body"]["pending"][0].clone();
    assert_eq!((&update["name"], &update["candidate"]), (&"openssl".into(), &"2".into()), "{update:#}");
    assert_eq!(update["not_before"], "2026-11-10T00:00:00.000Z", "{update:#}");
    assert_eq!(update["not_after"], "2026-11-11T00:00:00.000Z", "{update:#}");

    // Newer lists in which nothing else is are nothing new, to this run and to the next.
    at_once(&sensor, || archive(&rig, 12, "2"));
    sensor.stop();
    let sensor = rig.start("run");
    rig.wait_for_first_look();
    at_once(&sensor, || archive(&rig, 13, "3"));
    let third = of_packages(&rig, 1, "another fix", |body| body["pending"][0]["candidate"] == "3");
    let update = third["body"]["pending"][0].clone();
    assert_eq!(
        update["not_after"], "2026-11-11T00:00:00.000Z",
        "the first one waits as long as before: {update:#}"
    );

    // Somebody installs it: dpkg's database is another, and is looked at again at once.
    installed(&rig, "3");
    let seq = third["seq"].as_u64().unwrap() + 1;
    of_packages(&rig, seq, "nothing outstanding", |body| body["pending"] == Value::Array(vec![]));
    sensor.stop();
    let digests: Vec<Value> = rig
        .records()
        .iter()
        .filter(|record| is_of_packages(record))
        .map(|record| record["body"]["digest"].clone())
        .collect();
    assert_eq!(digests.len(), 4, "{digests:#?}");
    assert!(digests.windows(2).all(|pair| pair[0] != pair[1]), "{digests:#?}");
    rig.assert_whole(&[]);
}

#[test]
fn a_damaged_memory_is_begun_anew_and_that_is_told() {
    let rig = machine();
    installed(&rig, "1");
    archive(&rig, 10, "2");
    let sensor = rig.start("run");
    of_packages(&rig, 1, "an update", |body| body["counts"]["security"] == 1);
    sensor.stop();
    let memory = rig.state().join("state/appeared.json");
    let kept = fs::read(&memory).unwrap();
    fs::write(&memory, &kept[..kept.len() / 2]).unwrap();
    let sensor = rig.start("run");
    rig.record_from(1, "the damage", |record| {
        let reason = record["body"]["reason"].as_str().unwrap_or_default();
        record["kind"] == "lifecycle" && reason.starts_with("when updates appeared is not known any more")
    });
    sensor.stop();
    assert_eq!(fs::read(&memory).unwrap(), kept, "what the lists say is the same");
}

/// One package, one archive, and nobody else's.
fn machine() -> Rig {
    let line = "mkdir -p \"$1/dpkg/info\" \"$1/dpkg/updates\" \"$1/apt/lists/partial\"\n\
                mount --bind \"$1/dpkg\" /var/lib/dpkg; mount --bind \"$1/apt\" /var/lib/apt\n\
                rm -rf \"$1/etc/apt\"; mkdir -p \"$1/etc/apt/sources.list.d\"";
    let rig = Rig::with_mounts(&["packages"], SELDOM, line);
    let source = "deb http://deb.example/security stable-security main\n";
    fs::write(rig.etc("apt/sources.list"), source).unwrap();
    rig
}

fn installed(rig: &Rig, version: &str) {
    let status =
        format!("Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n");
    replace(rig, "dpkg/status", &status);
}

/// As `apt-get update` leaves it, on a day of November 2026.
fn archive(rig: &Rig, day: u8, version: &str) {
    let lists = "apt/lists/deb.example_security_dists_stable-security";
    let packages = format!("Package: openssl\nVersion: {version}\nArchitecture: amd64\n");
    let release = format!(
        "Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nArchitectures: amd64\n\
         Date: {} Nov 2026 00:00:00 UTC\nSHA256:\n 00 0 main/binary-amd64/Packages\n",
        weekday(day)
    );
    replace(rig, &format!("{lists}_Release"), &release);
    replace(rig, &format!("{lists}_main_binary-amd64_Packages"), &packages);
}

/// A look between the two files would see the old version under the new date.
fn at_once(sensor: &Daemon, change: impl FnOnce()) {
    sensor.freeze();
    change();
    sensor.signal(Signal::SIGCONT);
}

fn weekday(day: u8) -> String {
    let name = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][usize::from(day - 1) % 7];
    format!("{name}, {day:02}")
}

fn replace(rig: &Rig, name: &str, text: &str) {
    let path = rig.folder().join(name);
    let next = rig.folder().join("next");
    fs::write(&next, text).unwrap();
    fs::rename(next, path).unwrap();
}

fn is_of_packages(record: &Value) -> bool {
    record["kind"] == "inventory" && record["body"]["of"] == "packages"
}

fn of_packages(rig: &Rig, from: u64, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    rig.record_from(from, what, |record| is_of_packages(record) && is_it(&record["body"]))
}
