//! `guestward status`: what it says, and that nobody who asks can disturb a daemon.

use std::os::unix::net::UnixStream;

use serde_json::Value;

use super::rig::{OFTEN, ROOTS, Rig, SELDOM, until};
use crate::support::binary::text;

#[test]
fn where_nothing_runs_it_fails_and_says_how_to_start() {
    let rig = Rig::new(&[ROOTS], SELDOM);
    let output = rig.output(&["status"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("`guestward run`") && said.contains("`guestward ship`"), "{said}");
    let output = rig.output(&["status", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["schema"], "guestward.status/1");
    assert_eq!((&status["sensor"]["running"], &status["shipper"]["running"]), (&false.into(), &false.into()));
}

#[test]
fn where_both_run_it_tells_how_both_are() {
    let rig = Rig::new(&[ROOTS], OFTEN);
    let sensor = rig.start("run");
    rig.wait_for_first_look();

    let alone = rig.output(&["status"]);
    assert_eq!(alone.status.code(), Some(1), "half of it does not run");
    let said = rig.status();
    assert_eq!((&said["sensor"]["running"], &said["shipper"]["running"]), (&true.into(), &false.into()));
    let backlog = &said["sensor"]["backlog"][0];
    assert!(backlog["records"].as_u64() > Some(2) && backlog["bytes"].as_u64() > Some(500), "{backlog}");
    assert!(backlog["oldest"].as_str().unwrap().ends_with('Z'), "the oldest that is undelivered");

    let shipper = rig.start("ship");
    let status = until("everything is delivered", || {
        let status = rig.status();
        let shipped = &status["shipper"]["shippers"][0];
        (shipped["delivered_records"].as_u64() > Some(2)
            && !shipped["last_delivery"].is_null()
            && !shipped["position"].is_null())
        .then_some(status)
    });
    let (run, ship) = (&status["sensor"], &status["shipper"]);
    assert_eq!(status["schema"], "guestward.status/1");
    assert_eq!((&run["pid"], &ship["pid"]), (&sensor.pid().into(), &shipper.pid().into()));
    for said in [run, ship] {
        assert!(said["rss"].as_u64() > Some(1_000_000), "{said}");
        assert!(said["cpu_s"].is_f64() && said["up_s"].is_u64() && said["version"].is_string(), "{said}");
    }
    assert!(run["last_seq"].as_u64() > Some(2) && run["last_record"].as_str().unwrap().ends_with('Z'));
    assert_eq!((&run["gaps"], &run["dropped"], &run["waiting"]), (&0.into(), &0.into(), &0.into()));
    assert_eq!(run["policy"].as_str().unwrap().len(), 43);
    let shipped = &ship["shippers"][0];
    assert_eq!((&shipped["name"], &shipped["rejected"]), (&"local".into(), &serde_json::json!({})));
    assert!(shipped["position"]["seq"].is_u64() && shipped["backlog"]["records"].is_u64(), "{shipped}");

    let output = rig.output(&["status"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let said = text(&output.stdout);
    for word in
        ["sensor   running: pid", "shipper  running: pid", "last record", "to deliver", "0 gaps", "policy"]
    {
        assert!(said.contains(word), "no {word:?} in\n{said}");
    }
}

#[test]
fn who_connects_and_never_reads_disturbs_nobody() {
    let rig = Rig::new(&[ROOTS], OFTEN);
    let _sensor = rig.start("run");
    let _shipper = rig.start("ship");
    let sockets = ["sensor.sock", "shipper.sock"].map(|name| rig.state().join("run").join(name));
    let _mute: Vec<UnixStream> =
        sockets.iter().cycle().take(40).map(|path| UnixStream::connect(path).unwrap()).collect();
    let before = rig.status()["sensor"]["last_seq"].as_u64().unwrap();
    rig.sensor_until("the beats go on", |sensor| sensor["last_seq"].as_u64() > Some(before + 3));
    let status = rig.status();
    assert_eq!((&status["sensor"]["running"], &status["shipper"]["running"]), (&true.into(), &true.into()));
}

#[test]
fn a_second_of_a_kind_is_turned_away_with_the_pid_of_the_first() {
    let rig = Rig::new(&[ROOTS], SELDOM);
    for which in ["run", "ship"] {
        let mut first = rig.start(which);
        let second = rig.output(&[which]);
        assert_eq!(second.status.code(), Some(2));
        let said = text(&second.stderr);
        assert!(said.contains(&format!("process {}", first.pid())), "{said}");
        assert!(
            first.is_running()
                && rig.status()[if which == "run" { "sensor" } else { "shipper" }]["running"] == true
        );
    }
}
