//! The state directory on another machine: a copy never goes on with its parent's chain, key or spool.

use std::fs;

use super::rig::{ROOTS, Rig, SELDOM};

#[test]
fn a_copy_of_a_machine_begins_an_epoch_of_its_own_without_its_parents_key() {
    let parent = Rig::with_etc(&[ROOTS], SELDOM);
    let copy = Rig::with_etc(&[ROOTS], SELDOM);
    for (rig, id) in
        [(&parent, "11111111111111111111111111111111"), (&copy, "22222222222222222222222222222222")]
    {
        fs::write(rig.etc("machine-id"), format!("{id}\n")).unwrap();
        rig.append_to_etc("passwd", "toor:x:0:0::/root:/bin/sh\n");
    }
    let key = parent.folder().join("first.key");
    assert!(parent.output(&["journal", "init-key", key.to_str().unwrap()]).status.success());
    for which in ["run", "ship"] {
        let daemon = parent.start(which);
        if which == "run" {
            parent.wait_for_first_look();
        } else {
            let all = parent.lines().len() as u64;
            super::rig::until("all is delivered", || {
                (parent.status()["shipper"]["shippers"][0]["position"]["seq"].as_u64() == Some(all))
                    .then_some(())
            });
        }
        daemon.stop();
    }
    let copied =
        std::process::Command::new("cp").arg("-a").arg(parent.state()).arg(copy.state()).status().unwrap();
    assert!(copied.success());

    let sensor = copy.start("run");
    copy.wait_for_first_look();
    let records = copy.records();
    let (first, parents) = (&records[0], &parent.records()[0]);
    assert_eq!(
        (&first["seq"], &first["body"]["event"], &first["body"]["cause"]),
        (&1.into(), &"epoch".into(), &"other-instance".into())
    );
    assert_eq!(first["body"]["from"]["epoch"], parents["epoch"]);
    assert_eq!(first["body"]["from"]["agent"], parents["agent"]);
    assert_ne!(first["epoch"], parents["epoch"]);
    assert!(
        copy.findings()
            .iter()
            .any(|(change, _, subject)| (change.as_str(), subject.as_str()) == ("new", "user:toor"))
    );
    assert!(records.iter().all(|record| record["body"]["key"].is_null()), "sealed with the parent's key");
    let names: Vec<String> = fs::read_dir(copy.state().join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.iter().any(|name| name.starts_with("quarantine-")), "{names:?}");
    assert!(!copy.state().join("seal/key.slots").exists(), "its parent's key is still there");

    // What it delivers is its own, all of it, although its cursor was its parent's.
    fs::remove_dir_all(copy.state().join("log")).unwrap();
    let shipper = copy.start("ship");
    copy.record_from(2, "a checkpoint", |record| record["kind"] == "checkpoint");
    sensor.stop();
    let lines = copy.lines();
    let file = copy.state().join("log/records.jsonl");
    super::rig::until("everything is delivered", || {
        (fs::read_to_string(&file).unwrap_or_default() == lines.join("\n") + "\n").then_some(())
    });
    shipper.stop();

    let both = parent.folder().join("both.jsonl");
    fs::write(&both, [parent.lines(), lines].concat().join("\n")).unwrap();
    let verified = parent.verify(&[&key], &[both]);
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));

    // It may have a key of its own.
    let own = copy.folder().join("own.key");
    assert!(copy.output(&["journal", "init-key", own.to_str().unwrap()]).status.success());
}
