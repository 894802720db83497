//! SIGHUP: another policy is in force whole, or the old one stays and its would-be successor is told.

use nix::sys::signal::Signal;

use super::rig::{ROOTS, Rig, SELDOM};

#[test]
fn another_policy_is_in_force_at_once_and_what_it_turns_off_is_resolved() {
    let rig = Rig::with_etc(&[ROOTS], SELDOM);
    rig.append_to_etc("passwd", "toor:x:0:0::/root:/bin/sh\n");
    let sensor = rig.start("run");
    rig.wait_for_first_look();
    let before = rig.status()["sensor"]["policy"].clone();
    let off = "[checks.accounts-extra-uid-0]\nenabled = false";
    // Beats that were an hour apart are a second apart from now on.
    rig.write_policy(
        &[ROOTS],
        &format!("{}\n{off}", SELDOM.replace("heartbeat = \"1h\"", "heartbeat = \"1s\"")),
    );
    sensor.signal(Signal::SIGHUP);

    let policy = rig.record_from(1, "the policy", |record| record["body"]["event"] == "policy");
    let digest = rig.status()["sensor"]["policy"].clone();
    assert_eq!(policy["body"]["digest"], digest);
    assert_ne!(digest, before);
    let file = rig.policy().display().to_string();
    assert_eq!(policy["body"]["sources"][0], file.as_str());
    let resolved =
        rig.record_from(1, "the finding is resolved", |record| record["body"]["change"] == "resolved");
    assert_eq!(resolved["body"]["subject"], "user:toor");
    let from = resolved["seq"].as_u64().unwrap();
    for _ in 0..2 {
        let beat = rig.record_from(from, "a beat", |record| record["kind"] == "heartbeat");
        let short = beat["body"]["policy"].as_str().unwrap();
        assert!(digest.as_str().unwrap().starts_with(short) && !short.is_empty(), "{beat}");
    }
    let sealed = rig.record_from(from, "a checkpoint", |record| record["kind"] == "checkpoint");
    assert_eq!(sealed["body"]["policy"], digest);
}

/// The look that is under way when the policy comes was ordered by the old one, and must not stand in for the new one's.
#[test]
fn a_policy_that_comes_during_a_look_has_a_look_of_its_own() {
    // A look at the network and all processes takes long enough to come in between.
    let rig = Rig::with_etc(&["accounts", "services", "credentials"], SELDOM);
    rig.append_to_etc("passwd", "toor:x:0:0::/root:/bin/sh\n");
    let sensor = rig.start("run");
    assert_eq!(rig.status()["sensor"]["looking"], true, "the look was over before it could be disturbed");
    rig.write_policy(&[ROOTS], &format!("{SELDOM}\n[checks.accounts-extra-uid-0]\nenabled = false"));
    sensor.signal(Signal::SIGHUP);
    rig.record_from(1, "the policy", |record| record["body"]["event"] == "policy");
    let told =
        rig.record_from(1, "the old look's finding", |record| record["body"]["subject"] == "user:toor");
    let from = told["seq"].as_u64().unwrap() + 1;
    rig.record_from(from, "the new look resolves it", |record| {
        record["body"]["subject"] == "user:toor" && record["body"]["change"] == "resolved"
    });
}

#[test]
fn a_policy_that_cannot_be_read_is_refused_by_file_line_and_column_and_the_old_one_stays() {
    let rig = Rig::with_etc(&[ROOTS], SELDOM);
    let mut sensor = rig.start("run");
    rig.wait_for_first_look();
    let before = rig.status()["sensor"]["policy"].clone();
    rig.write_policy(&[ROOTS], "[run]\nheartbeet = \"1h\"");
    sensor.signal(Signal::SIGHUP);
    let refused = rig.record_from(1, "a refusal", |record| record["body"]["event"] == "policy-refused");
    let error = refused["body"]["error"].as_str().unwrap();
    let place = format!("{}:2:1", rig.policy().display());
    assert!(error.contains(&place) && error.contains("heartbeet"), "{error}");
    assert_eq!(rig.status()["sensor"]["policy"], before);

    // It still sees, by the old policy.
    rig.append_to_etc("passwd", "toor:x:0:0::/root:/bin/sh\n");
    rig.record_from(1, "a change", |record| record["body"]["subject"] == "user:toor");
    assert!(sensor.is_running());
}
